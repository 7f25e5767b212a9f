#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# vocabulary.sh CATALOG - the fields of messages, and the catalog that names them
#
# Each field that the code sends is in gpuanchord(8), and no other. The catalog fills in none that
# is not sent, and is one that journalctl takes. Its entries: tests/unit/test-finding-table.c.
set -eu
export LC_ALL=C

catalog=$(realpath "$1")
cd "$(dirname "$0")/../.."
man=man/gpuanchord.8.scd
work=$(mktemp -d "${TMPDIR:-/tmp}/vocabulary.XXXXXX")
trap 'rm -rf "$work"' EXIT
failed=0

bad() { echo "vocabulary: $*" >&2 && failed=1; }
same() { # WHAT FILE FILE
    diff -u "$2" "$3" >&2 || bad "$1"
}

sed -n 's/.*add(&fields, "\([A-Z_]*\)".*/\1/p' src/render/journal.c | sort -u >"$work/sent"
sed -n '/^\*[A-Z_]*\*\(, \*[A-Z_]*\*\)*$/s/[*,]//gp' $man | tr ' ' '\n' |
    grep -E '^(GPUANCHOR_|MESSAGE|PRIORITY|SYSLOG)' | sort -u >"$work/described"
same "fields of src/render/journal.c and $man differ" "$work/sent" "$work/described"
grep -o '@[A-Z_]*@' "$catalog" | tr -d @ | sort -u | comm -23 - "$work/sent" >"$work/unknown"
[ ! -s "$work/unknown" ] || bad "$catalog: fields that are never sent: $(cat "$work/unknown")"

if command -v journalctl >/dev/null; then
    mkdir -p "$work/root/usr/lib/systemd/catalog" "$work/root/var/lib/systemd/catalog"
    cp "$catalog" "$work/root/usr/lib/systemd/catalog/"
    journalctl --root="$work/root" --update-catalog 2>"$work/err" || bad "journalctl: $(cat "$work/err")"
    journalctl --root="$work/root" --list-catalog 2>/dev/null | cut -d' ' -f1 | sort >"$work/listed"
    ! grep '{[a-z]*}' "$catalog" || bad "a place of the catalog is not filled in"
    sed -n 's/^-- \([0-9a-f]\{32\}\)$/\1/p' "$catalog" | sort >"$work/ids"
    same "journalctl does not know all of $catalog" "$work/ids" "$work/listed"
fi
exit "$failed"
