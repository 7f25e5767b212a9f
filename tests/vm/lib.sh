# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# lib.sh - what the scenarios are written in
#
# Sourced by guest.sh for remember_host(); run as
# `bash lib.sh SCENARIO_FILE FUNCTION` for one case: puts the host back to its
# first state, then calls the function. The first failing check ends the case;
# its reason is the first line of /run/why. A case speaks of GPUs by PCI
# address (A and B below) because names are what moves; what a container has is
# asked from inside the container, never read from a file on the host.

A=0000:00:05.0
B=0000:00:06.0
HERE=${BASH_SOURCE[0]%/*}
DEB=$HERE/../deb
HOOK=/usr/libexec/gpuanchor/gpuanchor-hook
LINK=/var/lib/vz/snippets/gpuanchor-hook
KEPT=/var/lib/scenarios # on disk, for what a case needs after a reboot
CT_VIDEO=44
CT_RENDER=110 # container_render_group() changes it

# the_container VMID - which one a case is about
the_container() {
    CT=$1
    CONF=/etc/pve/lxc/$CT.conf
    CONFIG=/var/lib/lxc/$CT/config
    POLICY=/etc/pve/gpuanchor/$CT.conf
    DISK=/var/lib/vz/images/$CT/subvol-$CT-disk-0.subvol
}
the_container 101

fail() {
    echo "$*" >>/run/why
    echo "FAILED: $*"
    exit 1
}

# wait_until SECONDS COMMAND... - it succeeds within that time; what it last printed is in /run/try. Between
# two tries it rests for as long as one took: the emulated processor is one, and what is awaited needs it.
wait_until() {
    local end=$((SECONDS + $1)) since took
    shift
    while since=${EPOCHREALTIME/./} && ! ("$@") >/run/try 2>&1; do
        [ $SECONDS -lt $end ] || return 1
        took=$((${EPOCHREALTIME/./} - since + 100000))
        sleep "$((took / 1000000)).$(printf %06d $((took % 1000000)))"
    done
    : >/run/why
}

# --- the host's first state -----------------------------------------------------------------------

remember_host() {
    mkdir -p $KEPT/first
    cp -a /etc/group /etc/gshadow /etc/subgid /etc/subuid $KEPT/first/
    cp -a $DISK/etc/group $KEPT/first/inner-group
    cards $A $B
    drm_devices >$KEPT/first/drm
}

# The units of the look do not run here: when there was a look last is no matter. What says nothing
# of it is a time that has not come.
not_looked() { mkdir -p /run/gpuanchor && echo 4000000000 >/run/gpuanchor/look; }

# What a case does to the package is undone for the next one.
package_changes() { touch /run/package-changed; }
reset_package() {
    [ -e /run/package-changed ] || return 0
    dpkg --purge gpuanchor
    dpkg --install $DEB/gpuanchor.deb
    rm /run/package-changed
}

reset_host() {
    rm -f /run/pmxcfs/* /var/fill /etc/subgid.lock /etc/systemd/system/{probe-order,pve-guests}.service
    rm -rf /etc/systemd/system/scenarios.target.wants
    if [ -e /run/udev/rules.d/00-slow.rules ]; then
        rm /run/udev/rules.d/00-slow.rules
        systemctl restart systemd-udevd
    fi
    reset_package
    local ct
    for ct in 101 102 103 104; do
        [ ! -e /var/lib/lxc/$ct ] || pct stop $ct >/dev/null 2>&1
    done
    systemctl stop gpuanchor-look.path gpuanchor-look.timer gpuanchor-look.service 2>/dev/null # but for its own cases
    systemctl stop gpuanchord gpuanchor-boot 'pve-container@*' 'pve-container-debug@*' 2>/dev/null # those there are
    systemctl reset-failed 2>/dev/null
    rm -rf /run/systemd/system/gpuanchord.service.d /var/lib/private/gpuanchord /var/lib/gpuanchord
    umount -q /var/lib/lxc
    rm -rf /run/gpuanchor /var/lib/gpuanchor /etc/gpuanchor/gpuanchor.conf.d /var/lib/lxc/10[1234] /var/lib/vz/images/104 /var/lib/vz/dump /run/gpuanchor-look/wanted /run/seen
    not_looked
    the_container 102
    if mountpoint -q $DISK; then umount $DISK && umount /run/layer; fi
    the_container 101
    mkdir -p /var/lib/vz/snippets # a case may have removed it
    find /var/lib/vz/snippets -type f -delete
    ln -sfn $HOOK $LINK # a case may have removed it
    find /etc/pve -mindepth 1 -type f ! -name .members -delete
    rm -rf /etc/pve/gpuanchor /etc/pve/mapping
    printf 'dir: local\n\tpath /var/lib/vz\n\tcontent snippets,rootdir\n' >/etc/pve/storage.cfg

    if ! cmp -s $KEPT/first/group /etc/group; then
        cp -a $KEPT/first/group /etc/group
        systemctl restart systemd-udevd
    fi
    cp -a $KEPT/first/{gshadow,subgid,subuid} /etc/
    [ -e /sys/bus/pci/devices/$A ] && [ -e /sys/bus/pci/devices/$B ] || echo 1 >/sys/bus/pci/rescan
    drm_devices | cmp -s $KEPT/first/drm - || cards $A $B
    chgrp render /dev/dri/renderD*
    chgrp video /dev/dri/card*
    cp -a $KEPT/first/inner-group $DISK/etc/group
    container_render_group 110
}

# --- the host's graphics cards --------------------------------------------------------------------

# cards [PCI...] - the cards that have a driver, in the order in which they got
# it: that order decides who is card0. Real remove and add events come of it.
cards() {
    local pci driver=/sys/bus/pci/drivers/virtio-pci
    for pci in $A $B; do
        [ ! -e $driver/$pci ] || echo $pci >$driver/unbind
    done
    for pci in "$@"; do
        echo $pci >$driver/bind
    done
    udevadm settle
    for pci in "$@"; do
        [ -c "$(node $pci render)" ] || fail "the machine has no render node for $pci"
    done
}

# drm_devices - who is who, and the nodes that say so
drm_devices() {
    ls /sys/bus/pci/devices/{$A,$B}/drm 2>&1
    stat -c '%n %F %Hr:%Lr %a %U' /dev/dri/* /dev/dri/by-path/*
}

# node PCI card|render - its path on the host, as sysfs knows it today
node() {
    local dir=/sys/bus/pci/devices/$1/drm found
    case $2 in
    card) found=("$dir"/card[0-9]*) ;;
    render) found=("$dir"/renderD[0-9]*) ;;
    esac
    echo "/dev/dri/${found[0]##*/}"
}

# number PCI card|render - major:minor
number() { cat "/sys/bus/pci/devices/$1/drm/$(basename "$(node "$1" "$2")")/dev"; }

# --- the container with systemd -------------------------------------------------------------------

# systemd_container - from here on the case is about 102, a Debian 13; what it
# writes to its disk goes to a layer that the next case does not see
systemd_container() {
    the_container 102
    mkdir -p /run/layer
    mount -t tmpfs -o mode=755 layer /run/layer
    mkdir /run/layer/upper /run/layer/work
    chown 100000:100000 /run/layer/upper
    mount -t overlay -o lowerdir=$DISK,upperdir=/run/layer/upper,workdir=/run/layer/work disk $DISK
}

# on_disk PATH - a file of the container that does not run, from stdin
on_disk() {
    mkdir -p "$(dirname "$DISK$1")"
    cat >"$DISK$1"
    chown -R --from=0:0 100000:100000 "$DISK${1%"${1#/*/}"}"
}

# booted - the container's systemd has done what it does at boot. It has no
# socket at first, and then tells "degraded" for units of no interest here.
booted() {
    timeout 300 lxc-attach -n $CT --clear-env -- sh -c '
        until systemctl is-system-running --wait | grep -q -x -e running -e degraded; do
            sleep 1
        done' 2>/dev/null || fail "systemd inside does not come up"
}

# --- files ----------------------------------------------------------------------------------------

# The container file: what every container has, then the lines on stdin.
container() {
    {
        cat <<EOF
arch: amd64
cores: 1
features: nesting=1
hookscript: local:snippets/gpuanchor-hook
hostname: ct$CT
memory: 512
ostype: debian
rootfs: local:$CT/subvol-$CT-disk-0.subvol,size=0T
swap: 512
unprivileged: 1
EOF
        cat
    } >$CONF.new
    # the boot unit has seen its lines before it got the hookscript: so they are known
    sed /^hookscript/d $CONF.new >$CONF
    ! command -v gpuanchor >/dev/null || gpuanchor apply --all --boot >/dev/null || true
    mv $CONF.new $CONF
}

# The lines of the usual guides, for the names and gids of this moment.
guide_lines() {
    local pci=$1
    cat <<EOF
lxc.idmap: u 0 100000 65536
lxc.idmap: g 0 100000 44
lxc.idmap: g 44 44 1
lxc.idmap: g 45 100045 65
lxc.idmap: g 110 $(host_render_gid) 1
lxc.idmap: g 111 100111 65425
lxc.cgroup2.devices.allow: c $(number $pci card) rwm
lxc.cgroup2.devices.allow: c $(number $pci render) rwm
lxc.mount.entry: $(node $pci card) dev/dri/$(basename "$(node $pci card)") none bind,optional,create=file
lxc.mount.entry: $(node $pci render) dev/dri/$(basename "$(node $pci render)") none bind,optional,create=file
EOF
}

# What the guides have people add to /etc/subgid for these lines.
guide_subgid() {
    echo root:44:1 >>/etc/subgid
    echo "root:$(host_render_gid):1" >>/etc/subgid
}

policy() {
    mkdir -p /etc/pve/gpuanchor
    { echo '[container]' && cat; } >$POLICY
}

# The two device lines of method dev, for the names of this moment.
dev_lines() {
    echo "dev0: $(node $1 card),gid=$CT_VIDEO"
    echo "dev1: $(node $1 render),gid=$CT_RENDER"
}

host_render_gid() { getent group render | cut -d: -f3; }

# Another number for the host's group, and nodes that have it, as after an
# upgrade and its reboot. udevd of systemd 257 knows the number it read with its
# rules (a reload without changed rules is skipped), and gives nodes their group
# on "add" only: a plain `udevadm trigger` changes nothing.
host_render_moves_to() {
    groupmod -g "$1" render
    udev_gives_groups
    [ "$(stat -c %g "$(node $A render)")" = "$1" ] || fail "udev did not follow groupmod"
}

udev_gives_groups() {
    systemctl restart systemd-udevd
    udevadm trigger --settle --action=add --subsystem-match=drm
}

# The container's own number for its render group.
container_render_group() {
    CT_RENDER=$1
    sed -i "s/^render:x:[0-9]*:/render:x:$1:/" $DISK/etc/group
    chown -h 100000:100000 $DISK/etc/group
}

# hole GID - host gid of the one-id hole for this container gid, from the file
hole() {
    sed -n '/^\[/q; s/^lxc\.idmap[:=] *g '"$1"' \([0-9]*\) 1$/\1/p' $CONF
}

# --- starting and stopping ------------------------------------------------------------------------

# start - has to succeed; what was printed is then in /run/seen
start() {
    local status=0
    pct start $CT "$@" </dev/null >/run/seen 2>&1 || status=$?
    sed 's/^/    pct: /' /run/seen
    [ $status = 0 ] || fail "pct start: $(grep -m 1 . /run/seen)"
}

start_refused() {
    ! pct start $CT </dev/null >/run/seen 2>&1 || fail "the container started"
    sed 's/^/    pct: /' /run/seen
    [ "$(pct status $CT)" = "status: stopped" ] || fail "refused, but the container runs"
}

# hook PHASE - the hookscript as a start would run it, lock held and all
hook() {
    local status=0
    flock -o /run/lock/lxc/pve-config-$CT.lock \
        env -i PATH=/sbin:/bin:/usr/sbin:/usr/bin LC_ALL=C \
        setsid -w $HOOK $CT "$1" </dev/null >/run/seen 2>&1 || status=$?
    sed 's/^/    hook: /' /run/seen
    return $status
}

# unchanged - the container file is the one that save_files() saw. The generated
# config may have been patched (Proxmox makes it anew at every start), but only
# in lines of ours. No temporary file is left.
save_files() { cp $CONF /run/conf.saved && cp $CONFIG /run/config.saved; }
foreign_lines() { grep -v -e ^lxc.idmap -e /dev/dri/ -e '^lxc.cgroup2.devices.allow = c 226:' "$1"; }
unchanged() {
    cmp $CONF /run/conf.saved || fail "the container file changed"
    foreign_lines /run/config.saved | cmp - <(foreign_lines $CONFIG) ||
        fail "the generated config is damaged"
    no_leftovers
}
no_leftovers() {
    local names
    names=$(ls -A /etc/pve/lxc)
    [ "$names" = $CT.conf ] || fail "left behind in /etc/pve/lxc: $names"
    names=$(find /var/lib/lxc/$CT -maxdepth 1 -type f ! -name config -printf '%f ')
    [ -z "$names" ] || fail "left behind in /var/lib/lxc/$CT: $names"
}

stop() { pct stop $CT || fail "pct stop"; }

# reboot inside, through the container's own init
reboot_inside() {
    local old new end=$((SECONDS + 90))
    old=$(lxc-info -n $CT -pH)
    inside reboot
    while [ $SECONDS -lt $end ]; do
        new=$(lxc-info -n $CT -pH 2>/dev/null)
        [ -z "$new" ] || [ "$new" = "$old" ] || [ "$(lxc-info -n $CT -sH)" != RUNNING ] || return 0
        sleep 0.3
    done
    cat /run/pve/ct-$CT.stderr
    journalctl -q -n 30 -u "pve-container@$CT"
    fail "the container did not come back after a reboot inside"
}

# said WORD... - the last start said so
said() {
    local word
    for word in "$@"; do
        grep -qiF -- "$word" /run/seen || fail "the task log does not say '$word'"
    done
}

# --- a reboot of the machine ----------------------------------------------------------------------

# reboot_then FUNCTION - ends this part of a case; FUNCTION goes on after the boot.
# What is on disk stays, /run and the journal do not.
reboot_then() {
    echo "$1" >$KEPT/next
    exit 88
}

# For guest.sh, whose unit would power the machine off when it stops.
reboot_machine() {
    mkdir -p /run/systemd/system/scenarios.service.d
    printf '[Service]\nExecStopPost=\n' >/run/systemd/system/scenarios.service.d/reboot.conf
    systemctl daemon-reload
    systemctl --no-block reboot
    exit 0
}

# at_boot NAME - the unit on stdin is part of the next boot; reset_host() takes it out
at_boot() {
    cat >"/etc/systemd/system/$1.service"
    systemctl add-wants -q scenarios.target "$1.service"
}

# at_boot_swapped - the next boot finds A after B
at_boot_swapped() {
    at_boot probe-order <<EOF
[Unit]
DefaultDependencies=no
Before=systemd-udev-trigger.service
[Service]
Type=oneshot
ExecStart=/bin/sh -ec 'cd /sys/bus/pci/drivers/virtio-pci; echo $A >unbind; modprobe virtio-gpu; echo $A >bind'
EOF
}

# --- what a process inside sees -------------------------------------------------------------------

inside() { lxc-attach -n $CT --clear-env -- "$@"; }
# hex MAJOR:MINOR - as stat(1) prints it
hex() { printf '%x:%x' "${1%:*}" "${1#*:}"; }

# view - /dev/dri as the container has it, one line per entry: what it is, its
# numbers, and whether a user in the groups and one in neither can open it
# read-write. One attach for all of it, because attaching is what costs.
view() {
    inside /bin/sh -c '
        cd /dev/dri 2>/dev/null || exit 0
        for n in $(ls -A); do
            member=no outsider=no
            su viewer -c "exec 3<>/dev/dri/$n" 2>/dev/null && member=yes
            su outsider -c "exec 3<>/dev/dri/$n" 2>/dev/null && outsider=yes
            echo "$n: $(stat -c "%F %t:%T gid %g" $n), member $member, outsider $outsider"
        done'
}

# sees PCI [card] [render] - exactly these nodes of exactly this GPU, under the
# host's names; members of the container's groups open them, nobody else
sees() {
    local pci=$1 kind gid got want=
    shift
    [ $# -gt 0 ] || set -- card render
    for kind in "$@"; do
        [ $kind = card ] && gid=$CT_VIDEO || gid=$CT_RENDER
        want+="$(basename "$(node $pci $kind)"): character special file $(hex "$(number $pci $kind)")"
        want+=" gid $gid, member yes, outsider no"$'\n'
    done
    got=$(view)
    [ "$got"$'\n' = "$want" ] || fail "inside: $(join "$got") - expected: $(join "$want")"
}

# sees_only PCI card|render... - these nodes, whoever may open them
sees_only() {
    local pci=$1 kind got want=
    shift
    for kind in "$@"; do
        want+="$(basename "$(node $pci $kind)"): character special file $(hex "$(number $pci $kind)")"$'\n'
    done
    got=$(view | sed 's/ gid .*//')
    [ "$got"$'\n' = "$want" ] || fail "inside: $(join "$got") - expected: $(join "$want")"
}

# sees_none - no node, no left-over file, no other GPU
sees_none() {
    local got
    got=$(view)
    [ -z "$got" ] || fail "inside: $(join "$got") - expected: nothing"
}

join() { echo "${1:-nothing}" | paste -sd '|'; }

# --- one case -------------------------------------------------------------------------------------

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    file=$1 function=$2
    case $function in case_*) reset_host ;; esac # others go on after a reboot
    set -eE -o pipefail
    trap 'echo "line $LINENO: $BASH_COMMAND" >>/run/why' ERR
    # shellcheck source=/dev/null
    . "$file"
    PS4='+ ${FUNCNAME[0]:-}:$LINENO '
    "$function"
fi
