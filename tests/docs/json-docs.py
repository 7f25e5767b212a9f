#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# json-docs.py GPUANCHOR - what gpuanchor(1) says about JSON is what comes out
#
# The lists of its section JSON against the objects that the verbs print on sample hosts: every
# field that is documented comes out at least once, no other one does, and each object has the
# schema number of the page. "see *a node*" stands for the fields of that list. The examples with
# jq are run as they stand.
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

SOURCE = os.path.realpath(os.path.join(os.path.dirname(__file__), "../.."))
problems = []


def lists(section):
    """Title -> fields that are leaves, those of other lists filled in."""
    rows, title = {}, None
    for line in section.splitlines():
        if re.match(r"\*[^*]+\*$", line):
            title = line.strip("*")
            rows[title] = []
        elif title and line.startswith("_"):
            rows[title].append([re.findall(r"_([^ ]+?)_(?=$|[ ,])", line), ""])
        elif title and line.startswith("\t") and rows[title]:
            rows[title][-1][1] += line.strip() + " "
    fields = {}
    for title, lines in rows.items():
        fields[title] = set()
        for names, meaning in lines:
            other = re.search(r"see \*(an? [a-zA-Z]+)\*", meaning)
            for name in names:
                if other:
                    fields[title] |= {f"{name}.{field}" for part, _ in rows[other[1]] for field in part}
                else:
                    fields[title].add(name)
    for verb, other in re.findall(r"\*([a-z]+) --json\* is the object of \*([a-z]+)\*", section):
        fields[f"{verb} --json"] = fields[f"{other} --json"]
    return {title: found for title, found in fields.items() if title.endswith("--json")}


def leaves(value, path=""):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, path + "[]")
    else:
        yield path


def host(work, name):
    """A sample host with container 101 of the guide, which is to be corrected, and a virtual machine."""
    root = f"{work}/{name}"
    subprocess.run(["sh", f"{SOURCE}/tests/mkhost.sh", f"{SOURCE}/tests/fixtures/hosts/{name}.host", root],
                   check=True)
    os.makedirs(root + "/etc/pve/qemu-server")
    with open(f"{SOURCE}/tests/fixtures/guide-101.conf") as f, open(root + "/etc/pve/lxc/101.conf", "w") as to:
        to.write(f.read().replace("c 226:1 rwm", "c 226:7 rwm"))
    with open(root + "/etc/pve/qemu-server/200.conf", "w") as f:
        f.write("hostpci0: 0000:01:00.0\n")
    if name == "guide-moved":  # two GPUs, and lines older than its groups: somebody has to say which
        os.makedirs(root + "/etc/pve/gpuanchor", exist_ok=True)
        with open(root + "/etc/pve/gpuanchor/101.conf", "w") as f:
            f.write("[container]\ngpu = pci:0000:c1:00.0\n")
        os.makedirs(root + "/run/gpuanchor")  # it runs
        with open(root + "/run/gpuanchor/101", "w") as f:
            f.write("[given]\nnode = /dev/dri/card1 226:1 0000:c1:00.0\n")
        with open(root + "/run/gpuanchor/101.held", "w") as f:
            f.write("node /dev/dri/card1 226:1 660 0 44 0000:c1:00.0\ngate closed 226:0 226:129\n")
    # in the cluster, and managed
    os.makedirs(root + "/etc/pve/nodes/pve1/lxc", exist_ok=True)
    if name == "nvidia":
        with open(root + "/etc/pve/nodes/pve1/lxc/101.conf", "w") as f:
            f.write("hookscript: local:snippets/gpuanchor-hook\nhostname: one\n")
        os.makedirs(root + "/etc/pve/gpuanchor", exist_ok=True)
        with open(root + "/etc/pve/gpuanchor/101.conf", "w") as f:
            f.write("[container]\ngpu = pci:0000:01:00.0\n")
    os.makedirs(root + "/etc/gpuanchor")
    with open(root + "/etc/gpuanchor/gpuanchor.conf", "w") as f:
        f.write("[defaults]\nunheard-of = 1\n")
    return root


def words_of(title):
    """Of "status --cluster --json", a verb with an option."""
    verb, *options = title.split()
    return [verb, *options, *{"plan": ["101"], "doctor": ["101"],
                              "convert": ["--to", "dev", "--dry-run", "101"]}.get(verb, [])]


def run(gpuanchor, root, words):
    r = subprocess.run([gpuanchor, *words], env=dict(os.environ, GPUANCHOR_ROOT=root), capture_output=True, text=True)
    if r.returncode > 1:
        problems.append(f"gpuanchor {' '.join(words)}: exit status {r.returncode}: {r.stderr}")
        return {}
    return json.loads(r.stdout)


def examples(section, gpuanchor, root, work):
    """The code blocks, each a command with what follows it indented."""
    os.symlink(gpuanchor, work + "/gpuanchor")
    env = dict(os.environ, GPUANCHOR_ROOT=root, PATH=work + ":" + os.environ["PATH"])
    n = 0
    for block in re.findall(r"^```\n(.*?)^```", section, re.S | re.M):
        for command in re.sub(r"\n\t", " ", block).splitlines():
            r = subprocess.run(["sh", "-c", command], env=env, capture_output=True, text=True)
            n += 1
            if r.returncode or r.stderr or not r.stdout.strip():
                problems.append(f"{command}\n    exit status {r.returncode}, prints '{r.stdout}' {r.stderr}")
            if "\\" in command:
                problems.append(f"{command}: scdoc takes the backslash away")
    if n < 4:
        problems.append("the examples cannot be read")


def main(gpuanchor):
    with open(SOURCE + "/man/gpuanchor.1.scd") as f:
        section = re.search(r"^# JSON$(.*?)^# ", f.read(), re.S | re.M)[1]
    schema = int(re.search(r"_schema_, which is (\d+)", section)[1])
    documented = lists(section)
    verbs = re.findall(r"^  ([a-z]+) ", subprocess.run([gpuanchor, "--help"], capture_output=True, text=True).stdout,
                       re.M)
    with_json = [v for v in verbs if "--json" in
                 subprocess.run([gpuanchor, v, "--help"], capture_output=True, text=True).stdout]
    if sorted(t for t in documented if len(t.split()) == 2) != sorted(f"{v} --json" for v in with_json):
        problems.append(f"lists of {sorted(documented)}, but --json is for {with_json}")
    with tempfile.TemporaryDirectory() as work:
        roots = [host(work, name) for name in ("guide-moved", "nvidia", "vfio", "fake-node")]
        for title, fields in documented.items():
            verb, seen = title.split()[0], set()
            for root in roots[:1] if verb == "convert" else roots:
                value = run(gpuanchor, root, words_of(title))
                seen |= set(leaves(value))
                if value.get("schema") != schema:
                    problems.append(f"{title}: schema is {value.get('schema')}, in the page {schema}")
            for field in sorted(seen - fields):
                problems.append(f"{title}: {field} is not in the page")
            for field in sorted(fields - seen) if verb != "convert" else []:  # an object that plan has
                problems.append(f"{title}: {field} never comes out")
        examples(section, gpuanchor, roots[0], work)
    print("\n".join(problems) or f"json: {sum(map(len, documented.values()))} fields of {len(documented)} objects agree")
    return 1 if problems else 0


if os.geteuid() != 0 or not shutil.which("jq"):
    print("needs root, for device nodes, and jq")
    sys.exit(77)
sys.exit(main(os.path.realpath(sys.argv[1])))
