#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""arrows.py SOURCE_ROOT [LIBMODEL] - which room may include which

A room is a folder of src. The table below says what it may include; a sub-room may always
include what its table entry names and nothing else. Checked beside it: no two files (a .c with
its .h counts as one) include each other in a circle, a header has a .c of its name, a room has
no more than MOST files, a meson.build names the files of its own folder only.

With the library of src/model also its undefined symbols: decisions are pure, so they may call
base's memory and text, and of libc what neither asks the system nor keeps a state.
"""
import collections
import os
import re
import subprocess
import sys

MOST = 20
MODEL = "finding gpu identity idmap conf ways policy plan/choose plan plan/edit guest live doctor watch report".split()
DOMAIN = ["base", "model", "host", "pve", "render", "anchor"]
PURE = ["base/arena.h", "base/bytes.h", "base/number.h"]  # what src/model may know of base: memory and text

# room -> rooms that it may include, besides itself; "model" stands for all of its sub-rooms
MAY = {
    "base": [],
    "host": ["base", "model"],
    "host/probe": ["base", "model"],
    "host/inside": ["base", "model"],
    "host/live": ["base", "model", "host", "host/inside"],
    "pve": ["base", "model"],
    "render": ["base", "model"],
    "anchor": ["base", "model", "host", "host/probe", "host/inside", "host/live", "pve", "render"],
    "anchor/inside": DOMAIN + ["host/inside"],
    "anchor/live": DOMAIN + ["anchor/inside", "host/inside", "host/live"],
    "hooks": DOMAIN + ["anchor/inside", "host/inside", "host/live"],
    "daemon": DOMAIN + ["host/live"],
    "cli": DOMAIN + ["anchor/live", "host/probe", "host/inside"],
    "cli/enrol": DOMAIN + ["host/probe", "cli"],
    "cli/report": DOMAIN + ["host/probe", "cli"],
    "cli/verbs": DOMAIN + ["anchor/inside", "anchor/live", "host/probe", "host/inside", "host/live", "cli", "cli/enrol", "cli/report"],
}
for number, name in enumerate(MODEL):
    MAY[f"model/{name}"] = ["base"] + [f"model/{above}" for above in MODEL[:number]]

# headers without a .c of their name
NO_SOURCE = {"src/model/finding/reason.h"}

failed = False


def complain(text):
    global failed
    failed = True
    print(text)


def files():
    for top in "src", "hooks":
        for folder, _, names in os.walk(top):
            for name in sorted(names):
                if name.endswith((".c", ".h", ".def")):
                    yield folder.removeprefix("src/"), f"{folder}/{name}"


def includes(path):
    for number, line in enumerate(open(path), 1):
        match = re.match(r'\s*#\s*include\s*"([^"]+)"', line)
        if match:
            yield number, match[1]


def may_include(room, other):
    names = MAY[room]
    return other == room or other in names or other.startswith("model/") and "model" in names


def unit(path):
    """a .c and its .h are one"""
    return re.sub(r"\.(c|h|def)$", "", path.removeprefix("src/"))


def circles(arrows):
    """Tarjan's strongly connected components, the ones with more than one member"""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(arrows[node]):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            at = stack.index(node)
            if len(stack) - at > 1:
                found.append(sorted(stack[at:]))
            del stack[at:]

    for node in sorted(arrows):
        if node not in index:
            visit(node)
    return found


def check_includes():
    arrows, rooms, sizes = collections.defaultdict(set), collections.defaultdict(set), collections.Counter()
    for room, path in files():
        sizes[room] += 1
        arrows[unit(path)], rooms[room]
        if room not in MAY:
            complain(f"{path}: the table of {__file__} has no room {room}")
            continue
        if path.endswith(".h") and not os.path.exists(path[:-2] + ".c") and path not in NO_SOURCE:
            complain(f"{path}: no .c of its name")
        for number, header in includes(path):
            other = os.path.dirname(header)
            if not os.path.exists(header if other == "hooks" else "src/" + header) or ".." in header:
                complain(f'{path}:{number}: "{header}": name the room, from src on')
            elif not may_include(room, other):
                complain(f'{path}:{number}: {room} must not include {other} ("{header}")')
            elif room.startswith("model/") and other == "base" and header not in PURE:
                complain(f'{path}:{number}: src/model includes {" ".join(PURE)} of base and nothing else')
            if unit(header) != unit(path):
                arrows[unit(path)].add(unit(header))
            if other != room:
                rooms[room].add(other)
    for circle in circles(arrows) + circles(rooms):
        complain("include each other in a circle: " + ", ".join(circle))
    for room, size in sizes.items():
        if size > MOST:
            complain(f"src/{room}: {size} files, more than {MOST}")


def check_meson():
    for folder, _, names in os.walk("src"):
        if "meson.build" in names:
            text = open(f"{folder}/meson.build").read()
            for name in re.findall(r"'([^']+\.c)'", text):
                if "/" in name:
                    complain(f"{folder}/meson.build: {name} is another folder's")


ALLOWED_SYMBOLS = re.compile(
    r"arena_(alloc|strndup|strdup|printf|grow|done)|strbuf_(add|adds|printf|bytes|str)"
    r"|parse_u32|parse_u64|parse_hex|bytes_\w+|str_distance"
    r"|(__)?mem(chr|cmp|cpy|mem|move|rchr|set)(_chk)?|bcmp"
    r"|(__)?str(n?casecmp|chr|cmp|cspn|len|ncmp|nlen|rchr|spn|str)(_chk)?"
    r"|bsearch|qsort|(__)?snprintf(_chk)?"
    # what compilers and sanitizers add
    r"|_GLOBAL_OFFSET_TABLE_|__stack_chk_fail|__(asan|ubsan|sanitizer|gcov|tsan|msan|sancov|llvm)_.*"
)


def check_symbols(library):
    defined, wanted = set(), set()
    for line in subprocess.run(["nm", library], capture_output=True, text=True).stdout.splitlines():
        words = line.split()
        if len(words) == 3 and words[1] != "U":
            defined.add(words[2])
        elif len(words) == 2 and words[0] == "U":
            wanted.add(words[1])
    if "plan_make" not in defined:
        complain(f"{library}: no symbols to look at")
    for symbol in sorted(wanted - defined):
        if not ALLOWED_SYMBOLS.fullmatch(symbol):
            complain(f"src/model calls {symbol}(): it asks the system, or keeps a state")


library = os.path.realpath(sys.argv[2]) if len(sys.argv) > 2 else None
os.chdir(sys.argv[1])
check_includes()
check_meson()
if library:
    check_symbols(library)
sys.exit(failed)
