#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# man.sh GPUANCHOR KEYS - the man pages say what the code does
#
# They render without a warning and fit 80 columns; examples are blocks, and no word is divided. Keys and defaults are the same in the code, in
# conf/gpuanchor.conf and in gpuanchor.conf(5); KEYS, of keys.c, prints those of the code. A completion
# offers the words that a setting takes, and --help, gpuanchor.conf(5) and completions name every preset.
# The kinds of node are those of family.def.
# Neither gpuanchor(1) nor a completion knows a verb or an option that the command lacks (the other way
# round: tests/cli). Pages that are named exist.
set -eu
export LC_ALL=C.UTF-8
unset GPUANCHOR_ROOT

gpuanchor=$(realpath "${1:?usage: man.sh GPUANCHOR KEYS}")
keys=$(realpath "${2:?usage: man.sh GPUANCHOR KEYS}")
cd "$(dirname "$0")/../.."
work=$(mktemp -d "${TMPDIR:-/tmp}/man.XXXXXX")
trap 'rm -rf "$work"' EXIT
failed=0

bad() { echo "man: $*" >&2 && failed=1; }
same() { diff -u "$2" "$3" >&2 || bad "$1"; } # WHAT FILE FILE

# ---- every page by itself

for source in man/*.scd; do
    page=$(basename "$source" .scd)
    sh man/page.sh scdoc <"$source" >"$work/$page" || { bad "$page: scdoc"; continue; }
    if command -v man >/dev/null; then
        MANWIDTH=80 man -l --warnings -P cat "$work/$page" >"$work/text" 2>"$work/warnings"
        [ ! -s "$work/warnings" ] || bad "$page: $(cat "$work/warnings")"
        [ "$(wc -L <"$work/text")" -le 80 ] || bad "$page: a line is wider than 80 columns"
        ! grep '[[:alnum:]][-‐]$' "$work/text" || bad "$page: a line ends within a word"
        # an example is one block: four columns right of the text, as it stands in the source
        ! grep -n '^	.*++$' "$source" || bad "$page: an example without \`\`\`"
        awk '/^```$/ { inside = !inside; next } inside { sub(/^\t/, "     "); print "           " $0 }' "$source" |
            grep -vxF -f "$work/text" >"$work/unknown" || :
        [ ! -s "$work/unknown" ] || bad "$page: not one block: $(cat "$work/unknown")"
    fi
    grep -q "'$page'\|\"$page\"\|$page" man/meson.build || bad "$page: is not installed"
    sed -n 's/[^*]*\*\(gpuanchor[a-z.-]*\)\*(\([1-8]\))/\1.\2\n/gp' "$source" | grep '^gpuanchor' | sort -u |
        while read -r named; do
            [ -e "man/$named.scd" ] || echo "$named"
        done >"$work/unknown"
    [ ! -s "$work/unknown" ] || bad "$page: names $(cat "$work/unknown"), which is no page"
done

# fields that a page, an example or the completions speak of; GPUANCHOR_ROOT is in the environment
sed -n 's/.*add(&fields, "\([A-Z_]*\)".*/\1/p' src/render/journal.c | sort -u >"$work/sent"
grep -rhoE 'GPUANCHOR_[A-Z]+' man conf completions README.md | grep -vx GPUANCHOR_ROOT | sort -u |
    comm -23 - "$work/sent" >"$work/unknown"
[ ! -s "$work/unknown" ] || bad "fields that are never sent: $(cat "$work/unknown")"

# ---- the kinds of message, in order; that all are there: tests/unit/test-finding-table.c

sed -n '/^# KINDS OF MESSAGES/,/^# MAIL/s/^\*\(.*\)\*$/\1/p' man/gpuanchord.8.scd >"$work/listed"
[ -s "$work/listed" ] || bad "gpuanchord(8): no kinds of messages"
LC_ALL=C sort -c "$work/listed" || bad "gpuanchord(8): kinds of messages are not in order"
code=$(sed -n 's/^journalctl GPUANCHOR_CODE=\(.*-wrong.*\)/\1/p' man/gpuanchord.8.scd)
id=$(sed -n 's/^journalctl MESSAGE_ID=//p' man/gpuanchord.8.scd)
grep -A1 -x "\*$code\*" man/gpuanchord.8.scd | grep -q " $id\$" || bad "gpuanchord(8): MESSAGE_ID of the example"

# ---- keys, their order and their defaults

"$keys" >"$work/keys"
awk -F'\t' '$1 != "preset" { print $2 }' "$work/keys" >"$work/code"
sed -n 's/^#\([a-z-]*\) =.*/\1/p' conf/gpuanchor.conf >"$work/conf"
same "keys of the code and of conf/gpuanchor.conf differ" "$work/code" "$work/conf"
sed -n '/^# KEYS/,/^# PINS/{/^\*/p}' man/gpuanchor.conf.5.scd | grep -o '[a-z][a-z-]* =\*' | sed 's/ =\*//' >"$work/man"
same "keys of the code and of gpuanchor.conf(5) differ" "$work/code" "$work/man"

# the paragraph of a key in the man page, on one line
paragraph() {
    awk -v key="$1" '
        /^#/ { inside = 0 }
        /^\*/ { inside = index($0, "*" key " =*") > 0 }
        inside { text = text " " $0 }
        END { gsub(/[ \t]+/, " ", text); print text }' man/gpuanchor.conf.5.scd
}
while read -r key; do
    default=$(sed -n "s/^#$key = *//p" conf/gpuanchor.conf)
    text=$(paragraph "$key")
    case $default in
    "") echo "$text" | grep -q 'Default: [a-z]' ;;
    [0-9]*) echo "$text" | grep -q "Default: $default\." ;;
    *) echo "$text" | grep -q "Default: \*$default\*" ;;
    esac || bad "gpuanchor.conf(5): the default of $key is '$default' in conf/gpuanchor.conf"
done <"$work/conf"

# numbers of the watcher: least, most, default
awk -F'\t' '$1 == "daemon" { print $2, $3, $4, $5 }' "$work/keys" >"$work/numbers"
while read -r key least most default; do
    paragraph "$key" | grep -q "$least to $most. Default: $default\." || bad "gpuanchor.conf(5): numbers of $key"
    grep -B2 "^#$key = $default\$" conf/gpuanchor.conf | tr '\n' ' ' | grep -q "$least to $most" ||
        bad "conf/gpuanchor.conf: numbers of $key"
done <"$work/numbers"

# ---- presets, and the words that a setting takes; what gpu takes is asked from the host

awk -F'\t' '$1 == "preset" { print "preset", $2 }
    $4 != "" && $2 != "gpu" {
        sub(/^some of /, "", $3)
        n = split($3, words, ", ")
        for (i = 1; i <= n; i++) if (words[i] ~ /^[a-z]+$/) print $2, words[i]
    }' "$work/keys" >"$work/words"
while read -r key word; do
    for file in completions/*; do
        grep -e "-$key\>\|-l $key " "$file" | grep -q "\<$word\>" || bad "$file: --$key does not offer $word"
    done
done <"$work/words"
"$gpuanchor" enable --help >"$work/help"
sed -n 's/^preset //p' "$work/words" >"$work/presets"
while read -r preset; do
    grep -q "\<$preset\>" "$work/help" || bad "enable --help: no preset $preset"
    grep -qx "\*$preset\*" man/gpuanchor.conf.5.scd || bad "gpuanchor.conf(5): no preset $preset"
done <"$work/presets"

# ---- the kinds of node

kinds=$(sed -n 's/^NODE_KIND([A-Z_]*, "\(.*\)")$/\1/p' src/model/gpu/family.def | tr '\n' ' ')
kinds_are() { # WHERE LIST
    [ "$(echo "$2" | tr -c 'a-z\n' ' ' | xargs) " = "$kinds" ] || bad "$1: kinds of node are not $kinds"
}
kinds_are key.def "$(awk -F'\t' '$2 == "devices" { sub(/^some of /, "", $3); print $3 }' "$work/keys")"
kinds_are "gpuanchor.conf(5)" "$(sed -n 's/^\*devices =\* //p' man/gpuanchor.conf.5.scd)"
kinds_are "gpuanchor(1), --devices" \
    "$(sed -n '/^\*.*--devices\*/{n;s/Some of//;s/ and / /;s/, with .*//;p}' man/gpuanchor.1.scd)"
kinds_are "gpuanchor(1), _kind_" "$(sed -n '/^_kind_$/{n;/_card_/p}' man/gpuanchor.1.scd)"

# ---- no verb and no option too many

"$gpuanchor" --help | sed -n '/^Verbs:/,/^$/s/^  \([a-z]*\) .*/\1/p' | sort >"$work/verbs"
[ -s "$work/verbs" ] || bad "no verbs in --help"
{
    "$gpuanchor" --help
    while read -r verb; do "$gpuanchor" "$verb" --help; done <"$work/verbs"
} | sed -n '/^Options:/,/^$/s/^  .. *\(--[a-z-]*\).*/\1/p;s/^  -., \(--[a-z-]*\).*/\1/p' | sort -u >"$work/options"
[ -s "$work/options" ] || bad "no options in --help"

sed -n '/^# SYNOPSIS/,/^# DESC/s/^\*gpuanchor\* \*\([a-z]*\)\*.*/\1/p' man/gpuanchor.1.scd | sort >"$work/man-verbs"
same "verbs of --help and of the synopsis of gpuanchor(1) differ" "$work/verbs" "$work/man-verbs"
sed -n '/^# VERBS/,/^# [^V]/s/^\*\([a-z]*\)\*.*/\1/p' man/gpuanchor.1.scd | sort >"$work/man-verbs"
same "verbs of --help and of gpuanchor(1) differ" "$work/verbs" "$work/man-verbs"
sed -n '/^# OPTIONS/,/^# EXIT/s/^\(\*-.\*, \)\{0,1\}\*\(--[a-z-]*\)\*.*/\2/p' man/gpuanchor.1.scd | sort >"$work/man-options"
same "options of --help and of gpuanchor(1) differ" "$work/options" "$work/man-options"

for file in completions/gpuanchor.bash completions/_gpuanchor; do
    grep -o -e '[^a-z-]--[a-z][a-z-]*' $file | sed 's/^[^-]*//' | sort -u | comm -23 - "$work/options" >"$work/unknown"
    [ ! -s "$work/unknown" ] || bad "$file: options that gpuanchor lacks: $(cat "$work/unknown")"
done
sed -n 's/^complete .* -l \([a-z-]*\).*/--\1/p' completions/gpuanchor.fish | sort -u >"$work/fish"
same "options of --help and of the fish completion differ" "$work/options" "$work/fish"
sed -n "s/.*verbs='\([a-z ]*\)'.*/\1/p" completions/gpuanchor.bash | tr ' ' '\n' | sort >"$work/bash-verbs"
same "verbs of --help and of the bash completion differ" "$work/verbs" "$work/bash-verbs"
sed -n 's/^set -l verbs //p' completions/gpuanchor.fish | tr ' ' '\n' | sort >"$work/fish-verbs"
same "verbs of --help and of the fish completion differ" "$work/verbs" "$work/fish-verbs"

[ "$failed" = 0 ] && echo "man: pages, $(wc -l <"$work/code") keys, $(wc -l <"$work/verbs") verbs and $(wc -l <"$work/options") options agree"
exit "$failed"
