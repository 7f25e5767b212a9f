#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# test-serials.sh GPUANCHOR HOOK [CASE] - serial numbers that root reads once for a boot, and who uses them
#
# Two equal NVIDIA cards; container 101 was given the one whose UUID ends in 11. See lib.sh.
. "$(dirname "$0")/lib.sh"
HOOK=$(realpath "${2:?}")
SERIALS=$H/run/gpuanchor/serials

# host FIRST SECOND - which cards are in the two slots, after a boot
host() {
    cat >"$work/this.host" <<END
pve pve1
group video 44
group render 104
subgid root:100000:65536
major 195 nvidia
pci 0000:01:00.0 class=030000 id=10de:2684 sub=1043:889d driver=nvidia under=0000:00:01.0
pci 0000:02:00.0 class=030000 id=10de:2684 sub=1043:889d driver=nvidia under=0000:00:02.0 serial_number=00-11-22-33-44-55-66-$2
drm 0000:01:00.0 card=0 render=128
drm 0000:02:00.0 card=1 render=129
node /dev/nvidiactl c 195 255 root:root 0666
nvidia 0000:01:00.0 1 uuid=GPU-1a2b3c4d-5e6f-7081-92a3-b4c5d6e7f8$1
nvidia 0000:02:00.0 0 uuid=GPU-1a2b3c4d-5e6f-7081-92a3-b4c5d6e7f8$2
END
    rm -rf "$work/kept"
    if [ -d "$H" ]; then
        mkdir "$work/kept"
        cp -R "$H/var/lib/gpuanchor" "$H/etc/pve" "$work/kept"
    fi
    rm -rf "$H"
    sh "$tests/mkhost.sh" "$work/this.host" "$H"
    if [ -d "$work/kept" ]; then
        cp -R "$work/kept/gpuanchor" "$H/var/lib/"
        cp -R "$work/kept/pve" "$H/etc/"
    fi
}

fresh() {
    rm -rf "$H"
    host 11 22
    cat >"$CONF" <<'END'
arch: amd64
hookscript: local:snippets/gpuanchor-hook
hostname: one
unprivileged: 1
lxc.mount.entry: /dev/nvidia1 dev/nvidia1 none bind,optional,create=file
lxc.mount.entry: /dev/nvidiactl dev/nvidiactl none bind,optional,create=file
END
    # its lines were seen before it had the hookscript
    sed -i 's/^hookscript/#&/' "$CONF"
    "$gpuanchor" apply --all --boot >/dev/null || fail "not seen"
    sed -i 's/^#//' "$CONF"
    rm -r "$H/run/gpuanchor"
    : >"$H/etc/pve/gpuanchor/101.conf"
}

start() { "$HOOK" 101 pre-start >"$work/out" 2>&1 || fail "the start failed"; }
given() { grep -q "^lxc.mount.entry: /dev/nvidia$1 " "$CONF" || fail "not given nvidia$1: $(cat "$CONF")"; }
# what wakes a card is not there to be read
hide() { rm -rf "$H/proc/driver/nvidia/gpus"; mkdir "$H/proc/driver/nvidia/gpus"; }

case_read_once_by_root() {
    run 0 apply --all
    grep -q ' minor=1 nvidia=GPU-1a2b3c4d-5e6f-7081-92a3-b4c5d6e7f811$' "$SERIALS" || fail "$(cat "$SERIALS")"
    grep -q ' pci=00-11-22-33-44-55-66-22$' "$SERIALS" || fail "$(cat "$SERIALS")"
    before=$(stat -c %i "$SERIALS")
    hide
    run 0 apply --all
    [ "$(stat -c %i "$SERIALS")" = "$before" ] || fail "written again: $(cat "$SERIALS")"
}

case_start_reads_nothing_that_wakes() {
    run 0 apply --all
    hide
    start
    given 1
    grep -q 'nvidia=GPU-1a2b3c4d-5e6f-7081-92a3-b4c5d6e7f811' "$H/etc/pve/gpuanchor/101.conf" ||
        fail "not pinned by its UUID"
}

case_followed_into_the_other_slot() {
    run 0 apply --all
    start
    host 22 11
    run 0 apply --all
    start
    given 0
}

case_line_of_a_card_that_has_gone_is_dropped() {
    run 0 apply --all
    device=$(realpath "$H/sys/bus/pci/devices/0000:01:00.0")
    cp -a "$device" "$work/again" && rm -rf "$device" && mv "$work/again" "$device"
    sed -i 's/f811$/f833/' "$H/proc/driver/nvidia/gpus/0000:01:00.0/information"
    start
    grep -q 'nvidia=GPU-1a2b3c4d-5e6f-7081-92a3-b4c5d6e7f833' "$H/etc/pve/gpuanchor/101.conf" ||
        fail "$(cat "$H/etc/pve/gpuanchor/101.conf")"
    run 0 apply --all
    ! grep -q f811 "$SERIALS" || fail "$(cat "$SERIALS")"
}

case_minor_counts_while_the_driver_is_bound() {
    run 0 apply --all
    device=$(realpath "$H/sys/bus/pci/devices/0000:01:00.0")
    cp -a "$device/driver" "$work/driver" && rm "$device/driver" && mv "$work/driver" "$device/driver"
    sed -i 's/\(Device Minor:[^0-9]*\)1/\15/' "$H/proc/driver/nvidia/gpus/0000:01:00.0/information"
    "$gpuanchor" gpus >"$work/out" 2>"$work/err"
    said "/dev/nvidia5"
    unsaid "/dev/nvidia1"
}

case_unknown_uuid_is_asked_for_again_by_enable() {
    host '??' 22
    : >"$H/etc/pve/gpuanchor/101.conf"
    run 0 apply --all
    sed -i 's/f8??$/f811/' "$H/proc/driver/nvidia/gpus/0000:01:00.0/information"
    run 0 apply --all
    ! grep -q f811 "$SERIALS" || fail "read twice"
    mkdir -p "$H/usr/libexec/gpuanchor"
    cp "$HOOK" "$H/usr/libexec/gpuanchor/gpuanchor-hook"
    "$gpuanchor" enable 101 >"$work/out" 2>&1
    grep -q f811 "$SERIALS" || fail "not read: $(cat "$SERIALS")"
}

cases ${3+"$3"}
