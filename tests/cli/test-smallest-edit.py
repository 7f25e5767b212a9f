#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test-smallest-edit.py HOOK [SEED [COUNT]] - a line that changes keeps every byte but those that are wrong

Container files of random lines, in every spelling that Proxmox and LXC read, name the nodes of a
card under the numbers of yesterday. What a start makes of them is known: each wrong token, and
nothing else, is today's. A rule for every node becomes rules for the container's own where it stood.
Then the card is away for a boot and comes back, and with it each line, where it was. Beside the
lines stand others that are nobody's business. Needs root.
"""
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

HOST = """pci 0000:00:02.0 class=030000 id=8086:46d1 sub=1849:46d1 driver=i915
drm 0000:00:02.0 card=1 render=129
group video 44
group render 104
subgid root:100000:65536
subgid root:44:1
subgid root:104:1
subuid root:100000:65536
pve pve1
"""
# kind: name and number of yesterday and today, gid
NODES = {"card": ("/dev/dri/card0", "/dev/dri/card1", "226:0", "226:1", 44),
         "render": ("/dev/dri/renderD128", "/dev/dri/renderD129", "226:128", "226:129", 104)}
GONE = "".join(line for line in HOST.splitlines(True) if "0000:00:02.0" not in line)
WIDE = "(rules) "
FOREIGN = ["lxc.cgroup2.devices.allow: c 10:200 rwm", "lxc.mount.entry: /dev/net/tun dev/net/tun none bind,create=file",
           "#  card0 is the GPU \t", "mp0: /srv/card0,mp=/media", "onboot: 1", "lxc.cap.drop:", "tags:  ",
           "", "   ", "description: /dev/dri/card0 %3A", "lxc.apparmor.profile = unconfined", "dev7: /dev/ttyUSB0,gid=20"]


def odd_path(r, path):
    """the same path, as people write it; a start writes it as the kernel has it"""
    return r.choice([path, path, path, path.replace("/dri/", "//dri/"), path.replace("/dri/", "/./dri/"),
                     "/" + path, path.replace("/dev/", "/dev/dri/../")])


def blanks(r, most=3):
    return "".join(r.choice(" \t") for _ in range(r.randint(1, most)))


def dev(r, kind, index):
    old, new, _, _, gid = NODES[kind]
    options = [f"gid={gid}", r.choice(["uid=0", "uid=1001", ""]), r.choice(["deny-write=1", ""])]
    # what Proxmox would not take, and what it ought to be: only that goes, or is put right
    wrong, right = r.choice([("mode=0660", "mode=0660"), ("mode=660", "mode=0660"), ("foo=bar", ""), ("uid=root", "")])
    options += [wrong] if r.random() < 0.6 else []
    r.shuffle(options)
    options = [o for o in options if o]
    path = odd_path(r, old)
    prefix = r.choice(["", "path="])
    options.insert(r.randint(0, len(options)) if prefix else 0, prefix + path)
    if r.random() < 0.2:  # a second path, of no GPU
        options.insert(len(options), "/dev/ttyUSB7")
    today = [prefix + new if o == prefix + path else right if o == wrong else o for o in options]
    today = [o for o in today if o and o != "/dev/ttyUSB7"]
    head, tail = f"dev{index}:" + r.choice(["", " ", "  ", "\t"]), r.choice(["", " ", "\t "])
    return head + ",".join(options) + tail, head + ",".join(today) + tail


def mount(r, kind):
    old, new, *_ = NODES[kind]
    flags = ["bind", "create=file"] + [f for f in ("optional", "ro", "rw") if r.random() < 0.5][:2]
    r.shuffle(flags)
    head = "lxc.mount.entry" + r.choice([": ", ":", " = ", "="])
    gap, slash = blanks(r), r.choice(["", "", "/"])
    tail = blanks(r) + "none" + blanks(r) + ",".join(flags) + r.choice(["", " 0 0", " 0, 0", "\t0 0", " 0 0  # igpu"])
    return f"{head}{odd_path(r, old)}{gap}{slash}{old[1:]}{tail}", f"{head}{new}{gap}{slash}{new[1:]}{tail}"


def rule(r, kind):
    _, _, old, new, _ = NODES[kind]
    head = "lxc.cgroup2.devices.allow" + r.choice([": ", ":", " = "]) + "c" + blanks(r)
    tail = blanks(r) + r.choice(["rwm", "rw", "r", "mrw"]) + r.choice(["", " #igpu", "  # card0 226:0"])
    return head + old + tail, head + new + tail


def wide(r, kinds):
    """a rule for every node, and in its place the rules of the container's nodes, in any order"""
    head = "lxc.cgroup2.devices.allow" + r.choice([": ", ":", " = "]) + "c" + blanks(r)
    access, tail = r.choice(["rwm", "rw"]), r.choice(["", " #igpu", "  # all of 226"])
    numbers = [re.escape(NODES[k][3]) for k in kinds]
    lines = [re.escape(head) + n + r"\s+" + access + re.escape(tail) for n in numbers]
    plain = [r"lxc\.cgroup2\.devices\.allow: c " + n + " " + access for n in numbers]
    rest = [lines[0] + "END" + plain[-1], lines[-1] + "END" + plain[0]] if len(kinds) > 1 else lines
    return f"{head}226:*{' '}{access}{tail}", WIDE + "|".join(rest)


def is_wanted(got, want, end):
    """want: the bytes, or where a rule was narrowed a pattern of what stands there"""
    pattern = "".join("(" + line[len(WIDE):].rstrip("\r\n").replace("END", end) + ")" +
                      re.escape(line[len(line.rstrip("\r\n")):])
                      if line.startswith(WIDE) else re.escape(line) for line in want.splitlines(True))
    return re.fullmatch(pattern, got) is not None


def without_ends(text):
    return [line.rstrip() for line in text.splitlines()]


def make(r):
    pairs = [("arch: amd64", "arch: amd64"), ("hookscript: local:snippets/gpuanchor-hook",) * 2,
             ("net0: name=eth0,hwaddr=BC:24:11:00:00:01",) * 2]
    privileged = r.random() < 0.5
    form = r.choice(["dev", "mount"])
    index = r.sample(range(7), 2)
    kinds = r.choice([["card", "render"], ["render"], ["render", "card"]])
    narrows = form == "mount" and r.random() < 0.4
    for number, kind in enumerate(kinds):
        pairs.append(dev(r, kind, index[number]) if form == "dev" else mount(r, kind))
        if not narrows:
            pairs.append(rule(r, kind))
    if narrows:
        pairs.insert(r.randint(3, len(pairs)), wide(r, kinds))
    if not privileged:
        pairs.append(("unprivileged: 1",) * 2)
        for line in ("u 0 100000 65536", "g 0 100000 44", "g 44 44 1", "g 45 100045 59", "g 104 104 1",
                     "g 105 100105 65431"):
            pairs.append((f"lxc.idmap: {line}",) * 2)
    for line in r.sample(FOREIGN, r.randint(0, 6)):
        pairs.insert(r.randint(0, len(pairs)), (line, line))
    end = r.choice(["\n", "\n", "\r\n"])
    last = r.choice([end, end, ""])
    if pairs[-1][0].strip() == "":
        last = end
    return (*(end.join(p[i] for p in pairs) + last for i in (0, 1)), end)


def start(hook, root):
    done = subprocess.run([hook, "101", "pre-start"], env={"GPUANCHOR_ROOT": root}, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


def move(here, there):
    """the container with what is remembered of it, to the same host in another state"""
    for path in ("etc/pve/lxc/101.conf", "etc/pve/gpuanchor/101.conf"):
        shutil.copyfile(f"{here}/{path}", f"{there}/{path}")
    shutil.rmtree(f"{there}/var/lib/gpuanchor", ignore_errors=True)
    shutil.copytree(f"{here}/var/lib/gpuanchor", f"{there}/var/lib/gpuanchor")


def main(hook, seed, count):
    tests = os.path.realpath(os.path.dirname(__file__) + "/..")
    work = tempfile.mkdtemp(dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
    try:
        root, gone = f"{work}/root", f"{work}/gone"
        for folder, text in ((root, HOST), (gone, GONE)):
            with open(f"{work}/host", "w") as out:
                out.write(text)
            subprocess.run(["sh", f"{tests}/mkhost.sh", f"{work}/host", folder], check=True)
            os.makedirs(f"{folder}/etc/pve/gpuanchor", exist_ok=True)
        conf, policy = f"{root}/etc/pve/lxc/101.conf", f"{root}/etc/pve/gpuanchor/101.conf"
        for number in range(count):
            r = random.Random(f"{seed} {number}")
            before, want, end = make(r)
            with open(policy, "w") as out:
                out.write("[container]\ngpu = pci:0000:00:02.0\n")
            with open(conf, "wb") as out:
                out.write(before.encode())
            status, said = start(hook, root)
            got = open(conf, "rb").read().decode()
            good = is_wanted(got, want, end) and status == 0
            if good and number % 3 == 0:
                want = got
                move(root, gone)
                said += start(hook, gone)[1]
                move(gone, root)
                status, more = start(hook, root)
                said += more
                got = open(conf, "rb").read().decode()
                # blanks at its end are not remembered
                good = without_ends(got) == without_ends(want) and status == 0
            if not good:
                print(f"not ok {number} of seed {seed}: exit status {status}\n{said}")
                for name, text in (("before", before), ("wanted", want), ("got", got)):
                    print(f"--- {name}\n" + "\n".join(map(repr, text.splitlines(True))))
                return 1
        print(f"ok {count} files of seed {seed}")
        return 0
    finally:
        shutil.rmtree(work)


if os.getuid() != 0:
    print("needs root")
    sys.exit(77)
sys.exit(main(os.path.realpath(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "1",
              int(sys.argv[3]) if len(sys.argv) > 3 else 300))
