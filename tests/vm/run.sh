#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# run.sh [--cache DIR] --image | --list |
#        [--deb DIR] [--jobs N] [--limit SECONDS] [--swaps COUNT] [--no-long | --slice SEED | CASE...]
#
# Boots Debian 13 machines with two graphics cards each in QEMU, hands the cases
# of scenarios/ out to them, one whenever a machine is ready, runs them against gpuanchor and prints
# one line for each. CASE is a name or the beginning of one: 02, 02-swap, 02-swap/pin; without one
# all run. A case marked "# long" takes a minute or more, or shows on the machine what a
# shorter one or tests without the machine show, too: --no-long leaves these out, --slice
# runs a sixth of them, chosen by SEED, with the others. --list prints all, with the
# mark. In 18-live/follow cards change places ten times, or COUNT times. N machines run
# side by side (one more than processors, because each waits now and then, and at most
# four); all of them are killed after SECONDS.
#
# What is missing is built first: the machine (build.sh; with --image that is
# all) and, unless --deb names a folder with gpuanchor.deb and older.deb,
# gpuanchor's packages (build13.sh).
# Both stay in DIR, with the logs of the last run in DIR/log:
#   result.N   the lines printed here      machine.N  all that the cases printed
#   console.N  kernel and systemd          given.N    the cases that it was given
#   build      the two builds
#
# Exit status 0 if no case failed. Needs root, because a root file system has
# device nodes and foreign owners. No KVM: the processor is emulated, so that
# it also runs where tests usually run; the clock of a case is generous.

set -eu

here=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/gpuanchor-vm
deb=
image_only=
long=all
limit=4800
swaps=10
jobs=$(($(nproc) + 1))
[ "$jobs" -le 4 ] || jobs=4

while [ $# -gt 0 ]; do
    case $1 in
    --cache) cache=$2 && shift ;;
    --image) image_only=1 ;;
    --list) long=list ;;
    --no-long) long=none ;;
    --slice) long=$2 && shift ;;
    --deb) deb=$2 && shift ;;
    --jobs) jobs=$2 && shift ;;
    --limit) limit=$2 && shift ;;
    --swaps) swaps=$2 && shift ;;
    -h | --help) sed -n '3,/^$/s/^# \{0,1\}//p' "$0" && exit 0 ;;
    -*) echo "run.sh: unknown option $1" >&2 && exit 2 ;;
    *) break ;;
    esac
    shift
done

# "short NAME" or "long NAME" for every case
list_cases() {
    for file in "$here"/scenarios/[0-9]*.sh; do
        sed -nE 's/^case_([a-z0-9_]*)\(\) \{ # long(:.*)?$/long \1/p; t; s/^case_([a-z0-9_]*)\(\).*/short \1/p' "$file" |
            tr _ - | sed "s| | $(basename "$file" .sh)/|"
    done
}

# names, one per line
choose_cases() { # CASE...
    if [ $# -gt 0 ]; then
        for case; do
            list_cases | cut -d ' ' -f 2 | { grep -xF "$case" || list_cases | cut -d ' ' -f 2 | grep "^$case"; } ||
                { echo "run.sh: no case begins with $case" >&2 && return 2; }
        done
        return
    fi
    case $long in # first, because they take longest
    none) ;;
    all) list_cases | sed -n 's/^long //p' ;;
    *) list_cases | sed -n 's/^long //p' | sh "$here/../slice.sh" "$long" $((($(list_cases | grep -c ^long) + 5) / 6)) ;;
    esac
    list_cases | sed -n 's/^short //p'
}

[ "$long" != list ] || { list_cases && exit 0; }
wanted=$(choose_cases "$@")

if [ "$(id -u)" != 0 ]; then
    echo "run.sh: needs root" >&2
    exit 2
fi

# --- tools ----------------------------------------------------------------------------------------

missing=
for pair in mmdebstrap:mmdebstrap mke2fs:e2fsprogs; do
    command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair#*:}"
done
[ -e /usr/share/keyrings/debian-archive-trixie-stable.gpg ] ||
    missing="$missing debian-archive-keyring"
if [ -n "$missing" ]; then
    echo "run.sh: installing$missing" >&2
    apt-get -qq update
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $missing >/dev/null
fi

# --- machine, gpuanchor, cases --------------------------------------------------------------------

log=$cache/log
rm -rf "$log"
mkdir -p "$log"

image=$("$here/build.sh" "$cache" 2>>"$log/build" | tail -n 1)
if [ ! -s "$image/root.ext4" ]; then
    tail -n 20 "$log/build" >&2
    echo "not ok machine: build.sh failed, see $log/build"
    exit 1
fi
[ -z "$image_only" ] || exit 0
if [ -z "$deb" ]; then
    deb=$cache/deb
    if ! "$here/build13.sh" "$cache" "$here/../.." "$deb" >>"$log/build" 2>&1; then
        tail -n 20 "$log/build" >&2
        echo "not ok machine: build13.sh failed, see $log/build"
        exit 1
    fi
fi

work=$(mktemp -d)
machines= results=
cleanup() {
    for pid in $machines $results; do kill -KILL "$pid" 2>/dev/null || :; done
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM

mkdir "$work/payload"
cp -a "$here" "$work/payload/vm"
cp -a "$deb" "$work/payload/deb"
cp -a "$here/../../debian/tests" "$work/payload/debian-tests"
cp -a "$here/../mkhost.sh" "$work/payload/"
echo "$swaps" >"$work/payload/vm/swaps"
echo "$wanted" >"$work/wanted"
tar -C "$work/payload" --owner=0 --group=0 -cf "$work/payload.tar" .

# --- run ------------------------------------------------------------------------------------------

# machine I - in the background. Its second disk is a tar file as it is. The
# cards sit where lib.sh expects them. One processor each: with two, they wait for one another
# whenever the host has fewer than all machines together. snapshot=on: nothing that a case does
# reaches the image, and a reboot of the machine keeps it.
machine() {
    touch "$log/result.$1" "$log/given.$1"
    mkfifo "$work/next.$1.in" "$work/next.$1.out"
    "$image/qemu" \
        -machine pc -accel tcg,thread=multi -cpu max -smp 1 -m 1024 \
        -nodefaults -display none -vga none -serial "file:$log/console.$1" \
        -kernel "$image/vmlinuz" -initrd "$image/initrd" \
        -append "console=ttyS0 quiet audit=0 lsm=capability init_on_alloc=0 mitigations=off systemd.show_status=0" \
        -drive "file=$image/root.ext4,format=raw,if=virtio,snapshot=on,cache=unsafe" \
        -drive "file=$work/payload.tar,format=raw,if=virtio,readonly=on" \
        -device virtio-gpu-pci,addr=05.0 -device virtio-gpu-pci,addr=06.0 \
        -device virtio-rng-pci -device virtio-serial \
        -chardev "file,id=log,path=$log/machine.$1" \
        -device virtserialport,chardev=log,name=log \
        -chardev "file,id=result,path=$log/result.$1" \
        -device virtserialport,chardev=result,name=result \
        -chardev "pipe,id=next,path=$work/next.$1" \
        -device virtserialport,chardev=next,name=next \
        </dev/null >>"$log/console.$1" 2>&1 &
    machines="$machines $!"
}

# hand_out I - the next case for machine I, if it asked for one
hand_out() {
    [ "$(grep -c '^next$' "$log/result.$1")" -gt "$(wc -l <"$log/given.$1")" ] || return 0
    { grep -m 1 . "$work/wanted" || echo end; } | tee -a "$log/given.$1" 1<>"$work/next.$1.in"
    sed -i 1d "$work/wanted"
}

for i in $(seq "$jobs"); do machine "$i"; done

# the result lines, as they come
mkfifo "$work/results"
grep --line-buffered -v -e '^next$' -e '^end$' -e '^reboots ' <"$work/results" &
tail -q -n +1 -f "$log"/result.* >"$work/results" &
results=$!

end=$(($(date +%s) + limit))
while :; do
    for i in $(seq "$jobs"); do hand_out "$i"; done
    alive=
    for pid in $machines; do
        ! kill -0 "$pid" 2>/dev/null || alive=1
    done
    [ -n "$alive" ] || break
    if [ "$(date +%s)" -gt "$end" ]; then
        for pid in $machines; do kill -KILL "$pid" 2>/dev/null || :; done
        for i in $(seq "$jobs"); do
            last=$(tail -n 1 "$log/result.$i")
            case $last in
            reboots*) echo "not ok ${last#reboots }: the machine did not come back from its reboot" >>"$log/result.$i" ;;
            esac
        done
        echo "not ok machine: took longer than $limit s" >>"$log/result.1"
        break
    fi
    sleep 0.5
done
# shellcheck disable=SC2086 # a list
wait $machines || :
machines=

for i in $(seq "$jobs"); do
    grep -q '^end$' "$log/result.$i" || grep -q '^not ok machine' "$log/result.1" ||
        echo "not ok machine: stopped early, at $(tail -n 1 "$log/given.$i"), see $log/console.$i" >>"$log/result.$i"
done
sleep 1 # for tail to have read all of it
kill "$results" || :
wait
results=
passed=$(cat "$log"/result.* | grep -c '^ok ' || :)
failed=$(cat "$log"/result.* | grep -c '^not ok ' || :)
skipped=$(cat "$log"/result.* | grep -c '^skip ' || :)
[ "$failed" = 0 ] || echo "what the cases printed is in $log/machine.*"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
