# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# 11. The boot unit corrects containers before Proxmox starts the first one
#
# gpuanchor-boot.service as it is installed. The machine has no pve-guests: the
# case starts the container after the unit, which is the order the unit asks for.

# A devN path is missing: no hook would ever run.
case_path_missing() {
    echo "gpu = pci:$B" | policy
    dev_lines $B | container
    cards $B
    start_refused
    said 'does not exist'
    systemctl start gpuanchor-boot || fail "gpuanchor-boot: $(systemctl status gpuanchor-boot)"
    start
    sees $B
}

# The path exists and is the other card.
case_swap() { # long
    echo "gpu = pci:$A" | policy
    dev_lines $A | container
    start
    stop
    cards $B $A
    systemctl start gpuanchor-boot || fail "gpuanchor-boot failed"
    grep -q "^dev1: $(node $A render)," $CONF || fail "not corrected: $(grep ^dev $CONF)"
    start
    sees $A
}

# One container that nothing can be done for does not make the host's boot fail,
# and a host whose /etc/pve is not there is not made to wait.
case_broken_policy() { # long
    echo 'gpu = nonsense:' | policy
    dev_lines $A | container
    cp $CONF /run/conf.saved
    timeout 60 systemctl start gpuanchor-boot || :
    cmp $CONF /run/conf.saved || fail "changed although its policy is broken"
    [ "$(systemctl show -P TimeoutStartUSec gpuanchor-boot)" != infinity ] ||
        fail "may take for ever"
}

# What orders it: all of it is there, and nothing waits for its success.
case_order() {
    local unit
    for unit in pve-guests.service pve-ha-lrm.service; do
        systemctl show -P Before gpuanchor-boot | grep -qw $unit || fail "not before $unit"
    done
    systemctl show -P After gpuanchor-boot | grep -qw pve-cluster.service || fail "not after pve-cluster"
    systemctl enable -q gpuanchor-boot
    [ -z "$(systemctl show -P RequiredBy gpuanchor-boot)" ] || fail "something requires it"
    systemctl disable -q gpuanchor-boot
}
