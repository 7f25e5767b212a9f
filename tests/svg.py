#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# svg.py TITLE <TEXT >SVG - a terminal session as a picture
#
# A line that begins with "# " is a command, the rest is what it printed. Lines over 100 columns are
# continued, as a terminal does. The same text gives the same bytes.
import sys
from xml.sax.saxutils import escape

COLUMNS, CELL, LINE, MARGIN = 100, 8.4, 18, 16


def rows(text):
    for line in text.splitlines():
        kind = "command" if line.startswith("# ") else "output"
        if kind == "command" and text.index(line) > 0:
            yield kind, ""
        for i in range(0, len(line) or 1, COLUMNS):
            yield kind, line[i:i + COLUMNS]


def main(title):
    lines = list(rows(sys.stdin.read()))
    width, height = round(COLUMNS * CELL + 2 * MARGIN), len(lines) * LINE + 2 * MARGIN
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">')
    print(f"<title>{escape(title)}</title>")
    print("<style>text { font: 14px monospace; fill: #c9d1d9; white-space: pre }"
          " .command { fill: #ffffff; font-weight: bold }</style>")
    print(f'<rect width="{width}" height="{height}" rx="8" fill="#161b22"/>')
    for i, (kind, line) in enumerate(lines):
        if line:
            print(f'<text x="{MARGIN}" y="{MARGIN + LINE * i + 14}" class="{kind}"'
                  f' xml:space="preserve">{escape(line)}</text>')
    print("</svg>")


if len(sys.argv) != 2:
    sys.exit("usage: svg.py TITLE <TEXT >SVG")
main(sys.argv[1])
