# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# 18. GPUs change while containers run
#
# Two containers, each with a card of its own: 101 has card A bound, 103 has card B as devN. In each
# a process that is no root opens the nodes it finds, again and again, and writes down the number
# and the card that it reached. The look is the service as it is installed: path unit, timer, and
# gpuanchord, which asks for it.

look_services() {
    rm -f /run/gpuanchor-look/wanted
    systemctl start gpuanchor-look.path gpuanchor-look.timer gpuanchord || fail "the look's units do not start"
}

# a second small container: 103, with a copy of the disk of 101
second_container() {
    local disk=/var/lib/vz/images/103/subvol-103-disk-0.subvol
    [ -d $disk ] || { mkdir -p ${disk%/*} && cp -a /var/lib/vz/images/101/subvol-101-disk-0.subvol $disk; }
}

two_containers() { # LINE OF BOTH POLICIES
    second_container
    cards $A $B
    policy <<<"gpu = pci:$A${1:+$'\n'$1}"
    guide_subgid
    guide_lines $A | container
    start
    the_container 103
    policy <<<"gpu = pci:$B${1:+$'\n'$1}"
    dev_lines $B | container
    start
    the_container 101
    in_time gate 101 closed
    in_time gate 103 closed
}

in_time() { # COMMAND... - within SLACK seconds
    local end=$((SECONDS + ${SLACK:-30}))
    until ("$@") >/run/try 2>&1; do
        if [ $SECONDS -ge $end ]; then
            cat /run/try
            cat /run/gpuanchor/1* || :
            systemctl status --no-pager gpuanchor-look gpuanchord || :
            journalctl -q -n 40 -u gpuanchor-look -o short-monotonic
            fail "in vain: $*"
        fi
        sleep 0.1
    done
    : >/run/why
}

gate() { grep -q "^gate $2" /run/gpuanchor/$1.held 2>/dev/null; }
shut() { grep -q "^gate closed.* $2\>" /run/gpuanchor/$1.held 2>/dev/null; }

# observe CT USER - a process of that user: which card does an open of any node reach?
observe() {
    lxc-attach -n $1 --clear-env -- su $2 -c '
        while usleep 20000 || sleep 1; do
            for n in /dev/dri/card* /dev/dri/renderD*; do
                if (exec 3<$n) 2>/dev/null; then
                    number=$(stat -c "0x%t 0x%T" $n) || continue # it has just left
                    number=$(printf %d:%d $number)
                    echo "$(cut -d" " -f1 /proc/uptime) $n $number $(readlink -f /sys/dev/char/$number)"
                fi
            done
        done' >>/run/observed.$1 2>/dev/null </dev/null &
    echo $! >>/run/observers
}
observers_end() {
    local pid
    while read -r pid; do kill $pid 2>/dev/null; done </run/observers
    rm -f /run/observers
    wait
}

uptime() { cut -d' ' -f1 /proc/uptime; }

reaches_again() { # CT PCI SINCE
    awk -v since="$3" '$1 > since' /run/observed.$1 | grep -q "$2"
}

# reached_only CT PCI SINCE - from then on the process reached no other card
reached_only() {
    awk -v since=$3 -v own=$2 '$1 > since && index($4, own) == 0' /run/observed.$1 >/run/wrong
    [ ! -s /run/wrong ] || fail "$1 reached $(head -n 1 /run/wrong), its card is $2"
}

reset_live() { # the cases before ours never saw these services
    rm -f /run/observed.* /run/observers
    look_services
}

# Without the mounts, the gate alone: the old nodes stay, and reach nothing.
case_gate() {
    reset_live
    two_containers "running = leave"
    shut 101 "$(number $B render)" || fail "101 may open B: $(cat /run/gpuanchor/101.held)"
    shut 103 "$(number $A render)" || fail "103 may open A: $(cat /run/gpuanchor/103.held)"
    sees $A
    for who in root viewer; do observe 101 $who && observe 103 $who; done
    in_time grep -q $A /run/observed.101
    in_time grep -q $B /run/observed.103
    old=$(number $A render)
    from=$(uptime)
    cards $B $A
    in_time shut 101 "$old"
    gated=$(uptime)
    sleep 3
    observers_end
    reached_only 101 $A "$gated"
    reached_only 103 $B "$gated"
    echo "MEASURED: the cards left and came back within $(awk "BEGIN { print $gated - $from }") s, gates were shut by then"
    # whoever is in the container, by a node of its own
    ! the_container 103 || ! inside sh -c "mknod /tmp/gpu c ${old/:/ } && exec 3<>/tmp/gpu" 2>/dev/null ||
        fail "an own node reaches the other card"
    the_container 103 && stop
    the_container 101 && stop
    [ ! -e /run/gpuanchor/101.held ] || fail "the held file outlives the container"
}

# has_own CT PCI - exactly its own card's nodes, and its unprivileged user opens them
has_own() {
    the_container $1
    sees $2
}

# what a change could leave behind: mounts on the host and inside, files, descriptors of the look
traces() {
    wc -l </proc/self/mountinfo
    ls /dev/dri /run | grep -vx -e observers -e wrong | sort # those are of the case itself
    for ct in 101 103; do
        [ ! -d /sys/fs/cgroup/lxc/$ct ] || wc -l <"/proc/$(lxc-info -n $ct -pH)/mountinfo"
    done
}

# Two cards change places while both containers run: each keeps its own, no open reaches the other.
case_follow() {
    reset_live
    two_containers
    for who in root viewer; do observe 101 $who && observe 103 $who; done
    in_time grep -q $A /run/observed.101
    in_time grep -q $B /run/observed.103
    traces >/run/traces.before
    for round in 1 2 3; do
        old=$(number $A render)
        if [ $((round % 2)) = 1 ]; then cards $B $A; else cards $A $B; fi
        begin=$(uptime)
        in_time shut 101 "$old"
        gated=$(uptime)
        in_time has_own 101 $A
        in_time has_own 103 $B
        echo "MEASURED: round $round: both containers had their own nodes $(awk "BEGIN { print $(uptime) - $begin }") s after udev had settled"
        mark=$(uptime)
        in_time reaches_again 101 $A "$mark"
        in_time reaches_again 103 $B "$mark"
        reached_only 101 $A "$gated"
        reached_only 103 $B "$gated"
    done
    observers_end
    cards $A $B
    in_time has_own 101 $A
    in_time has_own 103 $B
    in_time [ -e /run/gpuanchor/look ]
    traces | diff /run/traces.before - || fail "something is left over"
    # a second look changes nothing
    cp /run/gpuanchor/101 /run/record && inside cat /proc/self/mountinfo >/run/mounts
    gpuanchor look >/run/seen || fail "a second look fails: $(cat /run/seen)"
    [ ! -s /run/seen ] || fail "a second look says: $(cat /run/seen)"
    cmp /run/record /run/gpuanchor/101 || fail "a second look changed the record"
    cards $B $A
    in_time has_own 101 $A
    reboot_inside
    in_time sees $A
    the_container 103 && stop
    start
    sees $B
    stop
    the_container 101 && stop
    start
    sees $A
}

# The driver is taken away and given back, as a driver reload or a virtual machine does it.
case_gone_and_back() {
    reset_live
    two_containers
    cards $B
    in_time sees_none
    the_container 103
    in_time sees $B
    the_container 101
    cards $B $A
    in_time sees $A
    cards $A $B
    in_time sees $A
}

case_revoke() {
    reset_live
    two_containers "running = revoke"
    cards $B $A
    in_time sees_none
    the_container 103
    in_time sees_none
    stop
    start
    sees $B
}

# The host's group of the nodes has another number: the map of what runs cannot change.
case_group_moves() {
    reset_live
    two_containers
    host_render_moves_to 1998
    in_time sees $A
    the_container 103
    in_time sees $B
    the_container 101
    cards $B $A
    in_time sees $A
    stop
    start
    sees $A
}

# A reboot inside runs no hook phase and makes a new control group.
case_gate_reboot_inside() {
    reset_live
    cards $A $B
    policy <<<"gpu = pci:$A"
    dev_lines $A | container
    start
    in_time gate 101 closed
    rm /run/gpuanchor/101.held
    reboot_inside
    in_time shut 101 "$(number $B render)"
    in_time sees $A
}

case_gate_no() {
    reset_live
    cards $A $B
    policy <<<"gpu = pci:$A"$'\n'"gate = no"
    dev_lines $A | container
    start
    in_time gate 101 off
    sees $A
}
