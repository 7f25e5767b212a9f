# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# 5. The GPU is gone
#
# Its driver lets go of it, or it leaves the bus; the other card takes over its
# node names. What happens then is the policy's `missing`. In no case may the
# container find the other card where its own used to be.

# managed_by MISSING - A by policy and by a guide's lines
managed_by() {
    printf 'gpu = pci:%s\nmissing = %s\n' $A "$1" | policy
    guide_subgid
    guide_lines $A | container
}

case_start() {
    managed_by start
    start
    sees $A
    stop
    cards $B
    start
    sees_none
    said $A
    stop
    cards $B $A
    start
    sees $A
}

# No policy: the pin knows which one is gone, and that another is not it.
case_start_pinned() { # long
    guide_subgid
    guide_lines $A | container
    start
    stop
    cards $B
    start
    sees_none
    stop
    cards $B $A
    start
    sees $A
}

case_off_the_bus() { # long
    managed_by start
    start
    stop
    cards $B
    echo 1 >/sys/bus/pci/devices/$A/remove
    start
    sees_none
    stop
    echo 1 >/sys/bus/pci/rescan
    udevadm settle
    start
    sees $A
}

case_all_gone() { # long
    managed_by start
    start
    stop
    cards
    start
    sees_none
}

case_refuse() { # long
    managed_by refuse
    cards $B
    start_refused
    said $A
    cards $A
    start
    sees $A
}

case_refuse_through_the_unit() { # long
    managed_by refuse
    start
    stop
    cards $B
    pct generate $CT
    systemctl start pve-container@$CT 2>/dev/null || :
    sleep 3
    [ "$(pct status $CT)" = "status: stopped" ] || fail "it started"
}

case_wait() { # long: test-lock.sh waits_*, test-faults
    managed_by wait:20
    cards $B
    (sleep 7 && echo $A >/sys/bus/pci/drivers/virtio-pci/bind) &
    local begin=$SECONDS
    start
    wait
    [ $((SECONDS - begin)) -ge 6 ] || fail "it did not wait"
    sees $A
}

case_wait_in_vain() { # long
    managed_by wait:3
    cards $B
    start
    sees_none
    said $A
}
