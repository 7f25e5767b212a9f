#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# bootstrap.sh SUITE FOLDER VARIANT [PACKAGES] - a Debian release as a folder
#
# VARIANT is mmdebstrap's, PACKAGES are comma or newline separated. The mirror is the one
# that this system uses; what apt has read of it stays, for packages that come later. In a
# mount namespace of its own: nothing stays mounted, and tests that run beside it watch
# mounts. In a chroot, whose / is no mount point that could be private, mmdebstrap unmounts what
# it mounts. Needs root and mmdebstrap.
set -eu

suite=$1 folder=$2 variant=$3
packages=$(echo "${4-}" | tr '\n' ',' | sed 's/,$//')
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 2>/dev/null |
    grep -v security | head -n 1)
mirror=${mirror:-http://deb.debian.org/debian}
case $variant:$mirror in
extract:*) ;; # has no apt of its own
*:https:*) packages=ca-certificates${packages:+,$packages} ;;
esac

own="unshare --mount --propagation private"
$own true 2>/dev/null || own=

# shellcheck disable=SC2086 # words
exec $own mmdebstrap --mode=root --variant="$variant" \
    --format=directory --components=main ${packages:+"--include=$packages"} \
    --aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Languages "none"' \
    --dpkgopt=force-unsafe-io --skip=cleanup/apt "$suite" "$folder" "$mirror"
