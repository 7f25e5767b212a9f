#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# build13.sh CACHE_DIR SOURCE OUT - gpuanchor's package, built for Debian 13
#
# Builds SOURCE in a Debian 13 chroot with clang, and as a package with gcc,
# warnings being errors in both. Leaves in the folder OUT gpuanchor.deb, and
# older.deb, which differs in its version only. The chroot and both build trees
# stay in CACHE_DIR/toolchain-KEY, KEY being a checksum of what is in it: a
# second run compiles what changed. SOURCE is mounted read-only. Runs no unit
# test: that is for the machine one sits at.

set -eu

suite=trixie
packages="gcc,libc6-dev,clang,libclang-rt-dev,meson,ninja-build,pkgconf,libinih-dev,libsystemd-dev
systemd-dev,libudev-dev,libcmocka-dev,libjson-c-dev,libsmartcols-dev,scdoc,diffutils,git,python3
dpkg-dev,debhelper,fakeroot,lintian"

usage="usage: build13.sh CACHE_DIR SOURCE OUT"
cache=${1:?$usage} source=${2:?$usage} out=${3:?$usage}
key=$(echo "$suite $packages" | sha256sum | cut -c1-12)
root=$cache/toolchain-$key
# A build tree belongs to one source folder.
build=/build/$(realpath "$source" | sha256sum | cut -c1-8)

if [ ! -e "$root/.complete" ]; then
    mkdir -p "$cache"
    rm -rf --one-file-system "$root"
    sh "$(dirname "$0")/../bootstrap.sh" "$suite" "$root" apt "$packages"
    mkdir -p "$root/src" "$root/build"
    touch "$root/.complete"
fi

# What is packaged: the files of the repository as they are now, times included,
# into the tree of the last time, which keeps its objects.
mkdir -p "$root$build/gpuanchor"
find "$root$build" -mindepth 1 -maxdepth 1 -name '*.deb' -delete
find "$root$build/gpuanchor" -mindepth 1 -maxdepth 1 ! -name 'obj-*' -exec rm -rf {} +
(cd "$source" && git ls-files -z --cached --others --exclude-standard |
    tar --null --files-from=- --ignore-failed-read -cf - 2>/dev/null) |
    tar -C "$root$build/gpuanchor" --no-same-owner -xf -

# In a mount namespace of its own: nothing stays mounted, whatever happens.
unshare --mount --propagation private sh -euc '
    root=$1 source=$2 build=$3
    mount --bind "$source" "$root/src"
    mount -o remount,bind,ro "$root/src"
    mount --rbind /dev "$root/dev"
    mount -t proc proc "$root/proc"
    mount -t tmpfs tmp "$root/tmp"
    chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/tmp sh -euc "
        if [ ! -e $build/clang/build.ninja ]; then
            rm -rf $build/clang
            CC=clang meson setup --prefix=/usr --buildtype=debugoptimized -Dwerror=true $build/clang /src
        fi
        ninja -C $build/clang
        cd $build/gpuanchor
        DEB_BUILD_OPTIONS=\"nocheck noautodbgsym\" DEB_CFLAGS_APPEND=-Werror \
            dpkg-buildpackage --build=binary --no-sign --no-check-builddeps --no-pre-clean --build-profiles=nocheck
        cd $build
        mv gpuanchor_*.deb gpuanchor.deb
        rm -rf older
        dpkg-deb --raw-extract gpuanchor.deb older
        sed -i s/^Version:.*/Version:\ 0.0.1/ older/DEBIAN/control
        dpkg-deb --build older older.deb"
' build13 "$root" "$source" "$build"

mkdir -p "$out"
cp "$root$build/gpuanchor.deb" "$root$build/older.deb" "$out/"
