#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# install.sh FILE FOLDER - into $DESTDIR; a file that is there and differs stays, the new one is beside it
set -eu

to=${DESTDIR-}$2/${1##*/}
mkdir -p "${to%/*}"
if [ -e "$to" ] && ! cmp -s "$1" "$to"; then
    echo "$to was changed and stays; the new one is $to.new"
    to=$to.new
fi
install -m 644 "$1" "$to"
