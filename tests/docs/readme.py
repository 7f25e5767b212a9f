#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# readme.py [--update] BUILD - run what README.md tells people to type
#
# Fenced blocks, by their info string:
#   console          lines with "# " are typed on a sample host, one after the other, on a terminal
#                    of 100 columns; what they print is what follows
#   console session  these lines stand in tests/vm/session.txt, a recording of a real run
#   sh not-run       needs another machine, a network or systemd; that its verbs, options, files,
#                    units and packages exist is checked
#   text             an output of somebody else, or a file
# Comments that no reader sees set the scene: <!-- test: host NAME --> is a new host,
# <!-- test: renumber NAME --> gives the present one the devices and groups of another, both from
# tests/fixtures/hosts; <!-- test: type COMMAND --> types without showing it. Verbs and options in
# `code` are checked, too, and links to files.
# pct is a stand-in that sets the hookscript, and at a start generates LXC's configuration and runs
# the hook, as Proxmox does.
#
# --update writes what is printed now into README.md.
import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile

SOURCE = os.path.realpath(os.path.join(os.path.dirname(__file__), "../.."))
FENCE = re.compile(r"^```(\S*) ?(.*)$")
DIRECTIVE = re.compile(r"^<!-- test: (host|renumber|type) (.+) -->$")
KNOWN = {"apt", "cd", "git", "meson", "ninja", "pct", "systemctl", "journalctl", "dpkg-buildpackage", "pvesh", "sh"}
PCT = r"""#!/bin/sh
# pct set VMID --hookscript VOLUME | set VMID --delete hookscript | start VMID
root=${0%/*}/../host conf=${0%/*}/../host/etc/pve/lxc/$2.conf
case $1 in
set)
    sed -i /^hookscript:/d "$conf"
    [ "$3" != --hookscript ] || sed -i "/^hostname/i hookscript: $4" "$conf"
    ;;
start)
    mkdir -p "$root/var/lib/lxc/$2"
    perl -w "@SOURCE@/tests/vm/pctconf.pm" "$root" "$2" >"$root/var/lib/lxc/$2/config"
    grep -q '^hookscript: local:snippets/gpuanchor-hook$' "$conf" || exit 0
    exec env GPUANCHOR_ROOT="$root" "$root/usr/libexec/gpuanchor/gpuanchor-hook" "$2" pre-start
    ;;
*) echo "pct $1: not in this stand-in" && exit 1 ;;
esac
"""

problems = []


def bad(line, text):
    problems.append(f"README.md:{line}: {text}")


class Host:
    """A folder that is a host, with container 101 of the usual guide."""

    def __init__(self, work, build):
        self.work, self.root, self.build = work, work + "/host", build
        self.programs = work + "/bin"
        os.mkdir(self.programs)
        for program in "src/cli/gpuanchor", "src/daemon/gpuanchord":
            os.symlink(f"{build}/{program}", f"{self.programs}/{os.path.basename(program)}")
        with open(self.programs + "/pct", "w") as f:
            f.write(PCT.replace("@SOURCE@", SOURCE))
        os.chmod(self.programs + "/pct", 0o755)

    def make(self, name, root):
        shutil.rmtree(root, ignore_errors=True)
        subprocess.run(["sh", SOURCE + "/tests/mkhost.sh", f"{SOURCE}/tests/fixtures/hosts/{name}.host", root],
                       check=True)
        os.makedirs(root + "/sys/fs/cgroup/system.slice/gpuanchord.service")  # as when the watcher runs

    def host(self, name):
        self.make(name, self.root)
        for folder in "/usr/libexec/gpuanchor", "/var/lib/vz/snippets", "/var/lib/dpkg":
            os.makedirs(self.root + folder)
        os.symlink(self.programs, self.root + "/usr/sbin")
        with open(self.root + "/var/lib/dpkg/status", "w") as f:
            f.write("Package: pve-manager\nStatus: install ok installed\nVersion: 9.0.3\n")
        shutil.copy(self.build + "/hooks/gpuanchor-hook", self.root + "/usr/libexec/gpuanchor/")
        with open(SOURCE + "/tests/fixtures/guide-101.conf") as f, \
                open(self.root + "/etc/pve/lxc/101.conf", "w") as to:
            to.writelines(line for line in f if not line.startswith("hookscript"))

    def renumber(self, name):
        self.make(name, self.work + "/other")
        for part in "sys", "dev", "proc", "etc/group", "etc/subgid":
            old = f"{self.root}/{part}"
            (shutil.rmtree if os.path.isdir(old) else os.remove)(old)
            shutil.move(f"{self.work}/other/{part}", old)

    def type(self, command):
        env = dict(os.environ, GPUANCHOR_ROOT=self.root, NO_COLOR="1", TERM="xterm", LC_ALL="C.UTF-8",
                   PATH=self.programs + ":" + os.environ["PATH"])
        out = subprocess.run(["script", "-qec", "stty cols 100 rows 40; " + command, "/dev/null"],
                             stdin=subprocess.DEVNULL, capture_output=True, env=env, cwd=self.work,
                             timeout=60).stdout
        return [line.rstrip() for line in out.decode().replace("\r", "").splitlines()]


def run_block(host, lines, at):
    """The block as it is when it is run now."""
    new = []
    for line in lines:
        if line.startswith("# "):
            new += [line] + host.type(line[2:])
    if new != [line.rstrip() for line in lines]:
        diff = difflib.unified_diff(lines, new, "README.md", "what is printed", lineterm="", n=1)
        bad(at, "prints something else:\n" + "\n".join("    " + line for line in diff))
    return new


def help_of(host, *words):
    r = subprocess.run([host.programs + "/gpuanchor", *words, "--help"], capture_output=True, text=True)
    return r.stdout if r.returncode == 0 else None


def check_gpuanchor(host, words, at):
    """gpuanchor VERB OPTION...: they exist."""
    if words[1:] and re.match(r"[a-z]+$", words[1]):
        text = help_of(host, words[1])
        if text is None:
            return bad(at, f"gpuanchor has no verb {words[1]}")
        for word in words[2:]:
            option = word.split("=")[0]
            if word.startswith("-") and not re.search(rf"(^|[ ,]){re.escape(option)}[ ,\n]", text):
                bad(at, f"gpuanchor {words[1]} has no option {option}")
    elif words[1:] and words[1].startswith("-") and words[1] not in help_of(host):
        bad(at, f"gpuanchor has no option {words[1]}")


def build_packages():
    with open(SOURCE + "/tests/deps.sh") as f:
        return set(re.search(r'^build="([^"]*)"', f.read(), re.M)[1].split())


def check_command(host, command, at):
    words = command.split("#")[0].split()
    if not words:
        return
    if words[0] == "gpuanchor":
        check_gpuanchor(host, words, at)
    elif words[0] not in KNOWN:
        bad(at, f"what is {words[0]}?")
    for word in words:
        if re.match(r"(tests|doc|conf)/", word) and not os.path.exists(f"{SOURCE}/{word}"):
            bad(at, f"no file {word}")
    if words[0] == "systemctl":
        for unit in (w for w in words[2:] if not w.startswith("-")):
            name = unit if "." in unit else f"{unit}.service"
            if not any(os.path.exists(f"{SOURCE}/systemd/{name}{end}") for end in ("", ".in")):
                bad(at, f"no unit {unit}")
    if words[:2] == ["apt", "install"] and "meson" in words:
        named = set(re.findall(r"[\w.+-]+", command))  # in the comment: on some releases
        missing = build_packages() - named - {"libc6-dev", "diffutils"}  # come with others
        if missing:
            bad(at, f"to build it also needs {' '.join(sorted(missing))}")
    if words[0] == "journalctl":
        for word in words:
            field = re.match(r"(GPUANCHOR_[A-Z]+)=", word)
            if field and field[1] not in open(SOURCE + "/src/render/journal.c").read():
                bad(at, f"no field {field[1]}")


def check_prose(host, line, at):
    for code in re.findall(r"`(gpuanchor [^`]*)`", line):
        check_gpuanchor(host, code.split(), at)
    for link in re.findall(r"\]\(([^):]+)\)", line):
        if not os.path.exists(f"{SOURCE}/{link}"):
            bad(at, f"no file {link}")


def check_session(lines, at):
    with open(SOURCE + "/tests/vm/session.txt") as f:
        session = f.read()
    for part in ("\n".join(lines) + "\n").split("\n...\n"):
        if part and "\n" + part.rstrip("\n") + "\n" not in "\n" + session:
            bad(at, "is not in tests/vm/session.txt: " + part.splitlines()[0])


def main(argv):
    update = argv[1:2] == ["--update"]
    build = os.path.realpath(argv[-1])
    for key in "GPUANCHOR_ROOT", "JOURNAL_STREAM":
        os.environ.pop(key, None)
    with open(SOURCE + "/README.md") as f:
        text = f.read().splitlines()
    out, block, counts = [], None, {}
    with tempfile.TemporaryDirectory() as work:
        host = Host(work, build)
        for at, line in enumerate(text, 1):
            directive, fence = DIRECTIVE.match(line), FENCE.match(line)
            if block is not None and line == "```":
                kind, begin, lines = block
                counts[kind] = counts.get(kind, 0) + 1
                if kind == "console":
                    lines = run_block(host, lines, begin)
                elif kind == "console session":
                    check_session(lines, begin)
                elif kind == "sh not-run":
                    for i, command in enumerate(lines, begin + 1):
                        for part in re.split(r" && | \| ", command):
                            check_command(host, part, i)
                elif kind != "text":
                    bad(begin, f"```{kind}: this test does not know what to do with it")
                out += lines
                block = None
            elif block is not None:
                block[2].append(line)
                continue
            elif fence:
                block = (" ".join(fence.groups()).strip(), at, [])
            elif directive:
                getattr(host, directive[1])(directive[2])
            else:
                check_prose(host, line, at)
            out.append(line)
    if not counts.get("console") or not counts.get("console session"):
        bad(1, "its examples cannot be read")
    if update:
        with open(SOURCE + "/README.md", "w") as f:
            f.write("\n".join(out) + "\n")
    print("\n".join(problems) or f"README.md: {counts} are right")
    return 1 if problems and not update else 0


if os.geteuid() != 0 or not shutil.which("script"):
    print("needs root, for device nodes, and script(1) of bsdutils")
    sys.exit(77)
sys.exit(main(sys.argv))
