#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# record.sh [--log FILE] [--draw] - the sessions that README shows, from a real run
#
# Boots the machine of tests/vm with the cases 90-session, takes what was typed and printed there from
# the machine's log into tests/vm/session.txt and unplug.txt, and draws doc/session.svg and unplug.svg
# from them. With --log: from that log of an earlier run. With --draw: only the pictures.
set -eu
cd "$(dirname "$0")/.."

log=
draw=
while [ $# -gt 0 ]; do
    case $1 in
    --log) log=${2:?} && shift ;;
    --draw) draw=1 ;;
    *) echo "usage: record.sh [--log FILE] [--draw]" >&2 && exit 2 ;;
    esac
    shift
done

if [ -z "$draw" ]; then
    if [ -z "$log" ]; then
        cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/gpuanchor-vm
        # fails when the session reads otherwise than before, which may be why we are here
        sh tests/vm/run.sh --cache "$cache" --jobs 1 90-session || :
        log=$cache/log/machine.1
    fi
    for name in session unplug; do
        sed "1,/^--- $name begins\$/d;/^--- $name ends\$/,\$d" "$log" >tests/vm/$name.new
        if [ ! -s tests/vm/$name.new ]; then
            rm tests/vm/$name.new
            echo "record.sh: no $name in $log: the case failed before it was over" >&2
            exit 1
        fi
        mv tests/vm/$name.new tests/vm/$name.txt
    done
fi
draw() { python3 tests/svg.py "$2" <"tests/vm/$1.txt" >"doc/$1.svg"; }
draw session "A container is enrolled; its GPU gets other numbers; the next start corrects them"
draw unplug "A GPU is unplugged and comes back under another number while a program in the container uses it"
echo "tests/vm/session.txt, unplug.txt and their pictures in doc are up to date; git diff shows what changed"
