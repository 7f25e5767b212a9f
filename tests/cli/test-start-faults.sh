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
each_call() { # FAULT STORY
    mkdir "$work/each"
    sh "$here/scenarios.sh" --hosts "$work/each" "$hook" "$2"
    "$run" "$hook" "$work/each" "$seed" "$1"
    rm -rf "$work/each"
}
each_call killed majors-shifted # majors that change places are right with one of two files only
each_call ESTALE npu-seen-replaced # what is remembered and cannot be read is not "never seen"
if [ "$count" -lt 20000 ]; then # a part of the scenarios, which take longer to make than to run
    set -- $(cd "$here/fixtures/scenarios" && for host in */host; do echo "${host%/host}"; done |
        sh "$here/slice.sh" "$seed" 40)
    sh "$here/scenarios.sh" --hosts "$work" "$hook" "$@"
    "$run" "$hook" "$work" "$seed" "$count"
    exit
fi
sh "$here/scenarios.sh" --hosts "$work" "$hook"
"$run" "$hook" "$work" "$seed" "$count"
