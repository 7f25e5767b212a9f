#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# build.sh CACHE_DIR - the Debian 13 machine that the scenarios run in
#
# Leaves vmlinuz, initrd, root.ext4 and a QEMU to run them (qemu, which hands its
# arguments on) in CACHE_DIR/image-KEY and prints that folder as its last line.
# KEY is a checksum of this file and bootstrap.sh, so that a second run costs nothing and an edit
# there builds a new image. Needs root (device files, chroot), mmdebstrap and
# mke2fs; no loop device, no boot loader, no KVM.
#
# Nothing of gpuanchor and nothing of the scenarios is in the image: run.sh
# hands both to the machine on a second disk, so that they change without it.
# Left out on purpose: initramfs-tools, apt, network, AppArmor and every
# kernel module that the machine does not need, because under software
# emulation each of them is paid for at every boot.

set -eu

suite=trixie

# uidmap matters: once newuidmap and newgidmap are there, LXC uses them even as
# root and /etc/subgid counts. strace is what scenario 8 kills with.
packages="systemd,systemd-sysv,udev,dbus,lxc,uidmap,strace,libinih1,libsystemd0,libudev1
libjson-c5,libsmartcols1,perl-base,diffutils,passwd,busybox-static,kmod,procps"

# Debian's own kernel. The cloud flavour would be smaller but has no DRM.
kernel=linux-image-amd64
modules="kernel/drivers/virtio kernel/drivers/gpu/drm kernel/drivers/block/virtio_blk.ko*
kernel/drivers/char/virtio_console.ko* kernel/drivers/video kernel/drivers/i2c/i2c-core.ko*
kernel/drivers/dma-buf kernel/fs/ext4 kernel/fs/jbd2 kernel/fs/mbcache.ko* kernel/fs/overlayfs
kernel/fs/fuse kernel/fs/autofs kernel/fs/efivarfs kernel/lib kernel/crypto kernel/arch/x86/crypto
kernel/net/unix kernel/net/packet modules.builtin modules.builtin.modinfo modules.order"

cache=${1:?usage: build.sh CACHE_DIR}
base=$(dirname "$0")/../bootstrap.sh
key=$(cat "$0" "$base" | sha256sum | cut -c1-12)
image=$cache/image-$key

if [ -s "$image/root.ext4" ]; then
    echo "$image"
    exit 0
fi

mkdir -p "$cache"
work=$(mktemp -d "$cache/image.XXXXXX")
trap 'wait; rm -rf --one-file-system "$work"' EXIT
trap 'exit 1' HUP INT TERM
root=$work/root
mkdir "$work/out"

# bootstrap FOLDER VARIANT PACKAGES - documentation is removed afterwards: keeping it out with
# dpkg's path-exclude makes mmdebstrap filter every package, which takes twice as long
bootstrap() {
    sh "$base" "$suite" "$1" "$2" "$3" >&2
    rm -rf "$1"/usr/share/doc "$1"/usr/share/man "$1"/usr/share/locale "$1"/usr/share/i18n
}

# QEMU only from this release on: it runs the machine twice as fast as that of Debian 12
bootstrap "$work/out/debian" extract qemu-system-x86 &
qemu=$!

# a container with systemd and the usual tools
bootstrap "$work/volume" minbase systemd,systemd-sysv,passwd &
container=$!

bootstrap "$root" apt "$packages"
wait "$qemu"
wait "$container"

# --- QEMU: unpacked, not installed, so that it stays out of this system's way ---------------------

rm -rf "$work"/out/debian/var "$work"/out/debian/dev
cat >"$work/out/qemu" <<'EOF'
#!/bin/sh
usr=${0%/*}/debian/usr
export QEMU_MODULE_DIR="$usr/lib/x86_64-linux-gnu/qemu"
exec "$usr/lib64/ld-linux-x86-64.so.2" --library-path "$usr/lib/x86_64-linux-gnu" \
    "$usr/bin/qemu-system-x86_64" -L "$usr/share/qemu" -L "$usr/share/seabios" "$@"
EOF
chmod 755 "$work/out/qemu"

# --- the container: Debian 13, owned as an unprivileged one is -----------------------------------

volume=/var/lib/vz/images/102/subvol-102-disk-0.subvol
mkdir -p "$root${volume%/*}"
mv "$work/volume" "$root$volume"
rm -rf "$root$volume"/var/cache/apt "$root$volume"/var/lib/apt/lists "${root:?}$volume"/dev/*
printf 'uninitialized\n' >"$root$volume/etc/machine-id"
echo ct102 >"$root$volume/etc/hostname"
find "$root$volume" -printf '%U %G\n' | sort -u | while read -r uid gid; do
    find "$root$volume" -uid "$uid" -gid "$gid" \
        -exec chown -h "$((uid + 100000)):$((gid + 100000))" {} +
done

# --- kernel: unpacked, not installed, so that no initramfs is generated ---------------------------

chroot "$root" sh -ec '
    image=$(apt-cache depends --important '"$kernel"' | sed -n "s/^ *Depends: //p" | head -n 1)
    cd /tmp && apt-get -qq -o APT::Sandbox::User=root download "$image"' >&2
mkdir "$work/kernel"
dpkg-deb -x "$root"/tmp/linux-image-*.deb "$work/kernel"
rm "$root"/tmp/*.deb
cp "$work"/kernel/boot/vmlinuz-* "$work/out/vmlinuz"
release=$(basename "$work"/kernel/usr/lib/modules/*)
for m in $modules; do
    (cd "$work/kernel/usr/lib/modules/$release" && for f in $m; do
        [ ! -e "$f" ] || { mkdir -p "$root/usr/lib/modules/$release/$(dirname "$f")" &&
            cp -a "$f" "$root/usr/lib/modules/$release/$f"; }
    done)
done
# Of all graphics drivers, the one for the emulated cards.
for d in "$root/usr/lib/modules/$release"/kernel/drivers/gpu/drm/*/; do
    case $d in */virtio/) ;; *) rm -r "$d" ;; esac
done
chroot "$root" depmod "$release" 2>/dev/null

# --- initrd: busybox and the modules on the way to the root disk ----------------------------------

initrd=$root/tmp/initrd
mkdir -p "$initrd/bin" "$initrd/dev" "$initrd/proc" "$initrd/sys" "$initrd/root"
cp "$root/usr/bin/busybox" "$initrd/bin/busybox"
n=10
for m in virtio_pci virtio_blk ext4; do
    for f in $(chroot "$root" modprobe -S "$release" --show-depends "$m" | sed -n 's/^insmod //p'); do
        name=$(basename "${f%.xz}")
        ls "$initrd"/*-"$name" >/dev/null 2>&1 && continue
        case $f in
        *.xz) chroot "$root" busybox unxz -c "$f" >"$initrd/$n-$name" ;;
        *) cp "$root$f" "$initrd/$n-$name" ;;
        esac
        n=$((n + 1))
    done
done
cat >"$initrd/init" <<'EOF'
#!/bin/busybox sh
/bin/busybox mount -t devtmpfs dev /dev
for m in /*.ko; do /bin/busybox insmod "$m"; done
/bin/busybox mount -t ext4 -o rw,noatime /dev/vda /root || exec /bin/busybox sh
/bin/busybox mount --move /dev /root/dev
exec /bin/busybox switch_root /root /usr/lib/systemd/systemd
EOF
chmod 755 "$initrd/init"
chroot "$root" sh -ec 'cd /tmp/initrd && find . | busybox cpio -o -H newc 2>/dev/null' >"$work/out/initrd"
rm -r "$initrd"

# --- the host: a node called pve1 -----------------------------------------------------------------

echo pve1 >"$root/etc/hostname"
printf '127.0.0.1 localhost pve1\n' >"$root/etc/hosts"
: >"$root/etc/fstab"
printf 'root:100000:65536\n' | tee "$root/etc/subuid" >"$root/etc/subgid"
printf 'uninitialized\n' >"$root/etc/machine-id"

# The unit that unpacks the second disk and runs what is on it.
cat >"$root/etc/systemd/system/scenarios.service" <<'EOF'
[Unit]
Description=Scenarios from the second disk
After=systemd-udevd.service systemd-udev-trigger.service systemd-journald.service

[Service]
Type=oneshot
ExecStartPre=udevadm settle
ExecStart=/bin/sh -c 'mkdir -p /run/payload && tar -C /run/payload -xf /dev/vdb && exec /run/payload/vm/guest.sh'
TimeoutStartSec=infinity
FailureAction=none
StandardOutput=file:/dev/ttyS0
StandardError=file:/dev/ttyS0
ExecStopPost=/bin/sh -c 'echo o >/proc/sysrq-trigger'
EOF
cat >"$root/etc/systemd/system/scenarios.target" <<'EOF'
[Unit]
Description=Only what the scenarios need
Requires=sysinit.target dbus.socket scenarios.service
After=sysinit.target dbus.socket
AllowIsolate=yes
EOF
ln -sf scenarios.target "$root/etc/systemd/system/default.target"
for unit in lxc.service lxc-net.service systemd-hwdb-update.service \
    systemd-journal-catalog-update.service systemd-update-done.service systemd-pcrphase.service \
    systemd-timesyncd.service systemd-journal-flush.service ldconfig.service nftables.service \
    systemd-networkd.service systemd-networkd.socket systemd-network-generator.service \
    e2scrub_reap.service systemd-random-seed.service systemd-firstboot.service; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
# a reload of systemd runs each of them, and a package that comes or goes reloads it three times
mkdir -p "$root/etc/systemd/system-generators"
for generator in "$root"/usr/lib/systemd/system-generators/*; do
    ln -s /dev/null "$root/etc/systemd/system-generators/${generator##*/}"
done
mkdir -p "$root/etc/systemd/journald.conf.d"
printf '[Journal]\nStorage=volatile\nForwardToConsole=no\n' >"$root/etc/systemd/journald.conf.d/vm.conf"

rm -rf "$root"/var/cache/apt "$root"/var/lib/apt/lists "$root"/tmp/*

mke2fs -q -t ext4 -O ^metadata_csum,^64bit -E lazy_itable_init=1,root_owner=0:0 -L root \
    -d "$root" "$work/out/root.ext4" 2000M
mv "$work/out" "$image"
echo "$image"
