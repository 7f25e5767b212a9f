#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# findings.sh SOURCE_ROOT - the one vocabulary, src/model/finding/finding.def
#
# Codes and MESSAGE_IDs are unique and well formed, texts are one sentence without a full
# stop and without places that nobody fills in, and everything that can be said is said
# somewhere.
set -eu
export LC_ALL=C

cd "$1"

# one entry in a line, fields apart by \001
entries() {
        awk '
        /^FINDING\(/ { inside = 1; entry = "" }
        inside { sub(/^[ \t]+/, ""); entry = entry $0 " " }
        inside && /\)[ \t]*$/ {
                inside = 0
                sub(/^FINDING\(/, "", entry)
                sub(/\)[ \t]*$/, "", entry)
                gsub(/" +"/, "", entry)              # "a" "b" is one string
                out = ""
                while (entry != "") {
                        if (substr(entry, 1, 1) == "\"") {
                                match(entry, /^"([^"\\]|\\.)*"/)
                                field = substr(entry, 2, RLENGTH - 2)
                        } else {
                                match(entry, /^[^,]*/)
                                field = substr(entry, 1, RLENGTH)
                        }
                        out = out (out == "" ? "" : "\001") (field == "" ? "-" : field)
                        entry = substr(entry, RLENGTH + 1)
                        sub(/^[ ,]+/, "", entry)
                }
                print out
        }' src/model/finding/finding.def
}

bad=$(
        entries | awk -F '\001' '
        function complain(text) { print "finding.def: " $1 ": " text }
        function check_places(s,   place) {
                while (match(s, /\{[^}]*\}?/)) {
                        place = substr(s, RSTART, RLENGTH)
                        if (place !~ /^\{(gpu|old|new|what|where|vmid)\}$/)
                                complain("nobody fills in " place)
                        s = substr(s, RSTART + RLENGTH)
                }
        }
        NF != 6 { complain(NF " fields instead of 6"); next }
        $1 !~ /^[A-Z][A-Z_]*$/ { complain("symbol") }
        $2 !~ /^[a-z][a-z-]*[a-z]$/ { complain("code \"" $2 "\"") }
        $3 !~ /^SEV_(ERROR|WARNING|NOTICE|INFO)$/ { complain("severity " $3) }
        length($4) != 32 || $4 !~ /^[0-9a-f]+$/ { complain("MESSAGE_ID is not 32 small hex digits") }
        substr($4, 13, 1) != "4" || substr($4, 17, 1) !~ /[89ab]/ { complain("MESSAGE_ID was not made by systemd-id128 new") }
        $2 in code { complain("code \"" $2 "\" is " code[$2] "\047s") }
        $4 in id { complain("MESSAGE_ID is " id[$4] "\047s") }
        $5 in text { complain("text is " text[$5] "\047s") }
        $5 ~ /[.!]$/ || $6 ~ /[.!]$/ { complain("ends in a full stop") }
        $5 ~ /\. [A-Z]/ { complain("more than one sentence") }
        $5 ~ /\\n|^ | $|  / || $6 ~ /\\n|^ | $|  / { complain("blanks or line ends") }
        $5 == "-" { complain("no text") }
        $6 == "-" && $3 ~ /ERROR/ && $1 !~ /^(GUEST_TEMPLATE|READ_FAILED)$/ { complain("an error without a remedy") }
        {
                code[$2] = $1
                id[$4] = $1
                text[$5] = $1
                check_places($5)
                check_places($6)
        }
        END { if (NR < 10) print "finding.def: only " NR " entries were understood" }'

        entries | cut -d "$(printf '\001')" -f 1 | while read -r symbol; do
                grep -q -w -r --include='*.c' "FINDING_$symbol" src hooks ||
                        echo "finding.def: $symbol: nobody says it"
        done

        # every FINDING_ that is said is in the table
        grep -h -o -w -r --include='*.c' 'FINDING_[A-Z_]*' src hooks | sort -u | while read -r symbol; do
                case $symbol in
                FINDING_CODES | FINDING_) continue ;;
                esac
                entries | grep -q "^${symbol#FINDING_}$(printf '\001')" ||
                        echo "$symbol: not in finding.def"
        done
)
if [ -n "$bad" ]; then
        echo "$bad"
        exit 1
fi
