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

# a start that could only correct what LXC reads: the look does the rest, once it can
case_owed() {
    sed -i 's#^dev0:.*#lxc.mount.entry: /dev/dri/renderD128 dev/dri/renderD128 none bind,optional,create=file#' "$CONF"
    mkdir -p "$H/var/lib/lxc/101"
    sed -n 's/^\(lxc[^:]*\): /\1 = /p' "$CONF" >"$H/var/lib/lxc/101/config"
    "$gpuanchor" apply 101 >/dev/null || exit 1
    run 0 look
    moved
    sed -n 's/^\(lxc[^:]*\): /\1 = /p' "$CONF" >"$H/var/lib/lxc/101/config"
    cp "$CONF" "$work/before"
    run 0 look
    cmp -s "$CONF" "$work/before" || fail "a look corrects what a start is to correct"
    : >"$H/run/gpuanchor/101.owed"
    chmod 0440 "$CONF"
    run 1 look
    [ -e "$H/run/gpuanchor/101.owed" ] || fail "forgotten without quorum"
    chmod 0640 "$CONF"
    run 0 look
    ! cmp -s "$CONF" "$work/before" || fail "the file does not follow"
    [ ! -e "$H/run/gpuanchor/101.owed" ] || fail "owed for ever"
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

# --- what gpuanchor added to /etc/subgid -----------------------------------------------------------

# a container with a mount entry, whose hole gpuanchor has delegated
bound() {
    sed -i '/^root:110:/d' "$H/etc/subgid"
    printf 'arch: amd64\nhookscript: local:snippets/gpuanchor-hook\nunprivileged: 1\nlxc.mount.entry: /dev/dri/renderD128 dev/dri/renderD128 none bind,optional,create=file\n' >"$CONF"
    "$gpuanchor" apply 101 >/dev/null || exit 1
    delegated 110
    [ "$(cat "$H/var/lib/gpuanchor/host/subgid")" = 110 ] || fail "the line is not remembered"
}
delegated() { grep -qx "root:$1:1" "$H/etc/subgid" || fail "root:$1:1 is gone: $(cat "$H/etc/subgid")"; }
taken_back() {
    ! grep -q "^root:$1:" "$H/etc/subgid" || fail "root:$1:1 is still there"
    grep -qx root:100000:65536 "$H/etc/subgid" && grep -qx root:44:1 "$H/etc/subgid" || fail "and other lines went"
}
host_render() {
    sed -i "s/^render:x:[0-9]*:/render:x:$1:/" "$H/etc/group"
    chgrp "$1" "$H/dev/dri/renderD128" "$H/dev/kfd"
}

case_delegation_of_the_old_group() {
    bound
    run 0 look
    delegated 110
    host_render 993
    run 0 look # the container still has the old hole
    delegated 110
    run 0 apply 101
    run 0 look
    said '/etc/subgid: root may not map host gid 110 any more'
    taken_back 110
    delegated 993
    run 0 look
    [ ! -s "$work/out" ] || fail "said again"
    host_render 110
    run 0 apply 101
    run 0 look
    taken_back 993
    delegated 110
}

# whoever may still need it: a snapshot, a container without gpuanchor, one that LXC alone knows, one that runs
case_delegation_is_needed() {
    bound
    host_render 993
    "$gpuanchor" apply 101 >/dev/null || exit 1
    hole='lxc.idmap: g 110 110 1'
    for who in snapshot unmanaged include range unreadable lxc process; do
        cp "$CONF" "$work/101.conf"
        case $who in
        snapshot) printf '\n[old]\n%s\n' "$hole" >>"$CONF" ;;
        unmanaged) echo "$hole" >"$H/etc/pve/lxc/102.conf" ;;
        include) echo 'lxc.include: /root/idmap.conf' >"$H/etc/pve/lxc/102.conf" ;;
        range) echo 'lxc.idmap = g 1000 100 20' >"$H/etc/pve/lxc/102.conf" ;;
        unreadable) echo 'lxc.idmap: g 110 0156 1' >"$H/etc/pve/lxc/102.conf" ;;
        lxc) mkdir -p "$H/var/lib/lxc/web" && echo 'lxc.idmap = g 110 110 1' >"$H/var/lib/lxc/web/config" ;;
        process) mkdir -p "$H/proc/77" && printf '         0          0 4294967295\n       110        110          1\n' >"$H/proc/77/gid_map" ;;
        esac
        run 0 look
        delegated 110
        rm -rf "$H/etc/pve/lxc/102.conf" "$H/var/lib/lxc/web" "$H/proc/77"
        cp "$work/101.conf" "$CONF"
    done
    mkdir -p "$H/proc/78" && printf '         0          0 4294967295\n' >"$H/proc/78/gid_map"
    run 0 look
    taken_back 110
}

# what the owner wrote, before or since
case_delegation_of_the_owner() {
    bound
    host_render 993
    "$gpuanchor" apply 101 >/dev/null || exit 1
    for lines in root:110:1 root:100:20; do
        echo "$lines" >>"$H/etc/subgid"
        cp "$H/etc/subgid" "$work/subgid"
        run 0 look
        cmp -s "$work/subgid" "$H/etc/subgid" || fail "$lines: $(cat "$H/etc/subgid")"
        grep -v "^$lines\$" "$work/subgid" >"$H/etc/subgid"
        echo root:110:1 >>"$H/etc/subgid"
        : >"$H/var/lib/gpuanchor/host/subgid.tmp.2147483647" # a killed run's
        run 0 look # which was its own once does not come back
        delegated 110
        [ ! -e "$H/var/lib/gpuanchor/host/subgid.tmp.2147483647" ] || fail "a killed run's file is still there"
    done
    ! grep -qx 110 "$H/var/lib/gpuanchor/host/subgid" || fail "it is still taken for gpuanchor's"
}

case_delegations_at_the_end() {
    bound
    sed -i '/^hookscript/d' "$CONF" # there is no pct here
    run 0 disable --all --dry-run
    delegated 110
    run 0 disable --all
    said 'may still map host gid 110 (render), a line that gpuanchor added: /etc/pve/lxc/101.conf maps it'
    delegated 110
    sed -i '/^lxc.idmap/d' "$CONF"
    run 0 disable --all
    said 'may not map host gid 110 (render) any more'
    taken_back 110
}

case_delegation_pmxcfs_stopped() {
    bound
    host_render 993
    "$gpuanchor" apply 101 >/dev/null || exit 1
    rm -rf "$H/etc/pve"
    mkdir "$H/etc/pve"
    "$gpuanchor" disable --all >/dev/null 2>&1
    delegated 110
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
