# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# 10. The watcher tells the journal what changed
#
# gpuanchord.service as it is installed, started by systemd, in its sandbox. Its
# entries are asked from journald by field, the way an operator asks: a match
# that finds nothing is a field with another content. Only what was written
# since the case began counts.

QUIET=1 # seconds; the default of settings
SLACK=8 # the processor is emulated; the slow timer would take 300
STATE=/var/lib/gpuanchord/state

# entries FIELD=VALUE... - as journalctl prints them with these matches, one line each
entries() {
    journalctl --sync
    journalctl -q -o cat --output-fields=MESSAGE --after-cursor="$(cat /run/cursor)" \
        SYSLOG_IDENTIFIER=gpuanchord "$@"
}

count() { entries "$@" | grep -c . || :; }

everything() {
    journalctl --sync
    journalctl -q -o short-monotonic --after-cursor="$(cat /run/cursor)" -u gpuanchord
    journalctl -q -o export --after-cursor="$(cat /run/cursor)" SYSLOG_IDENTIFIER=gpuanchord |
        grep -a -e ^MESSAGE= -e ^GPUANCHOR -e ^PRIORITY -e '^$'
}

mark() {
    sleep 0.1 # a cursor is between two entries
    journalctl --sync
    journalctl -q -n 1 --show-cursor | sed -n 's/^-- cursor: //p' >/run/cursor
}

# told WHO... - within the quiet time, and exactly once
told() {
    local end=$((SECONDS + QUIET + SLACK)) n
    while n=$(count "$@") && [ "$n" = 0 ] && [ $SECONDS -lt $end ]; do
        sleep 0.3
    done
    [ "$n" = 1 ] && return 0
    everything
    fail "told $n times: $*"
}

not_told() {
    [ "$(count "$@")" = 0 ] && return 0
    everything
    fail "told: $(entries "$@" | head -n 1)"
}

# Long enough for one more look, which must have nothing to say.
look_again() {
    touch /etc/group
    sleep $((QUIET + 3))
}

main_pid() { systemctl show -P MainPID gpuanchord; }

# wait_for COMMAND... - at most half a minute
wait_for() {
    local end=$((SECONDS + 30))
    until "$@"; do
        if [ $SECONDS -ge $end ]; then
            systemctl status --no-pager gpuanchord || :
            everything
            fail "in vain: $*"
        fi
        sleep 0.3
    done
}

# The daemon runs, has looked once and was told about nothing but its beginning.
watch() {
    mark
    systemctl start gpuanchord || { everything && fail "gpuanchord does not start"; }
    told GPUANCHOR_CODE=baseline-new
}

# container_of PCI - managed, by a policy, method mount; runs
container_of() {
    echo "gpu = pci:$1" | policy
    guide_subgid
    guide_lines "$1" | container
    start
}

# nodes PCI - as gpuanchord writes them: "card0 (226:0) renderD128 (226:128)"
nodes() {
    local kind out=
    for kind in card render; do
        out+="${out:+ }$(basename "$(node "$1" $kind)") ($(number "$1" $kind))"
    done
    echo "$out"
}

# --- what it tells --------------------------------------------------------------------------------

case_swap() {
    local old_a old_b old_node old_number
    container_of $A
    watch
    look_again
    not_told PRIORITY=3
    not_told PRIORITY=4
    old_a=$(nodes $A) old_b=$(nodes $B)
    old_node=$(node $A render) old_number=$(number $A render)
    mark
    cards $B $A
    [ "$(nodes $A)" = "$old_b" ] || fail "the cards did not swap"
    told GPUANCHOR_CODE=gpu-renumbered MESSAGE_ID=6fea943b66084371953a190af55784e9 PRIORITY=5 \
        "GPUANCHOR_GPU=$A" "GPUANCHOR_OLD=$old_a" "GPUANCHOR_NEW=$old_b"
    told GPUANCHOR_CODE=gpu-renumbered "GPUANCHOR_GPU=$B" "GPUANCHOR_OLD=$old_b" \
        "GPUANCHOR_NEW=$old_a"
    told GPUANCHOR_CODE=container-wrong-gpu MESSAGE_ID=9748b60a421246d095479965fc091c65 \
        PRIORITY=3 GPUANCHOR_VMID=$CT "GPUANCHOR_GPU=$A" "GPUANCHOR_WHAT=$old_node" \
        "GPUANCHOR_OLD=$old_number of GPU $A" "GPUANCHOR_NEW=$old_node of GPU $B" \
        "GPUANCHOR_REMEDY=restart it: pct reboot $CT"
    told GPUANCHOR_CODE=container-stale GPUANCHOR_VMID=$CT PRIORITY=5
    look_again
    [ "$(count GPUANCHOR_CODE=gpu-renumbered)" = 2 ] || fail "renumbered: told again"
    [ "$(count GPUANCHOR_CODE=container-wrong-gpu)" = 2 ] || fail "wrong GPU: told again" # card, render
    not_told GPUANCHOR_CODE=gpu-gone
    not_told GPUANCHOR_RESOLVED=1

    # what the remedy says is what helps
    mark
    pct reboot $CT
    told GPUANCHOR_CODE=container-wrong-gpu GPUANCHOR_RESOLVED=1 "GPUANCHOR_WHAT=$old_node" \
        GPUANCHOR_VMID=$CT
    told GPUANCHOR_CODE=container-stale GPUANCHOR_RESOLVED=1 GPUANCHOR_VMID=$CT
    sees $A
    everything
}

# groupmod alone: the nodes keep the number. What the entry says to do is done
# as it stands there, and has to help.
case_group() {
    local old remedy
    watch
    old=$(host_render_gid)
    mark
    groupmod -g 1991 render
    told GPUANCHOR_CODE=group-changed MESSAGE_ID=525f79225cb546dea37644c529e1c6ae PRIORITY=5 \
        GPUANCHOR_WHAT=render "GPUANCHOR_OLD=gid $old" "GPUANCHOR_NEW=gid 1991"
    for pci in $A $B; do
        told GPUANCHOR_CODE=node-group-wrong MESSAGE_ID=7e60dce4706243c4b68e94a5532da374 \
            PRIORITY=4 "GPUANCHOR_WHAT=$(node $pci render)" "GPUANCHOR_OLD=$old"
    done
    look_again
    [ "$(count)" = 3 ] || { everything && fail "$(count) entries instead of three"; }
    everything
    remedy=$(journalctl -q -o cat --output-fields=GPUANCHOR_REMEDY \
        --after-cursor="$(cat /run/cursor)" GPUANCHOR_CODE=node-group-wrong | head -n 1)
    mark
    sh -c "$remedy" || fail "the remedy fails: $remedy"
    udevadm settle
    for pci in $A $B; do
        [ "$(stat -c %g "$(node $pci render)")" = 1991 ] || fail "does not help: $remedy"
        told GPUANCHOR_CODE=node-group-wrong GPUANCHOR_RESOLVED=1 PRIORITY=5 \
            "GPUANCHOR_WHAT=$(node $pci render)"
    done
    look_again
    [ "$(count)" = 2 ] || { everything && fail "$(count) entries instead of two"; }
}

# Stands in for a reboot, which the machine cannot do: its disk and the cases'
# progress would be gone, and its firmware gives the cards one order only. What
# a reboot does to the watcher is done: it is stopped, /run is empty, the cards
# get their drivers in another order while nobody looks, it is started again.
case_renumbered_while_off() {
    local old_a old_b
    container_of $A
    watch
    stop
    old_a=$(nodes $A) old_b=$(nodes $B)
    systemctl stop gpuanchord
    rm -rf /run/gpuanchor
    cards $B $A
    mark
    systemctl start gpuanchord
    told GPUANCHOR_CODE=gpu-renumbered "GPUANCHOR_GPU=$A" "GPUANCHOR_OLD=$old_a" \
        "GPUANCHOR_NEW=$old_b"
    told GPUANCHOR_CODE=gpu-renumbered "GPUANCHOR_GPU=$B" "GPUANCHOR_OLD=$old_b" \
        "GPUANCHOR_NEW=$old_a"
    told GPUANCHOR_CODE=container-stale GPUANCHOR_VMID=$CT
    not_told GPUANCHOR_CODE=baseline-new
    not_told GPUANCHOR_CODE=container-wrong-gpu # it does not run
    systemctl restart gpuanchord
    look_again
    [ "$(count)" = 3 ] || { everything && fail "$(count) entries instead of three"; }
}

# --- how it lives ---------------------------------------------------------------------------------

# Every way to be interrupted; what is open was told and is not told again.
open_something() {
    watch
    cards $A
    told GPUANCHOR_CODE=gpu-gone "GPUANCHOR_GPU=$B" PRIORITY=4
    mark
}

still_watches() {
    cards $A $B
    told GPUANCHOR_CODE=gpu-back "GPUANCHOR_GPU=$B"
}

case_reload() {
    local pid
    watch
    pid=$(main_pid)
    strace -f -qq -e trace=sendmsg,sendto -s 200 -o /run/trace -p "$pid" &
    sleep 3
    systemctl reload gpuanchord
    wait_for grep -q 'RELOADING=1.*MONOTONIC_USEC=' /run/trace
    wait_for grep -q 'READY=1' /run/trace
    kill $!
    wait $! || :
    sed 's/^/    /' /run/trace
    [ "$(main_pid)" = "$pid" ] || fail "a reload is no restart"
    wait_for systemctl is-active -q gpuanchord
    [ "$(systemctl show -P StatusText gpuanchord)" = "2 GPUs, 0 managed containers; nothing is open" ] ||
        fail "status: $(systemctl show -P StatusText gpuanchord)"
    cards $A
    told GPUANCHOR_CODE=gpu-gone "GPUANCHOR_GPU=$B"
}

restarted() {
    [ "$(systemctl show -P NRestarts gpuanchord)" -ge 1 ] && systemctl is-active -q gpuanchord
}

case_crash() {
    open_something
    kill -SEGV "$(main_pid)"
    wait_for restarted
    look_again
    [ "$(count)" = 0 ] || { everything && fail "told again after a crash"; }
    still_watches
}

case_stuck() {
    local pid
    mkdir -p /run/systemd/system/gpuanchord.service.d
    printf '[Service]\nWatchdogSec=10\nTimeoutAbortSec=5\n' \
        >/run/systemd/system/gpuanchord.service.d/watchdog.conf
    systemctl daemon-reload
    open_something
    pid=$(main_pid)
    sleep 12
    [ "$(main_pid)" = "$pid" ] || fail "the watchdog bites one that works"
    kill -STOP "$pid"
    wait_for restarted
    [ "$(main_pid)" != "$pid" ] || fail "the same process"
    journalctl --sync
    journalctl -q --after-cursor="$(cat /run/cursor)" -u gpuanchord | grep -iq watchdog ||
        fail "systemd does not say that it was the watchdog"
    look_again
    [ "$(count)" = 0 ] || { everything && fail "told again after the watchdog"; }
    still_watches
}

# --- the sandbox ----------------------------------------------------------------------------------

case_sandbox() {
    local pid line
    container_of $A
    watch
    pid=$(main_pid)
    line=$(grep -E '^(Uid|Groups|CapEff|NoNewPrivs|Seccomp):' "/proc/$pid/status")
    sed 's/^/    /' <<<"$line"
    [ "$(awk '/^Uid/ { print $2 }' <<<"$line")" -ge 61184 ] || fail "not a dynamic user"
    grep -q "^CapEff:.*0000000000000000$" <<<"$line" || fail "has capabilities"
    grep -q "^Groups:.*\b33\b" <<<"$line" || fail "not in www-data"
    [ "$(systemctl show -P StatusText gpuanchord)" = "2 GPUs, 1 managed container; nothing is open" ] ||
        fail "status: $(systemctl show -P StatusText gpuanchord)"
    [ "$(stat -c %a "$(realpath $STATE)")" = 644 ] || fail "the state has mode $(stat -c %a $STATE)"
    grep -q "^node render $(node $A render) .* 0660$" "$(realpath $STATE)" || {
        cat $STATE
        fail "nodes were not looked at"
    }
    # a change of the container file, which only www-data may read
    mark
    sed -i '/hookscript/d' $CONF
    told GPUANCHOR_CODE=hook-missing GPUANCHOR_VMID=$CT PRIORITY=4
    # /etc/pve goes and comes back
    not_told GPUANCHOR_CODE=read-failed
    not_told GPUANCHOR_CODE=write-failed
    not_told GPUANCHOR_CODE=pve-not-mounted
}

case_explains() {
    journalctl --update-catalog # what installing the package triggers
    watch
    cards $A
    told GPUANCHOR_CODE=gpu-gone
    journalctl -q -x --no-pager --after-cursor="$(cat /run/cursor)" -t gpuanchord >/run/seen
    cat /run/seen
    said 'Subject: gpu-gone' "GPU $B" 'What to do next' 'man:gpuanchord(8)'
}

# status N - exit status of gpuanchor status; output in /run/seen
status_is() {
    local status=0
    gpuanchor status >/run/seen 2>&1 || status=$?
    [ $status = "$1" ] || { cat /run/seen && fail "gpuanchor status: $status instead of $1"; }
}

case_status() {
    status_is 0
    grep -q '^node.*unwatched$' /run/seen || fail "does not say that nobody watches"
    watch
    status_is 0
    grep -q '^node.*[^n]watched$' /run/seen || fail "does not see the daemon"
    cards $A
    told GPUANCHOR_CODE=gpu-gone
    status_is 1
    said gpu-gone
    systemctl stop gpuanchord
    status_is 1
}
