#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# build13.sh CACHE_DIR SOURCE DESTDIR - gpuanchor, built for Debian 13
#
# Builds SOURCE in a Debian 13 chroot with gcc and with clang, warnings being
# errors, and leaves what `meson install` puts on a host in DESTDIR (gcc's
# build). The chroot and both build trees stay in CACHE_DIR/toolchain-KEY, KEY
# being a checksum of this file: a second run compiles what changed. SOURCE is
# mounted read-only. Runs no unit test: that is for the machine one sits at.

set -eu

suite=trixie
packages="gcc,libc6-dev,clang,libclang-rt-dev,meson,ninja-build,pkgconf,libinih-dev,libsystemd-dev
systemd-dev,libudev-dev,libcmocka-dev,libjson-c-dev,libsmartcols-dev,scdoc,diffutils,git,python3
dpkg-dev,debhelper,fakeroot,lintian"

usage="usage: build13.sh CACHE_DIR SOURCE DESTDIR"
cache=${1:?$usage} source=${2:?$usage} destdir=${3:?$usage}
key=$(sha256sum "$0" | cut -c1-12)
root=$cache/toolchain-$key
# A build tree belongs to one source folder.
build=/build/$(realpath "$source" | sha256sum | cut -c1-8)

if [ ! -e "$root/.complete" ]; then
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' \
        2>/dev/null | grep -v security | head -n 1)
    mkdir -p "$cache"
    rm -rf --one-file-system "$root"
    mmdebstrap --mode=root --variant=apt --format=directory --components=main \
        --include="$(echo "$packages" | tr '\n' ',' | sed 's/,$//')" \
        --aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Languages "none"' \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        "$suite" "$root" "${mirror:-http://deb.debian.org/debian}"
    mkdir -p "$root/src" "$root/build"
    touch "$root/.complete"
fi

# In a mount namespace of its own: nothing stays mounted, whatever happens.
unshare --mount --propagation private sh -euc '
    root=$1 source=$2 build=$3
    mount --bind "$source" "$root/src"
    mount -o remount,bind,ro "$root/src"
    mount --rbind /dev "$root/dev"
    mount -t proc proc "$root/proc"
    mount -t tmpfs tmp "$root/tmp"
    chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/tmp sh -euc "
        git config --global --add safe.directory /src
        rm -rf $build/destdir
        for cc in clang gcc; do
            if [ ! -e $build/\$cc/build.ninja ]; then
                rm -rf $build/\$cc
                CC=\$cc meson setup --prefix=/usr --buildtype=debugoptimized -Dwerror=true \
                    $build/\$cc /src
            fi
            ninja -C $build/\$cc
        done
        DESTDIR=$build/destdir meson install -C $build/gcc --no-rebuild --quiet"
' build13 "$root" "$source" "$build"

rm -rf "$destdir"
mkdir -p "$(dirname "$destdir")"
cp -a "$root$build/destdir" "$destdir"
