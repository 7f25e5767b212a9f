#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# test-remedies.sh GPUANCHOR HOOK [SEED [COUNT]] - what doctor prints is carried out, on the scenarios' hosts
#
# A check that is wrong and has a command is not wrong after it, or has no command any more: then a
# person must decide, and the text says what. Scenarios are chosen by the seed, which is printed.
# shellcheck disable=SC2317 # the case is called by name
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
hook=$(realpath "$2")
seed=${3-${GPUANCHOR_SEED-$(date +%s)}}
count=${4-25}
# those of one doctor's test: pct, usermod, udevadm, systemctl, groupadd for the folder
sed -n '/^mkdir "\$work\/bin"/,/^PATH=/p' "$tests/cli/test-doctor.sh" >"$work/stand-ins"
# shellcheck disable=SC1091
. "$work/stand-ins"

# CHECK COMMAND of what is wrong; only commands that have a stand-in here, no others run on this machine
wrong() { awk -F'\t' '($3 == "warning" || $3 == "failed") && $6 != "-" { print $2 "\t" $6 }' "$1" |
    awk -F'\t' '{ n = split($2, part, / *(&&|[|][|]|[;|]) */); own = 1
                  for (i = 1; i <= n; i++)
                      own = own && part[i] ~ /^(gpuanchor|pct set|pct unlock|usermod|udevadm|systemctl|groupadd) /
                  if (own && $2 !~ /[`$<>]/) print }' | sort -u; }

# each command once, as printed, but for the folder
carry_out() {
    cut -f 2 "$work/wrong" | awk '!seen[$0]++' >"$work/commands"
    while read -r command; do
        sh -c "$command" </dev/null >>"$work/printed" 2>&1
    done <"$work/commands"
}

remedy() { # folder of a scenario
    rm -rf --one-file-system "$H"
    cp -a "$1" "$H"
    [ -e "$CONF" ] && [ ! -e "$H/usr/sbin" ] || return 0
    mkdir -p "$H/usr/libexec/gpuanchor" "$H/var/lib/vz/snippets"
    ln -s "$work/bin" "$H/usr/sbin"
    install -m 755 /dev/null "$H/usr/libexec/gpuanchor/gpuanchor-hook"
    ln -sf ../../../../usr/libexec/gpuanchor/gpuanchor-hook "$H/var/lib/vz/snippets/gpuanchor-hook"
    : >"$work/printed"
    for _ in 1 2 3; do # one that waits for another: the report is in the order of the chain
        "$gpuanchor" doctor --plain 101 >"$work/out" 2>"$work/err" </dev/null
        [ -s "$work/out" ] || { echo "  ${1##*/}: doctor says nothing: $(cat "$work/err")" >&2 && return 1; }
        wrong "$work/out" >"$work/wrong"
        [ -s "$work/wrong" ] || return 0
        carry_out
    done
    "$gpuanchor" doctor --plain 101 >"$work/out" 2>"$work/err" </dev/null
    wrong "$work/out" >"$work/wrong"
    [ -s "$work/wrong" ] || return 0
    echo "  ${1##*/}: still wrong after its command:" >&2
    sed 's/^/  | /' "$work/wrong" "$work/printed" >&2
    return 1
}

case_remedies() {
    echo "seed $seed"
    # shellcheck disable=SC2046 # names have no blanks
    set -- $(cd "$tests/fixtures/scenarios" && for host in */host; do echo "${host%/host}"; done |
        awk -v seed="$seed" 'BEGIN { srand(seed) } { print rand() "\t" $0 }' | sort -n | head -n "$count" | cut -f 2)
    mkdir "$work/stories"
    sh "$tests/scenarios.sh" --hosts "$work/stories" "$hook" "$@" || fail "no hosts"
    bad=0
    for story in "$work/stories"/*; do
        remedy "$story" || bad=$((bad + 1))
    done
    [ $bad = 0 ] || fail "$bad hosts"
}

cases case_remedies
