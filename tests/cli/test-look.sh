#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# test-look.sh GPUANCHOR - root's look, on folders that are hosts
#
# What it does to files between two starts. What it does in running containers: tests/unit, tests/vm.
# shellcheck disable=SC2317 # the cases are called by name
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
FLAG=$H/run/gpuanchor-look/wanted

# a managed container with a devN line, and the host's numbers changed since
fresh() {
    rm -rf "$H"
    sh "$tests/mkhost.sh" "$tests/fixtures/hosts/guide.host" "$H" || exit 1
    mkdir -p "$H/run/gpuanchor-look" "$H/etc/pve/gpuanchor"
    printf '[container]\n' >"$H/etc/pve/gpuanchor/101.conf"
    printf 'arch: amd64\ndev0: /dev/dri/renderD129,gid=104\nhookscript: local:snippets/gpuanchor-hook\nunprivileged: 1\n%s' "${1-}" >"$CONF"
    "$gpuanchor" apply 101 >/dev/null || exit 1
}

moved() {
    sh "$tests/mkhost.sh" "$tests/fixtures/hosts/guide-moved.host" "$work/moved" || exit 1
    for part in sys dev proc; do
        rm -rf "${H:?}/$part"
        mv "$work/moved/$part" "$H/$part"
    done
    rm -rf "$work/moved"
}

line() { grep -qxF "dev0: $1,gid=104" "$CONF" || { cat "$CONF" >&2; fail "no dev0: $1"; }; }
now() { sed -n 's/^dev0: \([^,]*\),.*/\1/p' "$CONF"; }

# --- cases ----------------------------------------------------------------------------------------

case_nothing_to_do() {
    cp "$CONF" "$work/before"
    : >"$FLAG"
    run 0 look
    [ ! -s "$work/out" ] || fail "it said something"
    cmp -s "$CONF" "$work/before" || fail "the container file changed"
    [ ! -e "$FLAG" ] || fail "the flag is still there"
    [ -e "$H/run/gpuanchor/look" ] || fail "no word of when it looked"
}

# Proxmox ends a start, and a reboot inside, over a devN path that is gone
case_gone_path() {
    old=$(now)
    moved
    rm -f "$H$old"
    run 0 look
    said 101
    said "$old"
    new=$(now)
    [ -z "$new" ] || [ -c "$H$new" ] || fail "$new is not there"
    cp "$CONF" "$work/before"
    run 0 look
    [ ! -s "$work/out" ] || fail "a second look said something"
    cmp -s "$CONF" "$work/before" || fail "a second look changed something"
}

# a start corrects it; nothing that works is touched in between
case_wrong_number_stays() {
    old=$(now)
    moved
    [ -c "$H$old" ] || mknod "$H$old" c 226 130
    run 0 look
    line "$old"
}

case_locked() {
    old=$(now)
    moved
    rm -f "$H$old"
    sed -i '1i lock: backup' "$CONF"
    run 1 look
    line "$old"
    [ ! -s "$work/out" ] || fail "it said something"
    sed -i '/^lock:/d' "$CONF"
    run 0 look
    [ "$(now)" != "$old" ] || fail "not corrected once the lock was gone"
}

case_no_quorum() {
    old=$(now)
    moved
    rm -f "$H$old"
    chmod 0440 "$CONF"
    run 1 look
    line "$old"
}

case_lock_taken() {
    old=$(now)
    moved
    rm -f "$H$old"
    mkdir -p "$H/run/lock/lxc"
    exec 9>"$H/run/lock/lxc/pve-config-101.lock"
    flock 9
    run 1 look
    line "$old"
    exec 9>&-
    run 0 look
    [ "$(now)" != "$old" ] || fail "not corrected once the lock was free"
}

case_not_managed() {
    old=$(now)
    sed -i '/^hookscript/d' "$CONF"
    rm -f "$H/etc/pve/gpuanchor/101.conf"
    moved
    rm -f "$H$old"
    run 0 look
    line "$old"
}

case_history_renewed() {
    rm -rf "$H/var/lib/gpuanchor/host"
    run 0 look
    [ -s "$H/var/lib/gpuanchor/host/cards" ] || fail "the cards were not written down"
}

# whoever may ask may leave anything in the folder
case_flag_is_anything() {
    rm -f "$FLAG"
    mkdir -p "$FLAG/full"
    run 0 look
    [ ! -e "$FLAG" ] || fail "a folder in the place of the flag would start it for ever"
    ln -s "$CONF" "$FLAG"
    run 0 look
    [ ! -L "$FLAG" ] || fail "a link in the place of the flag is still there"
    [ -s "$CONF" ] || fail "what the link leads to is gone"
}

case_pmxcfs_stopped() {
    rm -rf "$H/etc/pve"
    mkdir "$H/etc/pve"
    run 2 look
}

cases ${2+"$2"}
