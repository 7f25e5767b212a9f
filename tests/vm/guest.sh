#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# guest.sh - first program inside the machine: make it a host, run the cases
#
# Turns the bare Debian into a node called pve1 that has gpuanchor installed,
# then runs the cases that run.sh hands out, each in a process of its own and on a host put back to
# its first state. "next" on the port result asks for one, whose name comes by the port next ("end":
# there is none left). Results go to result, one line per case as it ends; everything else, traces
# included, to log.
# Knows nothing about what the cases check: that is in scenarios/ and lib.sh.
#
# A case may reboot the machine (reboot_then in lib.sh). The disk is kept, this
# program runs again and goes on with that case.

set -u
here=${0%/*}
exec 3>/dev/virtio-ports/result 4</dev/virtio-ports/next >/dev/virtio-ports/log 2>&1 </dev/null
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C

kept=/var/lib/scenarios # on disk, outlives a reboot
resume= function=
if [ -e $kept/resume ]; then
    read -r resume function begin <$kept/resume
    rm $kept/resume
elif [ -e $kept ]; then
    echo "not ok machine: it booted once more and nobody asked for it" >&3
    exit 1
fi

# --- the host -------------------------------------------------------------------------------------

make_host() {
    local type disk=/var/lib/vz/images/101/subvol-101-disk-0.subvol units=/usr/lib/systemd/system

    install -m 755 "$here/pct" "$here/pmxcfs" /usr/sbin/
    install -D -m 644 -t /usr/share/perl5 "$here/pctconf.pm"
    ln -s pct /usr/sbin/pvesm
    ln -s pct /usr/sbin/vzdump

    cp "$here/pve-container@.service" "$here/pve-cluster.service" $units/
    sed '/^ExecStart=/s|$| -o /dev/stderr -l DEBUG|' "$here/pve-container@.service" \
        >"$units/pve-container-debug@.service"
    mkdir -p $units/scenarios.target.wants
    ln -s ../pve-cluster.service $units/scenarios.target.wants/
    systemctl daemon-reload

    # Proxmox hangs its hooks into every container this way, and opens the device
    # cgroup of the unprivileged ones.
    mkdir -p /usr/share/lxc/config/common.conf.d /usr/share/lxc/config/userns.conf.d
    for type in pre-start autodev post-stop; do
        echo "lxc.hook.$type = /usr/sbin/pct hook"
    done >/usr/share/lxc/config/common.conf.d/01-pve.conf
    printf 'lxc.cgroup2.devices.%s\n' 'deny =' 'allow =' 'allow = a' \
        >/usr/share/lxc/config/userns.conf.d/01-pve.conf
    for type in common userns; do
        echo "lxc.include = /usr/share/lxc/config/$type.conf" >/usr/share/lxc/config/debian.$type.conf
    done
    chmod 755 /var/lib/lxc
    mkdir -p /var/lib/vz/snippets
    systemctl start pve-cluster
    dpkg --install "$here/../deb/gpuanchor.deb"

    # the container's root file system: busybox and its own idea of the groups
    mkdir -p "$disk"/{bin,sbin,etc,dev,proc,sys,run,tmp,root,usr/bin,usr/sbin,var}
    cp /usr/bin/busybox "$disk/bin/busybox"
    chroot "$disk" /bin/busybox --install -s
    rm -f "$disk"/linuxrc
    ln -sf ../bin/busybox "$disk/sbin/init"
    printf '::sysinit:/bin/true\n::shutdown:/bin/true\n' >"$disk/etc/inittab"
    cat >"$disk/etc/passwd" <<'EOP'
root:x:0:0:root:/root:/bin/sh
viewer:x:1000:1000:in video and render:/tmp:/bin/sh
outsider:x:1001:1001:in neither:/tmp:/bin/sh
EOP
    cat >"$disk/etc/group" <<'EOP'
root:x:0:
video:x:44:viewer
render:x:110:viewer
viewer:x:1000:
outsider:x:1001:
EOP
    chown -hR 100000:100000 /var/lib/vz/images/101
    mkdir $kept
}

# --- the cases ------------------------------------------------------------------------------------

. "$here/lib.sh"
if [ -z "$resume" ]; then
    make_host
    remember_host
fi
systemctl start pve-cluster # at a reboot it is there already
limit=$((900 + 20 * $(cat "$here/swaps"))) # seconds for a case; swaps is for 18-live/follow

while :; do
    if [ -n "$resume" ]; then
        id=$resume resume=
    else
        echo next >&3
        read -r id <&4 || id=end
        [ "$id" != end ] || break
        function=case_$(echo "${id#*/}" | tr - _) begin=$(date +%s)
    fi
    file=$here/scenarios/${id%/*}.sh
    echo "=== $id: $function"
    # The processor is emulated and shared, so a case may run out of time; what passes at
    # its second try says so, with what went wrong at the first.
    first=
    for try in 1 2; do
        : >/run/why
        timeout -k 10 "$limit" bash "$here/lib.sh" "$file" "$function" & # in a process group of its own
        wait $!
        status=$?
        kill -KILL -- -$! 2>/dev/null # what it left running would keep a container's cgroup from the next
        echo "=== $id: $status"
        why=$(head -n 1 /run/why)
        case $status in 0 | 77 | 88) break ;; esac
        [ $try = 2 ] || first=", second try; first: ${why:-status $status}"
    done
    case $status in
    0) echo "ok $id ($(($(date +%s) - begin)) s$first)" ;;
    77) echo "skip $id: $why" ;;
    88)
        echo "reboots $id"
        echo "$id $(cat $kept/next) $begin" >$kept/resume
        reboot_machine # and ends us
        ;;
    124) echo "not ok $id: took longer than $limit s" ;;
    *) echo "not ok $id: ${why:-status $status}" ;;
    esac >&3
done
echo end >&3
