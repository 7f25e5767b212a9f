#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# arrows.sh SOURCE_ROOT [LIBMODEL] - who may know whom
#
# Reads every #include "..." of the project: a room includes the rooms named below and no
# other (DESIGN.md, "Rooms"). With the library of src/model also its undefined symbols:
# decisions are pure, so they may call base's memory and text, and of libc what neither
# asks the system nor keeps a state.
set -eu
export LC_ALL=C

library=${2:+$(realpath "$2")}
cd "$1"
failed=0

complain() {
        echo "$*"
        failed=1
}

# room -> what it may include; "." is src itself: anchor.h
may() {
        case $1 in
        base) echo base ;;
        model) echo base model ;;
        host) echo base model host ;;
        pve) echo base model pve ;;
        render) echo base model render ;;
        .) echo base model host pve render . ;;
        cli) echo base model host pve render . cli ;;
        daemon) echo base model host pve render . daemon ;;
        hooks) echo base model host pve render . ;;
        esac
}

includes_of() {
        grep -n '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' "$1" |
                sed 's/^\([0-9]*\):.*"\([^"]*\)".*/\1 \2/'
}

check_file() { # file, its room
        allowed=" $(may "$2") "
        includes_of "$1" | while read -r line header; do
                case $header in
                ../* | */../*) echo "$1:$line: \"$header\": name the room" && continue ;;
                */*) to=${header%%/*} ;;
                *) to=. ;;
                esac
                if [ ! -e "src/$header" ]; then
                        echo "$1:$line: \"$header\": not below src, name the room"
                elif [ "${allowed#* "$to" }" = "$allowed" ]; then
                        echo "$1:$line: $2 must not know $to (\"$header\")"
                fi
        done
}

bad=$(
        for room in base model host pve render cli daemon; do
                for file in "src/$room"/*.[ch] "src/$room"/*.def; do
                        [ ! -e "$file" ] || check_file "$file" "$room"
                done
        done
        for file in src/*.[ch]; do
                check_file "$file" .
        done
        for file in hooks/*.[ch]; do
                check_file "$file" hooks
        done
)
[ -z "$bad" ] || complain "$bad"

# a room that is not in the list above would go unchecked
for folder in src/*/; do
        room=$(basename "$folder")
        [ -n "$(may "$room")" ] || complain "src/$room: a room that nobody has told what it may know"
done

# model takes memory and text from base, not files and processes
bad=$(grep -n '"base/' src/model/*.[ch] | grep -v '"base/base\.h"' || true)
[ -z "$bad" ] || complain "src/model must not know more of base than base.h:
$bad"

if [ $# -gt 1 ]; then
        # defined in the library itself, base's memory and text, libc without system or state,
        # what compilers and sanitizers add
        bad=$(
                nm "$library" 2>/dev/null | awk '
                NF == 3 && $2 != "U" { defined[$3] = 1 }
                NF == 2 && $1 == "U" { wanted[$2] = 1 }
                END {
                        for (symbol in wanted)
                                if (!(symbol in defined))
                                        print symbol
                }' | grep -v -x -E \
                        -e 'arena_(alloc|strndup|strdup|printf|grow|done)|strbuf_(add|adds|printf|bytes|str)' \
                        -e 'parse_u32|parse_hex|bytes_(cut|trim|word)|str_distance' \
                        -e '(__)?mem(chr|cmp|cpy|mem|move|rchr|set)(_chk)?|bcmp' \
                        -e '(__)?str(n?casecmp|chr|cmp|cspn|len|ncmp|nlen|rchr|spn|str)(_chk)?' \
                        -e 'qsort|(__)?snprintf(_chk)?' \
                        -e '_GLOBAL_OFFSET_TABLE_|__stack_chk_fail|__(asan|ubsan|sanitizer|gcov|tsan|msan|sancov|llvm)_.*' |
                        sort
        ) || true
        nm "$library" 2>/dev/null | grep -q ' T plan_make$' || complain "$library: no symbols to look at"
        [ -z "$bad" ] || complain "src/model calls what it must not:
$bad"
fi
exit $failed
