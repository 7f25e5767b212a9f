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

# Everything since the machine was booted counts.
mark_boot() { journalctl -q -n +1 --show-cursor | sed -n 's/^-- cursor: //p' >/run/cursor; }

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

is_told() { [ "$(count "$@")" != 0 ]; }

# remedy_of CODE - the one of the newest such entry
remedy_of() {
    journalctl -q -n 1 -o cat --output-fields=GPUANCHOR_REMEDY --after-cursor="$(cat /run/cursor)" \
        SYSLOG_IDENTIFIER=gpuanchord "GPUANCHOR_CODE=$1"
}

# Long enough for one more look, which must have nothing to say.
look_again() {
    touch /etc/group
    sleep $((QUIET + 3))
}

main_pid() { systemctl show -P MainPID gpuanchord; }

# wait_for COMMAND... - at most half a minute
wait_for() {
    wait_until 30 "$@" && return
    systemctl status --no-pager gpuanchord || :
    everything
    fail "in vain: $*"
}

# quiet_time SECONDS - where the emulated processor takes longer than a second between two events
quiet_time() {
    QUIET=$1
    mkdir -p /etc/gpuanchor/gpuanchor.conf.d
    printf '[daemon]\nquiet = %s\n' "$1" >/etc/gpuanchor/gpuanchor.conf.d/quiet.conf
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

# A card is pulled out of its slot, and put back: more than a lost driver.
pull() { echo 1 >"/sys/bus/pci/devices/$1/remove" && udevadm settle; }
put_back() { echo 1 >/sys/bus/pci/rescan && udevadm settle; }

# --- what it tells --------------------------------------------------------------------------------

case_swap() {
    local old_a old_b old_node old_number
    quiet_time 4
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
case_group() { # long
    local old remedy pci
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
    remedy=$(remedy_of node-group-wrong)
    mark
    sh -e -c "$remedy" || fail "a remedy fails: $remedy"
    udevadm settle
    for pci in $A $B; do
        [ "$(stat -c %g "$(node $pci render)")" = 1991 ] || fail "does not help: $remedy"
        told GPUANCHOR_CODE=node-group-wrong GPUANCHOR_RESOLVED=1 PRIORITY=5 \
            "GPUANCHOR_WHAT=$(node $pci render)"
    done
    look_again
    [ "$(count)" = 2 ] || { everything && fail "$(count) entries instead of two"; }
}

# A node that somebody removed, and one in whose place LXC left a file: what the
# entry says to do is done as it stands there, and has to help.
case_node_gone() { # long
    local card render remedy
    watch
    card=$(node $A card) render=$(node $B render)
    rm "$card"
    rm "$render" && touch "$render"
    look_again # nobody sends an event for it
    told GPUANCHOR_CODE=node-absent PRIORITY=4 "GPUANCHOR_WHAT=$card" "GPUANCHOR_NEW=c 226 0"
    told GPUANCHOR_CODE=node-fake PRIORITY=3 "GPUANCHOR_WHAT=$render" "GPUANCHOR_NEW=c 226 129"
    for remedy in node-absent node-fake; do
        remedy=$(remedy_of $remedy)
        sh -e -c "$remedy" || fail "a remedy fails: $remedy"
    done
    udevadm settle
    told GPUANCHOR_CODE=node-absent GPUANCHOR_RESOLVED=1
    told GPUANCHOR_CODE=node-fake GPUANCHOR_RESOLVED=1
    [ "$(stat -c '%F %a %G' "$card" "$render")" = "character special file 660 video
character special file 660 render" ] || fail "made anew as: $(stat -c '%n %F %a %G' "$card" "$render")"
    everything
}

# The machine is booted with the cards' drivers coming in another order, which is
# how numbers move in the field. What is said of it, and that a container whose
# devN path is gone starts: gpuanchor-boot was there before Proxmox started its
# containers, and no hook would have run.
case_renumbered_across_a_reboot() { # long
    echo "gpu = pci:$A" | policy
    numbers_of_a_third $A
    { dev_lines $A && echo onboot: 1; } | container
    start
    sees $A
    stop
    watch
    look_again
    not_told PRIORITY=3
    not_told PRIORITY=4
    nodes $A >$KEPT/old_a
    nodes $B >$KEPT/old_b
    cp $CONF $KEPT/conf
    at_boot_swapped
    at_boot pve-guests <<EOF
[Unit]
After=pve-cluster.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/pct start $CT
StandardOutput=file:/run/seen
StandardError=file:/run/seen
EOF
    systemctl add-wants -q scenarios.target gpuanchor-boot gpuanchord
    reboot_then then_renumbered_across_a_reboot
}

then_renumbered_across_a_reboot() {
    local old_a old_b
    old_a=$(cat $KEPT/old_a) old_b=$(cat $KEPT/old_b)
    mark_boot
    wait_for systemctl is-active -q gpuanchord
    [ "$(number $B card) $(number $A card)" = "226:0 226:1" ] || fail "the cards came in their usual order"
    told GPUANCHOR_CODE=gpu-renumbered MESSAGE_ID=6fea943b66084371953a190af55784e9 PRIORITY=5 \
        "GPUANCHOR_GPU=$A" "GPUANCHOR_OLD=$old_a" "GPUANCHOR_NEW=$(nodes $A)"
    told GPUANCHOR_CODE=gpu-renumbered "GPUANCHOR_GPU=$B" "GPUANCHOR_OLD=$old_b" \
        "GPUANCHOR_NEW=$(nodes $B)"
    look_again
    [ "$(count)" = 2 ] || { everything && fail "$(count) entries instead of two"; }
    everything

    wait_for guests_started
    sed 's/^/    pct: /' /run/seen
    [ "$(pct status $CT)" = "status: running" ] || fail "not started at boot: $(cat /run/seen)"
    sees $A
    stop
    # without gpuanchor-boot this would have been its file
    cp $KEPT/conf $CONF
    start_refused
    said 'does not exist'
}

guests_started() { [ "$(systemctl is-active pve-guests)" != activating ]; }

# numbers_of_a_third PCI - a card gets numbers that no two cards have after a boot,
# as if there had been a third one: its old ones are still held open
numbers_of_a_third() {
    exec 8<>"$(node $1 card)" 9<>"$(node $1 render)"
    echo $1 >/sys/bus/pci/drivers/virtio-pci/unbind
    echo $1 >/sys/bus/pci/drivers/virtio-pci/bind
    udevadm settle
    exec 8>&- 9>&-
    [ "$(number $1 card)" = 226:2 ] || fail "$1 is $(number $1 card), not 226:2"
}

# --- how it lives ---------------------------------------------------------------------------------

# Every way to be interrupted; what is open was told and is not told again.
open_something() {
    watch
    pull $B
    told GPUANCHOR_CODE=gpu-gone "GPUANCHOR_GPU=$B" PRIORITY=4
    mark
}

still_watches() {
    put_back
    told GPUANCHOR_CODE=gpu-back "GPUANCHOR_GPU=$B"
    told GPUANCHOR_CODE=gpu-gone "GPUANCHOR_GPU=$B" GPUANCHOR_RESOLVED=1
}

case_reload() { # long
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
    pull $B
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

case_stuck() { # long
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

# --- what happens around it -----------------------------------------------------------------------

# hears - a device event and a container file still come through, each told once
hears() {
    mark
    pull $B
    told GPUANCHOR_CODE=gpu-gone "GPUANCHOR_GPU=$B" PRIORITY=4
    put_back
    told GPUANCHOR_CODE=gpu-back "GPUANCHOR_GPU=$B"
    sed '/^hookscript/d' $CONF >$CONF.tmp.1 && mv $CONF.tmp.1 $CONF
    told GPUANCHOR_CODE=hook-missing GPUANCHOR_VMID=$CT PRIORITY=4
    echo 'hookscript: local:snippets/gpuanchor-hook' >>$CONF
    told GPUANCHOR_CODE=hook-missing GPUANCHOR_VMID=$CT GPUANCHOR_RESOLVED=1
}

# The services that it hears from and speaks to are upgraded under it, and the
# clock jumps as it does when the first NTP answer comes.
case_others_restart() { # long
    local pid
    echo "gpu = pci:$A" | policy
    guide_subgid
    guide_lines $A | container
    watch
    pid=$(main_pid)
    systemctl restart systemd-udevd
    hears
    systemctl restart systemd-journald
    hears
    systemctl restart pve-cluster
    hears
    not_told GPUANCHOR_CODE=pve-not-mounted
    date -s '2 days' >/dev/null
    hears
    date -s '-4 days' >/dev/null
    hears
    date -s '2 days' >/dev/null
    [ "$(main_pid)" = "$pid" ] || fail "it was restarted"
}

boottime() { sed 's/\..*//' /proc/uptime; }

# asleep SECONDS - the machine, woken by its clock
asleep() {
    local alarm=/sys/class/rtc/rtc0/wakealarm before
    before=$(boottime)
    echo 0 >$alarm
    echo "+$1" >$alarm
    echo mem >/sys/power/state || fail "the machine does not go to sleep"
    dmesg | grep -e 'PM: suspend e' | tail -n 2
    echo "    asleep for about $(($(boottime) - before)) s"
    [ $(($(boottime) - before)) -ge $(($1 - 2)) ] || fail "the machine did not sleep"
}

# For longer than the watchdog waits, which is not for time asleep. The emulated
# cards hang when their driver puts them to sleep, so it is taken off before.
case_suspend() { # long
    local pid pci old_a old_b
    mkdir -p /run/systemd/system/gpuanchord.service.d
    printf '[Service]\nWatchdogSec=20\n' >/run/systemd/system/gpuanchord.service.d/watchdog.conf
    systemctl daemon-reload
    quiet_time 8
    watch
    pid=$(main_pid)
    old_a=$(nodes $A) old_b=$(nodes $B)
    mark
    for pci in $A $B; do
        echo $pci >/sys/bus/pci/drivers/virtio-pci/unbind
    done
    asleep 45
    cards $B $A
    told GPUANCHOR_CODE=gpu-renumbered "GPUANCHOR_GPU=$A" "GPUANCHOR_OLD=$old_a" \
        "GPUANCHOR_NEW=$old_b"
    told GPUANCHOR_CODE=gpu-renumbered "GPUANCHOR_GPU=$B" "GPUANCHOR_OLD=$old_b" \
        "GPUANCHOR_NEW=$old_a"
    [ "$(main_pid)" = "$pid" ] || fail "the watchdog counts the time asleep"
    everything
}

# From a change to the time that journald has for the entry: the quiet time and not much more.
case_latency() {
    local text begin told ms
    echo "gpu = pci:$A" | policy
    guide_subgid
    guide_lines $A | container
    watch
    look_again
    text=$(sed /^hookscript/d $CONF)
    mark
    begin=${EPOCHREALTIME/[.,]/}
    printf '%s\n' "$text" >$CONF
    told GPUANCHOR_CODE=hook-missing GPUANCHOR_VMID=$CT
    told=$(journalctl -q -o export --after-cursor="$(cat /run/cursor)" GPUANCHOR_CODE=hook-missing |
        sed -n 's/^__REALTIME_TIMESTAMP=//p')
    ms=$(((told - begin) / 1000))
    echo "from the change to the journal: $ms ms, of them ${QUIET}000 quiet time"
    [ $ms -ge ${QUIET}000 ] || fail "$ms ms: told before it was quiet"
    [ $ms -lt $((QUIET + SLACK))000 ] || fail "$ms ms from a change to the journal"
}

# Started before /etc/pve is there, as at boot on a node that waits for its cluster.
case_pve_comes_later() { # long
    echo "gpu = pci:$A" | policy
    guide_lines $A | container
    systemctl stop pve-cluster
    mark
    systemctl start gpuanchord || { everything && fail "does not start without /etc/pve"; }
    told GPUANCHOR_CODE=baseline-new
    not_told GPUANCHOR_CODE=pve-not-mounted
    wait_for is_told GPUANCHOR_CODE=pve-not-mounted
    told GPUANCHOR_CODE=pve-not-mounted PRIORITY=3 "GPUANCHOR_REMEDY=systemctl status pve-cluster"
    systemctl start pve-cluster
    told GPUANCHOR_CODE=pve-not-mounted GPUANCHOR_RESOLVED=1
    told GPUANCHOR_CODE=subgid-missing GPUANCHOR_VMID=$CT GPUANCHOR_NEW=44
    hears
    everything
}

# --- the sandbox ----------------------------------------------------------------------------------

case_sandbox() {
    local pid line
    container_of $A
    watch
    pid=$(main_pid)
    line=$(grep -E '^(Uid|Groups|CapEff|NoNewPrivs|Seccomp):' "/proc/$pid/status")
    echo "$line"
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
    not_told GPUANCHOR_CODE=read-failed
    not_told GPUANCHOR_CODE=state-failed
    not_told GPUANCHOR_CODE=pve-not-mounted
}

case_explains() { # long
    journalctl --update-catalog # what installing the package triggers
    watch
    pull $B
    told GPUANCHOR_CODE=gpu-gone
    journalctl -q -x --no-pager --after-cursor="$(cat /run/cursor)" -t gpuanchord >/run/seen
    cat /run/seen
    said 'Subject: gpu-gone' "GPU $B" 'What to do next' 'man:gpuanchord(8)'
}

# status N - exit status of gpuanchor status; output in /run/seen
status_is() {
    local status=0
    gpuanchor status --plain >/run/seen 2>&1 || status=$?
    [ $status = "$1" ] || { cat /run/seen && fail "gpuanchor status: $status instead of $1"; }
}

case_status() { # long
    status_is 0
    grep -q '^node.*unwatched$' /run/seen || fail "does not say that nobody watches"
    watch
    status_is 0
    grep -q '^node.*[^n]watched$' /run/seen || fail "does not see the daemon"
    pull $B
    told GPUANCHOR_CODE=gpu-gone
    status_is 1
    said gpu-gone
    systemctl stop gpuanchord
    status_is 1
}
