#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# deps.sh build|test|vm - install what is missing, from Debian packages
#
# vm is what packages and machines are built with, without the rest: it is there in seconds.
# Prints nothing when all is there already, so that it can be called every time.
set -eu

build="gcc libc6-dev meson ninja-build pkg-config systemd-dev libinih-dev libsystemd-dev libudev-dev
       libjson-c-dev libsmartcols-dev scdoc diffutils"
test="$build systemd clang libclang-rt-dev libcmocka-dev umockdev libumockdev-dev strace shellcheck man-db
      ansible-core prometheus jq"
vm="mmdebstrap debian-archive-keyring e2fsprogs"

case ${1-} in
build) want=$build ;;
test) want=$test ;;
vm) want=$vm ;;
*) echo "usage: deps.sh build|test|vm" >&2 && exit 2 ;;
esac

installed() { dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed; }

missing=
for package in $want; do
    case $package in
    systemd-dev) # a part of systemd before Debian 13
        [ "$(. /etc/os-release && echo "${VERSION_ID:-99}")" -ge 13 ] || package=systemd ;;
    prometheus) # for promtool; where systemd runs it would also start a server
        [ ! -d /run/systemd/system ] || continue ;;
    libclang-rt-dev) # named after clang's version
        package=libclang-rt-$(apt-cache depends clang 2>/dev/null |
            sed -n 's/.*Depends: clang-\([0-9]*\)$/\1/p')-dev
        [ "$package" != libclang-rt--dev ] || { missing="$missing libclang-rt-14-dev"; continue; } ;;
    esac
    installed "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log" "$log.failed"' EXIT
echo "   apt-get update"
$sudo apt-get -q update >"$log" 2>&1 || : >"$log.failed"
[ -e "$log.failed" ] || {
    # shellcheck disable=SC2086
    $sudo apt-get -qy -o APT::Status-Fd=1 install --no-install-recommends $missing 2>&1 || : >"$log.failed"
} | while IFS= read -r line; do # a line at each 25 %
    percent=${line#*:*:}
    percent=${percent%%[.:]*}
    case $percent:$line in
    *[!0-9]*:[dp][lm]status:* | :*) echo "$line" >>"$log" && continue ;;
    *:dlstatus:*) now="fetched: $((percent / 25 * 25)) %" ;;
    *:pmstatus:*) now="installed: $((percent / 25 * 25)) %" ;;
    *) echo "$line" >>"$log" && continue ;;
    esac
    [ "$now" = "${last-}" ] || echo "   $now"
    last=$now
done
if [ -e "$log.failed" ]; then
    tail -20 "$log" >&2
    exit 1
fi
