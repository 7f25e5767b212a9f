# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# 3. The host's render group gets another number
#
# groupmod and udev, as an upgrade does it. The hole in the id map moves on the
# host's side only: inside, the node belongs to the same gid as before.

case_number_moves() {
    guide_subgid
    guide_lines $A | container
    start
    sees $A
    stop
    host_render_moves_to 1993
    start
    sees $A
    [ "$(hole 110)" = 1993 ] || fail "the hole of gid 110 leads to '$(hole 110)'"
    [ "$(hole 44)" = 44 ] || fail "the hole of gid 44 leads to '$(hole 44)'"
    grep -qx root:1993:1 /etc/subgid || fail "/etc/subgid has no root:1993:1"
    grep -qx root:100000:65536 /etc/subgid || fail "/etc/subgid lost root:100000:65536"
    inside grep -q ^render:x:110: /etc/group || fail "the container's own group changed"
}

# The first boot itself has to add what /etc/subgid lacks.
case_subgid_missing() { # long
    guide_lines $A | container
    start
    sees $A
    grep -qx "root:$(host_render_gid):1" /etc/subgid || fail "/etc/subgid: no render"
    grep -qx root:44:1 /etc/subgid || fail "/etc/subgid: no video"
}

# What a start added to /etc/subgid for the old number goes with it, taken back by the look's own
# unit; not while the container has the old hole.
case_delegation_goes() { # long
    local old
    old=$(host_render_gid)
    guide_lines $A | container
    start
    grep -qx "root:$old:1" /etc/subgid || fail "/etc/subgid: no root:$old:1"
    host_render_moves_to 1996
    systemctl start gpuanchor-look || fail "the look failed"
    grep -qx "root:$old:1" /etc/subgid || fail "root:$old:1 is gone, and the container has the old hole"
    stop
    start
    sees $A
    systemctl start gpuanchor-look || fail "the look failed"
    journalctl -q -n 20 -u gpuanchor-look -o cat
    ! grep -q "^root:$old:" /etc/subgid || fail "root:$old:1 is still there"
    grep -qx root:1996:1 /etc/subgid || fail "root:1996:1 is gone"
    grep -qx root:44:1 /etc/subgid || fail "root:44:1 is gone"
    cmp <(grep -v ^root: $KEPT/first/subgid) <(grep -v ^root: /etc/subgid) || fail "lines of others changed"
    reboot_inside
    sees $A
}

# groupmod alone, and with a plain trigger, leaves the nodes as they are: until
# udev gives them the new number, the old one is right. The node is what counts.
case_group_without_udev() { # long
    guide_subgid
    guide_lines $A | container
    start
    stop
    groupmod -g 1994 render
    udevadm trigger --settle --subsystem-match=drm
    start
    sees $A
    stop
    udev_gives_groups
    start
    sees $A
}

# Both at once: another number and swapped cards.
case_number_and_cards() { # long
    guide_subgid
    guide_lines $A | container
    start
    stop
    cards $B $A
    host_render_moves_to 1995
    start
    sees $A
}
