#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# test-running.sh GPUANCHOR [CASE | calm | hostile | killed] - the look, and a container that runs, without Proxmox
#
# What a container is here: running.sh. Needs root and a control group v2; skipped without.
# shellcheck disable=SC2317 # the cases are called by name
gpuanchor=$(realpath "${1:?usage: $0 GPUANCHOR [CASE]}")
tests=$(realpath "$(dirname "$0")/..")
# A look at a hostile container is tried again for a minute: those cases wait side by side.
names() { # calm | hostile | killed, by the section of this file
    awk -v want="$1" '
        /^# --- / { section = /hostile/ ? "hostile" : /killed/ ? "killed" : "calm" }
        /^case_/ && section == want { sub(/\(.*/, ""); print }' "$0"
}
case ${2-} in
'')
    sh "$0" "$gpuanchor" hostile &
    sh "$0" "$gpuanchor" calm
    status=$?
    wait $! || [ $status != 0 ] || status=1
    exit $status
    ;;
hostile) names hostile | xargs -P 16 -n 1 sh "$0" "$gpuanchor"; exit ;;
esac

# shellcheck source=tests/cli/running.sh
. "$tests/cli/running.sh"

# --- cases ----------------------------------------------------------------------------------------

case_follow() {
    host guide
    container
    old=$(node render)
    look
    said 'may not open these device numbers'
    for n in $(others 2>/dev/null); do grep -q "^gate closed.* $n" "$R/run/gpuanchor/101.held" || fail "gate: $n"; done
    opens_is "/dev/dri/$old" ENXIO
    look
    [ ! -s "$work/out" ] || fail "a second look says something"
    host guide-moved
    [ "$old" != "$(node render)" ] || fail "the sample hosts are the same"
    look
    said 'came into the running container'
    said 'was taken out'
    opens_is "/dev/dri/$old" ENOENT
    opens_is "/dev/dri/$(node render)" ENXIO
    opens_is "/dev/dri/$(node card)" ENXIO
    grep -q "^dev1: /dev/dri/$(node render),gid=104" "$R/etc/pve/lxc/101.conf" || fail "the file does not follow"
    cp "$R/run/gpuanchor/101" "$work/record"
    look
    [ ! -s "$work/out" ] || fail "a second look says something"
    cmp -s "$work/record" "$R/run/gpuanchor/101" || fail "a second look changes the record"
    end
}

# with control groups v1 a container that runs is not found, and not said to be down
case_control_groups_v1() {
    host guide
    container
    look
    on_host /opt/gpuanchor doctor --plain >"$work/out" 2>"$work/err" </dev/null
    grep -q '^host	control-groups	ok' "$work/out" || fail "v2 is not known"
    mount -t tmpfs v1 "$R/sys/fs/cgroup"
    mkdir "$R/sys/fs/cgroup/systemd"
    on_host /opt/gpuanchor status --json >"$work/out" 2>"$work/err" </dev/null
    said '"code":"cgroups-old"'
    ! grep -q container-down "$work/out" || fail "said to be down"
    rmdir "$R/sys/fs/cgroup/systemd"
    on_host /opt/gpuanchor status --json >"$work/out" 2>"$work/err" </dev/null
    said container-down
    umount "$R/sys/fs/cgroup"
    end
}

# traces - what a change could leave behind: mounts, files, processes, programs of the control group
traces() {
    wc -l <"/proc/$init/mountinfo"
    grep -vc " $R/sys" /proc/self/mountinfo # the test's own way to have other devices
    ls -l "/proc/$init/root/dev/dri" | sed 's/ [A-Z][a-z][a-z] .* / /'
    find "$R/run/gpuanchor" "$R/run/gpuanchor-look" "$R/etc/pve" "$R/tmp" "$R/var/lib/gpuanchor" | grep -v /backup/101/ | sort
    find "$R/var/lib/gpuanchor/backup" -type f | wc -l | awk '{ print ($1 > 10) }'
    cat "$group/lxc/101/cgroup.procs"
    grep -l "$R" /proc/[0-9]*/mountinfo >"$work/processes" 2>/dev/null # no pipe: its processes would count
    wc -l <"$work/processes"
    python3 "$work/programs.py" "$group/lxc/101"
}
# the same cards change places again and again, 100 times in the long run
case_swaps() {
    cat >"$work/programs.py" <<'EOF'
import ctypes, os, struct, sys
group = os.open(sys.argv[1], os.O_RDONLY)
ids = ctypes.create_string_buffer(64 * 4)
# BPF_PROG_QUERY of BPF_CGROUP_DEVICE: target, type, flags, attached flags, ids, how many
query = ctypes.create_string_buffer(struct.pack("IIIIQI", group, 6, 0, 0, ctypes.addressof(ids), 64) + bytes(92))
assert ctypes.CDLL(None, use_errno=True).syscall(321, 16, query, len(query)) == 0, ctypes.get_errno()
print(struct.unpack_from("I", query, 24)[0], "programs")
EOF
    host guide
    container
    look
    host guide-moved && look
    host guide && look
    traces >"$work/traces"
    grep -qx '1 programs' "$work/traces" || fail "$(cat "$work/traces")"
    for _ in $(seq $((${SWAPS-10} / 2))); do
        host guide-moved && look
        opens_is "/dev/dri/$(node render)" ENXIO
        others_are_shut
        host guide && look
    done
    opens_is "/dev/dri/$(node render)" ENXIO
    traces >"$work/traces.after"
    diff "$work/traces" "$work/traces.after" >&2 || fail "something is left over"
    end
}

# what the first of them changes of the host's memory keeps no other one waiting
case_several_in_one_look() {
    host guide
    for vmid in 103 102 101; do container; done
    look
    host guide-moved
    begin=$(date +%s)
    look
    [ $(($(date +%s) - begin)) -lt 10 ] || fail "something had to wait ten seconds"
    for vmid in 103 102 101; do
        grep -q "^dev1: /dev/dri/$(node render),gid=104" "$R/etc/pve/lxc/$vmid.conf" || fail "the file of $vmid does not follow"
        ! grep -q ^unfinished "$R/run/gpuanchor/$vmid.held" || fail "unfinished: $vmid"
    done
    look
    [ ! -s "$work/out" ] || fail "a second look says something"
    for vmid in 103 102; do
        echo 1 >"$group/lxc/$vmid/cgroup.kill"
        sleep 0.2
        rmdir "$group/lxc/$vmid"
        mv "$R/etc/pve/lxc/$vmid.conf" "$R/run/$vmid.conf.was"
    done
    vmid=101
    end
}

# one of them holds its helper for long, and devices change: the gates of all follow at once
case_gate_waits_for_no_other() {
    command -v strace >/dev/null || return 0
    host guide
    for vmid in 102 101; do container; done
    look
    host guide-moved
    strace -f -q -o "$work/trace" -e trace=setns -e inject=setns:delay_enter=4000000 \
        chroot "$R" /opt/gpuanchor look >"$work/out" 2>"$work/err" </dev/null &
    slow=$!
    for _ in $(seq 200); do ! grep -q setns "$work/trace" 2>/dev/null || break; sleep 0.02; done
    host guide
    : >"$R/run/gpuanchor-look/wanted"
    for vmid in 102 101; do
        for _ in $(seq 40); do
            grep -q "^gate closed.* $(number render)\>" "$R/run/gpuanchor/$vmid.held" || break
            sleep 0.05
        done
        ! grep -q "^gate closed.* $(number render)\>" "$R/run/gpuanchor/$vmid.held" || fail "the gate of $vmid waits"
    done
    ! grep -q 'came into' "$work/out" || fail "nothing was slow"
    wait "$slow"
    look
    for vmid in 102 101; do
        grep -q "^node = /dev/dri/$(node render) $(number render) " "$R/run/gpuanchor/$vmid" || fail "nodes of $vmid"
        grep -q "^dev1: /dev/dri/$(node render),gid=104" "$R/etc/pve/lxc/$vmid.conf" || fail "the file of $vmid"
        grep -q "^gate closed" "$R/run/gpuanchor/$vmid.held" || fail "the gate of $vmid"
    done
    opens_is "/dev/dri/$(node render)" ENXIO
    echo 1 >"$group/lxc/102/cgroup.kill"
    sleep 0.2
    rmdir "$group/lxc/102"
    mv "$R/etc/pve/lxc/102.conf" "$R/run/102.conf.was"
    end
}

# owner and mode that a node had at the start are those of the node that takes its place
case_mode_stays() {
    host guide
    render_mode=644
    container
    look
    grep -q "^node = /dev/dri/$(node render) .* 644 0 104 own$" "$R/run/gpuanchor/101" || fail "not learned"
    host guide-moved
    look
    [ "$(stat -c '%a %u %g' "/proc/$init/root/dev/dri/$(node render)")" = "644 0 104" ] || fail "another owner or mode"
    end
}

# the gate alone: the old node stays, and reaches nothing
case_leave() {
    host guide
    container 'running = leave'
    old=$(node render)
    look
    host guide-moved
    look
    opens_is "/dev/dri/$old" EPERM
    opens_is "/dev/dri/$(node render)" ENOENT
    end
}

# lines that gpuanchor itself wrote open no gate, whatever they name after the next changes
case_lines_of_another_order() {
    host guide
    container 'running = leave'
    look
    host guide-moved
    look
    person apply 101 # and it warns
    grep -q "^dev1: /dev/dri/$(node render),gid=104" "$R/etc/pve/lxc/101.conf" || fail "apply leaves the file"
    for name in guide away guide-moved guide; do
        if [ $name = away ]; then host_away; else host $name; fi
        look
        others_are_shut
    done
    end
}

# pct set --dev5: in the mount namespace of lxc-start, which is this one, and in the container
plug() { # KIND OF A NODE OF THE OTHER CARD
    mount -t tmpfs lib /var/lib && mkdir -p /var/lib/lxc/101/passthrough || fail "no /var/lib"
    mount --bind "$work/passthrough" /var/lib/lxc/101/passthrough
    other=$(basename "$(find "$work/dev/dri" -name "$1*" ! -name "$(node card)" ! -name "$(node render)")")
    printf 'c:%s:/dev/dri/%s\n' "$(number card)" "$(node card)" "$(number render)" "$(node render)" \
        >"$work/passthrough/devices"
    mkdir -p "$work/passthrough/dev/dri"
    cp -a "$work/dev/dri/$other" "$work/passthrough/dev/dri/"
    echo "dev5: /dev/dri/$other,gid=44" >>"$R/etc/pve/lxc/101.conf"
    in_ct ": >dri/$other; mount --bind $work/passthrough/dev/dri/$other dri/$other"
}
# what its owner has put in while it runs is his; a node of that name which came another way is not
case_added_while_it_runs() {
    host guide
    container
    look
    others_are_shut
    plug card
    look
    said "is not kept from other GPUs: dev5 was added while it runs"
    opens_is "/dev/dri/$other" ENXIO
    look
    [ ! -s "$work/out" ] || fail "a second look says something"
    # also when its number was the container's own in between
    host guide-moved
    look
    others_are_shut
    host guide
    look
    said "is not kept from other GPUs: dev5 was added while it runs"
    opens_is "/dev/dri/$other" ENXIO
    opens_is "/dev/dri/$(node render)" ENXIO
    in_ct "umount dri/$other; rm dri/$other; cp -a $work/dev/dri/$other dri/$other"
    look
    others_are_shut
    opens_is "/dev/dri/$other" EPERM
    umount -l /var/lib
    end
}

case_revoke() {
    host guide
    container 'running = revoke'
    old=$(node render)
    look
    host guide-moved
    look
    opens_is "/dev/dri/$old" ENOENT
    opens_is "/dev/dri/$(node render)" ENOENT
    # its file has followed: lines of that order open no gate at the next change
    host guide
    look
    others_are_shut
    end
}

case_gate_no() {
    host guide
    container 'gate = no
running = leave'
    old=$(node render)
    look
    host guide-moved
    look
    opens_is "/dev/dri/$old" ENXIO
    end
}

# what the policy says of the gate counts from the next look on, whatever else waits for a start
case_gate_wish() {
    host guide-moved
    lines_more="lxc.include: /etc/own.conf
"
    container
    look
    said 'is not kept from other GPUs: lxc.include may bring devices that no line names'
    in_ct "cp -a $work/dev/dri/renderD128 dri/other"
    opens_is /dev/dri/other ENXIO
    for wish in yes:closed:EPERM auto:open:ENXIO yes:closed:EPERM no:off:ENXIO; do
        sed -i "/^gate/d; /^\[container\]/a gate = ${wish%%:*}" "$R/etc/pve/gpuanchor/101.conf"
        look
        state=${wish#*:}
        grep -q "^gate ${state%:*}" "$R/run/gpuanchor/101.held" || fail "gate = ${wish%%:*}: it is not ${state%:*}"
        opens_is /dev/dri/other "${wish##*:}"
        opens_is "/dev/dri/$(node render)" ENXIO
    done
    lines_more=
    end
}

# its driver goes and comes back
case_gone_and_back() {
    host guide
    container
    look
    old=$(node render)
    mv "$work/hosts/guide/dev/dri" "$work/dri.all"
    cp -a "$work/hosts/guide" "$work/hosts/gone" 2>/dev/null
    mv "$work/dri.all" "$work/hosts/guide/dev/dri"
    cp -a "$work/hosts/guide/dev/dri" "$work/hosts/gone/dev/dri"
    rm -f "$work/hosts/gone/sys/class/drm/$(node card)" "$work/hosts/gone/sys/class/drm/$old" \
        "$work/hosts/gone/dev/dri/$(node card)" "$work/hosts/gone/dev/dri/$old"
    host gone
    look
    opens_is "/dev/dri/$old" ENOENT
    host guide-moved
    look
    opens_is "/dev/dri/$(node render)" ENXIO
    end
}

# its driver comes when the container runs already
case_started_without_its_gpu() {
    host guide
    container 'missing = start'
    look
    lines_card=$(node card) lines_render=$(node render)
    end
    host_away
    container
    look
    [ ! -e "/proc/$init/root/dev/dri/$lines_render" ] || fail "there is a node"
    host guide-moved
    look
    said "/dev/dri/$(node render) ($(number render)) of GPU 0000:c1:00.0 came into the running container"
    for kind in card render; do opens_is "/dev/dri/$(node $kind)" ENXIO; done
    [ "$(stat -c '%a %u %g' "/proc/$init/root/dev/dri/$(node render)")" = "660 0 104" ] || fail "another owner or mode"
    grep -q "^dev1: /dev/dri/$(node render),gid=104" "$R/etc/pve/lxc/101.conf" || fail "the file does not follow"
    look
    [ ! -s "$work/out" ] || fail "a second look says something"
    end
}

# a node that the driver makes for its first user
case_late_node() {
    host guide
    number=$(cat "$S/class/kfd/kfd/dev")
    lines_more="dev2: /dev/kfd,gid=104
"
    container
    look
    [ ! -e "/proc/$init/root/dev/kfd" ] || fail "there is a node"
    mknod -m 660 "$work/dev/kfd" c "${number%:*}" "${number#*:}"
    chgrp 104 "$work/dev/kfd"
    look
    said "/dev/kfd ($number)"
    opens_is /dev/kfd ENXIO
    grep -q '^dev2: /dev/kfd,gid=104' "$R/etc/pve/lxc/101.conf" || fail "the file does not follow"
    look
    [ ! -s "$work/out" ] || fail "a second look says something"
    mv "$work/dev/kfd" "$work/old/"
    end
}

# --- another container and the same card ---------------------------------------------------------------

# second LINE - container 102, which wants the same card; start_second: what its start answers
second() {
    # it is no container that took over the number of the one of the case before
    sed -i '/^gone 102$/d' "$R/var/lib/gpuanchor/host/lines"
    printf 'hookscript: local:snippets/gpuanchor-hook\nhostname: two\nunprivileged: 1\n' >"$R/etc/pve/lxc/102.conf"
    printf '[container]\ngpu = pci:0000:c1:00.0\n%s\n' "${1-}" >"$R/etc/pve/gpuanchor/102.conf"
}
# the shell is the task of the start, which ends with it
start_second() { on_host sh -c '/opt/gpuanchor-hook 102 pre-start; exit $?' >"$work/second" 2>&1; }
second_hears() {
    ! start_second || fail "102 starts: $(cat "$work/second")"
    grep -qF -e "$1" "$work/second" || fail "102 does not hear: $1: $(cat "$work/second")"
}
no_second() {
    rmdir "$group/lxc/102" 2>/dev/null
    rm -f "$R/etc/pve/lxc/102.conf" "$R/etc/pve/gpuanchor/102.conf"
}
# the card's driver is away on this host
host_away() {
    [ -d "$work/hosts/away" ] || {
        cp -a "$work/hosts/guide" "$work/hosts/away"
        for name in "$(node card)" "$(node render)"; do
            rm "$work/hosts/away/sys/class/drm/$name" "$work/hosts/away/dev/dri/$name"
        done
    }
    host away
}

# while it was gone another container has started that has it for itself
case_back_and_taken() {
    host guide
    container
    look
    old=$(node render)
    host_away
    look
    opens_is "/dev/dri/$old" ENOENT
    second 'exclusive = yes'
    host guide-moved
    mkdir "$group/lxc/102"
    start_second || fail "102 does not start: $(cat "$work/second")"
    look
    opens_is "/dev/dri/$(node render)" ENOENT
    no_second
    look
    opens_is "/dev/dri/$(node render)" ENXIO
    end
}

# whoever runs and wants it for itself by now has it from the next look on, if it is alone
case_exclusive_switched_on() {
    host guide
    container
    look
    second
    start_second || fail "two that share: $(cat "$work/second")"
    second 'exclusive = yes'
    second_hears 'container 101 has it, and this container wants it for itself'
    second
    mkdir "$group/lxc/102" # and 102 runs, too: there is nothing to have alone
    sed -i '/^\[container\]/a exclusive = yes' "$R/etc/pve/gpuanchor/101.conf"
    look
    rmdir "$group/lxc/102"
    look
    second_hears 'container 101 has it for itself (exclusive = yes)'
    sed -i '/^exclusive/d' "$R/etc/pve/gpuanchor/101.conf"
    look
    start_second || fail "101 shares it again: $(cat "$work/second")"
    no_second
    end
}

# a card that comes back while a start wants it for itself: one of both has it, at every moment
case_back_during_a_start() {
    host guide
    container
    look
    host_away
    look
    second 'exclusive = yes'
    host guide-moved
    came=$(node render)
    if command -v strace >/dev/null; then # the look has the card's lock, and is slow
        strace -f -q -o "$work/trace" -e trace=move_mount -e inject=move_mount:delay_enter=1500000 \
            chroot "$R" /opt/gpuanchor look >"$work/out" 2>"$work/err" </dev/null &
        slow=$!
        for _ in $(seq 200); do ! grep -q move_mount "$work/trace" 2>/dev/null || break; sleep 0.02; done
        second_hears 'container 101 has it, and this container wants it for itself'
        wait "$slow"
        opens_is "/dev/dri/$came" ENXIO
    fi
    for delay in 0 0.02 0.05 0.1 0.2 0.4; do
        host_away
        look
        opens_is "/dev/dri/$came" ENOENT
        host guide-moved
        (sleep "$delay" && on_host /opt/gpuanchor look >/dev/null 2>&1 </dev/null) &
        looks=$!
        got=
        mkdir "$group/lxc/102" # what has the lock of a start has a unit before that ends
        if start_second; then got=102; else rmdir "$group/lxc/102"; fi
        wait "$looks"
        [ "$(opens "/dev/dri/$came")" != ENXIO ] || got="$got 101"
        case $got in
        102 | ' 101') ;;
        *) fail "after $delay s these have it: '$got': $(cat "$work/second")" ;;
        esac
        rmdir "$group/lxc/102" 2>/dev/null
        look
        opens_is "/dev/dri/$came" ENXIO
    done
    no_second
    end
}

# what has to wait: a lock, a lock: of the file, a freezer; never the gate
case_waits() {
    host guide
    container
    look
    old=$(node render)
    host guide-moved
    mkdir -p "$R/run/lock/lxc"
    exec 9>"$R/run/lock/lxc/pve-config-101.lock"
    flock 9
    timeout 5 chroot "$R" /opt/gpuanchor look >"$work/out" 2>"$work/err" </dev/null
    opens_is "/dev/dri/$old" EPERM
    grep -q '^undone its configuration lock is taken$' "$R/run/gpuanchor/101.held" || fail "it is not listed that it waits"
    ! grep -q 'could not all be put right' "$work/out" || fail "what waits is reported as undone"
    exec 9>&-
    # a lock: of the file that comes once the nodes have followed: its stale lines open no gate
    sed -i '1i lock: backup' "$R/etc/pve/lxc/101.conf"
    timeout 5 chroot "$R" /opt/gpuanchor look >"$work/out" 2>"$work/err" </dev/null
    others_are_shut
    grep -q '^undone its file has lock: backup$' "$R/run/gpuanchor/101.held" || fail "it is not listed that it waits"
    sed -i '/^lock:/d' "$R/etc/pve/lxc/101.conf"
    look
    ! grep -q ^undone "$R/run/gpuanchor/101.held" || fail "it does not wait any more"
    opens_is "/dev/dri/$(node render)" ENXIO
    end
}

# --- a container whose root is hostile, each time at a change of the host ------------------------------

# in_ct SCRIPT - as its root: in its mount namespace, in its /dev
in_ct() { nsenter -t "$init" -m sh -euc "cd $work/ct/dev; $1" || fail "in the container: $1"; }

listing() { ls -lR "$work/dev" "$work/passthrough" "$work/victim" | grep -v ^total; }
others_are_shut() {
    grep -q '^gate closed' "$R/run/gpuanchor/101.held" || fail "the gate is open"
    for n in $(others 2>/dev/null); do grep -q "^gate closed.* $n" "$R/run/gpuanchor/101.held" || fail "gate: $n"; done
}
ready_within_30_s() { # FILE
    for _ in $(seq 600); do [ ! -e "$1" ] || return 0; sleep 0.05; done
    fail "$1 does not come"
}

# hostile SCRIPT [WORD] - it does that; then the devices change: nothing of the host does, WORD is said
hostile() {
    host guide
    container
    look
    old=$(node render)
    : >"$work/victim"
    in_ct "$1"
    host guide-moved
    listing >"$work/host.before"
    look
    listing | cmp "$work/host.before" - || fail "something of the host has changed"
    [ -z "${2-}" ] || said "$2"
    others_are_shut
    case $(opens "/dev/dri/$old") in
    EPERM | ENOENT | ELOOP | EACCES | open | ENXIO) ;;
    *) fail "the old name: $(opens "/dev/dri/$old")" ;;
    esac
    end
}
name_before() { (host guide && node render); }
name_after() { (host guide-moved && node render); }

case_link_at_the_node() {
    hostile "umount dri/$(name_before); rm dri/$(name_before); ln -s $work/victim dri/$(name_before)"
}
case_fifo_at_the_place() { hostile "mkfifo dri/$(name_after)" 'another file is in that place'; }
case_folder_at_the_place() { hostile "mkdir dri/$(name_after)" 'another file is in that place'; }
case_file_with_text_stays() { hostile "echo mine >dri/$(name_after)" 'another file is in that place'; }
case_file_system_at_dri() { hostile "mount -t ramfs x dri" 'could not all be put right'; }
case_link_at_dri() { hostile "umount dri/*; mv dri other; ln -s $work/dev dri" 'could not all be put right'; }
case_host_folder_over_dev() { hostile "mount --bind $work/dev ." 'not the one that LXC made'; }
case_other_file_system_over_dev() { hostile "mount -t ramfs x ." 'not the one that LXC made'; }
# links, mounts and other folders come and go at the place all the time
case_place_changes_all_the_time() {
    host guide
    container
    look
    mkdir -p "$work/victims"
    : >"$work/victim"
    cat >"$work/racer.sh" <<EOF
cd "$work/ct/dev" || exit 1
echo ready >"$work/racer.ready"
while [ -e "$group/lxc/101" ] && [ ! -e "$work/racer.end" ]; do
    mv dri away 2>/dev/null && ln -s "$work/victims" dri && rm dri; mv away dri 2>/dev/null
    mount --bind "$work/victims" dri 2>/dev/null && umount -l dri
    for n in card0 card1 renderD128 renderD129; do
        ln -s "$work/victim" dri/\$n 2>/dev/null && rm -f dri/\$n
    done
done
EOF
    nsenter -t "$init" -m sh "$work/racer.sh" >/dev/null 2>&1 &
    racer=$!
    ready_within_30_s "$work/racer.ready"
    for round in $(seq "${RACES-6}"); do
        if [ $((round % 2)) = 1 ]; then host guide-moved; else host guide; fi
        (listing && ls -lR "$work/victims") >"$work/host.before"
        timeout 3 chroot "$R" /opt/gpuanchor look >"$work/out" 2>"$work/err" </dev/null
        (listing && ls -lR "$work/victims") | cmp "$work/host.before" - || fail "something of the host has changed"
        others_are_shut
    done
    : >"$work/racer.end"
    wait "$racer" 2>/dev/null
    end
}
case_a_thousand_mounts() {
    hostile "n=dri/$(name_before); for i in \$(seq 1000); do mount --bind \$n \$n; done" 'too many mounts'
}

# mute COMMAND... - it gets a program as further arguments, and runs it in the container, where a file
# system that never answers comes over /dev/dri; 1 where there can be none
mute() {
    {
        echo "echo 0 >'$group/lxc/101/cgroup.procs'"
        echo "exec '${gpuanchor%/src/cli/gpuanchor}/tests/silent-fs' '$work/ct/dev/dri' '$work/ct'"
    } >"$work/mute.sh"
    "$@" sh "$work/mute.sh" >"$work/mute" 2>&1 &
    mute=$!
    for _ in $(seq 600); do [ ! -s "$work/mute" ] || break; sleep 0.05; done
    grep -q ready "$work/mute" || { echo "no mute file system: $(cat "$work/mute")"; return 1; }
}
case_mute_over_dri() {
    host guide
    container
    look
    mute nsenter -t "$init" -m || { end; return 0; }
    host guide-moved
    timeout 30 chroot "$R" /opt/gpuanchor look >"$work/out" 2>"$work/err" </dev/null
    others_are_shut
    said 'could not all be put right: it cannot be looked into'
    grep -q '^undone it cannot be looked into' "$R/run/gpuanchor/101.held" || fail "it is not listed"
    kill -9 "$mute"
    end
}
# who holds old nodes is looked for last: what was changed before counts
case_mute_in_another_namespace() {
    host guide
    container
    look
    mute nsenter -t "$init" -m unshare -m --propagation private || { end; return 0; }
    host guide-moved
    timeout 30 chroot "$R" /opt/gpuanchor look >"$work/out" 2>"$work/err" </dev/null
    others_are_shut
    opens_is "/dev/dri/$(node render)" ENXIO
    grep -q "^node = /dev/dri/$(node render) $(number render) " "$R/run/gpuanchor/101" || fail "the record does not follow"
    grep -q "^dev1: /dev/dri/$(node render),gid=104" "$R/etc/pve/lxc/101.conf" || fail "the file does not follow"
    kill -9 "$mute"
    end
}

# moves FLAGS - what init has left behind it, a mount or user namespace, is not trusted again
moves() {
    host guide
    printf '%s\n' 'import os, time, ctypes' 'while not os.path.exists("/move"): time.sleep(0.05)' \
        "assert ctypes.CDLL(None).unshare($1) == 0" 'open("/moved", "w")' 'time.sleep(1000)' >"$work/mover.py"
    container_init='/usr/bin/python3 /mover.py' container_program=$work/mover.py
    container
    look
    : >"/proc/$init/root/move"
    ready_within_30_s "/proc/$init/root/moved"
    host guide-moved
    listing >"$work/host.before"
    for _ in 1 2; do
        cp "$R/run/gpuanchor/101" "$work/record"
        look
        grep -q '^undone its init has left' "$R/run/gpuanchor/101.held" || fail "not reported"
        cmp -s "$work/record" "$R/run/gpuanchor/101" || fail "the record follows"
        others_are_shut
    done
    listing | cmp "$work/host.before" - || fail "something of the host has changed"
    end
}
case_init_moves() { : >"$work/victim"; moves 0x00020000; }
case_init_moves_to_another_user_namespace() { : >"$work/victim"; moves 0x10000000; }
case_init_moves_to_both() { : >"$work/victim"; moves 0x10020000; }

# init ends between two looks, in the middle of one, and its number is another process's
case_init_ends() {
    host guide
    container
    look
    : >"$work/victim"
    host guide-moved
    listing >"$work/host.before"
    if command -v strace >/dev/null; then
        strace -f -q -o "$work/trace" -e trace=setns -e inject=setns:delay_enter=1000000 \
            chroot "$R" /opt/gpuanchor look >"$work/out" 2>"$work/err" </dev/null &
        slow=$!
        for _ in $(seq 200); do ! grep -q setns "$work/trace" 2>/dev/null || break; sleep 0.02; done
        kill -9 "$init"
        wait "$slow"
        [ $? -le 1 ] || fail "the look fails"
        ! grep -q 'came into' "$work/out" || fail "something came into what has ended"
    else
        kill -9 "$init"
    fi
    look # its control group is still there
    sleep 1000 & # on the host, with its mounts
    other=$!
    cp -a "/proc/$other/mountinfo" "$work/other.before"
    echo "$other" >"$R/run/init.101"
    look
    cmp "/proc/$other/mountinfo" "$work/other.before" || fail "mounts of another process have changed"
    kill "$other"
    listing | cmp "$work/host.before" - || fail "something of the host has changed"
    end
}

case_frozen() {
    host guide
    container
    look
    old=$(node render)
    echo 1 >"$group/lxc/101/cgroup.freeze"
    host guide-moved
    timeout 5 chroot "$R" /opt/gpuanchor look >"$work/out" 2>"$work/err" </dev/null
    others_are_shut
    [ -e "/proc/$init/root/dev/dri/$old" ] || fail "nodes of a frozen container have changed"
    for name in away guide-moved guide guide-moved; do
        host guide
        if [ $name = away ]; then host_away; else host $name; fi
        timeout 5 chroot "$R" /opt/gpuanchor look >"$work/out" 2>"$work/err" </dev/null
        others_are_shut
    done
    echo 0 >"$group/lxc/101/cgroup.freeze"
    look
    opens_is "/dev/dri/$(node render)" ENXIO
    end
}

# what has to wait is tried again after ten seconds
case_tried_again() {
    host guide
    container
    look
    host guide-moved
    mkdir -p "$R/run/lock/lxc"
    exec 9>"$R/run/lock/lxc/pve-config-101.lock"
    flock 9
    (exec 9>&- && exec chroot "$R" /opt/gpuanchor look >"$work/out" 2>"$work/err" </dev/null) &
    looks=$!
    for _ in $(seq 100); do ! grep -q ^undone "$R/run/gpuanchor/101.held" || break; sleep 0.1; done
    others_are_shut
    begin=$(date +%s)
    exec 9>&-
    wait "$looks"
    [ $(($(date +%s) - begin)) -le 25 ] || fail "it took $(($(date +%s) - begin)) s"
    said 'came into the running container'
    opens_is "/dev/dri/$(node render)" ENXIO
    end
}

# Docker has a /dev of its own, with a copy of the node; only the control group reaches it
case_copy_in_another_namespace() {
    host guide
    container
    look
    old=$(node render)
    number=$(number render)
    cat >"$work/docker.sh" <<EOF
echo 0 >"$group/lxc/101/cgroup.procs"
cd "$work/ct" && mount -t tmpfs dev dev && mkdir dev/dri
mknod -m 666 dev/dri/$old c 226 $(number render | cut -d: -f2)
echo ready >"$work/docker.ready"
exec chroot . /usr/bin/sleep 1000
EOF
    nsenter -t "$init" -m unshare -m --propagation private sh "$work/docker.sh" &
    docker=$!
    cat >"$work/opener.py" <<'EOF'
import os, sys, time
open(sys.argv[1] + "/cgroup.procs", "w").write(str(os.getpid()))
fd = os.open(sys.argv[2], os.O_PATH)
open(sys.argv[3], "w").close()
time.sleep(1000)
EOF
    python3 "$work/opener.py" "$group/lxc/101" "/proc/$init/root/dev/dri/$old" "$work/opener.ready" &
    opener=$!
    python3 "$work/opener.py" "$group/lxc/101" "/proc/$init/root/dev/dri/$old" "$work/opener2.ready" &
    opener2=$!
    ready_within_30_s "$work/opener.ready"
    ready_within_30_s "$work/opener2.ready"
    ready_within_30_s "$work/docker.ready"
    sleep 0.2 # until it has become its program
    ct=$init
    host guide-moved
    look
    said "sleep (process $docker) in the container has mounts of its own, with the node /dev/dri/$old ($number)"
    said "/dev/dri/$old ($number) open since before the change"
    said "(process $opener)"
    said "(process $opener2)"
    init=$docker
    opens_is "/dev/dri/$old" EPERM
    init=$ct
    opens_is "/dev/dri/$(node render)" ENXIO
    look
    [ ! -s "$work/out" ] || fail "told twice"
    kill -9 "$docker" "$opener" "$opener2"
    wait "$docker" "$opener" "$opener2" 2>/dev/null
    end
}

# a user namespace of its own inside, as nested and rootless containers have, with the node bound again
case_copy_in_a_user_namespace() {
    host guide
    container
    look
    old=$(node render)
    cat >"$work/nested.sh" <<EOF
echo 0 >"$group/lxc/101/cgroup.procs"
cd "$work/ct" && mkdir nested && mount -t tmpfs nested nested && : >nested/gpu || exit 1
mount --bind dev/dri/$old nested/gpu || exit 1
echo ready >"$work/nested.ready"
exec chroot . /usr/bin/python3 -c 'import os, time; fd = os.open("/nested/gpu", os.O_PATH); time.sleep(1000)'
EOF
    number=$(number render)
    nsenter -t "$init" -m unshare -Ur -m --propagation private sh "$work/nested.sh" &
    nested=$!
    ready_within_30_s "$work/nested.ready"
    sleep 0.2
    host guide-moved
    look
    for what in "/dev/dri/$old ($number) open since before the change" "mounts of its own, with the node /nested/gpu ($number)"; do
        said "python3 (process $nested) in the container has $what"
    done
    ct=$init
    init=$nested
    opens_is "/dev/dri/$old" ENOENT
    opens_is /nested/gpu EPERM
    init=$ct
    opens_is "/dev/dri/$(node render)" ENXIO
    kill -9 "$nested"
    wait "$nested" 2>/dev/null
    end
}

# --- what a person asks for ---------------------------------------------------------------------------

person() { on_host /opt/gpuanchor "$@" >"$work/out" 2>"$work/err" </dev/null; }

# a look acts on what the last start gave; another wish waits for a start, or for who asks
case_a_wish_waits() {
    host guide-moved
    container
    look
    sed -i 's/^gpu = pci:.*/gpu = pci:0000:00:02.0/' "$R/etc/pve/gpuanchor/101.conf"
    cp "$R/run/gpuanchor/101" "$work/record"
    ls -l "/proc/$init/root/dev/dri" >"$work/nodes"
    look
    [ ! -s "$work/out" ] || fail "a look acts on a policy"
    cmp -s "$work/record" "$R/run/gpuanchor/101" || fail "the record follows a policy"
    ls -l "/proc/$init/root/dev/dri" | cmp -s - "$work/nodes" || fail "nodes follow a policy"
    host guide # and the card that it was given has other numbers
    look
    opens_is "/dev/dri/$(node render)" ENXIO
    others_are_shut
    given=$(node render)
    person apply 101
    said 'of GPU 0000:00:02.0 came into the running container'
    opens_is "/dev/dri/$given" ENOENT
    opens_is /dev/dri/card0 ENXIO
    end
}

# it was started without gpuanchor: what it has came by whatever way
case_without_a_record() {
    host guide
    container
    mv "$R/run/gpuanchor/101" "$R/run/record.was"
    ls -l "/proc/$init/root/dev/dri" >"$work/nodes"
    for name in guide guide-moved guide guide-moved; do
        host $name
        look
        [ ! -s "$work/out" ] || fail "something is done"
        ls -l "/proc/$init/root/dev/dri" | cmp -s - "$work/nodes" || fail "nodes have changed"
        ! grep -qE '^gate (closed|open)' "$R/run/gpuanchor/101.held" || fail "there is a gate"
        [ ! -e "$R/run/gpuanchor/101" ] || fail "there is a record"
    done
    person apply 101
    opens_is "/dev/dri/$(node render)" ENXIO
    others_are_shut
    end
}

case_plan_shows() {
    host guide
    container
    look
    host guide-moved
    for verb in plan 'apply --dry-run'; do
        # shellcheck disable=SC2086 # words
        person $verb 101
        said "in the running container: /dev/dri/$(node render) ($(number render)) would come in"
        said 'would be taken out'
        opens_is "/dev/dri/$(node render)" ENOENT
    done
    person apply 101
    said 'came into the running container'
    said 'in effect in the running container now: its GPU nodes'
    unsaid 'next start'
    opens_is "/dev/dri/$(node render)" ENXIO
    person apply 101
    unsaid 'in effect'
    person plan 101
    ! grep -q 'in the running container' "$work/out" || fail "plan goes on"
    end
}

# what it cannot have before it starts anew
case_apply_for_the_next_start() {
    host guide
    container 'running = leave'
    look
    host guide-moved
    person apply 101
    said 'in effect from its next start on: its GPU nodes'
    unsaid 'running container now'
    host guide
    person apply 101 # as it was
    said 'in effect in the running container now: its GPU nodes'
    sed -i -e "s|^dev[0-9]*: \(/dev/dri/\([^,]*\)\),.*|lxc.mount.entry: \1 dev/dri/\2 none bind,optional,create=file|" \
        -e "\$ a lxc.environment.runtime: DRI_NODE=/dev/dri/$(node render)" "$R/etc/pve/lxc/101.conf"
    sed -i '/^running = /a follow-environment = yes' "$R/etc/pve/gpuanchor/101.conf"
    person apply 101
    said 'in effect in the running container now: its GPU nodes'
    said 'in effect from its next start on: its id map'
    host guide-moved
    person apply 101
    said 'in effect from its next start on: its GPU nodes, its id map, its environment'
    end
}

# who asks for what cannot be done now is told
case_apply_to_what_is_frozen() {
    host guide
    container
    look
    echo 1 >"$group/lxc/101/cgroup.freeze"
    host guide-moved
    ! person apply 101 || fail "apply says that all is done"
    said 'the running container has its nodes as before: it is frozen'
    others_are_shut
    ! person disable --now 101 || fail "disable says that all is done"
    said 'the running container keeps its nodes until it stops: it is frozen'
    echo 0 >"$group/lxc/101/cgroup.freeze"
    end
}

# the gate goes, and what the container has stays
case_disable() {
    host guide-moved
    container
    look
    in_ct "cp -a $work/dev/dri/renderD128 dri/other"
    opens_is /dev/dri/other EPERM
    person disable 101 || fail "disable"
    opens_is /dev/dri/other ENXIO
    opens_is "/dev/dri/$(node render)" ENXIO
    host guide
    look
    [ ! -s "$work/out" ] || fail "it is looked at"
    opens_is /dev/dri/other ENXIO
    end
}

case_disable_now() {
    host guide
    container
    look
    person disable --now --dry-run 101 || fail "disable --dry-run"
    said "in the running container: /dev/dri/$(node render) ($(number render)) would be taken out"
    opens_is "/dev/dri/$(node render)" ENXIO
    person disable --now 101 || fail "disable"
    opens_is "/dev/dri/$(node render)" ENOENT
    [ ! -e "$R/run/gpuanchor/101" ] || fail "the record stays"
    end
}

# --- killed -------------------------------------------------------------------------------------------

# Killed at any call that changes something, the next look ends as one that was not killed.
kill_at() { # CALL NTH - whether there is such a call
    host guide
    container
    look
    host guide-moved
    strace -f -q -o "$work/trace" -e "trace=$1" -e "inject=$1:signal=KILL:when=$2" \
        chroot "$R" /opt/gpuanchor look >"$work/out" 2>"$work/err" </dev/null
    if ! grep -q 'killed by SIGKILL' "$work/trace"; then end; return 1; fi
    look
    look
    [ ! -s "$work/out" ] || fail "killed at $1 $2: a second look says something"
    for kind in render card; do opens_is "/dev/dri/$(node $kind)" ENXIO; done
    grep -q "^node = /dev/dri/$(node render) $(number render) " "$R/run/gpuanchor/101" ||
        fail "killed at $1 $2: the record"
    grep -q "^dev1: /dev/dri/$(node render),gid=104" "$R/etc/pve/lxc/101.conf" || fail "killed at $1 $2: the file"
    ! grep -q ^unfinished "$R/run/gpuanchor/101.held" || fail "killed at $1 $2: unfinished"
    [ -z "$(find "$R/etc/pve" "$R/run/gpuanchor" -name '*.tmp.*')" ] || fail "killed at $1 $2: temporary files"
    end
}
case_killed() {
    command -v strace >/dev/null || { echo "without strace nothing is killed"; return 0; }
    kills=0
    for call in ${KILL_CALLS-bpf umount2 unlinkat move_mount mkdirat rename setns}; do
        nth=1
        while [ $nth -le 12 ] && kill_at "$call" $nth; do
            nth=$((nth + 1))
            kills=$((kills + 1))
        done
    done
    [ $kills -ge 15 ] || fail "$kills kills only"
}

failed=0
cases=$2
case $cases in
calm | killed) cases=$(names "$cases") ;;
esac
for name in $cases; do
    if (trap 'echo 1 2>/dev/null >"$group/lxc/101/cgroup.kill"' EXIT
        : >"$work/out"; : >"$work/err"; "$name"); then
        echo "ok ${name#case_}"
    else
        echo "not ok ${name#case_}"
        failed=1
    fi
done
exit $failed
