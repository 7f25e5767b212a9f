#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# test-undo.sh GPUANCHOR HOOK [STORY...] - what a verb writes is taken back byte for byte
#
# On the hosts and container files of all scenarios: apply, a start, convert in both directions
# and fix, each followed by undo, which gives the old container file, and by a second one, which
# gives the new one. enable is taken back by undo and disable, the policy included.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
hook=$(realpath "${2:?usage: test-undo.sh GPUANCHOR HOOK [STORY...]}")
shift 2
stories=$tests/fixtures/scenarios
POLICY=$H/etc/pve/gpuanchor/101.conf
CONFIG=$H/var/lib/lxc/101/config
[ $# -gt 0 ] || set -- $(cd "$stories" && for f in */101.conf; do echo "${f%/*}"; done)
export GPUANCHOR_ROOT="$H"

mkdir -p "$work/bin" "$work/hosts"
cat >"$work/bin/pct" <<'END'
#!/bin/sh
# as pct set VMID --hookscript VOLUME, and --delete hookscript
conf=$GPUANCHOR_ROOT/etc/pve/lxc/$2.conf
sed '1,/^\[/{/^hookscript:/d}' "$conf" >"$conf.new"
if [ "$3" = --hookscript ]; then
    { echo "hookscript: $4" && cat "$conf.new"; } >"$conf.new2" && mv "$conf.new2" "$conf.new"
fi
mv "$conf.new" "$conf"
END
chmod +x "$work/bin/pct"

story() { # NAME: the host of its first boot
    rm -rf "$H"
    while read -r word other; do
        if [ "$word" = include ]; then
            cat "$tests/fixtures/hosts/$other.host" 2>/dev/null || cat "$stories/$other.host"
        else
            echo "$word${other:+ $other}"
        fi
    done <"$stories/$1/host" >"$work/host.text"
    sh "$tests/mkhost.sh" "$work/host.text" "$H" >/dev/null 2>&1 || return 1
    [ -e "$stories/$1/101.conf" ] || return 1
    mkdir -p "$H/var/lib/lxc/101" "$H/usr/libexec/gpuanchor" "$H/var/lib/vz/snippets" "$H/usr/sbin"
    cp "$stories/$1/101.conf" "$CONF"
    [ ! -e "$stories/$1/policy" ] || cp "$stories/$1/policy" "$POLICY"
    sed -n 's/^\(lxc\.[^:]*\):/\1 =/p' "$CONF" >"$CONFIG"
    cp "$hook" "$H/usr/libexec/gpuanchor/gpuanchor-hook"
    cp "$work/bin/pct" "$H/usr/sbin/pct"
    rm -rf "$work/start"
    mkdir "$work/start"
    cp -a "$H/etc" "$H/var" "$work/start"
}

# sysfs and nodes are most of a host, and nothing here changes them
again() { rm -rf "$H/etc" "$H/var" "$H/run" && cp -a "$work/start/etc" "$work/start/var" "$H"; }

bad=0
undone=0
wrong() { # VERB WHAT
    echo "not ok $name: $1: $2"
    sed 's/^/# /' "$work/out" "$work/err"
    bad=1
}

# undo_twice VERB: $work/old is the file before it
undo_twice() {
    cmp -s "$CONF" "$work/old" && return 0
    undone=$((undone + 1))
    cp "$CONF" "$work/new"
    "$gpuanchor" undo 101 >"$work/out" 2>"$work/err" </dev/null || { wrong "$1" "undo: exit status $?" && return; }
    cmp "$CONF" "$work/old" >>"$work/err" || { wrong "$1" "not as before" && return; }
    "$gpuanchor" undo 101 >"$work/out" 2>"$work/err" </dev/null || { wrong "$1" "undo of undo: exit status $?" && return; }
    cmp "$CONF" "$work/new" >>"$work/err" || wrong "$1" "undo of undo"
}

# change VERB ARGUMENT...
change() {
    again
    cp "$CONF" "$work/old"
    "$gpuanchor" "$@" >"$work/out" 2>"$work/err" </dev/null
    [ $? -le 1 ] || return 0 # refused: nothing to undo
    undo_twice "$*"
}

start() {
    ! grep -qE '^(lock|template):' "$CONF" || return 0 # undo refuses as pct does
    again
    cp "$CONF" "$work/old"
    "$hook" 101 pre-start >"$work/out" 2>"$work/err" </dev/null || return 0
    undo_twice pre-start
}

# both methods, there and back, with the policy's method = on the way
convert() {
    for to in dev idmap; do
        again
        grep -q '^hookscript:.*gpuanchor-hook' "$CONF" || [ -e "$POLICY" ] || continue
        cp "$CONF" "$work/old"
        "$gpuanchor" convert 101 --to $to >"$work/out" 2>"$work/err" </dev/null
        [ $? -le 1 ] || continue
        undo_twice "convert --to $to"
    done
}

# a container that is not managed yet
enable() {
    again
    "$work/bin/pct" set 101 --delete hookscript
    rm -f "$POLICY"
    cp "$CONF" "$work/old"
    "$gpuanchor" enable 101 >"$work/out" 2>"$work/err" </dev/null
    [ $? -le 1 ] || return 0
    "$gpuanchor" apply 101 >"$work/out" 2>"$work/err" </dev/null
    [ $? -le 1 ] || return 0
    if ! grep -v '^hookscript: ' "$CONF" | cmp -s - "$work/old"; then
        "$gpuanchor" undo 101 >"$work/out" 2>"$work/err" </dev/null || { wrong enable "undo: exit status $?" && return; }
    fi
    undone=$((undone + 1))
    "$gpuanchor" disable 101 >"$work/out" 2>"$work/err" </dev/null
    [ $? -le 1 ] || { wrong enable "disable" && return; }
    cmp "$CONF" "$work/old" >>"$work/err" || { diff "$CONF" "$work/old" >>"$work/err"; wrong enable "not as before"; }
    [ ! -e "$POLICY" ] || wrong enable "the policy is left"
}

for name; do
    story "$name" || continue
    change apply 101
    start
    convert
    change fix 101 chmod device-line idmap
    enable
done
[ $undone -gt $(($# / 2)) ] || { echo "not ok: only $undone changes were undone" && bad=1; }
[ $bad = 1 ] || echo "ok $undone changes of $# stories undone"
exit $bad
