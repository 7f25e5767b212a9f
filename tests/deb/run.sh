#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# run.sh [--short] SUITE DIST [KEEP] - the package on a Debian release: bookworm, trixie
#
# In a fresh SUITE with nothing but what debian/control asks for, as root in a container: builds the
# package, tests included unless --short. lintian may find neither error nor warning. Runs tests/run.sh --quick as a
# newcomer would. In a second fresh SUITE: installs the package with install.sh, tries every installed
# file, removes and purges it. DIST is what debian/release.sh made. Warnings are errors.
#
# Without --short, on a release other than the one it runs on: builds the package again, as an ordinary
# user, in another folder, at another time, under another locale, time zone and umask, and both must
# have the same bytes; clang builds it; the installed programs are tried on the sample hosts. On any:
# install.sh --build makes and installs one, in such a container, or on this release in a chroot.
#
# KEEP is a folder for what the machine of tests/vm installs: gpuanchor.deb and older.deb, which
# differs in its version only and comes last. Prints one line for each; needs root, mmdebstrap and a mirror.
# shellcheck disable=SC2016,SC2317 # shell in quotes is for the chroot; steps are called by name
set -eu
export LC_ALL=C.UTF-8

usage='usage: run.sh [--short] SUITE DIST [KEEP]'
short=
[ "${1-}" != --short ] || { short=1 && shift; }
suite=${1:?$usage} dist=${2:?$usage} keep=${3-}
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
        # of a package build's tests the failing one is far above the end
        grep -nE '^\[ +(ERROR|LINE|FAILED|  FAILED) +\]|[ /](FAIL|TIMEOUT|ERROR) |^(not ok|FAIL|[<>] )|FAILED:|error:' "$work/log" |
            tail -n 50 >&2
        tail -n 50 "$work/log" >&2
        echo "not ok $name"
        status=1
        return 1
    fi
}

# inside FOLDER SCRIPT [chroot] - as root in a container, as LXC, nspawn and Docker make one: /dev is a tmpfs with
# the usual nodes, no udevd, /tmp as Debian 13 has it. In namespaces of its own: nothing stays mounted.
# With chroot in a mere chroot: / is no mount point.
inside() {
    unshare --mount --pid --fork --kill-child --propagation private sh -euc '
        root=$1 script=$2 enter=$3
        [ -n "$enter" ] || mount --rbind "$root" "$root"
        cd "$root"
        mount -t tmpfs -o mode=0755,nosuid dev dev
        node() { mknod -m 666 "dev/$1" c "$2" "$3"; }
        node null 1 3; node zero 1 5; node full 1 7; node random 1 8; node urandom 1 9; node tty 5 0
        mkdir dev/pts dev/shm
        mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
        mount -t tmpfs -o mode=1777,nosuid,nodev shm dev/shm
        ln -s pts/ptmx dev/ptmx
        ln -s /proc/self/fd dev/fd
        mount -t proc proc proc
        mount --rbind /sys sys
        mount -t tmpfs -o mode=1777,nosuid,nodev tmp tmp
        mount -t tmpfs -o mode=755,nosuid,nodev run run
        if [ -z "$enter" ]; then
            pivot_root . mnt
            umount -l mnt
        fi
        exec $enter env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/root \
            DEBIAN_FRONTEND=noninteractive sh -euc "$script"' inside "$1" "$2" "${3:+$3 .}"
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
        chown -R builder /build/two
        apt-get -qy install build-essential
        apt-get -qy build-dep /build/one/gpuanchor'
}

build_one() { # as root
    inside "$work/build" 'cd /build/one/gpuanchor &&
        DEB_CFLAGS_APPEND=-Werror DEB_BUILD_OPTIONS='"${short:+nocheck}"' exec dpkg-buildpackage --no-sign'
}

build_two() { # as an ordinary user
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

# README's test command, by somebody who has git and nothing else, where CAP_NET_ADMIN is missing as in
# nspawn; prints a line for each failure
quick_run() {
    copy_source "$work/build/root/gpuanchor" &&
        inside "$work/build" 'cd /root/gpuanchor && exec setpriv --bounding-set=-net_admin sh tests/run.sh --quick'
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
        mkdir -p "$work/host/var/lib/vz" "$work/host/src" &&
        cp "$work"/build/build/one/gpuanchor_*.deb "$work/host/gpuanchor.deb" &&
        cp -r "$dist" "$work/host/dist" &&
        copy_source "$work/host/src"
}

check_install() {
    inside "$work/host" '
        . /etc/os-release
        for other in /dist/gpuanchor_*_*.deb; do
            case $other in
            *~deb"$VERSION_ID"_*) ;;
            *) sh /dist/install.sh "$other" 2>&1 | grep "and this is $PRETTY_NAME: .*nothing was installed" ;;
            esac
        done
        sh /dist/install.sh | grep "^installing gpuanchor_.*~deb[0-9]*_"
        dpkg-query -W -f "\${Version}" gpuanchor | grep "~deb$VERSION_ID\$"
        apt-get -qy purge gpuanchor
        sh /dist/install.sh /gpuanchor.deb
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

check_install_build() {
    inside "$work/host" '
        installed() {
            dpkg-query -W -f "\${binary:Package}\n" | grep -v "^gpuanchor"
            ls /var/cache/apt/archives /tmp /var/tmp
            cut -d " " -f 5 /proc/self/mountinfo
        }
        apt-get -qy install /gpuanchor.deb # and what it depends on
        apt-get -qy purge gpuanchor
        installed >/before
        # a source that refuses
        echo "deb [trusted=yes] file:/no/such/mirror refusing main" >/etc/apt/sources.list.d/refuses.list
        ! apt-get -qq update
        sh /src/debian/install.sh --build
        gpuanchor --version
        installed | diff /before -' "$([ -n "$foreign" ] || echo chroot)"
}

foreign=
grep -q "^VERSION_CODENAME=$suite$" /etc/os-release || foreign=1
more=$([ -n "$short" ] || echo "$foreign")
step "chroot" sh "$source/tests/bootstrap.sh" "$suite" "$work/base" minbase || exit 1
step "chroot with the build dependencies" build_chroot || exit 1
step "package builds" build_one || exit 1
if [ -n "$more" ] && step "package builds again" build_two; then
    step "both have the same bytes" same_bytes || :
fi
[ -z "$keep" ] || step "packages for the machine" keep_packages || exit 1
step "run.sh --quick in a container" quick_run || :
step lintian check_lintian || :
[ -z "$more" ] || step "clang builds it" clang_builds || :
step "chroot to install into" install_chroot || exit 1
if step "package installs, every file works" check_install; then
    [ -z "$more" ] || step "installed programs on sample hosts" check_scenarios || :
    step "package is removed and purged" check_remove || :
    [ -n "$short" ] || step "install.sh --build leaves nothing else" check_install_build || :
fi
exit $status
