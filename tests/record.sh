#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# record.sh [--log FILE] [--draw] - the session that README shows, from a real run
#
# Boots the machine of tests/vm with the case 90-session, takes what was typed and printed there from
# the machine's log into tests/vm/session.txt, and draws doc/session.svg from it. With --log: from
# that log of an earlier run. With --draw: only the picture.
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
    sed '1,/^--- session begins$/d;/^--- session ends$/,$d' "$log" >tests/vm/session.new
    if [ ! -s tests/vm/session.new ]; then
        rm tests/vm/session.new
        echo "record.sh: no session in $log: the case failed before it was over" >&2
        exit 1
    fi
    mv tests/vm/session.new tests/vm/session.txt
fi
python3 tests/svg.py "A container is enrolled; its GPU gets other numbers; the next start corrects them" \
    <tests/vm/session.txt >doc/session.svg
echo "tests/vm/session.txt and doc/session.svg are up to date; git diff shows what changed"
