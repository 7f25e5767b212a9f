#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# test-lock.sh GPUANCHOR HOOK LOCK_STRESS [COUNT [CASES]] - nothing that somebody else writes is lost.
# CASES is the beginning of names: case_, or waits_ for how long a start waits for its GPU
# shellcheck disable=SC2317 # the cases are called by name
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
hook=$(realpath "${2:?usage: test-lock.sh GPUANCHOR HOOK LOCK_STRESS [COUNT]}")
stress=$(realpath "$3")
count=${4-1500}
CONFIG=$H/var/lib/lxc/101/config
POLICY=$H/etc/pve/gpuanchor/101.conf
LOCK=$H/run/lock/lxc/pve-config-101.lock

fresh() {
    rm -rf "$H" "$work/done"
    [ -d "$work/guide" ] || sh "$tests/mkhost.sh" "$tests/fixtures/hosts/guide-moved.host" "$work/guide" || exit 1
    cp -a "$work/guide" "$H"
    sed "/^ostype/i memory: 0" "$tests/fixtures/guide-101.conf" >"$CONF"
    printf '[container]\ngpu = pci:0000:c1:00.0\n' >"$POLICY"
    printf 'root:44:1\nroot:993:1\n' >>"$H/etc/subgid"
    mkdir -p "$(dirname "$CONFIG")" "$(dirname "$LOCK")"
    sed -n 's/^\(lxc[^:]*\):/\1 =/p' "$CONF" >"$CONFIG"
    cp "$CONF" "$work/conf"
    cp "$CONFIG" "$work/config"
}

# hook PHASE - exit status 0 within its limit
hook() {
    timeout 60 "$hook" 101 "$1" >"$work/out" 2>"$work/err" </dev/null || fail "$1: exit status $?"
}

case_changes_under_the_lock() { "$stress" conf "$hook" "$count" || fail "lost"; }
case_changes_of_an_editor() { "$stress" policy "$hook" "$count" || fail "lost"; }

corrected() { grep -q 'renderD129 dev/dri/renderD129' "$1"; }

# another task has the lock for the whole of a reboot inside: its file stays, this boot is right
case_lock_of_another_task() {
    : >"$LOCK"
    flock "$LOCK" sleep 30 &
    task=$!
    sleep 0.3
    begin=$(date +%s)
    hook unit-start
    took=$(($(date +%s) - begin))
    [ $took -ge 9 ] && [ $took -le 15 ] || fail "waited $took s"
    said '/etc/pve/lxc/101.conf: the configuration lock is held by another process'
    cmp "$CONF" "$work/conf" || fail "101.conf was written"
    corrected "$CONFIG" || fail "this boot is wrong"
    said '101.conf was not written: the lines are right for this start alone, by /var/lib/lxc/101/config'
    # a note of that number, but of another process, or of another file
    mkdir -p "$H/run/gpuanchor"
    cp "$work/config" "$CONFIG"
    echo "$task 1 1 0" >"$H/run/gpuanchor/101.start"
    hook unit-start
    cmp "$CONF" "$work/conf" || fail "101.conf was written"
    kill "$task"
}

# what Proxmox makes devN nodes of cannot be left stale
case_lock_of_another_task_and_devices() {
    cat >"$CONF" <<END
arch: amd64
dev0: /dev/dri/renderD128,gid=993
hostname: media
hookscript: local:snippets/gpuanchor-hook
unprivileged: 1
END
    printf 'lxc.cgroup2.devices.allow = c 226:128 rw\n' >"$CONFIG"
    cp "$CONF" "$work/conf"
    cp "$CONFIG" "$work/config"
    flock "$LOCK" sleep 30 &
    task=$!
    sleep 0.3
    timeout 60 "$hook" 101 pre-start >"$work/out" 2>"$work/err" </dev/null
    [ $? = 1 ] || fail "would start with another GPU"
    cmp "$CONF" "$work/conf" || fail "101.conf was written"
    cmp "$CONFIG" "$work/config" || fail "config was written"
    kill "$task"
}

# the drop-in of a start goes on under the lock of that start, at once
case_lock_of_our_start() {
    cat >"$work/start" <<'END'
exec 9>"$1" && flock 9 || exit 9
"$2" 101 pre-start || exit 1
cp "$4" "$3" # generated again by nobody, stale all the same
setsid sh -c '"$0" 101 unit-start; : >"$1"' "$2" "$5" 9>&- &
until [ -e "$5" ]; do sleep 0.1; done
END
    begin=$(date +%s)
    sh "$work/start" "$LOCK" "$hook" "$CONFIG" "$work/config" "$work/done" >"$work/out" 2>"$work/err" || fail "status $?"
    [ $(($(date +%s) - begin)) -lt 5 ] || fail "waited for its own lock"
    [ -e "$H/run/gpuanchor/101.start" ] || fail "no note"
    corrected "$CONF" || fail "101.conf"
    corrected "$CONFIG" || fail "config"
    hook post-start
    [ ! -e "$H/run/gpuanchor/101.start" ] || fail "the note stays"
}

# what both of them find is said by the first: each of the two goes to the journal
case_said_once() {
    echo 'colour = red' >>"$POLICY"
    hook pre-start
    [ "$(grep -c 'colour' "$work/out")" = 1 ] || fail "not said: $(cat "$work/out" "$work/err")"
    cat >"$work/start" <<'END'
exec 9>"$1" && flock 9 || exit 9
"$2" 101 pre-start || exit 1
setsid sh -c '"$0" 101 unit-start; : >"$1"' "$2" "$3" 9>&- &
until [ -e "$3" ]; do sleep 0.1; done
END
    sh "$work/start" "$LOCK" "$hook" "$work/done" >"$work/out" 2>"$work/err" || fail "status $?"
    [ "$(grep -c 'colour' "$work/out")" = 1 ] || fail "said twice"
    hook unit-start # of a reboot inside: another start
    [ "$(grep -c 'colour' "$work/out")" = 1 ] || fail "not said: $(cat "$work/out" "$work/err")"
}

# each container that starts adds its pin to what the host remembers
case_starts_at_the_same_time() {
    for vmid in $(seq 101 116); do
        [ "$vmid" = 101 ] || cp "$CONF" "$H/etc/pve/lxc/$vmid.conf"
        printf '[container]\ngpu = pci:0000:c1:00.0\n' >"$H/etc/pve/gpuanchor/$vmid.conf"
        mkdir -p "$H/var/lib/lxc/$vmid"
        [ "$vmid" = 101 ] || cp "$CONFIG" "$H/var/lib/lxc/$vmid/config"
    done
    for vmid in $(seq 101 116); do
        "$hook" "$vmid" pre-start >"$work/out.$vmid" 2>&1 </dev/null &
    done
    wait
    for vmid in $(seq 101 116); do
        grep -q "^\[pin " "$H/etc/pve/gpuanchor/$vmid.conf" || fail "$vmid has no pin: $(cat "$work/out.$vmid")"
        grep -q "$vmid" "$H/var/lib/gpuanchor/host/pins" || fail "the pin of $vmid was lost"
    done
}

# --- how long a start waits for its GPU -----------------------------------------------------------

waiting() { # SECONDS: of the policy; the GPU is not there
    printf '[container]\ngpu = pci:0000:01:00.0\nmissing = wait:%s\n' "$1" >"$POLICY"
}

# took LOW HIGH COMMAND...
took() {
    low=$1 high=$2 && shift 2
    begin=$(date +%s)
    "$@"
    took=$(($(date +%s) - begin))
    [ $took -ge "$low" ] && [ $took -le "$high" ] || fail "$*: took $took s, not $low to $high"
}

waits_in_the_drop_in() {
    waiting 90
    took 29 33 hook unit-start
    said 'waiting up to 30 s'
}

# both_phases - one start as Proxmox makes it: pre-start under its lock, then the drop-in
both_phases() {
    cat >"$work/start" <<'END'
exec 9>"$1" && flock 9 || exit 9
"$2" 101 pre-start || exit 1
setsid sh -c '"$0" 101 unit-start; : >"$1"' "$2" "$3" 9>&- &
until [ -e "$3" ]; do sleep 0.1; done
END
    rm -f "$work/done"
    sh "$work/start" "$LOCK" "$hook" "$work/done" >"$work/out" 2>"$work/err" || fail "status $?"
}

# what pre-start has waited counts
waits_once() {
    waiting 4
    took 3 6 both_phases
}

# /etc/subgid is locked: usermod waits longer than a start does; the next start asks it again
waits_once_for_usermod() {
    sed -i '/^root:993:/d' "$H/etc/subgid"
    sed -i -e 's/226:1 /226:0 /; s/226:128/226:129/; s/card1/card0/g; s/renderD128/renderD129/g' "$CONF" "$CONFIG"
    mkdir -p "$H/usr/sbin"
    printf '#!/bin/sh\necho >>"%s"\nexec sleep 30\n' "$work/asked" >"$H/usr/sbin/usermod"
    chmod +x "$H/usr/sbin/usermod"
    for starts in 1 2; do
        took 9 14 both_phases
        [ "$(grep -c '' "$work/asked")" = $starts ] || fail "asked $(grep -c '' "$work/asked") times in $starts starts"
        [ "$(grep -c 'delegation of host gid 993 (render) failed: usermod: no answer within 10 s' "$work/out")" = 1 ] ||
            fail "not said once: $(cat "$work/out")"
    done
}

cases ${5+"$5"}
