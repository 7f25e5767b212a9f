#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""sentences.py SOURCE_ROOT - sentences stand in tables

What a person reads is an entry of a .def table, where it can be found, reviewed and compared with
the rest. So a string of a .c or .h file has no two words in a row, except in the tables of verbs
and options, and what ALLOWED names, with the reason.
"""
import os
import re
import sys

# two words with a blank between them, or a place and a word
SENTENCE = re.compile(r"(?:[A-Za-z']|%[a-z]+)[,;:.)]*\s+\(?[a-z']{2,}\b")
TABLES = re.compile(r"\b(?:const struct verb verb_\w+|options\[OPTS\]) = \{.*?\n\};", re.S)

# file -> expressions for strings that are no sentence of a table, and why
ALLOWED = {
    # the mains of hook and daemon: usage, for a call that no person makes
    "hooks/gpuanchor-hook.c": [r"usage: gpuanchor-hook VMID PHASE", r"gpuanchor-hook: '%s' is no VMID"],
    "src/daemon/main.c": [r"gpuanchord: cannot watch", r"Usage: gpuanchord", r"gpuanchord: takes no arguments"],
    # base knows no table of rooms above it
    "src/base/arena.c": [r"gpuanchor: out of memory"],
    "src/base/spawn.c": [r"%s is not in /usr/sbin"],
    # headings
    "src/model/doctor/doctor.c": [r"Layer [123]: ", r"Container file$", r"Inside the container$"],
    "src/render/prometheus.c": [r"# HELP ", r"(Containers|The|Version|What|Whether)\b.*\.$"],
    # comments in files that gpuanchor writes
    "src/model/guest/upkeep.c": [r"# Written by", r"# Own settings", r"DeviceAllow="],
    "src/model/policy/edit.c": [r"# Policy of one container", r"# gpuanchor.conf\(5\)"],
    # formats and commands that programs read
    "src/cli/report/host.c": [r""],
    "src/model/report/host-text.c": [r""],
    "src/model/guest/upkeep-script.c": [r""],
    "src/model/doctor/service-checks.c": [r"DeviceAllow="],
    "src/model/watch/baseline.c": [r"driver nvidia "],
    "src/model/conf/devline.c": [r"none bind,optional,create=file$"],
    "src/model/plan/edit/line-class.c": [r"%s rwm?$"],
    "src/model/plan/open-rule.c": [r"%s rwm$"],
    "src/cli/enrol/snippet.c": [r"dir: local$", r"#!/bin/sh"],
    "src/cli/report/collect.c": [r"this gpuanchor $"],
    # names of files to watch
    "src/daemon/manager.c": [r"[a-z.]+ [a-z. ]+$"],
    # what the programs of a container print
    "src/model/guest/program-output.c": [r""],
}

TOKEN = re.compile(
    r"/\*.*?\*/|//[^\n]*"  # comments
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'(?:\\.|[^'\\])+'"
    r"|\s+|[A-Za-z_]\w*|.",
    re.S,
)


def strings(text):
    """(offset, content) of each string; those beside each other are one"""
    start, content = None, ""
    for match in TOKEN.finditer(text):
        token = match[0]
        if token[0] == '"':
            start = match.start() if start is None else start
            content += token[1:-1]
        elif not token.isspace() and not token.startswith(("/*", "//")):
            if start is not None:
                yield start, content
            start, content = None, ""


def sentences(text):
    tables = [match.span() for match in TABLES.finditer(text)]
    for at, content in strings(text):
        line = text[text.rfind("\n", 0, at) + 1 : at]
        if not SENTENCE.search(re.sub(r"\\[ntr]", " ", content)) or "_Static_assert(" in line:
            continue
        if not any(start < at < end for start, end in tables):
            yield at, content


def main(root):
    os.chdir(root)
    bad, used = [], set()
    for top in "src", "hooks":
        for folder, _, names in os.walk(top):
            for path in sorted(f"{folder}/{name}" for name in names if name.endswith((".c", ".h"))):
                text = open(path).read()
                for at, content in sentences(text):
                    allowed = {(path, e) for e in ALLOWED.get(path, []) if re.match(e, content)}
                    used |= allowed
                    if not allowed:
                        line = text.count("\n", 0, at) + 1
                        bad.append(f'{path}:{line}: "{content}": a sentence belongs in a .def table')
    for path, expressions in ALLOWED.items():
        bad += [f"{path}: nothing is allowed by {e!r}" for e in expressions if (path, e) not in used]
    for line in bad:
        print(line)
    return bool(bad)


sys.exit(main(sys.argv[1]))
