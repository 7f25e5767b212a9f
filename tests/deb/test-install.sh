#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# test-install.sh - a package that does not fit is refused by install.sh in one line, before apt is asked to install
#
# Packages are made here, with nothing in them; apt-get is a stand-in that notes what it was called
# with. Needs root and Debian 12 or 13, as install.sh does; 77 without.
set -eu
export LC_ALL=C.UTF-8

install=$(realpath "$(dirname "$0")/../../debian/install.sh")
# shellcheck disable=SC1091
. /etc/os-release
case $(id -u):${ID-}:${VERSION_ID-} in
0:debian:12) other=13 ;;
0:debian:13) other=12 ;;
*) echo "needs root and Debian 12 or 13" && exit 77 ;;
esac
command -v dpkg-deb >/dev/null || { echo "no dpkg-deb" && exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
mkdir "$work/bin"
cat >"$work/bin/apt-get" <<'END'
#!/bin/sh
echo "$*" >>"${0%/bin/*}/calls"
case $* in
-qys*)
    [ ! -e "${0%/bin/*}/lacks" ] || { echo ' gpuanchor : Depends: libsystemd0 (>= 999)' && exit 100; }
    ;;
esac
END
chmod +x "$work/bin/apt-get"
printf '#!/bin/sh\n' >"$work/bin/gpuanchor"
chmod +x "$work/bin/gpuanchor"
PATH=$work/bin:$PATH

make_deb() { # NAME VERSION ARCHITECTURE - a package as the file $work/NAME_VERSION_ARCHITECTURE.deb
    rm -rf "$work/tree"
    mkdir -p "$work/tree/DEBIAN"
    printf 'Package: %s\nVersion: %s\nArchitecture: %s\nMaintainer: nobody <root@localhost>\nDescription: nothing\n' \
        "$1" "$2" "$3" >"$work/tree/DEBIAN/control"
    deb=$work/$1_$2_$3.deb
    dpkg-deb --root-owner-group -b "$work/tree" "$deb" >/dev/null
}

status=0
# expect NAME TEXT - install.sh $deb ends with one line, which has TEXT, and nothing was installed
expect() {
    : >"$work/calls"
    if sh "$install" "$deb" >"$work/out" 2>"$work/err"; then ended=0; else ended=$?; fi
    if [ $ended = 1 ] && [ "$(wc -l <"$work/err")" = 1 ] && [ ! -s "$work/out" ] && grep -qF -e "$2" "$work/err" &&
        grep -qF 'nothing was installed' "$work/err" && ! grep -qv '^-qys' "$work/calls"; then
        echo "ok $1"
    else
        echo "not ok $1: exit status $ended"
        sed 's/^/  | /' "$work/out" "$work/err" "$work/calls"
        status=1
    fi
}

arch=$(dpkg --print-architecture)
make_deb gpuanchor "1~deb$other" "$arch"
expect "of another release" "was built for Debian $other, and this is $PRETTY_NAME: take the one with ~deb$VERSION_ID in its name, or build one, sh "
make_deb gpuanchor 1 "$arch"
touch "$work/lacks"
expect "built by hand on another release" "does not fit $PRETTY_NAME (Depends: libsystemd0 (>= 999)): build one here"
rm "$work/lacks"
make_deb gpuanchor "1~deb$VERSION_ID" riscv64
[ "$arch" = riscv64 ] || expect "of another architecture" "is for riscv64, and this host is $arch"
make_deb other 1 "$arch"
expect "another package" "is the package other, not gpuanchor"
deb=$work/none.deb
echo text >"$deb"
expect "no package" "is no Debian package"

make_deb gpuanchor "1~deb$VERSION_ID" "$arch"
: >"$work/calls"
if sh "$install" "$deb" >"$work/out" 2>&1 && grep -q '^-qy .*install' "$work/calls"; then
    echo "ok of this release"
else
    echo "not ok of this release"
    sed 's/^/  | /' "$work/out" "$work/calls"
    status=1
fi
exit $status
