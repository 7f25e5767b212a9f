# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# 6. Method dev through the same cases
#
# Proxmox looks at every devN path before any hook: one that does not exist ends
# the start, and only the boot unit or the tool can help. One that exists and
# belongs to the other GPU is ours: the node is made from the container file as
# the hook left it. The generated config's cgroup line names the stale minor;
# an unprivileged container is not held by it.

case_first_boot() {
    container_render_group "$(host_render_gid)"
    cards $A
    echo 'method = dev' | policy
    container </dev/null
    start
    sees $A
    ! grep -q ^lxc.idmap $CONF || fail "method dev wrote an id map"
}

case_policy() { # long
    echo "gpu = pci:$A" | policy
    dev_lines $A | container
    start
    sees $A
    stop
    cards $B $A
    start
    sees $A
    grep -q "^dev1: .*gid=110" $CONF || fail "dev1 lost its gid"
    stop
    cards $A $B
    start
    sees $A
}

case_pin() { # long
    dev_lines $B | container
    start
    sees $B
    stop
    cards $B $A
    start
    sees $B
}

# Index and the options that are not ours stay as the user wrote them.
case_options_stay() { # long
    echo "dev3: $(node $A render),gid=110,mode=0666,uid=1000" | container
    start
    stop
    cards $B $A
    start
    sees_only $A render
    [ "$(inside stat -c '%a %u %g' "$(node $A render)")" = '666 1000 110' ] ||
        fail "the node is $(inside stat -c '%a %u %g' "$(node $A render)")"
}

case_group_number() { # long
    dev_lines $A | container
    start
    stop
    host_render_moves_to 1997
    start
    sees $A
    ! grep -q ^lxc.idmap $CONF || fail "method dev wrote an id map"
}

case_reboot_inside() { # long
    dev_lines $A | container
    start
    sees $A
    cards $B $A
    reboot_inside
    sees $A
}

case_gone_start() { # long
    printf 'gpu = pci:%s\nmissing = start\n' $A | policy
    dev_lines $A | container
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

case_gone_refuse() { # long
    printf 'gpu = pci:%s\nmissing = refuse\n' $A | policy
    dev_lines $A | container
    cards $B
    start_refused
    said $A
    cards $A
    start
    sees $A
}

case_gone_wait() { # long
    printf 'gpu = pci:%s\nmissing = wait:20\n' $A | policy
    dev_lines $A | container
    cards $B
    (sleep 7 && echo $A >/sys/bus/pci/drivers/virtio-pci/bind) &
    start
    wait
    sees $A
}

# The path is missing: Proxmox ends the start before the hook; the tool cures it.
case_path_missing() {
    printf 'gpu = pci:%s\n' $B | policy
    dev_lines $B | container
    cards $B
    start_refused
    said 'does not exist'
    gpuanchor apply $CT
    start
    sees $B
}
