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
