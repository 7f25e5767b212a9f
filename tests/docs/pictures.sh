#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# pictures.sh - the pictures of README are there, and say what the files do that they come from
set -eu
export LC_ALL=C.UTF-8

cd "$(dirname "$0")/../.."
work=$(mktemp -d "${TMPDIR:-/tmp}/pictures.XXXXXX")
trap 'rm -rf "$work"' EXIT
failed=0
bad() { echo "pictures: $*" >&2 && failed=1; }

for picture in doc/*.svg; do
    # well-formed, and for those who cannot see it a title
    python3 -c 'import sys, xml.etree.ElementTree as tree
assert tree.parse(sys.argv[1]).getroot().find("{http://www.w3.org/2000/svg}title").text' "$picture" ||
        bad "$picture"
    # with a description in README for readers of plain text
    grep -q "^!\[.\{60,\}\]($picture)" README.md || grep -q "^\[.*\]($picture)" README.md || bad "README.md does not show $picture"
done

for name in session unplug; do
    title=$(sed -n 's/^<title>\(.*\)<.title>$/\1/p' doc/$name.svg)
    python3 tests/svg.py "$title" <tests/vm/$name.txt | cmp - doc/$name.svg ||
        bad "doc/$name.svg was not drawn from tests/vm/$name.txt: sh tests/record.sh --draw"
done

# programs and files that the flow names
grep -o '>gpuanchor[a-z-]*<' doc/flow.svg | tr -d '<>' >"$work/programs"
[ "$(wc -l <"$work/programs")" = 2 ] || bad "doc/flow.svg: its programs cannot be read"
while read -r program; do
    grep -rq "'$program'" src/*/meson.build hooks/meson.build || bad "doc/flow.svg: no program $program"
done <"$work/programs"
grep -o '>gpuanchor[a-z-]*\.service<' doc/flow.svg | tr -d '<>' >"$work/units"
[ -s "$work/units" ] || bad "doc/flow.svg: its unit cannot be read"
while read -r unit; do
    [ -e "systemd/$unit" ] || [ -e "systemd/$unit.in" ] || bad "doc/flow.svg: no unit $unit"
done <"$work/units"
grep -o '/[a-z]*/[a-z/]*101[a-z./]*' doc/flow.svg | sed 's/101.*//' | sort -u >"$work/paths"
while read -r path; do
    grep -rqF "$path" src/pve || bad "doc/flow.svg: nobody uses $path"
done <"$work/paths"
exit "$failed"
