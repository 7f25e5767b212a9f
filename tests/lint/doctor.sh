#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# doctor.sh SOURCE_ROOT - the table of checks, the code, the man page
#
# Each check of src/model/doctor/doctor.def has a name of its own, is answered by some code, and
# stands in the section CHECKS of gpuanchor(1) below its group.
set -eu
export LC_ALL=C

cd "$1"
table=src/model/doctor/doctor.def
man=man/gpuanchor.1.scd
work=$(mktemp -d "${TMPDIR:-/tmp}/doctor.XXXXXX")
trap 'rm -rf "$work"' EXIT
failed=0

bad() { echo "doctor: $*" >&2 && failed=1; }

sed -n 's/^CHECK(\([A-Z_]*\), "\([a-z-]*\)", \([A-Z]*\), "[A-Za-z].*[^.]")$/\1 \2 \3/p' $table >"$work/table"
[ "$(wc -l <"$work/table")" = "$(grep -c '^CHECK(' $table)" ] || bad "$table: an entry cannot be read"
twice=$(cut -d' ' -f2 "$work/table" | sort | uniq -d)
[ -z "$twice" ] || bad "$table: twice: $twice"
while read -r symbol name _; do
    grep -q -w -r --include='*.c' "DOCTOR_$symbol" src || bad "$table: $name: nobody answers it"
done <"$work/table"

# "*host* - ..." heads a group, "*name*" on a line of its own is a check
sed -n '/doctor_group_name(/,/^}/p' src/model/doctor/doctor.c | grep -o '\[DOCTOR_[A-Z]*\] = "[a-z0-9-]*"' |
    sed 's/\[DOCTOR_\(.*\)\] = "\(.*\)"/\1 \2/' >"$work/groups"
[ "$(wc -l <"$work/groups")" = 6 ] || bad "src/model/doctor/doctor.c: the groups' names cannot be read"
awk 'FNR == NR { name[$1] = $2; next } { print name[$3], $2 }' "$work/groups" "$work/table" |
    sort >"$work/code"
sed -n '/^# CHECKS/,/^# OPTIONS/p' $man | awk '
    /^\*[a-z0-9-]*\* - / { gsub(/\*/, "", $1); group = $1 }
    /^\*[a-z0-9-]*\*(, \*[a-z0-9-]*\*)*$/ { gsub(/[*,]/, ""); for (i = 1; i <= NF; i++) print group, $i }' | sort >"$work/man"
diff -u "$work/code" "$work/man" >&2 || bad "$table and CHECKS of $man differ"
exit "$failed"
