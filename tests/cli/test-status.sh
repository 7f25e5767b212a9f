#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# test-status.sh GPUANCHOR GPUANCHORD - the node at a glance, with and without the watcher
# shellcheck disable=SC2317 # the cases are called by name
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
daemon=$(realpath "${2:?usage: test-status.sh GPUANCHOR GPUANCHORD}")
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; rm -rf "$work"' EXIT

fresh() {
    rm -rf "$H"
    sh "$tests/mkhost.sh" "$tests/fixtures/hosts/guide.host" "$H"
    cp "$tests/fixtures/guide-101.conf" "$CONF"
    grep -v -e hookscript -e '^lxc' "$CONF" >"$H/etc/pve/lxc/102.conf"
    mkdir -p "$H/var/lib/vz/snippets"
    install -m 755 /dev/null "$H/var/lib/vz/snippets/gpuanchor-hook"
    printf '[container]\ngpu = pci:0000:c1:00.0\n' >"$H/etc/pve/gpuanchor/101.conf"
}
tab() { echo "$1" | tr ' ' '\t'; }
watch() { # until it has looked
    "$daemon" 2>"$work/daemon" & pid=$!
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        [ -e "$H/var/lib/gpuanchord/state" ] && break
        sleep 0.2
    done
}
unwatch() {
    kill "$pid"
    wait "$pid" || fail "gpuanchord: exit status $?"
    pid=
}

case_all_is_well() {
    run 0 status --plain
    said "$(tab 'node pve1 unwatched')"
    said "$(tab 'container 101 ollama stopped 0000:c1:00.0 -')"
    unsaid finding
    run 0 status --quiet
    [ ! -s "$work/out" ] || fail "quiet says something"
    run 0 status --prometheus
    said 'gpuanchor_findings_open{severity="error"} 0'
    said 'gpuanchor_containers{managed="0"} 1'
    said 'gpuanchor_container_gpu{vmid="101",gpu="0000:c1:00.0"} 1'
}

case_something_is_open() {
    sed -i 's/226:1 /226:7 /' "$CONF"
    run 1 status --plain
    said "$(tab 'container 101 ollama stopped 0000:c1:00.0 container-stale')"
    run 1 status 101 --json
    python3 -m json.tool <"$work/out" >/dev/null || fail "no JSON"
    said '"code":"container-stale"'
    said '"vmid":101'
    said '"open":true'
    run 1 status --prometheus
    said 'gpuanchor_finding{code="container-stale",severity="notice",vmid="101"} 1'
    run 0 status --plain 102
    run 1 status
    grep 'out of date' "$work/out" >"$work/line"
    run 1 status --quiet
    said "$(cat "$work/line")"
    unsaid 'managed container'
}

# A start that is refused corrects nothing, nor does apply: neither is advised.
case_start_is_refused() {
    rm -r "$H/sys/class/drm/card1" "$H/sys/class/drm/renderD128" "$H"/sys/bus/pci/devices/0000:c1:00.0/d[r]*
    rm "$H/dev/dri/card1" "$H/dev/dri/renderD128"
    printf '[container]\ngpu = pci:0000:c1:00.0\n' >"$H/etc/pve/gpuanchor/101.conf"
    run 1 status --json 101
    said '"code":"container-stale"'
    unsaid '"code":"container-refused"'
    echo 'missing = refuse' >>"$H/etc/pve/gpuanchor/101.conf"
    run 1 status 101 --plain
    said 'the next start is refused: pci:0000:c1:00.0 is not there (missing = refuse)'
    unsaid 'so does the next start'
}

# udev's correction of a node's group takes it from who runs with the old one; what is to be done then is for its policy.
case_group_of_a_node_is_old() {
    mkdir -p "$H/run/gpuanchor" "$H/var/lib/lxc/101"
    echo '[given]' >"$H/run/gpuanchor/101"
    sed -n 's/^\(lxc[^:]*\): /\1 = /p' "$CONF" >"$H/var/lib/lxc/101/config"
    sed -i 's/^render:\(.*\):110:/render:\1:993:/' "$H/etc/group"
    run 1 status --json 101
    said '"code":"node-leaves"'
    said 'a node of its own then, within seconds'
    echo 'running = leave' >>"$H/etc/pve/gpuanchor/101.conf"
    run 1 status --json 101
    said 'after that: pct reboot 101'
}

# nvidia VERSION LIBRARIES - a host whose loaded module and own libraries are of these versions
nvidia() {
    rm -rf "$H/sys" "$H/dev" "$H/proc"
    sh "$tests/mkhost.sh" "$tests/fixtures/hosts/nvidia.host" "$work/nvidia"
    for part in sys dev proc; do mv "$work/nvidia/$part" "$H/$part"; done
    rm -rf "$work/nvidia"
    mkdir -p "$H/sys/module/nvidia" "$H/usr/lib64"
    echo "$1" >"$H/sys/module/nvidia/version"
    rm -f "$H"/usr/lib64/lib*
    cp "$gpuanchor" "$H/usr/lib64/libcuda.so.$2" # an ELF file of this machine
    ln -sf "libcuda.so.$2" "$H/usr/lib64/libcuda.so.1"
}

case_nvidia_is_not_loaded_yet() {
    nvidia 550.144.03 550.144.03
    run 1 status --plain
    unsaid driver-not-loaded
    nvidia 550.144.03 550.163.01
    run 1 status --plain
    said "version 550.144.03 of NVIDIA's driver is loaded, and /usr/lib64/libcuda.so.1 of this host is of version 550.163.01"
    run 1 doctor --plain
    grep "^host.driver-loaded.warning" "$work/out" | grep -q "550.163.01.*reboot the host" || fail doctor
}

# what the look of root found in a container that runs
case_nvidia_container_mismatch() {
    nvidia 550.163.01 550.163.01
    mkdir -p "$H/run/gpuanchor"
    printf '/dev/nvidia0 195:0 0000:02:00.0\n' >"$H/run/gpuanchor/101"
    printf 'library libcuda.so.1 found 550.144.03 - /usr/lib/libcuda.so.1\ngate unknown\n' >"$H/run/gpuanchor/101.held"
    run 1 status --plain
    said "/usr/lib/libcuda.so.1 of the container is of version 550.144.03, and version 550.163.01 of NVIDIA's driver is loaded"
    sed -i 's/144.03 -/144.03 host/' "$H/run/gpuanchor/101.held"
    run 1 status --plain
    unsaid container-driver-mismatch
    sed -i 's/144.03 host/163.01 -/' "$H/run/gpuanchor/101.held"
    run 1 status --plain
    unsaid container-driver-mismatch
}

# said once, and resolved once the container has them
case_nvidia_watched() {
    nvidia 550.144.03 550.144.03
    mkdir -p "$H/run/gpuanchor"
    printf '/dev/nvidia0 195:0 0000:02:00.0\n' >"$H/run/gpuanchor/101"
    printf 'library libcuda.so.1 found 550.144.03 - /usr/lib/libcuda.so.1\ngate unknown\n' >"$H/run/gpuanchor/101.held"
    watch
    unwatch
    ! grep -q driver "$work/daemon" || fail "it reports a driver"
    echo 550.163.01 >"$H/sys/module/nvidia/version"
    cp "$gpuanchor" "$H/usr/lib64/libcuda.so.550.163.01"
    ln -sf libcuda.so.550.163.01 "$H/usr/lib64/libcuda.so.1"
    for _ in 1 2; do
        watch
        sleep 1
        unwatch
        cat "$work/daemon" >>"$work/all"
    done
    [ "$(grep -c 'another version now: 550.144.03 -> 550.163.01' "$work/all")" = 1 ] || fail "$(cat "$work/all")"
    [ "$(grep -c 'of the container is of version 550.144.03' "$work/all")" = 1 ] || fail "$(cat "$work/all")"
}

case_a_snapshot_is_shown_and_no_finding() {
    printf '\n[old]\ndev0: /dev/dri/card0\n' >>"$CONF"
    run 0 status --plain
    said snapshot-stale
}

case_start_that_proxmox_refuses() {
    printf 'dev0: /dev/dri/renderD150\nhookscript: local:snippets/gpuanchor-hook\n' >"$CONF"
    run 1 status --plain
    grep -q "^finding.warning.container-no-start" "$work/out" || fail "not a warning"
}

case_without_pve() {
    rm -rf "$H/etc/pve" && mkdir "$H/etc/pve"
    run 2 status --plain
    said pve-not-mounted
    unsaid 'nothing was changed' # it only reads
    run 2 status --prometheus
    said 'gpuanchor_pve_mounted 0'
}

case_wrong_usage() {
    run 2 status --plain 999
    grep -q 'no such container' "$work/err" || fail "no reason"
    run 2 status --plain abc
    run 2 status --plain 101 102
}

case_changes_since_the_watcher_looked() {
    watch && unwatch
    run 0 status --plain
    sed -i 's/render:x:110/render:x:993/' "$H/etc/group"
    run 1 status --plain
    said group-changed
    watch && sleep 1 && unwatch
    grep -q 'group-changed' "$work/daemon" || fail "the watcher says nothing"
    run 1 status --plain
    unsaid group-changed
    said node-group-wrong
}

case_the_watcher_is_seen() {
    mkdir -p "$H/sys/fs/cgroup/system.slice/gpuanchord.service"
    run 0 status --plain
    said "$(tab 'node pve1 watched')"
}

# systemd.unified_cgroup_hierarchy=0: services are in systemd's own hierarchy, containers are not found
case_control_groups_v1() {
    mkdir -p "$H/sys/fs/cgroup/systemd/system.slice"
    run 1 status
    said 'control groups are not v2 here: starts are corrected'
    said 'take systemd.unified_cgroup_hierarchy=0 off the kernel command line'
    said 'gpuanchord does not run'
    mkdir "$H/sys/fs/cgroup/systemd/system.slice/gpuanchord.service"
    run 1 status
    unsaid 'gpuanchord does not run'
    run 1 status --json
    said '"code":"cgroups-old"'
    rmdir "$H/sys/fs/cgroup/systemd/system.slice/gpuanchord.service" "$H/sys/fs/cgroup/systemd/system.slice" "$H/sys/fs/cgroup/systemd"
    run 0 status
    unsaid 'control groups'
}

case_names_are_escaped() {
    printf 'hostname: a"b\\c\033[31m\n' >>"$CONF"
    run 0 status --prometheus
    said 'name="a\"b\\c\\x1b[31m"'
    run 0 status --plain
    ! grep -q "$(printf '\033')" "$work/out" || fail "an escape sequence"
}

# Everything that uses a GPU is named, managed or not; a conflict counts.
case_who_else_uses_a_gpu() {
    run 0 status
    said '2 GPUs, 1 managed container; gpuanchord does not run: systemctl enable --now gpuanchord'
    unsaid 'without gpuanchor'
    sed -e '/^hookscript/d' -e 's/ollama/other/' "$CONF" >"$H/etc/pve/lxc/102.conf"
    mkdir -p "$H/etc/pve/nodes/pve1/qemu-server" && ln -sfn nodes/pve1/qemu-server "$H/etc/pve/qemu-server"
    echo 'hostpci0: 0000:c1:00.0,pcie=1' >"$H/etc/pve/qemu-server/200.conf"
    run 1 status
    said '102 other uses GPU 0000:c1:00.0 without gpuanchor: gpuanchor enable 102'
    # its GPU has other nodes by now; a device that is no GPU is none of ours
    printf 'hostname: tv\ndev0: /dev/dri/renderD130,gid=110\n' >"$H/etc/pve/lxc/103.conf"
    mknod "$H/dev/ttyACM0" c 166 0
    printf 'hostname: zigbee\ndev0: /dev/ttyACM0\n' >"$H/etc/pve/lxc/104.conf"
    run 1 status
    said '103 tv names /dev/dri/renderD130, which is not there, and has no GPU: gpuanchor enable 103'
    unsaid zigbee
    unsaid 'SELECTOR, one of' # the other GPU has no node to render: enable asks nothing
    said 'virtual machine 200 takes GPU 0000:c1:00.0 (hostpci0)'
    said 'is meant for container 101, but virtual machine 200'
    rm "$H/etc/pve/lxc/103.conf"
    run 1 status --json
    said '"code":"gpu-conflict"'
    # asked for one, it is told of the conflict if it uses that GPU
    run 1 status 101
    said 'is meant for container 101, but virtual machine 200'
    printf '[container]\ngpu = pci:0000:00:02.0\n' >"$H/etc/pve/gpuanchor/104.conf"
    echo 'hookscript: local:snippets/gpuanchor-hook' >>"$H/etc/pve/lxc/104.conf"
    "$gpuanchor" apply 104 >/dev/null
    run 0 status 104
    unsaid 'virtual machine'
}

# what is said of a running container is as old as root's last look
case_age_of_the_look() {
    up=$(python3 -c 'import time; print(int(time.monotonic()))')
    looked() { [ "$up" -gt "$1" ] && echo $((up - $1)) >"$H/run/gpuanchor/look"; }
    mkdir -p "$H/run/gpuanchor"
    looked 7
    run 0 status
    unsaid 'last look' # nothing runs
    "$gpuanchor" plan 101 >/dev/null
    printf '226:128 /dev/dri/renderD128 0000:c1:00.0\n' >"$H/run/gpuanchor/101"
    run 0 status --quiet
    unsaid 'last look'
    run 0 status
    grep -qE '1 managed container; last look at what runs: (7|8|9|1.) s ago' "$work/out" || fail "no age"
    run 0 status --json
    grep -qE '"looked":(7|8|9|1.),' "$work/out" || fail "no age in JSON"
    run 0 doctor --plain 101
    grep -qE 'running	ok	.*holds: (7|8|9|1.) s ago' "$work/out" || fail "doctor says no age"
    if looked 290; then
        run 0 status
        said 'last look at what runs: 4 min ago'
    fi
    looked 302 || return 0 # this machine was booted a moment ago
    run 1 status
    said "root's last look at what running"
    run 1 doctor --plain 101
    said 'systemctl enable --now gpuanchor-look.timer gpuanchor-look.path'
    run 1 status --json
    said '"code":"look-old"'
    if looked 9100; then
        run 1 status --json
        said '"old":"2 h ago"'
    fi
    for text in '' nonsense 99999999999 -7 4000000000; do # no time that has been
        printf '%s' "$text" >"$H/run/gpuanchor/look"
        run 0 status
        unsaid 'last look'
        run 0 status --json
        said '"looked":null'
    done
    rm "$H/run/gpuanchor/look"
    run 0 status --json
    said '"looked":null'
}

case_ordinary_user() {
    chmod 755 "$work" "$H"
    cp "$gpuanchor" "$work/user"
    for mode in 755 750; do
        chmod 640 "$H"/etc/pve/lxc/*.conf
        chmod $mode "$H/etc/pve"
        for verb in status "status 101" "status --json"; do
            # shellcheck disable=SC2086 # words
            setpriv --reuid 65534 --regid 65534 --clear-groups "$work/user" $verb >"$work/out" 2>"$work/err"
            [ $? = 2 ] || fail "$verb"
            grep -q 'status needs root: it reads /etc/pve/lxc; run it with sudo or as root' "$work/err" || fail "not said"
            [ ! -s "$work/out" ] || fail "half a status"
        done
        setpriv --reuid 65534 --regid 65534 --clear-groups "$work/user" gpus --plain >"$work/out" 2>"$work/err" || fail "gpus: $?"
        [ "$(grep '^pci:' "$work/out" | awk '{ print $NF }' | sort -u)" = '?' ] || fail "USED BY is called empty"
    done
}

cases
