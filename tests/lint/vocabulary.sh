#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# vocabulary.sh CATALOG - one vocabulary everywhere
#
# src/model/finding/finding.def is the table of all that can be told. Each of its codes and ids stands
# once in it, in the catalog and in gpuanchord(8), and nowhere else an id that it does not have.
# Each field that the code sends is in the man page. The catalog is one that journalctl takes.
set -eu
export LC_ALL=C

catalog=$(realpath "$1")
cd "$(dirname "$0")/../.."
table=src/model/finding/finding.def
man=man/gpuanchord.8.scd
work=$(mktemp -d "${TMPDIR:-/tmp}/vocabulary.XXXXXX")
trap 'rm -rf "$work"' EXIT
failed=0

bad() { echo "vocabulary: $*" >&2 && failed=1; }
same() { # WHAT FILE FILE
    diff -u "$2" "$3" >&2 || bad "$1"
}

sed -n 's/^FINDING([A-Z_]*, "\([a-z-]*\)", SEV_\([A-Z]*\), "\([0-9a-f]\{32\}\)",$/\1 \2 \3/p' $table |
    tr '[:upper:]' '[:lower:]' | sort >"$work/table"
[ "$(wc -l <"$work/table")" = "$(grep -c '^FINDING(' $table)" ] || bad "$table: an entry cannot be read"
for field in 1 3; do
    twice=$(cut -d' ' -f$field "$work/table" | sort | uniq -d)
    [ -z "$twice" ] || bad "$table: twice: $twice"
done

sed -n '/^\*[a-z-]*\*$/{s/\*//g;N;s/\n\t/ /;p;}' $man | grep -E ' [0-9a-f]{32}$' | sort >"$work/man"
same "$man and $table differ" "$work/table" "$work/man"

sed -n 's/^-- \([0-9a-f]\{32\}\)$/\1/p' "$catalog" | sort >"$work/catalog"
cut -d' ' -f3 "$work/table" | sort >"$work/ids"
same "$catalog and $table differ" "$work/ids" "$work/catalog"
while read -r code _ id; do
    grep -A1 -e "^-- $id\$" "$catalog" | grep -qx "Subject: $code" || bad "$catalog: $id is not $code"
done <"$work/table"

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
    same "journalctl does not know all of $catalog" "$work/ids" "$work/listed"
fi
[ "$failed" = 0 ] && echo "vocabulary: $(wc -l <"$work/table") kinds agree"
exit "$failed"
