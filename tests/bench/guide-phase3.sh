#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# guide-phase3.sh ROOT VMID PCI - what the guides do by hand, as a shell script
#
# The fair peer of the hook: looks the same GPU's nodes and the groups up,
# takes the old lines out and writes the new ones into both files. Without the
# hook's checks, proofs and locks.
set -eu
root=$1 vmid=$2 pci=$3
conf=$root/etc/pve/lxc/$vmid.conf
config=$root/var/lib/lxc/$vmid/config

card=$(basename "$(ls -d "$root/sys/bus/pci/devices/$pci"/drm/card[0-9]*)")
render=$(basename "$(ls -d "$root/sys/bus/pci/devices/$pci"/drm/renderD*)")
card_minor=$(stat -c %T "$root/dev/dri/$card")
render_minor=$(stat -c %T "$root/dev/dri/$render")
card_minor=$((0x$card_minor)) render_minor=$((0x$render_minor))
video=$(sed -n 's/^video:[^:]*:\([0-9]*\):.*/\1/p' "$root/etc/group")
render_gid=$(sed -n 's/^render:[^:]*:\([0-9]*\):.*/\1/p' "$root/etc/group")

for file in "$conf" "$config"; do
    case $file in *.conf) s=': ' ;; *) s=' = ' ;; esac
    sed -i '/^lxc\.idmap/d;/^lxc\.cgroup2\.devices\.allow.*226/d;/^lxc\.mount\.entry.*dri/d' "$file"
    {
        echo "lxc.idmap${s}u 0 100000 65536"
        echo "lxc.idmap${s}g 0 100000 44"
        echo "lxc.idmap${s}g 44 $video 1"
        echo "lxc.idmap${s}g 45 100045 65"
        echo "lxc.idmap${s}g 110 $render_gid 1"
        echo "lxc.idmap${s}g 111 100111 65425"
        echo "lxc.cgroup2.devices.allow${s}c 226:$card_minor rwm"
        echo "lxc.cgroup2.devices.allow${s}c 226:$render_minor rwm"
        echo "lxc.mount.entry${s}/dev/dri/$card dev/dri/$card none bind,optional,create=file"
        echo "lxc.mount.entry${s}/dev/dri/$render dev/dri/$render none bind,optional,create=file"
    } >>"$file"
done
for gid in "$video" "$render_gid"; do
    grep -q "^root:$gid:1$" "$root/etc/subgid" || echo "root:$gid:1" >>"$root/etc/subgid"
done
