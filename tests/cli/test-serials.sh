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

# root has asked it already, and it did not answer in time
case_silent_card_holds_no_start() {
    run 0 apply --all
    sed -i '/^0000:01:00.0 /s/ minor=.*/ silent/' "$SERIALS"
    sed -i 's/f811$/f833/' "$H/proc/driver/nvidia/gpus/0000:01:00.0/information"
    "$HOOK" 101 pre-start >"$work/out" 2>&1
    ! grep -q f833 "$H/etc/pve/gpuanchor/101.conf" || fail "it was asked"
    "$gpuanchor" gpus >"$work/out" 2>"$work/err"
    unsaid f833
    run 0 apply --all
    grep -q '^0000:01:00.0 .* silent$' "$SERIALS" || fail "asked again: $(cat "$SERIALS")"
    mkdir -p "$H/usr/libexec/gpuanchor"
    cp "$HOOK" "$H/usr/libexec/gpuanchor/gpuanchor-hook"
    "$gpuanchor" enable 101 >"$work/out" 2>&1
    grep -q '^0000:01:00.0 .*f833' "$SERIALS" || fail "not asked by enable: $(cat "$SERIALS")"
    ! grep -q silent "$SERIALS" || fail "it has answered: $(cat "$SERIALS")"
}

# a helper that cannot be started says nothing of the card
case_no_helper_is_no_silence() {
    command -v strace >/dev/null || return 0
    ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o "$work/trace" -e trace=clone,clone3 -e inject=clone,clone3:error=EAGAIN \
        "$gpuanchor" apply --all >"$work/out" 2>"$work/err"
    grep -q EAGAIN "$work/trace" || fail "no helper was wanted"
    ! grep -q silent "$SERIALS" || fail "$(cat "$SERIALS")"
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

# names GPU... - the hardware database of the host, and what starts are to know of it
names() {
    mkdir -p "$H/etc/udev"
    python3 "$tests/mkhwdb.py" "$H/etc/udev/hwdb.bin" "$@"
}

with_mac() { sed -i 's/^unprivileged/net0: name=eth0,hwaddr=BC:24:11:00:00:01\n&/' "$CONF"; }

case_names_are_kept_for_starts() {
    with_mac
    names '10de:2684=AD102 [GeForce RTX 4090]'
    run 0 apply --all
    [ "$(grep -c ' name=NVIDIA GeForce RTX 4090$' "$SERIALS")" = 2 ] || fail "$(cat "$SERIALS")"
    grep -q ' minor=1 nvidia=GPU-.*11 name=' "$SERIALS" || fail "$(cat "$SERIALS")"
    rm "$H/etc/udev/hwdb.bin"
    start
    start
    said 'NVIDIA GeForce RTX 4090, 0000:01:00.0 (10de:2684 nvidia card0 renderD128 nvidia1): nothing to change'
    before=$(stat -c %i "$SERIALS")
    run 0 apply --all
    [ "$(stat -c %i "$SERIALS")" = "$before" ] || fail "written again: $(cat "$SERIALS")"
}

# a name is of the card that is plugged in, not of its address
case_name_goes_with_its_card() {
    names '10de:2684=AD102 [GeForce RTX 4090]'
    run 0 apply --all
    device=$(realpath "$H/sys/bus/pci/devices/0000:01:00.0")
    cp -a "$device" "$work/device" && rm -r "$device" && mv "$work/device" "$device"
    rm "$H/etc/udev/hwdb.bin"
    start
    unsaid 'NVIDIA GeForce RTX 4090, 0000:01:00.0'
}

case_names_everywhere() {
    names '10de:2684=AD102 [GeForce RTX 4090]'
    mkdir -p "$H/usr/libexec/gpuanchor"
    cp "$HOOK" "$H/usr/libexec/gpuanchor/gpuanchor-hook"
    label='NVIDIA GeForce RTX 4090, 0000:01:00.0'
    run 0 enable 101 --gpu pci:0000:01:00.0
    said "$label (10de:2684"
    "$gpuanchor" status >"$work/out"
    said "$label"
    run 0 apply 101
    said "$label (10de:2684"
    "$gpuanchor" status --plain >"$work/out"
    said "nvidia1	-	NVIDIA GeForce RTX 4090"
    "$gpuanchor" status --json >"$work/out"
    said '"name":"NVIDIA GeForce RTX 4090"'
    "$gpuanchor" plan 101 --json >"$work/out"
    said '"name":"NVIDIA GeForce RTX 4090"'
    "$gpuanchor" doctor 101 >"$work/out"
    said 'NVIDIA GeForce RTX 4090, 10de:2684'
    run 2 enable 101 --gpu card7
    grep -qF -e '--gpu pci:0000:02:00.0  # NVIDIA GeForce RTX 4090, 10de:2684' "$work/err" || fail "not chosen by name"
    # the host's driver goes: what is said of the GPU has its name, for programs in a field of its own
    rm "$(realpath "$H/sys/bus/pci/devices/0000:01:00.0")/driver"
    rm -r "$H/sys/class/drm/card0" "$H/sys/class/drm/renderD128" "$H/proc/driver/nvidia/gpus/0000:01:00.0"
    "$gpuanchor" plan 101 >"$work/out" 2>"$work/err"
    said "GPU $label has no driver"
    said "lspci -k -s 0000:01:00.0"
    "$gpuanchor" plan 101 --json >"$work/out"
    said '"gpu":"0000:01:00.0"'
    said '"gpu_name":"NVIDIA GeForce RTX 4090"'
}

# what the cache holds is never believed to be clean
case_hostile_name() {
    with_mac
    run 0 apply --all
    sed -i 's/$/ name=\x1b[31mred\x1b[0m/' "$SERIALS"
    printf '0000:01:00.0 x name=\n name=\nname= name=\n' >>"$SERIALS"
    start
    start
    said 'nothing to change'
    ! grep -q "$(printf '\033')" "$work/out" || fail "an escape sequence came through"
}

cases ${3+"$3"}
