#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# run.sh SUITE [KEEP] - the package on a Debian release: bookworm, trixie
#
# In a fresh chroot of SUITE with nothing but what debian/control asks for: builds the package
# twice, in different folders, at different times, under another locale, time zone and umask;
# both must have the same bytes. lintian may find neither error nor warning. In a second fresh chroot: installs the package, tries every installed file, removes and
# purges it. On a release other than the one it runs on, where tests/run.sh has not been: the first
# build runs its tests, clang builds it too, and the installed programs are tried on the sample
# hosts. Warnings are errors.
# KEEP is a folder for what the machine of tests/vm installs: gpuanchor.deb and older.deb, which
# differs in its version only and comes last. Prints one line for each; needs root, mmdebstrap and a mirror.
# shellcheck disable=SC2016,SC2317 # shell in quotes is for the chroot; steps are called by name
set -eu
export LC_ALL=C.UTF-8

suite=${1:?usage: run.sh SUITE [KEEP]} keep=${2-}
source=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d "${TMPDIR:-/var/tmp}/gpuanchor-deb.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT
trap 'exit 1' HUP INT TERM
status=0

# NAME COMMAND...: its output is shown only when it fails; no set -e in COMMAND
step() {
    name="$suite: $1" && shift
    if "$@" >"$work/log" 2>&1 </dev/null; then
        echo "ok $name"
    else
        tail -n 50 "$work/log" >&2
        echo "not ok $name"
        status=1
        return 1
    fi
}

# inside FOLDER SCRIPT - in a mount namespace of its own: nothing stays mounted, whatever happens
inside() {
    unshare --mount --propagation private sh -euc '
        mount --rbind /dev "$1/dev"
        mount -t proc proc "$1/proc"
        mount -t tmpfs -o mode=1777 tmp "$1/tmp"
        exec chroot "$1" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/tmp \
            DEBIAN_FRONTEND=noninteractive sh -euc "$2"' inside "$1" "$2"
}

copy_source() { # FOLDER
    mkdir -p "$1"
    (cd "$source" && git -c safe.directory="$source" ls-files -z --cached --others --exclude-standard |
        tar --null --files-from=- --ignore-failed-read -cf -) | tar -C "$1" --no-same-owner -xf -
}

# --- build ----------------------------------------------------------------------------------------

build_chroot() {
    cp -a "$work/base" "$work/build" &&
        printf 'path-exclude=/usr/share/%s/*\n' doc man locale >"$work/build/etc/dpkg/dpkg.cfg.d/lean" &&
        copy_source "$work/build/build/one/gpuanchor" &&
        copy_source "$work/build/build/two/another-name/gpuanchor" &&
        inside "$work/build" '
        useradd --no-create-home builder
        chown -R builder /build
        apt-get -qy install build-essential
        apt-get -qy build-dep /build/one/gpuanchor'
}

build_one() {
    inside "$work/build" 'cd /build/one/gpuanchor &&
        DEB_BUILD_OPTIONS='"$checks"' DEB_CFLAGS_APPEND=-Werror exec su builder -c "dpkg-buildpackage --no-sign"'
}

build_two() {
    inside "$work/build" 'cd /build/two/another-name/gpuanchor && umask 077 &&
        TZ=Pacific/Kiritimati LC_ALL=C DEB_BUILD_OPTIONS=nocheck exec su builder -c "dpkg-buildpackage --no-sign --build=binary"'
}

same_bytes() {
    for deb in "$work"/build/build/one/*.deb; do
        cmp "$deb" "$work/build/build/two/another-name/${deb##*/}" || return 1
    done
}

check_lintian() {
    inside "$work/build" '
        apt-get -qy install lintian
        cd /build/one && exec su builder -c "lintian --fail-on error,warning *.changes"'
}

clang_builds() {
    inside "$work/build" '
        apt-get -qy install clang
        cd /build/one/gpuanchor && CC=clang meson setup --buildtype=release --werror -Dtests=false ../clang
        ninja -C ../clang'
}

keep_packages() {
    mkdir -p "$keep" && cp "$work"/build/build/one/gpuanchor_*.deb "$keep/gpuanchor.deb" &&
        dpkg-deb --raw-extract "$keep/gpuanchor.deb" "$work/older" &&
        sed -i 's/^Version:.*/Version: 0.0.1/' "$work/older/DEBIAN/control" &&
        dpkg-deb --build "$work/older" "$keep/older" && mv "$keep/older" "$keep/older.deb"
}

# --- installation ---------------------------------------------------------------------------------

install_chroot() { # with the dependencies of debian/tests/control
    cp -a "$work/base" "$work/host" &&
        inside "$work/host" 'apt-get -qy install bash diffutils fish man-db python3 systemd zsh' &&
        mkdir -p "$work/host/var/lib/vz/snippets" "$work/host/src" &&
        cp "$work"/build/build/one/gpuanchor_*.deb "$work/host/gpuanchor.deb" &&
        copy_source "$work/host/src"
}

check_install() {
    inside "$work/host" '
        apt-get -qy install /gpuanchor.deb
        [ "$(readlink /var/lib/vz/snippets/gpuanchor-hook)" = /usr/libexec/gpuanchor/gpuanchor-hook ]
        sh /src/debian/tests/installed' &&
        ! grep 'not tried' "$work/log"
}

check_scenarios() { inside "$work/host" 'sh /src/debian/tests/scenarios'; }

check_remove() {
    inside "$work/host" '
        echo "# mine" >>/etc/gpuanchor/gpuanchor.conf
        apt-get -qy remove gpuanchor
        grep "# mine" /etc/gpuanchor/gpuanchor.conf
        [ ! -L /var/lib/vz/snippets/gpuanchor-hook ]
        apt-get -qy install /gpuanchor.deb
        grep "# mine" /etc/gpuanchor/gpuanchor.conf
        mkdir -p /var/lib/gpuanchor/backup /var/lib/private/gpuanchord /run/gpuanchor
        apt-get -qy purge gpuanchor
        ! find /etc /usr /var /run -xdev -name "*gpuanchor*" ! -path "/var/cache/*" ! -path "/var/log/*" | grep .'
}

checks=nocheck foreign=
grep -q "^VERSION_CODENAME=$suite$" /etc/os-release || checks='' foreign=1
step "chroot" sh "$source/tests/bootstrap.sh" "$suite" "$work/base" minbase || exit 1
step "chroot with the build dependencies" build_chroot || exit 1
step "package builds" build_one || exit 1
if step "package builds again" build_two; then
    step "both have the same bytes" same_bytes || :
fi
[ -z "$keep" ] || step "packages for the machine" keep_packages || exit 1
step lintian check_lintian || :
[ -z "$foreign" ] || step "clang builds it" clang_builds || :
step "chroot to install into" install_chroot || exit 1
if step "package installs, every file works" check_install; then
    [ -z "$foreign" ] || step "installed programs on sample hosts" check_scenarios || :
    step "package is removed and purged" check_remove || :
fi
exit $status
