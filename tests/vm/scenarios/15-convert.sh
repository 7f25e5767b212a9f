# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# 15. From bind mounts to devN and back, each booted
#
# The guide's lines become devN lines and the holes go; the nodes that Proxmox
# makes have the container's own gids. A file that the container's root gave to
# its render group while there was a hole is told before the hole goes.

case_there_and_back() {
    guide_subgid
    guide_lines $A | container
    start
    sees $A
    cp $CONF /run/conf.first

    inside sh -c 'touch /model && chgrp 110 /model'
    gpuanchor convert $CT --to dev --dry-run >/run/seen && fail "a file would be nobody's, and that is all right?"
    said 'container gid 110 was host gid' '1 file on its disk belongs to it' '/model'
    inside rm /model
    gpuanchor convert -v $CT --to dev >/run/seen || fail "convert --to dev: $(cat /run/seen)"
    said 'no file on its disk belongs to it'
    sees $A # what runs keeps what it has
    stop
    start
    sees $A
    [ -z "$(hole 110)$(hole 44)" ] || fail "the holes are still there"
    ! grep -q /dev/dri/.*dev/dri $CONF || fail "bind mounts are still there"

    stop
    cards $B $A
    gpuanchor apply $CT || fail "apply"
    start
    sees $A
    stop
    cards $A $B
    gpuanchor apply $CT || fail "apply"

    gpuanchor convert $CT --to idmap || fail "convert --to idmap"
    start
    sees $A
    ! grep -q ^dev[0-9] $CONF || fail "devN lines are still there"
    sort $CONF | cmp - <(sort /run/conf.first) || fail "there and back: $(sort $CONF | diff - <(sort /run/conf.first))"
}

case_undo() { # long
    guide_subgid
    guide_lines $A | container
    start
    stop
    cp $CONF /run/conf.first
    gpuanchor convert $CT --to dev || fail "convert"
    start
    sees $A
    stop
    gpuanchor undo $CT || fail "undo"
    cmp $CONF /run/conf.first || fail "undo does not take it back"
    start
    sees $A
    cmp $CONF /run/conf.first || fail "the start converted it again"
}
