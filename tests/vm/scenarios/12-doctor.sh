# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# 12. doctor: one fault breaks one check, and the printed command corrects it
#
# A container as the usual guide makes it, by hand and not managed. Each fault breaks
# exactly the check that it should; the command is run as it is printed.

good_guide() {
    guide_subgid
    guide_lines $A | container
    sed -i '/^hookscript/d' $CONF
}

doctor() { # STATUS
    local status=0
    gpuanchor doctor --plain $CT >/run/doctor || status=$?
    [ $status = "$1" ] || fail "doctor: exit status $status, not $1: $(awk -F'\t' '$3 != "ok"' /run/doctor)"
}

# breaks CHECK EVIDENCE - this check and no other is not well, and says so
breaks() {
    local wrong
    doctor 1
    wrong=$(awk -F'\t' '$3 == "warning" || $3 == "failed" { print $2 }' /run/doctor | sort -u | xargs)
    [ "$wrong" = "$1" ] || fail "wrong is '$wrong', not $1: $(grep -v 'ok' /run/doctor)"
    grep -qF "$2" /run/doctor || fail "doctor does not say: $2"
}

# The commands of the report, each once, as printed.
correct() {
    awk -F'\t' '($3 == "warning" || $3 == "failed") && $6 != "-" && !seen[$6]++ { print $6 }' /run/doctor >/run/commands
    [ -s /run/commands ] || fail "no command"
    cat /run/commands
    while read -r command; do
        sh -c "$command" </dev/null || [ $? = 1 ] || fail "$command: exit status $?"
    done </run/commands
    udevadm settle
    doctor 0
}

case_good() {
    good_guide
    doctor 0
    gpuanchor doctor || fail "the host alone is not well"
    pct start $CT || fail "it does not start"
    stop
}

# groupmod alone leaves the nodes as they are
case_node_has_the_old_gid() { # long
    good_guide
    groupmod -g 1994 render
    sed -i "s/^lxc.idmap: g 110 .*/lxc.idmap: g 110 1994 1/" $CONF
    echo root:1994:1 >>/etc/subgid
    breaks node-owner 'nobody:nogroup because'
    correct
}

case_map_of_another_host() { # long
    good_guide
    gpuanchor enable $CT --gpu pci:$A
    host_render_moves_to 1996
    breaks owner 'nobody:nogroup: the node belongs to host gid 1996'
    correct
    start
    sees $A
}

case_subgid_missing() { # long
    good_guide
    cp $KEPT/first/subgid /etc/subgid
    echo root:44:1 >>/etc/subgid
    breaks delegated "usermod --add-subgids $(host_render_gid)"
    correct
    pct start $CT || fail "it does not start"
    stop
}

case_wrong_node_line() { # long
    good_guide
    gpuanchor enable $CT --gpu pci:$A
    sed -i "s#$(node $A card) dev/dri/[a-z0-9]*#/dev/dri/card77 dev/dri/card77#" $CONF
    breaks line '/dev/dri/card77 is not a node of this host'
    correct
    start
    sees $A
}

case_fake_file() { # long: at a node's own name: neither the kernel nor udev makes it anew
    local fake
    good_guide
    fake=$(node $A render)
    rm "$fake"
    install -m 0 /dev/null "$fake"
    breaks node "$fake is not the device node"
    correct
    [ "$(stat -c '%F %a %G' "$fake")" = 'character special file 660 render' ] || fail "$(ls -l "$fake")"
    good_guide
    install -m 0 /dev/null /dev/dri/card9
    breaks stray /dev/dri/card9
    correct
}
