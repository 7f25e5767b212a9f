#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# build.sh SUITE FOLDER - the package of this source for a Debian release: bookworm, trixie
#
# Builds it in a fresh chroot, which is removed afterwards, and puts it into FOLDER with the
# release in its version: gpuanchor_0.1.0~deb13_amd64.deb. What dpkg-buildpackage reads, such
# as DEB_BUILD_OPTIONS=nocheck, is taken from the environment. Prints what goes wrong, and the
# file's name. Needs root and mmdebstrap.
set -eu

suite=${1:?usage: build.sh SUITE FOLDER} folder=${2:?usage: build.sh SUITE FOLDER}
source=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d "${TMPDIR:-/var/tmp}/gpuanchor-build.XXXXXX")
trap 'umount "$work/root/proc" 2>/dev/null || :; rm -rf --one-file-system "$work"' EXIT
trap 'exit 1' HUP INT TERM

files() { # of a clone what git knows, else all
    git -c safe.directory="$source" -C "$source" ls-files -z --cached --others --exclude-standard 2>/dev/null ||
        (cd "$source" && find . -type f ! -path './build*' -print0)
}

build() {
    sh "$source/tests/bootstrap.sh" "$suite" "$work/root" buildd mount # and umount
    mkdir -p "$work/root/build/gpuanchor" "$folder"
    files | tar -C "$source" --null --files-from=- --ignore-failed-read -cf - |
        tar -C "$work/root/build/gpuanchor" --no-same-owner -xf -
    # not left as a chroot, where that can be: in one, the tests may make no user namespace. It can
    # not in another chroot, whose / is no mount point; /dev is then the few nodes that it has
    how=private
    unshare --mount --propagation private true 2>/dev/null || how=unchanged
    # shellcheck disable=SC2016
    unshare --mount --pid --fork --kill-child --propagation $how sh -euc '
        mount -t proc proc "$1/proc"
        enter="chroot $1"
        if [ "$2" = private ]; then
            mount --rbind "$1" "$1"
            mount --rbind /dev "$1/dev"
            mount -t tmpfs -o mode=1777 tmp "$1/tmp"
            cd "$1"
            pivot_root . mnt
            umount -l mnt
            enter=
        fi
        exec $enter env PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/root \
            DEBIAN_FRONTEND=noninteractive sh -euc "
                cd /build/gpuanchor
                . /etc/os-release
                sed -i \"1s/)/~deb\$VERSION_ID)/\" debian/changelog
                apt-get -qy build-dep .
                dpkg-buildpackage --build=binary --no-sign"' build "$work/root" $how
}

if ! (build) >"$work/log" 2>&1 </dev/null; then
    tail -n 40 "$work/log" >&2
    echo "build.sh: the package for $suite could not be built" >&2
    exit 1
fi
for deb in "$work"/root/build/gpuanchor_*.deb; do
    cp "$deb" "$folder/"
    echo "$folder/${deb##*/}"
done
