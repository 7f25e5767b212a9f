# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# 4. The starts that run no hookscript
#
# A container that reboots itself gets a new config and a new lxc-start but no
# hookscript phase; so does `systemctl start`. The unit's drop-in is all there is.

case_swap() {
    guide_subgid
    guide_lines $A | container
    start
    sees $A
    cards $B $A
    reboot_inside
    sees $A
}

case_group_number() { # long
    guide_subgid
    guide_lines $A | container
    start
    sees $A
    host_render_moves_to 1996
    reboot_inside
    sees $A
}

case_gone() { # long
    guide_subgid
    guide_lines $A | container
    start
    sees $A
    cards $B
    reboot_inside
    sees_none
}

case_systemctl_start() { # long
    guide_subgid
    guide_lines $A | container
    start
    stop
    cards $B $A
    pct generate $CT
    systemctl start pve-container@$CT
    lxc-wait -n $CT -s RUNNING -t 60 || fail "not running"
    sees $A
}

# The unit that `pct start --debug` uses has the same drop-in, and a reboot
# leads from it to the other one.
case_debug_unit() { # long
    guide_subgid
    guide_lines $A | container
    start
    stop
    cards $B $A
    start --debug 1
    sees $A
    stop
    cards $A $B
    pct generate $CT
    systemctl start pve-container-debug@$CT
    lxc-wait -n $CT -s RUNNING -t 60 || fail "not running"
    sees $A
}

# A missing binary never keeps a container from starting.
case_binary_missing() {
    guide_subgid
    guide_lines $A | container
    grep -v ^hookscript $CONF >$CONF.new
    mv $CONF.new $CONF
    mv $HOOK $HOOK.away
    pct start $CT >/run/seen 2>&1 || :
    mv $HOOK.away $HOOK
    sees $A
}
