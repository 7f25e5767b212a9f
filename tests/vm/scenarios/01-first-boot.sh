# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# 1. First boot with nothing but the hookscript line
#
# The container file has no device line, no id map and no policy; the host has
# one card with a driver (the other stays on PCI without one, as a card that is
# kept for a virtual machine does).

case_same_gids() {
    container_render_group "$(host_render_gid)"
    cards $A
    container </dev/null
    start
    sees $A
    said "$(basename "$(node $A render)")"
    [ -s $POLICY ] || fail "nothing was pinned"
}

# The container has its own number for render. Its root file system is not
# mounted yet when the hook decides, so the first boot can only use the host's:
# the node is the right one, and the second boot lets the group in.
case_own_gids() { # long
    cards $A
    container </dev/null
    start
    sees_only $A card render
    stop
    start
    sees $A
}

# A boot that finds everything right changes nothing and says so in one line.
case_nothing_to_do() { # long
    container_render_group "$(host_render_gid)"
    cards $A
    container </dev/null
    start
    stop
    cp $CONF /run/conf.saved
    cp $POLICY /run/policy.saved
    start
    sees $A
    cmp $CONF /run/conf.saved || fail "the second boot changed the container file"
    cmp $POLICY /run/policy.saved || fail "the second boot changed the policy file"
    [ "$(wc -l </run/seen)" -le 1 ] || fail "the second boot said more than one line"
}

# Two cards and nothing that chooses: none is given, the choices are listed.
case_two_cards() { # long
    container </dev/null
    start
    sees_none
    said $A $B
}

# A container that is not managed: neither the hook nor the drop-in touches it.
case_unmanaged() { # long
    guide_subgid
    guide_lines $A | container
    grep -v ^hookscript $CONF >$CONF.new
    mv $CONF.new $CONF
    pct generate $CT
    save_files
    start
    sees $A
    unchanged
    [ ! -e $POLICY ] || fail "a policy file appeared"
}
