#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# run-daemon.sh - what the watcher costs: a look, a burst of events, latency, memory
#
# Hosts in a folder, in memory. A look is the median CPU time of many in one process;
# beside it stands nothing but reading the same files in the same way. The burst is
# read by gpuanchord and, beside it, by a libudev monitor that does what `udevadm
# monitor` does: both get the same 10 000 events from the kernel's socket. There
# gpuanchord has the folder for its root and sends what it has to say to a socket in
# the place of journald's.
# Needs root.
set -eu
cd "$(dirname "$0")/../.."
unset GPUANCHOR_ROOT
[ "$(id -u)" = 0 ] || { echo "run-daemon.sh: needs root" >&2; exit 2; }
# events and mounts of whatever else this machine does are not to be measured
[ -n "${ALONE-}" ] || ALONE=1 exec unshare --net --mount sh tests/bench/run-daemon.sh
sh tests/deps.sh build
work=$(mktemp -d /dev/shm/gpuanchor-bench.XXXXXX)
pids=
# shellcheck disable=SC2086 # several numbers
trap 'kill $pids 2>/dev/null || :; umount "$work"/*/usr 2>/dev/null || :; rm -rf --one-file-system "$work"' EXIT
if ! { meson setup "$work/build" --buildtype=release &&
    ninja -C "$work/build" src/daemon/gpuanchord src/cli/gpuanchor tests/bench-look; } >"$work/log" 2>&1; then
    cat "$work/log" && exit 1
fi
daemon=$work/build/src/daemon/gpuanchord
look=$work/build/tests/bench-look
gpuanchor=$work/build/src/cli/gpuanchor

host() { # DIR HOSTFILE MANAGED UNMANAGED
    grep -v '^pve ' "tests/fixtures/hosts/$2.host" >"$work/host"
    echo "pve pve1" >>"$work/host"
    sh tests/mkhost.sh "$work/host" "$1"
    mkdir -p "$1/var/lib/vz/snippets" "$1/run/gpuanchor"
    install -m 755 /dev/null "$1/var/lib/vz/snippets/gpuanchor-hook"
    i=0
    while [ $i -lt $(($3 + $4)) ]; do
        if [ $i -lt "$3" ]; then
            cp tests/fixtures/guide-101.conf "$1/etc/pve/lxc/$((1000 + i)).conf"
            printf '[container]\ngpu = %s\n' "$gpu" >"$1/etc/pve/gpuanchor/$((1000 + i)).conf"
        else
            grep -v -e hookscript -e '^lxc' tests/fixtures/guide-101.conf >"$1/etc/pve/lxc/$((1000 + i)).conf"
        fi
        i=$((i + 1))
    done
}

cpu_ms() { awk -v hz="$(getconf CLK_TCK)" '{ print ($14 + $15) * 1000 / hz }' "/proc/$1/stat"; }

# looks NAME DIR CONTAINERS - one line; containers are right when they are managed
looks() {
    GPUANCHOR_ROOT=$2 "$gpuanchor" apply --all >"$work/log" 2>&1 || { cat "$work/log" && exit 1; }
    "$look" "$2" $((1 + 20000 / $3)) | awk -v name="$1" -v n="$3" -v empty="$empty" \
        '{ printf "%-24s %8.0f %10.1f %10.1f\n", name, $1, ($1 - empty) / n, $1 / $2 }'
}

echo "one look               CPU us  per container  times reading"
for setup in intel-one:pci:0000:00:02.0:1 eight-equal:pci:0000:05:00.0:8; do
    gpus=${setup##*:} gpu=${setup#*:} && gpu=${gpu%:*}
    host "$work/none" "${setup%%:*}" 0 0
    empty=$("$look" "$work/none" 1000 | cut -d" " -f1)
    printf '%-24s %8.0f\n' "no container, $gpus GPU" "$empty"
    for n in 10 100 1000; do
        host "$work/$gpus-$n" "${setup%%:*}" "$n" 0
        looks "$n managed, $gpus GPU" "$work/$gpus-$n" "$n"
    done
    rm -r "$work/none"
done
host "$work/other" eight-equal 0 1000
looks "1000 unmanaged, 8 GPU" "$work/other" 1000

run=$work/8-100
printf '[daemon]\ninterval = 86400\n' >"$work/conf" && mkdir -p "$run/etc/gpuanchor" &&
    cp "$work/conf" "$run/etc/gpuanchor/gpuanchor.conf"
# listen SOCKET TEXT FILE - the time of each message with TEXT, as the service manager (one STATUS=
# for each look) or journald would get it
listen() {
    mkdir -p "${1%/*}"
    python3 -c '
import socket, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
while True:
    if sys.argv[2].encode() in s.recv(65536):
        print(time.time_ns(), flush=True)
' "$1" "$2" >"$3" &
    pids="$pids $!"
    until [ -S "$1" ]; do sleep 0.1; done
}
mkdir -p "$run/run/udev" && : >"$run/run/udev/control" # libudev asks whether there is a udevd
listen "$run/run/notify" STATUS= "$work/looks"
listen "$run/run/systemd/journal/socket" GPUANCHOR_CODE=container-stale "$work/journal"
mkdir -p "$run/usr" && mount --bind /usr "$run/usr"
cp -a /lib /lib64 "$run/" && cp "$daemon" "$run/gpuanchord"
JOURNAL_STREAM=0:0 NOTIFY_SOCKET=/run/notify chroot "$run" /gpuanchord 2>"$work/out" & pid=$!
pids="$pids $pid"
"$look" --peer 40 >"$work/peer" & peer=$!
pids="$pids $peer"
sleep 3
pss() { awk '/^Pss:/ { print $2 }' "/proc/$1/smaps_rollup"; }
printf 'memory, 100 managed: %s KiB PSS (beside it a libudev monitor: %s KiB)\n' "$(pss $pid)" "$(pss $peer)"

before=$(cpu_ms $pid) peer_before=$(cpu_ms $peer) looks_before=$(wc -l <"$work/looks")
"$look" --burst 10000
sleep 4
ours=$(cpu_ms $pid) theirs=$(cpu_ms $peer)
awk -v a="$before" -v b="$ours" -v c="$peer_before" -v d="$theirs" \
    -v n=$(($(wc -l <"$work/looks") - looks_before)) \
    'BEGIN { printf "10 000 events: looks: %d; %d ms CPU with it; a libudev monitor: %d ms\n", n, b - a, d - c }'

begin=$(date +%s%N)
sed -i 's/c 226:[0-9]* /c 226:7 /' "$run/etc/pve/lxc/1000.conf"
until [ -s "$work/journal" ]; do sleep 0.05; done
awk -v ns=$(($(cat "$work/journal") - begin)) \
    'BEGIN { printf "event to journal: %.0f ms, of them 1000 quiet time\n", ns / 1e6 }'

switches() { awk '/^voluntary/ { print $2 }' "/proc/$1/status"; }
sleep 2 && a=$(switches $pid) && sleep 10 && b=$(switches $pid)
echo "woken in 10 idle seconds: $((b - a)) times"
