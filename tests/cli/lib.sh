# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# lib.sh - what the tests of the command have in common; sourced, with the command as $1
#
# A host is the folder $H, made anew by each case; what is under test prints into $work/out and
# $work/err. Needs root: a host has device nodes.
# shellcheck disable=SC2034 # for those who source it
set -u

self=$(realpath "$0")
gpuanchor=$(realpath "${1:?usage: $0 GPUANCHOR...}")
tests=$(realpath "$(dirname "$0")/..")
[ "$(id -u)" = 0 ] || { echo "needs root"; exit 77; }

# in memory: what is written is synced, and no disk is under test
work=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
H=$work/host
CONF=$H/etc/pve/lxc/101.conf
export GPUANCHOR_ROOT="$H"
unset NO_COLOR JOURNAL_STREAM STATE_DIRECTORY
LC_ALL=C.UTF-8
export LC_ALL

fail() {
    echo "  FAILED: $*" >&2
    sed 's/^/  | /' "$work/out" "$work/err" >&2 2>/dev/null
    exit 1
}

# run STATUS ARGUMENT... - the command must end with this status
run() {
    want=$1 && shift
    "$gpuanchor" "$@" >"$work/out" 2>"$work/err" </dev/null
    got=$?
    [ "$got" = "$want" ] || fail "gpuanchor $*: exit status $got, not $want"
    [ ! -s "$work/err" ] || ! grep -q 'runtime error\|Sanitizer' "$work/err" || fail "gpuanchor $*: sanitizer"
}

said() { grep -qF -e "$1" "$work/out" || fail "not said: $1"; }
unsaid() { ! grep -qF -e "$1" "$work/out" || fail "said: $1"; }

fresh() { :; } # before each case; a test may have its own

# cases [BEGINNING] - each function of the test whose name begins so, or with case_, by itself
cases() {
    failed=0 names=$(sed -n "s/^\(${1-case_}[a-z_0-9]*\)().*/\1/p" "$self")
    [ -n "$names" ] || { echo "not ok: no case is called ${1-case_}"; return 1; }
    # shellcheck disable=SC2013 # a name has no blanks
    for name in $names; do
        if (: >"$work/out"; : >"$work/err"; fresh && "$name"); then
            echo "ok ${name#case_}"
        else
            echo "not ok ${name#case_}"
            failed=1
        fi
    done
    return $failed
}
