#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# hacking.sh - HACKING.md names what is there
#
# Every path that it names exists, every folder with source and every kind of test has its line
# in the map of rooms.
set -eu
export LC_ALL=C

cd "$(dirname "$0")/../.."
failed=0
bad() { echo "HACKING.md: $*" >&2 && failed=1; }

# what is written like a path of this repository: in `code`, or first on a line of the map
{
    # shellcheck disable=SC2016 # a backquote of Markdown
    grep -o '`[^`]*`' HACKING.md | tr -d '`' | tr ' ' '\n'
    sed -n 's/^    \([^ ]*\)  .*/\1/p' HACKING.md
} | sed 's/[,;:]$//' |
    grep -E '^(\.ci|completions|conf|debian|doc|hooks|man|src|systemd|tests)/[^*A-Z]*$|\.(sh|ini|md|build)$' | sort -u >"${TMPDIR:-/tmp}/hacking.$$"
trap 'rm -f "${TMPDIR:-/tmp}/hacking.$$"' EXIT
[ "$(wc -l <"${TMPDIR:-/tmp}/hacking.$$")" -ge 20 ] || bad "its paths cannot be read"
while read -r path; do
    [ -e "$path" ] || bad "$path does not exist"
done <"${TMPDIR:-/tmp}/hacking.$$"

map=$(sed -n '/^## Rooms/,/^## Rules/p' HACKING.md)
for folder in src/*/ tests/*/ hooks/ systemd/ man/ completions/ conf/ doc/ debian/; do
    case $folder in
    tests/*) echo "$map" | grep -qw "$(basename "$folder")/" || bad "$folder is not in the map of rooms" ;;
    *) echo "$map" | grep -q "^    $folder " || bad "$folder is not in the map of rooms" ;;
    esac
done
for folder in src/*/*/; do
    echo "$map" | grep -qw "$(basename "$folder")/" || bad "$folder is not in the map of rooms"
done
[ "$failed" = 0 ] && echo "HACKING.md: every path exists, every room is there"
exit "$failed"
