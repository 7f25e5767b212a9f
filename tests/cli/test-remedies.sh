#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# test-remedies.sh GPUANCHOR HOOK [SEED [COUNT]] - what doctor prints is carried out, on the scenarios' hosts
#
# A check that is wrong and has a command is not wrong after it, or has no command any more: then a
# person must decide, and the text says what. So it is with the findings of plan and status, whose
# remedies are sentences. Scenarios are chosen by the seed, which is printed.
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

host_of() { # folder of a scenario
    rm -rf --one-file-system "$H"
    cp -a "$1" "$H"
    mkdir -p "$H/usr/libexec/gpuanchor" "$H/var/lib/vz/snippets"
    ln -s "$work/bin" "$H/usr/sbin"
    install -m 755 /dev/null "$H/usr/libexec/gpuanchor/gpuanchor-hook"
    ln -sf ../../../../usr/libexec/gpuanchor/gpuanchor-hook "$H/var/lib/vz/snippets/gpuanchor-hook"
}
is_for_us() { [ -e "$1/etc/pve/lxc/101.conf" ] && [ ! -e "$1/usr/sbin" ]; } # folder of a scenario

remedy() { # folder of a scenario
    is_for_us "$1" || return 0
    host_of "$1"
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

# a finding whose remedy was run is not there any more, or has no command any more; but where the command
# is refused for another fault, or a person is asked to choose
remedies_of_findings() { # folder of a scenario
    is_for_us "$1" || return 0
    host_of "$1"
    python3 "$tests/cli/remedies.py" >"$work/found" || return 1
    awk -F'\t' '$2 != ""' "$work/found" >"$work/to-run"
    remains=0
    while IFS='	' read -r finding commands; do
        host_of "$1"
        sh -c "$commands" </dev/null >"$work/printed" 2>&1
        python3 "$tests/cli/remedies.py" | awk -F'\t' '$2 != "" { print $1 }' >"$work/after"
        grep -qxF -e "$finding" "$work/after" || continue
        ! grep -q 'the container is locked\|would be larger than 1 MiB\|choose one:\|is no executable file' "$work/printed" || continue
        echo "  ${1##*/}: $finding: still there after: $commands" >&2
        sed 's/^/  | /' "$work/printed" >&2
        remains=1
    done <"$work/to-run"
    return $remains
}

for_all() { # FUNCTION
    bad=0
    for story in "$work/stories"/*; do
        "$1" "$story" || bad=$((bad + 1))
    done
    [ $bad = 0 ] || fail "$bad hosts"
}

case_remedies() {
    echo "seed $seed"
    # shellcheck disable=SC2046 # names have no blanks
    set -- $(cd "$tests/fixtures/scenarios" && for host in */host; do echo "${host%/host}"; done |
        awk -v seed="$seed" 'BEGIN { srand(seed) } { print rand() "\t" $0 }' | sort -n | head -n "$count" | cut -f 2)
    mkdir "$work/stories"
    sh "$tests/scenarios.sh" --hosts "$work/stories" "$hook" "$@" || fail "no hosts"
    for_all remedy
}

case_findings() { for_all remedies_of_findings; }

# what a mount point was to give, its line gives then
case_mount_point() {
    sh "$tests/mkhost.sh" "$tests/fixtures/hosts/amd-kfd-npu.host" "$work/kfd" || fail "no host"
    mkdir -p "$work/kfd/etc/pve/lxc"
    printf '%s\n' 'arch: amd64' 'hookscript: local:snippets/gpuanchor-hook' 'unprivileged: 1' \
        'mp0: /dev/kfd,mp=/dev/kfd' \
        'lxc.mount.entry: /dev/dri/renderD128 dev/dri/renderD128 none bind,optional,create=file' >"$work/kfd/etc/pve/lxc/101.conf"
    host_of "$work/kfd"
    commands=$(python3 "$tests/cli/remedies.py" | sed -n 's/^mount-point-device|.*	//p')
    sh -c "$commands; gpuanchor apply 101" </dev/null >"$work/out" 2>"$work/err"
    ! grep -q '^mp0' "$CONF" || fail "not run: $commands"
    grep -q '^lxc.mount.entry: /dev/kfd dev/kfd ' "$CONF" || fail "no line for kfd after: $commands"
    host_of "$work/kfd"
    commands=$("$gpuanchor" doctor --plain 101 | awk -F'\t' '$2 == "folder" { print $6 }')
    sh -c "$commands; gpuanchor apply 101" </dev/null >"$work/out" 2>"$work/err"
    grep -q '^lxc.mount.entry: /dev/kfd dev/kfd ' "$CONF" || fail "no line for kfd after: $commands"
}

cases
