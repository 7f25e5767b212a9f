#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# run.sh [ROUNDS] - what the hook costs, as ratios in one run
#
# Whole processes, median of ROUNDS (default 500). The sample hosts live in
# memory, so that fsync() costs nothing here: on a disk it is the disk's price.
# The hook is a copy on a disk, as an installed program is: what a linker has just written, and
# what is on tmpfs, is in memory page by page, and mapped so.
set -eu
cd "$(dirname "$0")/../.."
rounds=${1-500}
sh tests/deps.sh build
work=$(mktemp -d /dev/shm/gpuanchor-bench.XXXXXX)
build=$(mktemp -d -p /var/tmp gpuanchor-bench.XXXXXX)
trap 'rm -rf "$work" "$build"' EXIT
meson setup "$build" --buildtype=release -Dtests=false >"$work/log" 2>&1 &&
    ninja -C "$build" hooks/gpuanchor-hook >>"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
install "$build/hooks/gpuanchor-hook" "$build/gpuanchor-hook"
cc -O2 -o "$work/bench" tests/bench/bench.c
hook=$build/gpuanchor-hook

host() { # NAME HOSTFILE CONF: a host whose container 101 is enrolled and right
    { cat "tests/fixtures/hosts/$2.host"; echo "pve pve1"; } >"$work/host"
    sh tests/mkhost.sh "$work/host" "$work/$1"
    cp "$3" "$work/$1/etc/pve/lxc/101.conf"
    mkdir -p "$work/$1/var/lib/lxc/101"
    sed '/^\[/,$d' "$3" | sed -n 's/^\(lxc\.[^:]*\): /\1 = /p' >"$work/$1/var/lib/lxc/101/config"
    grep -v hookscript "$3" >"$work/$1/etc/pve/lxc/102.conf"
}
settle() { GPUANCHOR_ROOT=$work/$1 "$hook" 101 pre-start >/dev/null; }

guide=tests/fixtures/guide-101.conf
host right guide $guide
settle right
# the same container on the moved host, with the pin, and with the old lines
host moved guide-moved $guide
cp -a "$work/right/etc/pve/gpuanchor" "$work/moved/etc/pve/"
cp "$work/moved/var/lib/lxc/101/config" "$work/stale.config"
settle moved
cp -a "$work/moved" "$work/recipe"

# a container that is given eight GPUs, and files of growing size
awk 'BEGIN { for (i = 0; i < 8; i++) printf "dev%d: /dev/dri/renderD%d,gid=104\n", i, 128 + i }' >"$work/eight.lines"
{ sed '/^lxc/d' $guide; cat "$work/eight.lines"; } >"$work/eight.conf"
host eight eight-equal "$work/eight.conf"
settle eight
for kib in 16 64 256 1000; do
    { cat $guide; echo; echo "[snap]"; while :; do echo "#a line of notes that some snapshot has kept for a very long time"; done | head -c ${kib}K; } >"$work/big.conf"
    host big$kib guide "$work/big.conf"
    settle big$kib
done

export GPUANCHOR_ROOT
for pass in right moved recipe eight big16 big64 big256 big1000; do
    GPUANCHOR_ROOT=$work/$pass
    case $pass in
    right)
        "$work/bench" "$rounds" "/bin/true" -- /bin/true \
            : "hook, nothing to do" -- "$hook" 101 pre-start \
            : "drop-in, container not managed" -- "$hook" 102 unit-start ;;
    moved)
        "$work/bench" "$rounds" "/bin/true" -- /bin/true \
            : "hook, a patch to do" -r $guide "$work/moved/etc/pve/lxc/101.conf" \
            -r "$work/stale.config" "$work/moved/var/lib/lxc/101/config" -- "$hook" 101 pre-start \
            : "the guide's phase 3 as a shell script" -r $guide "$work/recipe/etc/pve/lxc/101.conf" \
            -r "$work/stale.config" "$work/recipe/var/lib/lxc/101/config" -- \
            /bin/sh tests/bench/guide-phase3.sh "$work/recipe" 101 0000:c1:00.0 ;;
    eight) "$work/bench" "$rounds" "/bin/true" -- /bin/true : "hook, 8 GPUs given" -- "$hook" 101 pre-start ;;
    big*) "$work/bench" "$rounds" "/bin/true" -- /bin/true : "hook, file of ${pass#big} KiB" -- "$hook" 101 pre-start ;;
    esac
done
