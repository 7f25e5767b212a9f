#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# test-start-faults.sh FAULT_RUN HOOK [SEED [COUNT]] - starts with one system call that goes wrong
#
# A slice of tests/fault-run.c: scenarios, calls and faults are chosen by the seed, which is printed.
# In the long run: test-start-faults.sh FAULT_RUN HOOK 1 20000
set -eu
run=$(realpath "${1:?usage: test-start-faults.sh FAULT_RUN HOOK [SEED [COUNT]]}")
hook=$(realpath "$2")
seed=${3:-0} # 0: another one each time, which is printed
[ "$seed" != 0 ] || seed=${GPUANCHOR_SEED-$(date +%s)}
count=${4-1000}
here=$(realpath "$(dirname "$0")/..")
[ "$(id -u)" = 0 ] || { echo "needs root"; exit 77; }

work=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d)
trap 'rm -rf "$work"' EXIT
# two tracers at once cannot be: no search for leaks
export ASAN_OPTIONS=detect_leaks=0
# majors that change places are right with one of two files only: killed at each call
mkdir "$work/majors"
sh "$here/scenarios.sh" --hosts "$work/majors" "$hook" majors-shifted
"$run" "$hook" "$work/majors" "$seed" kills
rm -rf "$work/majors"
if [ "$count" -lt 20000 ]; then # a part of the scenarios, which take longer to make than to run
    set -- $(cd "$here/fixtures/scenarios" && for host in */host; do echo "${host%/host}"; done |
        sh "$here/slice.sh" "$seed" 40)
    sh "$here/scenarios.sh" --hosts "$work" "$hook" "$@"
    "$run" "$hook" "$work" "$seed" "$count"
    exit
fi
sh "$here/scenarios.sh" --hosts "$work" "$hook"
"$run" "$hook" "$work" "$seed" "$count"
