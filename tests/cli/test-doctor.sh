#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# test-doctor.sh GPUANCHOR - doctor on folders that are hosts
#
# Needs root: a host has device nodes.
# shellcheck disable=SC2317 # the cases are called by name
set -u

gpuanchor=$(realpath "${1:?usage: test-doctor.sh GPUANCHOR}")
tests=$(realpath "$(dirname "$0")/..")
[ "$(id -u)" = 0 ] || { echo "needs root"; exit 77; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
H=$work/host
CONF=$H/etc/pve/lxc/101.conf
export GPUANCHOR_ROOT="$H"
unset NO_COLOR JOURNAL_STREAM
LC_ALL=C.UTF-8
export LC_ALL

fail() {
    echo "  FAILED: $*" >&2
    sed 's/^/  | /' "$work/out" "$work/err" >&2 2>/dev/null
    exit 1
}
run() { # STATUS ARGUMENT...
    want=$1 && shift
    "$gpuanchor" "$@" >"$work/out" 2>"$work/err" </dev/null
    got=$?
    [ "$got" = "$want" ] || fail "gpuanchor $*: exit status $got, not $want"
    ! grep -q 'runtime error\|Sanitizer' "$work/err" || fail "gpuanchor $*: sanitizer"
}
said() { grep -qF -e "$1" "$work/out" || fail "not said: $1"; }
unsaid() { ! grep -qF -e "$1" "$work/out" || fail "said: $1"; }
# answers VERDICT CHECK [TEXT] - a line of a pipe's output
answers() {
    awk -F'\t' -v v="$1" -v c="$2" -v t="${3-}" \
        '$2 == c && $3 == v && index($0, t) { found = 1 } END { exit !found }' "$work/out" ||
        fail "$2 is not $1${3+: $3}"
}

host() { # NAME - a fresh host with the guide's container
    rm -rf "$H"
    sh "$tests/mkhost.sh" "$tests/fixtures/hosts/$1.host" "$H"
    cp "$tests/fixtures/guide-101.conf" "$CONF"
    mkdir -p "$H/var/lib/vz/snippets"
    install -m 755 /dev/null "$H/var/lib/vz/snippets/gpuanchor-hook"
}
fresh() { host guide; }

case_all_is_well() {
    run 0 doctor
    answers ok gpu amdgpu
    run 0 doctor 101
    answers skipped running
    run 0 doctor --quiet 101
    [ ! -s "$work/out" ] || fail "quiet says something"
}

case_json() {
    run 0 doctor --json 101
    python3 - "$work/out" <<'END' || fail "no such object"
import json, sys
o = json.load(open(sys.argv[1]))
assert o["schema"] == 1 and o["vmid"] == 101 and o["ok"] is True and o["node"] == "pve1", o
for c in o["checks"]:
    assert c["verdict"] in ("ok", "skipped", "warning", "failed"), c
    assert c["verdict"] != "ok" or c["mend"] is None, c
END
}

case_no_gpu() {
    host no-gpu
    run 1 doctor
    answers failed gpu
}

case_wrong_usage() {
    run 2 doctor 999
    grep -q 'no such container' "$work/err" || fail "no reason"
    run 2 doctor abc
    run 2 doctor 101 102
}

failed=0
# shellcheck disable=SC2013 # a name has no blanks
for name in $(sed -n 's/^\(case_[a-z_0-9]*\)().*/\1/p' "$0"); do
    if (fresh && "$name"); then
        echo "ok ${name#case_}"
    else
        echo "not ok ${name#case_}"
        failed=1
    fi
done
exit $failed
