#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# run-live.sh [CONTAINERS] - what the gate costs, and how soon containers follow
#
# An open of a device in a container, without and with a gate, as a ratio in one run. Then
# CONTAINERS (default 20) that run, as cli/running.sh makes them, while two cards change places:
# the time from the look's start until all gates refuse the new numbers, and until all containers
# have their own nodes again. What udev takes before is not in it: there are no drivers here.
# Needs root and a control group v2.
here=$(realpath "$(dirname "$0")")
tests=$(realpath "$here/..")
build=${BENCH_BUILD-}
if [ -z "$build" ]; then
    (cd "$tests/.." && sh tests/deps.sh build) || exit 1
    build=$(mktemp -d /dev/shm/gpuanchor-bench.XXXXXX)
    trap 'rm -rf --one-file-system "$build"' EXIT
    if ! { meson setup "$build" "$tests/.." --buildtype=release &&
        ninja -C "$build" src/cli/gpuanchor hooks/gpuanchor-hook tests/bench-gate; } >"$build/log" 2>&1; then
        cat "$build/log" && exit 1
    fi
    BENCH_BUILD=$build sh "$0" "$@"
    exit
fi
gpuanchor=$build/src/cli/gpuanchor
# shellcheck source=tests/cli/running.sh
. "$tests/cli/running.sh"

n=${1-20}
: >"$work/out" && : >"$work/err"
mkdir "$group/lxc/bench"
echo "a device open in a container"
sh -c 'echo 0 >"$1/cgroup.procs" && exec "$2" "$1" 200' sh "$group/lxc/bench" "$build/tests/bench-gate" || exit 1

now_ms() { echo $(($(date +%s%N) / 1000000)); }
# until_all TEXT FILE... - each file has a line with it; milliseconds since $begin
until_all() {
    text=$1
    shift
    while [ "$(grep -l -e "$text" "$@" 2>/dev/null | wc -l)" != $# ]; do
        [ $(($(now_ms) - begin)) -lt 30000 ] || fail "not all have $text"
    done
    echo $(($(now_ms) - begin))
}

echo "two cards change places    gates ms  own nodes ms  look ms"
host guide
held="" records="" vmid=101
for count in 1 "$n"; do
    while [ $vmid -le $((100 + count)) ]; do
        container
        held="$held $R/run/gpuanchor/$vmid.held" records="$records $R/run/gpuanchor/$vmid"
        vmid=$((vmid + 1))
    done
    for round in 1 2 3; do
        host guide && look
        host guide-moved
        begin=$(now_ms)
        look &
        # shellcheck disable=SC2086 # words
        gates=$(until_all "^gate closed.* $(others)\>" $held) || exit 1
        # shellcheck disable=SC2086 # words
        nodes=$(until_all "^node = /dev/dri/$(node render) $(number render) " $records) || exit 1
        wait $!
        printf '%3d containers, round %d %12d %13d %8d\n' "$count" "$round" "$gates" "$nodes" $(($(now_ms) - begin))
    done
    host guide && look
done
