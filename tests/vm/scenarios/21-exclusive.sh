# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# 21. One GPU, two containers, and each wants it for itself
#
# The look runs as it is installed, because a start by systemd and a card that comes back are its.
# shellcheck source=tests/vm/scenarios/18-live.sh
. "${BASH_SOURCE[0]%/*}/18-live.sh"

rivals() { # LINE OF BOTH POLICIES
    local ct
    second_container
    cards $A $B
    for ct in 103 101; do
        the_container $ct
        policy <<<"gpu = pci:$A"$'\n'"$1"
        dev_lines $A | container
    done
}

ended() { [ ! -e /sys/fs/cgroup/lxc/$1 ] && ! systemctl is-active -q pve-container@$1; }

case_one_has_it() {
    reset_live
    rivals "exclusive = yes"
    start
    sees $A
    the_container 103
    start_refused
    said "container 101 has it for itself (exclusive = yes)" "$A"
    gpuanchor status >/run/seen || :
    said "$A (exclusive)" "will not start"
    # a start that no hookscript sees
    pct generate 103
    systemctl start pve-container@103 && sleep 5
    [ "$(pct status 103)" = "status: stopped" ] || fail "103 was started by systemd"
    the_container 101
    reboot_inside
    in_time sees $A
    the_container 103
    start_refused
    said "container 101 has it for itself"
    # it comes back to a container that shares, once the other one has stopped
    the_container 101
    stop
    the_container 103
    start
    sees $A
    stop
    # killed, not stopped
    the_container 101
    start
    kill -9 "$(lxc-info -n 101 -pH)"
    SLACK=60 in_time ended 101
    the_container 103
    start
    stop
}

# by two tasks of Proxmox, at the same time: one runs, and the other hears of it
case_two_at_once() { # long
    local round ct
    reset_live
    rivals "exclusive = yes"
    for round in 1 2 3 4; do
        for ct in 101 103; do pct start $ct </dev/null >/run/seen.$ct 2>&1 & done
        wait
        running=
        for ct in 101 103; do [ "$(pct status $ct)" != "status: running" ] || running="$running $ct"; done
        case $running in
        " 101") ct=103 ;;
        " 103") ct=101 ;;
        *) fail "round $round: these run: '$running': $(cat /run/seen.101 /run/seen.103)" ;;
        esac
        grep -q "container$running has it for itself" /run/seen.$ct || fail "round $round: $(cat /run/seen.$ct)"
        pct stop $running
    done
    rm /run/seen.101 /run/seen.103
}

# A card that was away from a running container, and is another one's when it is back.
case_back_and_taken() { # long
    reset_live
    rivals "running = follow"
    the_container 101
    start
    in_time gate 101 closed
    cards $B
    in_time sees_none
    the_container 103
    policy <<<"gpu = pci:$A"$'\n'"exclusive = yes"$'\n'"missing = wait:60"
    pct start 103 </dev/null >/run/seen 2>&1 &
    sleep 3
    cards $B $A
    wait $!
    # one of both: who shares has had it back before, or the start has reserved it
    the_container 101
    if [ "$(pct status 103)" = "status: running" ]; then
        sleep 5
        sees_none
        the_container 103
        sees $A
        stop
        the_container 101
    else
        said "container 101 has it"
    fi
    in_time sees $A
}
