#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# release.sh [FOLDER [RELEASE...]] - the packages for Proxmox VE 8 and 9 (Debian 12 and 13: bookworm
# and trixie, or only the RELEASEs named), tests included, and beside them install.sh, which takes the
# right one; in dist/, or in FOLDER
#
# Needs root; installs mmdebstrap where it is missing.

set -eu
case ${1-} in
-h | --help) sed -n '4,/^$/s/^# \{0,1\}//p' "$0" && exit 0 ;;
-*) echo "release.sh: unknown option $1; usage: release.sh [FOLDER [RELEASE...]]" >&2 && exit 2 ;;
esac
top=$(cd "$(dirname "$0")/.." && pwd)
dist=${1:-$top/dist}
[ $# = 0 ] || shift
[ $# -gt 0 ] || set -- bookworm trixie
[ "$(id -u)" = 0 ] || { echo "release.sh: needs root, it makes chroots: sudo sh debian/release.sh" >&2 && exit 2; }

sh "$top/tests/deps.sh" vm
mkdir -p "$dist"
for suite; do
    echo "building for $suite ..."
    sh "$top/debian/build.sh" "$suite" "$dist"
done
cp "$top/debian/install.sh" "$dist/"
(cd "$dist" && sha256sum gpuanchor_*.deb >SHA256SUMS)
echo "$dist is complete: copy it to a host, and there: sh install.sh"
