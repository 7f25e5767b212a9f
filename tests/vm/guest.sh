#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# guest.sh - first program inside the machine: make it a host, run the cases
#
# share holds "I N": of the wanted cases, run the I-th, the I+N-th and so on.
#
# Turns the bare Debian into a node called pve1 that has gpuanchor installed,
# then runs every case that run.sh asked for, each in a process of its own and
# on a host put back to its first state. Results go to one serial port, one
# line per case as it ends; everything else, traces included, to the other.
# Knows nothing about what the cases check: that is in scenarios/ and lib.sh.

set -u
here=${0%/*}
exec 3>/dev/virtio-ports/result >/dev/virtio-ports/log 2>&1 </dev/null
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C

# --- the host -------------------------------------------------------------------------------------

install -m 755 "$here/pct" /usr/sbin/pct
ln -s pct /usr/sbin/pvesm

units=/usr/lib/systemd/system
cp "$here/pve-container@.service" "$units/"
sed '/^ExecStart=/s|$| -o /dev/stderr -l DEBUG|' "$here/pve-container@.service" \
    >"$units/pve-container-debug@.service"
systemctl daemon-reload

# Proxmox hangs its hooks into every container this way, and opens the device
# cgroup of the unprivileged ones.
mkdir -p /usr/share/lxc/config/common.conf.d /usr/share/lxc/config/userns.conf.d /run/pve /run/lxc
for type in pre-start autodev post-stop; do
    echo "lxc.hook.$type = /usr/sbin/pct hook"
done >/usr/share/lxc/config/common.conf.d/01-pve.conf
printf 'lxc.cgroup2.devices.%s\n' 'deny =' 'allow =' 'allow = a' \
    >/usr/share/lxc/config/userns.conf.d/01-pve.conf
chmod 755 /var/lib/lxc

mkdir -p /etc/pve /run/pmxcfs /var/lib/vz/snippets
"$here/pmxcfs" /etc/pve &
until mountpoint -q /etc/pve; do sleep 0.1; done
dpkg --install "$here/../deb/gpuanchor.deb"

# --- the container's root file system: busybox and its own idea of the groups ---------------------

disk=/var/lib/vz/images/101/subvol-101-disk-0.subvol
mkdir -p "$disk"/{bin,sbin,etc,dev,proc,sys,run,tmp,root,usr/bin,usr/sbin,var}
cp /usr/bin/busybox "$disk/bin/busybox"
chroot "$disk" /bin/busybox --install -s
rm -f "$disk"/linuxrc
ln -sf ../bin/busybox "$disk/sbin/init"
printf '::sysinit:/bin/true\n::shutdown:/bin/true\n' >"$disk/etc/inittab"
cat >"$disk/etc/passwd" <<'EOF'
root:x:0:0:root:/root:/bin/sh
viewer:x:1000:1000:in video and render:/tmp:/bin/sh
outsider:x:1001:1001:in neither:/tmp:/bin/sh
EOF
cat >"$disk/etc/group" <<'EOF'
root:x:0:
video:x:44:viewer
render:x:110:viewer
viewer:x:1000:
outsider:x:1001:
EOF
chown -hR 100000:100000 /var/lib/vz/images/101

# --- the cases ------------------------------------------------------------------------------------

. "$here/lib.sh"
remember_host
read -r mine of <"$here/share"
turn=0

for file in "$here"/scenarios/[0-9]*.sh; do
    name=$(basename "$file" .sh)
    for case in $(sed -n 's/^case_\([a-z0-9_]*\)().*/\1/p' "$file"); do
        id=$name/$(echo "$case" | tr _ -)
        wanted "$id" "$here/wanted" || continue
        turn=$((turn % of + 1))
        [ $turn = "$mine" ] || continue
        echo "=== $id"
        begin=$SECONDS
        : >/run/why
        timeout -k 10 "${CASE_LIMIT:-900}" bash "$here/lib.sh" "$file" "case_$case"
        status=$?
        echo "=== $id: $status"
        why=$(head -n 1 /run/why)
        case $status in
        0) echo "ok $id ($((SECONDS - begin)) s)" ;;
        77) echo "skip $id: $why" ;;
        124) echo "not ok $id: took longer than ${CASE_LIMIT:-900} s" ;;
        *) echo "not ok $id: ${why:-status $status}" ;;
        esac >&3
    done
done
echo end >&3
