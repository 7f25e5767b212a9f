#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# demo.sh - build gpuanchor and show its main job on a sample host
#
# The host is a folder: sysfs, device nodes, groups and a container file as the
# usual guide has people write it. The hook is the real one; GPUANCHOR_ROOT
# makes it look there instead of at this machine. Needs root, for the nodes.
set -eu
cd "$(dirname "$0")/.."

if [ "$(id -u)" != 0 ]; then
    echo "demo.sh: needs root, it makes device nodes in a temporary folder: sudo sh tests/demo.sh" >&2
    exit 1
fi
echo "== what the build needs: Debian packages, some minutes if all are missing; nothing else of this machine changes"
sh tests/deps.sh build
echo "== they are there"
work=$(mktemp -d "${TMPDIR:-/tmp}/gpuanchor-demo.XXXXXX")
trap 'rm -rf "$work"' EXIT

echo "== building, less than a minute; more on a slow machine"
build() { meson setup "$work/build" -Dtests=false && echo configured && NINJA_STATUS='built %f/%t ' ninja -C "$work/build"; }
{ build 2>&1 || : >"$work/failed"; } | tee "$work/log" | {
    quarter=0
    while read -r what count _; do
        case $what in
        configured) echo "   configured" ;;
        built) # a line at each 25 %
            now=$((4 * ${count%/*} / ${count#*/}))
            [ "$now" = "$quarter" ] || echo "   built: $((25 * now)) %, ${count%/*} of ${count#*/}"
            quarter=$now
            ;;
        esac
    done
}
if [ -e "$work/failed" ]; then
    cat "$work/log"
    exit 1
fi
hook=$work/build/hooks/gpuanchor-hook

host() { # FOLDER HOSTFILE: a folder as a machine, with Proxmox's folders
    { cat "tests/fixtures/hosts/$2.host"; echo "pve pve1"; } >"$work/host"
    sh tests/mkhost.sh "$work/host" "$1"
}

generate() { # what Proxmox does before it runs the hookscript
    mkdir -p "$1/var/lib/lxc/101"
    perl -w tests/vm/pctconf.pm "$1" 101 >"$1/var/lib/lxc/101/config"
}

boot() {
    generate "$1"
    cp "$1/etc/pve/lxc/101.conf" "$work/conf.before"
    cp "$1/var/lib/lxc/101/config" "$work/config.before"
    echo "\$ gpuanchor-hook 101 pre-start"
    GPUANCHOR_ROOT=$1 "$hook" 101 pre-start
    for file in etc/pve/lxc/101.conf var/lib/lxc/101/config; do
        diff -u --label "/$file before" --label "/$file" \
            "$work/$(case $file in etc/*) echo conf ;; *) echo config ;; esac).before" "$1/$file" || :
    done
}

echo
echo "== first boot: card1 and renderD128 are the AMD GPU, render is gid 110"
host "$work/before" guide
cp tests/fixtures/guide-101.conf "$work/before/etc/pve/lxc/101.conf"
boot "$work/before"

echo
echo "== after an update: the same GPU is card0 and renderD129, render is gid 993"
host "$work/after" guide-moved
cp -a "$work/before/etc/pve/." "$work/after/etc/pve/"
boot "$work/after"
echo
echo "== and once more: nothing is left to do"
boot "$work/after"

echo
echo "That was the hook: each start of the container corrects what has moved, before LXC reads it."
echo "On a Proxmox VE host: sh debian/install.sh --build; gpuanchor status; gpuanchor enable VMID"
