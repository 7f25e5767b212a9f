#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# svg.py TITLE <TEXT >SVG - a terminal session as a picture
#
# A line that begins with "# " is a command, the rest is what it printed. Lines over 100 columns are
# continued between words. The same text gives the same bytes.
import itertools
import re
import sys
from xml.sax.saxutils import escape

COLUMNS, CELL, LINE, MARGIN = 100, 8.4, 18, 16
STYLE = """text { font: 14px monospace; fill: #c9d1d9; white-space: pre }
.command { fill: #ffffff; font-weight: bold }
.prompt, .new { fill: #3fb950 }
.who { fill: #58a6ff }
.old, .error { fill: #ff7b72 }
.warning { fill: #d29922 }"""

# what has a colour: each group is of the class of its name
COLOURED = [re.compile(p) for p in (
    r"(?P<prompt># )(?P<command>.*)",
    r"(?P<who>gpuanchor: )[^:]*:\d+: (?P<old>.*) -> (?P<new>.*)",
    r"(?P<who>gpuanchor: )",
    r".*?(?P<old>\S+ \S+ \S+ \S+) -> (?P<new>[^;]*)",
)]
WORDS = re.compile(r"(?P<warning>warning:?)|(?P<error>error:?)")


def classes(line):
    """the class of each character, "" for none"""
    result = [""] * len(line)
    found = next(filter(None, (p.match(line) for p in COLOURED)), None)
    for match in filter(None, itertools.chain([found], WORDS.finditer(line) if line[:2] != "# " else [])):
        for name in match.groupdict():
            start, end = match.span(name)
            result[start:end] = [name] * (end - start)
    return result


def rows(text):
    """(start of a command, [(character, class)]) for each row"""
    for line in text.splitlines():
        rest = list(zip(line, classes(line)))
        first = line.startswith("# ")
        while len(rest) > COLUMNS:
            cut = next((i for i in range(COLUMNS, COLUMNS // 2, -1) if rest[i][0] == " "), COLUMNS)
            yield first, rest[:cut]
            rest, first = [(" ", "")] * 2 + rest[cut + (rest[cut][0] == " "):], False
        yield first, rest


def main(title):
    lines = []
    for first, row in rows(sys.stdin.read()):
        lines += [[]] * (first and bool(lines)) + [row]
    width, height = round(COLUMNS * CELL + 2 * MARGIN), len(lines) * LINE + 2 * MARGIN
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">')
    print(f"<title>{escape(title)}</title>\n<style>\n{STYLE}\n</style>")
    print(f'<rect width="{width}" height="{height}" rx="8" fill="#161b22"/>')
    for i, row in enumerate(lines):
        parts = [(kind, escape("".join(c for c, _ in run)))
                 for kind, run in itertools.groupby(row, key=lambda cell: cell[1])]
        if parts:
            print(f'<text x="{MARGIN}" y="{MARGIN + LINE * i + 14}" xml:space="preserve">',
                  *(f'<tspan class="{kind}">{part}</tspan>' if kind else part for kind, part in parts),
                  "</text>", sep="")
    print("</svg>")


if len(sys.argv) != 2:
    sys.exit("usage: svg.py TITLE <TEXT >SVG")
main(sys.argv[1])
