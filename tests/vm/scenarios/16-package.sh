# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# 16. The Debian package comes, is upgraded and goes, and containers start
#
# dpkg with the packages of build13.sh, on the host as it is. After a case the
# package is purged and installed again (reset_package). That every installed file
# works is seen in the lane package (tests/deb), on the same release.

# shellcheck source=tests/vm/scenarios/10-watcher.sh
. "${BASH_SOURCE[0]%/*}/10-watcher.sh" # entries of the journal: mark, told, everything
# shellcheck source=tests/vm/scenarios/18-live.sh
. "${BASH_SOURCE[0]%/*}/18-live.sh" # containers that run: second_container, gate, in_time

SETTINGS=/etc/gpuanchor/gpuanchor.conf

# package ARGUMENT... - dpkg must succeed; what it said is then in /run/seen
package() {
    local status=0
    package_changes
    dpkg "$@" </dev/null >/run/seen 2>&1 || status=$?
    sed 's/^/    dpkg: /' /run/seen
    [ $status = 0 ] || fail "dpkg $*: $(tail -n 1 /run/seen)"
}

is_link() { [ "$(readlink $LINK)" = $HOOK ] || fail "$LINK is no link to the hook: $(ls -l $LINK)"; }

enrolled() {
    guide_subgid
    guide_lines "$1" | container
    sed -i /^hookscript/d $CONF
    gpuanchor enable $CT
}

case_install() { # long: upgrade, tests/deb
    local pid
    package --purge gpuanchor
    [ ! -e $LINK ] || fail "the link stayed"
    rmdir /var/lib/vz/snippets # as on a fresh host
    [ ! -e $SETTINGS ] || fail "settings stayed"
    # a container with lines of another card; nobody has enrolled it
    guide_subgid
    guide_lines $A | container
    sed -i /^hookscript/d $CONF
    start
    stop
    cards $B $A
    cp $CONF /run/conf.saved
    package --install $DEB/gpuanchor.deb
    is_link
    [ "$(stat -c '%a %U:%G' /var/lib/vz/snippets)" = '755 root:root' ] || fail "$(stat /var/lib/vz/snippets)"
    [ -s $SETTINGS ] || fail "no settings"
    systemctl is-active -q gpuanchord || fail "gpuanchord does not run"
    [ "$(systemctl is-active gpuanchor-boot)" = inactive ] || fail "gpuanchor-boot was started"
    [ "$(systemctl show -P NeedDaemonReload gpuanchord)" = no ] || fail "systemd has not read the units"
    systemctl cat "pve-container@$CT" | grep -q "$HOOK" || fail "systemd does not know the drop-in"
    # nothing changes before somebody enrols it: neither the file nor what is seen inside
    start
    cmp $CONF /run/conf.saved || fail "the container file changed"
    [ ! -e $POLICY ] || fail "a policy appeared"
    sees_only $B card render # what the lines say today
    pid=$(main_pid)
    sh "$HERE/../debian-tests/service" || fail "service: see its lines"
    [ "$(main_pid)" = "$pid" ] || fail "gpuanchord was restarted"
}

# Where containers cannot name the hook yet, the command that makes it so is said.
case_install_without_local() { # long
    package --purge gpuanchor
    rmdir /var/lib/vz/snippets
    printf 'dir: local\n\tpath /var/lib/vz\n\tcontent rootdir\n\tdisable\n' >/etc/pve/storage.cfg
    package --install $DEB/gpuanchor.deb
    [ ! -e /var/lib/vz/snippets ] || fail "a folder in a disabled storage"
    eval "$(sed -n 's/^gpuanchor: when that has changed: //p' /run/seen)"
    is_link
    guide_subgid
    guide_lines $A | container
    sed -i /^hookscript/d $CONF
    pct set $CT --hookscript local:snippets/gpuanchor-hook || fail "pct set"
    gpuanchor disable --all || fail "disable --all"
    is_link
}

# Enrolled with a hookscript of its own; then the package goes.
case_remove() { # long
    printf '#!/bin/sh\necho "own hook: $2"\n' >/var/lib/vz/snippets/own.sh
    chmod 755 /var/lib/vz/snippets/own.sh
    guide_subgid
    guide_lines $A | container
    sed -i 's/^hookscript.*/hookscript: local:snippets\/own.sh/' $CONF
    cp $CONF /run/conf.saved
    gpuanchor enable $CT
    start
    said 'own hook: pre-start'
    stop
    package --remove gpuanchor
    cmp $CONF /run/conf.saved || fail "the container file is not what it was"
    [ ! -e $LINK ] && [ ! -L $LINK ] || fail "the link stayed"
    [ -e $POLICY ] || fail "removed is not purged: the policy is gone"
    [ "$(systemctl is-active gpuanchord)" = inactive ] || fail "gpuanchord runs on"
    start
    said 'own hook: pre-start'
    sees $A
    stop

    package --install $DEB/gpuanchor.deb
    is_link
    gpuanchor enable $CT
    cards $B $A
    start
    said 'own hook: pre-start' "$(node $A render)"
    sees $A
}

# removed_with_stub - the package goes, the hookscript cannot; the container starts all the same
removed_with_stub() {
    package --remove gpuanchor
    said "gpuanchor: $LINK does nothing from now on"
    grep -q '^hookscript: local:snippets/gpuanchor-hook' $CONF || fail "no hookscript line"
    [ -f $LINK ] && [ ! -L $LINK ] && [ -x $LINK ] || fail "no stub: $(ls -l $LINK)"
    rm -f /run/pmxcfs/no-quorum
    sed -i /^lock/d $CONF
    start
    said "pct set $CT --delete hookscript"
    sees $A
    stop
    package --install $DEB/gpuanchor.deb
    is_link
    cards $B $A
    start
    said "$(node $A render)"
    sees $A
}

case_remove_without_quorum() { # long
    enrolled $A
    touch /run/pmxcfs/no-quorum
    removed_with_stub
}

case_remove_locked() { # long
    enrolled $A
    sed -i '1i lock: backup' $CONF
    removed_with_stub
}

# A rollback would bring the hookscript line back.
case_remove_snapshot() { # long
    enrolled $A
    printf '\n[before]\nhookscript: local:snippets/gpuanchor-hook\nhostname: ct%s\nsnaptime: 1\n' $CT >>$CONF
    package --remove gpuanchor
    ! sed '/^\[/q' $CONF | grep -q ^hookscript || fail "the hookscript line stayed"
    said "/etc/pve/nodes/pve1/lxc/$CT.conf names it"
    [ -x $LINK ] && [ ! -L $LINK ] || fail "no stub"
    start
    sees $A
}

# From an older package with settings, state and something open.
case_upgrade() {
    local pid
    package --install $DEB/older.deb
    [ "$(dpkg-query -W -f '${Version}' gpuanchor)" = 0.0.1 ] || fail "not the older one"
    echo '# edited' >>$SETTINGS
    mkdir -p /etc/gpuanchor/gpuanchor.conf.d
    printf '[defaults]\nmissing = refuse\nrunning = leave\n' >/etc/gpuanchor/gpuanchor.conf.d/own.conf # else it follows
    enrolled $A
    start
    systemctl stop gpuanchord
    rm -rf /var/lib/private/gpuanchord
    watch
    mark
    cards $B $A
    told GPUANCHOR_CODE=container-stale GPUANCHOR_VMID=$CT
    pid=$(main_pid)
    cp $SETTINGS /run/settings.saved

    mark
    package --install $DEB/gpuanchor.deb
    cmp $SETTINGS /run/settings.saved || fail "settings were not kept"
    [ -e /etc/gpuanchor/gpuanchor.conf.d/own.conf ] || fail "own.conf is gone"
    is_link
    systemctl is-active -q gpuanchord || fail "gpuanchord does not run"
    [ "$(main_pid)" != "$pid" ] || fail "gpuanchord was not restarted"
    look_again
    [ "$(count)" = 0 ] || { everything && fail "told again: $(entries | head -n 1)"; }
    gpuanchor status --plain >/run/seen || :
    said inside-missing # a bound node went with its device: it opens nothing
    # and what was open is told to be over once it is
    pct reboot $CT
    told GPUANCHOR_CODE=container-stale GPUANCHOR_RESOLVED=1 GPUANCHOR_VMID=$CT
    sees $A
}

# first_version - what the first version left of 101 and 103, which have A and B: a pin is address and
# ids, and nothing is remembered of the host
first_version() {
    local ct pci=$A other=$B ids
    ids=$(cd /sys/bus/pci/devices/$A && cat vendor device subsystem_vendor subsystem_device | sed s/0x// | paste -sd ::)
    ids=${ids:0:9}\ ${ids:10}
    for ct in 101 103; do
        the_container $ct
        policy <<<"gpu = auto
[pin pve1]
gpu = $pci $ids
twin = $other $ids"
        pci=$B other=$A
    done
    the_container 101
    rm -rf /var/lib/gpuanchor/host /run/gpuanchor/*.held
}

# reach_their_own - 101 card A, 103 card B
reach_their_own() {
    (the_container 101 && sees $A) &&
        (the_container 103 && sees $B)
}

# It comes to a host whose cards have swapped under containers that run; then the host boots, and they
# have swapped once more before anything of it has run.
case_upgrade_from_the_first_version() { # long
    local ct pci=$A
    package --purge gpuanchor
    second_container
    guide_subgid
    guide_lines $A | container
    the_container 103
    dev_lines $B | container
    mkdir -p /run/gpuanchor
    for ct in 101 103; do
        the_container $ct
        sed -i /^hookscript/d $CONF
        start
        echo hookscript: local:snippets/gpuanchor-hook >>$CONF
        printf '[given]\nnode = %s %s %s\nnode = %s %s %s\n' "$(node $pci card)" "$(number $pci card)" $pci \
            "$(node $pci render)" "$(number $pci render)" $pci >/run/gpuanchor/$ct
        pci=$B
    done
    first_version
    cards $B $A
    package --install $DEB/gpuanchor.deb
    in_time gate 101 closed
    in_time gate 103 closed
    in_time reach_their_own
    grep "^gpu = $A .* pci0000:00/05.0" $POLICY || fail "the pin has no port: $(cat $POLICY)"

    systemctl stop gpuanchord gpuanchor-look.{path,timer,service}
    for ct in 101 103; do
        the_container $ct
        stop
    done
    cards $A $B
    the_container 101
    guide_lines $A | container # for the names of that order
    the_container 103
    dev_lines $B | container
    first_version
    at_boot_swapped
    systemctl add-wants -q scenarios.target gpuanchor-boot
    reboot_then then_upgraded_from_the_first_version
}

then_upgraded_from_the_first_version() {
    local ct
    [ "$(number $B card) $(number $A card)" = "226:0 226:1" ] || fail "the cards came in their usual order"
    for ct in 101 103; do
        the_container $ct
        start
    done
    reach_their_own
}

# The lines of the container stay, and with them what they need; a hole that the owner took out does not.
case_purge_delegations() { # long
    enrolled $A
    sed -i "/^root:\(44\|$(host_render_gid)\):1$/d" /etc/subgid
    start
    stop
    grep -qx "root:$(host_render_gid):1" /etc/subgid || fail "the start added nothing"
    sed -i 's/^lxc.idmap: g 44 44 1$/lxc.idmap: g 44 100044 1/' $CONF
    rm -f $CONFIG
    package --purge gpuanchor
    grep -qx "root:$(host_render_gid):1" /etc/subgid || fail "the container needs root:$(host_render_gid):1"
    said "root:$(host_render_gid):1 stays"
    ! grep -q ^root:44: /etc/subgid || fail "root:44:1 stayed, and no container needs it"
    start
}

# What gpuanchor has added to /etc/subgid goes with it; what is not from it stays, needed or not.
case_subgid_as_before() { # long
    local render
    printf 'root:44:1\nroot:2000:1\n' >>/etc/subgid # the owner's
    cp /etc/subgid /run/subgid.saved
    render=$(host_render_gid)
    guide_lines $A | container
    sed -i /^hookscript/d $CONF
    gpuanchor enable $CT --gpu pci:$A || fail "enable"
    start
    sees $A
    grep -qx "root:$render:1" /etc/subgid || fail "no line for the hole"
    stop
    host_render_moves_to 1989
    start
    sees $A
    grep -qx root:1989:1 /etc/subgid || fail "no line for the new hole"
    stop
    gpuanchor disable --all || fail "disable --all"
    ! grep "^root:$render:1$" /etc/subgid || fail "the line of the old gid stays"
    grep -qx root:1989:1 /etc/subgid || fail "the container has the lines, and cannot start"
    start
    stop
    sed -i /^lxc/d $CONF && rm -f $CONFIG # its owner gives up the GPU
    package --purge gpuanchor
    diff /run/subgid.saved /etc/subgid || fail "/etc/subgid is not as before"
}

case_purge() { # long
    enrolled $A
    start
    stop
    touch /run/gpuanchor/104
    printf '[pin pve1]\ngpu = %s 1af4:1050 -\n' $A >/etc/pve/gpuanchor/103.conf
    mkdir -p /etc/pve/nodes/pve2/lxc
    echo 'arch: amd64' >/etc/pve/nodes/pve2/lxc/103.conf
    echo 'arch: amd64' >/etc/pve/lxc/104.conf
    printf '[pin pve2]\ngpu = %s 1af4:1050 -\n' $A >/etc/pve/gpuanchor/104.conf
    package --purge gpuanchor
    for path in /etc/gpuanchor /var/lib/gpuanchor /var/lib/gpuanchord /var/lib/private/gpuanchord \
        /run/gpuanchor $POLICY $LINK /usr/libexec/gpuanchor /usr/share/gpuanchor; do
        [ ! -e $path ] && [ ! -L $path ] || fail "$path stayed"
    done
    [ -e /etc/pve/gpuanchor/103.conf ] || fail "the policy of a container of pve2 is gone"
    [ -e /etc/pve/gpuanchor/104.conf ] || fail "the policy with pve2's pin is gone"
    said '/etc/pve/gpuanchor/104.conf stays'
    [ -z "$(find /etc/systemd/system -name 'gpuanchor*')" ] || fail "units are still enabled"
    start
    sees $A
}
