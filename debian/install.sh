#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# install.sh [PACKAGE.deb | --build] - install gpuanchor on this host
#
# Takes the package that is named, or else the one that lies beside this file and was built for
# this Debian release. With --build it builds one from this source, in a chroot that is removed
# afterwards together with everything that was installed for it. Nothing changes for a container
# before it is enrolled. Run again to upgrade.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
fail() { echo "install.sh: $*" >&2 && exit 1; }

[ $# -le 1 ] || fail "usage: install.sh [PACKAGE.deb | --build]"
case ${1-} in
-h | --help) sed -n '4,/^$/s/^# \{0,1\}//p' "$0" && exit 0 ;;
--build | '') ;;
-*) fail "unknown option $1; usage: install.sh [PACKAGE.deb | --build]" ;;
esac
[ "$(id -u)" = 0 ] || fail "needs root: sudo sh $0${1:+ $1}"
# shellcheck disable=SC1091
. /etc/os-release
case ${ID-}:${VERSION_ID-} in
debian:12 | debian:13) ;;
*) fail "this is ${PRETTY_NAME:-no Debian}; gpuanchor runs on Proxmox VE 8 and 9 (Debian 12 and 13)" ;;
esac

work=$(mktemp -d /var/tmp/gpuanchor-install.XXXXXX)
trap 'remove_extra; rm -rf --one-file-system "$work"' EXIT
trap 'exit 1' HUP INT TERM
export DEBIAN_FRONTEND=noninteractive

run() { # COMMAND...: its output is shown only when it fails
    "$@" >"$work/log" 2>&1 </dev/null || { tail -n 30 "$work/log" >&2 && fail "failed: $*"; }
}

# What apt installed for the build, and nothing that came meanwhile: dpkg refuses where that needs one of them.
remove_extra() {
    [ -s "$work/extra" ] || return 0
    # shellcheck disable=SC2046 # a list
    dpkg --purge $(cat "$work/extra") >"$work/log" 2>&1 </dev/null ||
        echo "install.sh: what was installed for the build stays: $(dpkg-query -W -f '${Package} ' $(cat "$work/extra") 2>/dev/null); $(tail -n 1 "$work/log")" >&2
    rm "$work/extra"
}

build() {
    [ -e "$here/build.sh" ] || fail "--build needs the source: git clone it, then sh debian/install.sh --build"
    echo "building the package for $PRETTY_NAME in a chroot, which takes some minutes ..."
    # one source that refuses, as Proxmox's does without a subscription, is no reason to end: what
    # cannot be installed from the others is said then
    apt-get -qq update >/dev/null 2>&1 || echo "install.sh: apt-get update failed for some sources; going on with the others" >&2
    # "Inst NAME (", not "Inst NAME [version that is there] ("
    apt-get -qys install --no-install-recommends mmdebstrap 2>/dev/null | sed -n 's/^Inst \([^ ]*\) (.*/\1/p' >"$work/extra"
    run apt-get -qy -o APT::Keep-Downloaded-Packages=false install --no-install-recommends mmdebstrap
    DEB_BUILD_OPTIONS=nocheck sh "$here/build.sh" "$VERSION_CODENAME" "$work" >/dev/null
    remove_extra
}

# Before anything is installed: whether it is ours, for this machine, and built for this release.
check() {
    name=$(dpkg-deb -f "$deb" Package 2>/dev/null) || fail "$deb is no Debian package; nothing was installed"
    [ "$name" = gpuanchor ] || fail "$deb is the package $name, not gpuanchor; nothing was installed"
    version=$(dpkg-deb -f "$deb" Version)
    for_arch=$(dpkg-deb -f "$deb" Architecture)
    this=$(dpkg --print-architecture)
    [ "$for_arch" = "$this" ] ||
        fail "$deb is for $for_arch, and this host is $this: build one here, sh $0 --build; nothing was installed"
    case $version in
    *~deb"$VERSION_ID") return ;;
    *~deb[0-9]*)
        fail "$deb was built for Debian ${version##*~deb}, and this is $PRETTY_NAME: take the one with ~deb$VERSION_ID in its name, or build one, sh $0 --build; nothing was installed"
        ;;
    esac
    # built by hand, it does not say for which: apt knows what it lacks
    apt-get -qys install --reinstall "$deb" >"$work/log" 2>&1 </dev/null && return
    lacks=$(sed -n 's/^ *gpuanchor[^ ]* : *//p' "$work/log" | head -n 1)
    [ -z "$lacks" ] ||
        fail "$deb does not fit $PRETTY_NAME ($lacks): build one here, sh $0 --build; nothing was installed"
}

case ${1-} in
--build)
    build
    deb=$(ls "$work"/gpuanchor_*.deb)
    ;;
'')
    arch=$(dpkg --print-architecture)
    # shellcheck disable=SC2012 # the names are those of release.sh
    deb=$(ls -v "$here"/gpuanchor_*~deb"$VERSION_ID"_"$arch".deb 2>/dev/null | tail -n 1)
    [ -n "$deb" ] || fail "no package for $PRETTY_NAME ($arch) lies in $here; name one, or build one: sh $0 --build"
    ;;
*)
    deb=$(realpath "$1")
    [ -f "$deb" ] || fail "$1: no such file"
    ;;
esac

chmod a+rX "$work" # apt reads a file as an unprivileged user
check
echo "installing ${deb##*/}"
run apt-get -qy -o APT::Keep-Downloaded-Packages=false install --reinstall "$deb"
echo
gpuanchor --version
echo "Next: gpuanchor status        which containers use a GPU"
echo "      gpuanchor enable VMID   from now on gpuanchor keeps this container's GPU right"
command -v pct >/dev/null || echo "This is no Proxmox VE host: there is no container to enrol here."
