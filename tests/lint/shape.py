#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""shape.py SOURCE_ROOT - sizes that HACKING.md promises

A function has no more than MOST_PARAMETERS parameters and MOST_LINES lines, a file no more than
MOST_FILE lines. Functions whose form the kernel or a library gives are in GIVEN.
"""
import os
import re
import sys

MOST_PARAMETERS, MOST_LINES, MOST_FILE = 4, 60, 400
GIVEN = {}  # name -> who asks for that form

FUNCTION = re.compile(r"^(?!typedef)[A-Za-z_][\w \t*]*?\b(\w+)\(((?:[^;{}()]|\([^()]*\))*)\)\s*\{", re.M)


def blank(match):
    """comments and strings count as lines, not as text"""
    return re.sub(r"[^\n]", " ", match[0])


def parameters(text):
    depth, n = 0, 0 if text.strip() in ("", "void") else 1
    for c in text:
        depth += (c == "(") - (c == ")")
        n += c == "," and depth == 0
    return n


def main(root):
    os.chdir(root)
    bad = []
    for top in "src", "hooks":
        for folder, _, names in os.walk(top):
            for path in sorted(f"{folder}/{name}" for name in names if name.endswith((".c", ".h"))):
                whole = open(path).read()
                text = re.sub(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"', blank, whole, flags=re.S)
                lines = whole.count("\n")
                if lines > MOST_FILE:
                    bad.append(f"{path}: {lines} lines, more than {MOST_FILE}")
                for match in FUNCTION.finditer(text):
                    line = text.count("\n", 0, match.start()) + 1
                    n = parameters(match[2])
                    if n > MOST_PARAMETERS and match[1] not in GIVEN:
                        bad.append(f"{path}:{line}: {match[1]}() has {n} parameters, more than {MOST_PARAMETERS}")
                    end = text.find("\n}", match.start())
                    n = text.count("\n", match.start(), end) + 2
                    if n > MOST_LINES:
                        bad.append(f"{path}:{line}: {match[1]}() has {n} lines, more than {MOST_LINES}")
    print("\n".join(bad))
    return bool(bad)


sys.exit(main(sys.argv[1]))
