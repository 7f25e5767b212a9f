#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# test-exclusive.sh GPUANCHOR HOOK [CASE] - a GPU that one container has for itself while it runs
#
# Containers 101 to 108 of one host, all with the same GPU. A start is a process of its own that runs
# the hook and lives until it is told to end, as Proxmox's task does; a container that runs is a
# control group, as the kernel shows it. See lib.sh.
. "$(dirname "$0")/lib.sh"
HOOK=$(realpath "${2:?}")
GPU=0000:c1:00.0

# policy VMID [LINE...] - its settings
policy() {
    file=$H/etc/pve/gpuanchor/$1.conf
    shift
    { echo "[container]"; echo "gpu = pci:$GPU"; for line; do echo "$line"; done; } >"$file"
}

fresh() {
    rm -rf "$H"
    sh "$tests/mkhost.sh" "$tests/fixtures/hosts/guide.host" "$H"
    mkdir -p "$H/etc/pve/gpuanchor" "$H/etc/pve/qemu-server" "$H/sys/fs/cgroup/lxc"
    for vmid in 101 102 103 104 105 106 107 108; do
        cat >"$H/etc/pve/lxc/$vmid.conf" <<END
arch: amd64
hookscript: local:snippets/gpuanchor-hook
hostname: ct$vmid
net0: name=eth0,hwaddr=BC:24:11:00:0$(echo $vmid | cut -c2):0$(echo $vmid | cut -c3),type=veth
unprivileged: 1
dev0: /dev/dri/renderD128,gid=104
END
        policy $vmid "exclusive = yes"
    done
}

# begin VMID - a start; its status is in $work/VMID.status, its task ends when $work/VMID.go is gone
begin() {
    : >"$work/$1.go"
    rm -f "$work/$1.status"
    (
        "$HOOK" "$1" pre-start >"$work/$1.out" 2>&1
        echo $? >"$work/$1.new" && mv "$work/$1.new" "$work/$1.status"
        while [ -e "$work/$1.go" ]; do sleep 0.02; done
    ) &
}
status() {
    for _ in $(seq 1000); do
        [ ! -e "$work/$1.status" ] || break
        sleep 0.02
    done
    cat "$work/$1.status" || fail "the start of $1 does not end"
}
finish() { rm -f "$work"/*.go; wait; }
started() { begin "$1"; [ "$(status "$1")" = 0 ] || fail "refused: $(cat "$work/$1.out")"; }
refused() {
    begin "$1"
    [ "$(status "$1")" = 1 ] || fail "$1 is not refused: $(cat "$work/$1.out")"
    grep -qF -e "$2" "$work/$1.out" || fail "not said: $2: $(cat "$work/$1.out")"
}
runs() { mkdir -p "$H/sys/fs/cgroup/lxc/$1"; }
stops() { rmdir "$H/sys/fs/cgroup/lxc/$1"; }

case_one_after_the_other() {
    started 101
    refused 102 "GPU $GPU cannot be had now: container 101 has it for itself (exclusive = yes)"
    grep -q 'start refused: container 101 has GPU' "$work/102.out" || fail "$(cat "$work/102.out")"
    finish
    started 102
    finish
}

# many starts at once, again and again: one gets it, and the others hear who
case_race() {
    for round in 1 2 3 4 5; do
        for vmid in 101 102 103 104 105 106 107 108; do begin $vmid; done
        winners=
        for vmid in 101 102 103 104 105 106 107 108; do
            [ "$(status $vmid)" != 0 ] || winners="$winners $vmid"
        done
        # shellcheck disable=SC2086 # words
        set -- $winners
        [ $# = 1 ] || fail "round $round: winners are '$winners': $(cat "$work"/*.out)"
        for vmid in 101 102 103 104 105 106 107 108; do
            [ $vmid = "$1" ] || grep -q "container $1 has it for itself" "$work/$vmid.out" ||
                fail "round $round: $vmid did not hear of $1: $(cat "$work/$vmid.out")"
        done
        finish
    done
}

# one wants it for itself, the other shares: whichever is first, never both, never none
# On a new host: both write its memory, so one of them has to check again.
case_race_with_one_that_shares() {
    for round in $(seq 15); do
        fresh
        policy 102
        # Proxmox's task is known by the lock that it holds
        both=
        for vmid in 101 102; do
            : >"$work/$vmid.go"
            rm -f "$work/$vmid.status"
            mkdir -p "$H/run/lock/lxc"
            (
                exec 9>"$H/run/lock/lxc/pve-config-$vmid.lock"
                flock 9
                "$HOOK" $vmid pre-start >"$work/$vmid.out" 2>&1
                echo $? >"$work/$vmid.new" && mv "$work/$vmid.new" "$work/$vmid.status"
                while [ -e "$work/$vmid.go" ]; do sleep 0.02; done
            ) &
            [ $((round % 3)) != 0 ] || sleep 0.003
        done
        for vmid in 101 102; do [ "$(status $vmid)" != 0 ] || both="$both $vmid"; done
        # shellcheck disable=SC2086 # words
        set -- $both
        [ $# = 1 ] || fail "round $round: '$both' have it: $(cat "$work/101.out" "$work/102.out")"
        finish
    done
}

case_running_container_holds_it() {
    policy 102
    started 102
    runs 102
    finish
    refused 101 "container 102 has it, and this container wants it for itself (exclusive = yes)"
    [ ! -s "$H/run/gpuanchor/gpu-pci0000:00_03.1_00.0" ] || [ -z "$(cat "$H"/run/gpuanchor/gpu-*.[0-9])" ] ||
        fail "reserved all the same: $(cat "$H"/run/gpuanchor/gpu-*.[0-9])"
    finish
    stops 102
    started 101
    finish
}

# a container without gpuanchor that runs: its lines tell
case_unmanaged_container_holds_it() {
    sed -i /^hookscript/d "$H/etc/pve/lxc/103.conf"
    rm "$H/etc/pve/gpuanchor/103.conf"
    started 101
    finish
    runs 103
    refused 101 "container 103 has it"
    finish
    stops 103
    started 101
    finish
}

case_virtual_machine_holds_it() {
    echo "hostpci0: $GPU,pcie=1" >"$H/etc/pve/qemu-server/200.conf"
    started 101
    finish
    mkdir -p "$H/sys/fs/cgroup/qemu.slice/200.scope"
    refused 101 "virtual machine 200 has it"
    finish
    # by a mapping, also where that cannot be read: it may stand for any card
    echo "hostpci0: mapping=gpu,pcie=1" >"$H/etc/pve/qemu-server/200.conf"
    mkdir -p "$H/etc/pve/mapping"
    printf 'gpu\n\tmap id=1002:150e,node=pve1,path=%s\n' "$GPU" >"$H/etc/pve/mapping/pci.cfg"
    refused 101 "virtual machine 200 has it"
    finish
    rm "$H/etc/pve/mapping/pci.cfg" && mkdir "$H/etc/pve/mapping/pci.cfg"
    refused 101 "cannot be reserved: "
    finish
    # another device, which has nothing to do with it
    echo "hostpci0: 0000:00:02.0" >"$H/etc/pve/qemu-server/200.conf"
    started 101
    finish
}

# one that shares is kept out, too, and leaves nothing behind that says that it runs
case_one_that_shares_hears_of_it() {
    policy 102
    started 101
    refused 102 "container 101 has it for itself"
    [ ! -e "$H/run/gpuanchor/102" ] || fail "its record stays"
    finish
    started 102
    finish
}

# what a start gives beside what was chosen: lines that are left alone, and those of another file
case_one_that_is_left_alone() {
    printf '[container]\ngpu = nonsense\n' >"$H/etc/pve/gpuanchor/102.conf"
    policy 103
    sed -i 's#pci:.*#pci:0000:00:02.0#' "$H/etc/pve/gpuanchor/103.conf"
    sed -i 's#^dev0.*#lxc.include: /root/gpu.conf#' "$H/etc/pve/lxc/103.conf"
    mkdir -p "$H/root"
    echo 'lxc.mount.entry = /dev/dri/renderD128 dev/dri/renderD128 none bind,create=file' >"$H/root/gpu.conf"
    policy 104
    sed -i 's#pci:.*#pci:0000:00:02.0#' "$H/etc/pve/gpuanchor/104.conf"
    sed -i 's#^dev0.*#lxc.mount.entry: /dev dev none rbind#' "$H/etc/pve/lxc/104.conf"
    started 101
    for vmid in 102 103 104; do
        refused $vmid "container 101 has it for itself"
    done
    finish
    for vmid in 102 103 104; do
        started $vmid
        runs $vmid
        finish
        refused 101 "container $vmid has it"
        stops $vmid
        finish
    done
}

case_two_that_share_run_together() {
    policy 102
    policy 103
    started 102
    started 103
    set -- "$H"/run/gpuanchor/gpu-*.[0-9]
    [ ! -e "$1" ] || fail "reserved: $1"
    finish
}

# the container runs on when the task of its start has ended; a killed task holds nothing
case_holder_lives_on_or_is_killed() {
    started 101
    runs 101
    finish
    refused 102 "container 101 has it for itself"
    finish
    stops 101
    # a process that has the number of the task, and is another one
    echo "101 $$ 1" >"$(echo "$H"/run/gpuanchor/gpu-*.[0-9])"
    started 102
    finish
    mkdir -p "$H/sys/fs/cgroup/system.slice/system-pve\\x2dcontainer.slice/pve-container@102.service"
    refused 103 "container 102 has it for itself"
    finish
}

case_killed_in_the_middle() {
    for after in 0.001 0.003 0.006 0.01 0.02; do
        timeout -s KILL $after "$HOOK" 101 pre-start >/dev/null 2>&1
        started 102
        finish
    done
}

case_rubbish_is_no_reservation() {
    started 101
    finish
    file=$(echo "$H"/run/gpuanchor/gpu-*.[0-9])
    for text in "" "101" "101 1 1" "4711" "x y z" "$(head -c 300 /dev/zero | tr '\0' 9)"; do
        printf '%s' "$text" >"$file"
        started 102
        finish
    done
    rm "$file" && ln -s /etc/passwd "$file"
    refused 102 "cannot be reserved: /run/gpuanchor/"
    finish
    rm "$file"
    started 102
    finish
}

# somebody who holds the lock for ever keeps no start waiting for ever
case_lock_that_is_never_free() {
    started 101
    finish
    file=$(echo "$H"/run/gpuanchor/gpu-*.[0-9])
    # who may only read what is reserved holds nobody up
    [ "$(stat -c %a "$file.lock")" = 600 ] || fail "the lock may be opened by others"
    flock "$file" sleep 60 &
    holder=$!
    sleep 0.2
    begin=$(date +%s)
    started 102
    [ $(($(date +%s) - begin)) -lt 9 ] || fail "waited for a reader"
    kill $holder
    finish
    flock "$file.lock" sleep 60 &
    holder=$!
    sleep 0.2
    begin=$(date +%s)
    refused 102 "cannot be reserved"
    [ $(($(date +%s) - begin)) -lt 20 ] || fail "waited too long"
    kill $holder
    finish
}

# all of its GPUs, or none
case_several_gpus() {
    for vmid in 101 102; do
        sed -i 's/^gpu = .*/gpu = pci:0000:00:02.0 pci:0000:c1:00.0/' "$H/etc/pve/gpuanchor/$vmid.conf"
    done
    sed -i 's/^gpu = .*/gpu = pci:0000:c1:00.0 pci:0000:00:02.0/' "$H/etc/pve/gpuanchor/102.conf"
    sed -i 's/^gpu = .*/gpu = pci:0000:00:02.0/' "$H/etc/pve/gpuanchor/103.conf"
    for round in 1 2 3; do
        begin 101
        begin 102
        won=$(($(status 101) == 0 ? 1 : 0))
        won=$((won + ($(status 102) == 0 ? 1 : 0)))
        [ $won = 1 ] || fail "round $round: $won have them: $(cat "$work/101.out" "$work/102.out")"
        refused 103 "has it for itself"
        finish
    done
    # one of the two is another's: the other one is not kept
    started 103
    refused 101 "GPU 0000:00:02.0 cannot be had now: container 103"
    policy 104
    started 104
    finish
}

# a container that shares no longer, and one that was never asked
case_the_start_by_systemd() {
    unit="$H/sys/fs/cgroup/system.slice/system-pve\\x2dcontainer.slice/pve-container@101.service"
    mkdir -p "$unit" "$H/var/lib/lxc/102"
    "$HOOK" 101 unit-start >"$work/out" 2>&1 || fail "refused"
    echo "lxc.arch = amd64" >"$H/var/lib/lxc/102/config"
    "$HOOK" 102 unit-start >"$work/out" 2>&1
    said "container 101 has it for itself"
    [ ! -e "$H/var/lib/lxc/102/config" ] || fail "lxc-start could start it"
}

case_the_command_tells() {
    policy 102
    mkdir -p "$H/usr/libexec/gpuanchor"
    cp "$HOOK" "$H/usr/libexec/gpuanchor/gpuanchor-hook"
    started 101
    "$gpuanchor" plan 102 >"$work/out" 2>&1
    said "the next start would be refused: container 101 has GPU $GPU for itself (exclusive = yes)"
    "$gpuanchor" plan 103 --json >"$work/out" 2>&1
    said '"code":"gpu-taken"'
    "$gpuanchor" status >"$work/out" 2>&1
    grep -q "101 ct101 .* $GPU (exclusive)" "$work/out" || fail "not shown"
    grep -q "103 ct103 .*will not start" "$work/out" || fail "not shown"
    "$gpuanchor" status --json >"$work/out" 2>&1
    said '"exclusive":true'
    said '"refuse":"container 101 has GPU'
    "$gpuanchor" doctor 102 >"$work/out" 2>&1
    said "exclusive: the next start is refused: container 101 has GPU"
    "$gpuanchor" doctor 101 >"$work/out" 2>&1
    said "exclusive: it is this container's alone"
    "$gpuanchor" gpus >"$work/out" 2>&1
    said 'ct/101(exclusive),ct/102,ct/103(exclusive)'
    said 'only one of them runs at a time'
    "$gpuanchor" gpus --json >"$work/out" 2>&1
    said '"exclusive":true'
    run 2 enable 102 --exclusive perhaps
    grep -q 'exclusive = perhaps is not understood; accepted: yes, no' "$work/err" || fail "not said"
    mkdir -p "$H/var/lib/vz/snippets"
    run 0 enable 104 --exclusive no
    ! grep -q '^exclusive = yes' "$H/etc/pve/gpuanchor/104.conf" || fail "not taken back"
    run 0 enable 102 --exclusive yes
    grep -q '^exclusive = yes' "$H/etc/pve/gpuanchor/102.conf" || fail "not written"
    finish
    "$gpuanchor" plan 102 >"$work/out" 2>&1
    unsaid "would be refused"
}

cases ${3+"$3"}
