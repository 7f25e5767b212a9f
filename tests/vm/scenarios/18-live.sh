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

in_time() { # COMMAND... - within a minute: a look that has just begun is followed by another
    wait_until 60 "$@" && return
    cat /run/try
    cat /run/gpuanchor/1* || :
    systemctl status --no-pager gpuanchor-look gpuanchord || :
    journalctl -q -n 40 -u gpuanchor-look -o short-monotonic
    fail "in vain: $*"
}

gate() { grep -q "^gate $2" /run/gpuanchor/$1.held 2>/dev/null; }
shut() { grep -q "^gate closed.* $2\>" /run/gpuanchor/$1.held 2>/dev/null; }

# observe CT USER - a process of that user in the container: which card does an open of any node reach?
# It starts no programs: the processor is emulated, and what is measured would wait for them.
observe() {
    local init ids
    init=$(lxc-info -n $1 -pH)
    # shellcheck disable=SC2086 # in there
    ids="$(the_container $1; inside id -u $2) $(the_container $1; inside id -G $2)"
    perl -e 'use File::Glob ":bsd_glob";
        my ($ct, $init, $uid, @gids) = @ARGV;
        open(my $clock, "<", "/proc/uptime") or die;
        my @ns = map { open(my $f, "<", "/proc/$init/ns/$_") or die; $f } qw(user mnt);
        open(my $cgroup, ">", "/sys/fs/cgroup/lxc/$ct/ns/cgroup.procs") or die;
        syswrite($cgroup, $$) or die;
        for (@ns) { syscall(308, fileno($_), 0) == 0 or die } # setns
        close $_ for $cgroup, @ns;
        $) = "$gids[0] @gids";
        $( = $gids[0];
        $< = $> = $uid;
        for (;; select(undef, undef, undef, 0.02)) {
            for my $node (glob("/dev/dri/card*"), glob("/dev/dri/renderD*")) {
                open(my $f, "<", $node) or next;
                my $rdev = (stat $f)[6];
                my $number = ($rdev >> 8) . ":" . ($rdev & 255);
                my $card = readlink("/sys/dev/char/$number") // next; # it has just left
                seek($clock, 0, 0);
                syswrite(STDOUT, (split " ", <$clock>)[0] . " $node $number $card .\n"); # one write each
            }
        }' $1 "$init" $ids >>/run/observed.$1 </dev/null &
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
    whole $1 | awk -v since="$3" '$1 > since' | grep "$2" >/dev/null
}

# whole CT - its lines so far; a write to tmpfs is seen in part where it crosses a page
whole() { grep ' \.$' /run/observed.$1; }

# reached_only CT PCI SINCE - from then on the process reached no other card
reached_only() {
    whole $1 | awk -v since=$3 -v own=$2 '$1 > since && index($4, own) == 0' >/run/wrong
    [ ! -s /run/wrong ] || fail "$1 reached $(head -n 1 /run/wrong), its card is $2"
}

# events - from now on, when what happened to the nodes of cards
events() {
    udevadm monitor --kernel --udev --subsystem-match=drm >/run/events 2>&1 &
    echo $! >>/run/observers
}
# event_of KERNEL|UDEV NAME - when that node last appeared
event_of() { sed -n "s/^$1 *\[\([0-9.]*\)\] add .*\/$2 (drm)$/\1/p" /run/events | tail -n 1; }
# word_of CT TEXT - when a look last said so; empty: never
word_of() {
    journalctl -q -b -t gpuanchor -o short-monotonic --no-hostname |
        awk -v ct="container $1: " -v text="$2" \
            'index($0, ct) && index($0, text) { sub(/^\[ */, ""); sub(/\].*/, ""); last = $0 } END { print last }'
}
was_said() { [ -n "$(word_of "$@")" ]; }
# opened CT PCI SINCE - when a process inside first reached that card after that
opened() {
    whole $1 | awk -v since="$3" -v own="$2" '$1 > since && index($4, own) && !first { print first = $1 }'
}
# measured CT PCI NUMBER - NUMBER was the container's own, and is the other card's now
measured() {
    local name
    name=$(basename "$(node $2 render)")
    echo "MEASURED: $1: its old number came again at $(event_of KERNEL renderD${3#226:}), gate $(word_of $1 'may not open')," \
        "own node: kernel $(event_of KERNEL $name), udev $(event_of UDEV $name)," \
        "opened inside $(opened $1 $2 "$(event_of KERNEL $name)"), reported $(word_of $1 "/dev/dri/$name (")"
}
# programs - of BPF, in the kernel (BPF_PROG_GET_NEXT_ID)
programs() {
    perl -e 'my ($id, $n) = (0, 0);
        while (1) {
            my $attr = pack("LL", $id, 0) . "\0" x 144;
            last if syscall(321, 11, $attr, length $attr) < 0;
            $id = (unpack "LL", $attr)[1];
            $n++;
        }
        print "$n programs\n"'
}
holds() { grep -q "^node /dev/dri/renderD.* $2" /run/gpuanchor/$1.held; }

reset_live() { # the cases before ours never saw these services
    rm -f /run/observed.* /run/observers
    look_services
}

# Without the mounts, the gate alone: the old nodes stay, and reach nothing.
case_gate() { # long
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

# descriptors PROCESS - how many, of what
descriptors() { find "/proc/$1/fd" -type l -printf '%l\n' | sed 's/\[[0-9]*\]//' | sort | uniq -c; }
# what a change could leave behind: programs, mounts and files on the host and inside, descriptors
# of the daemon and of the containers' first processes
traces() {
    local ct init
    programs
    wc -l </proc/self/mountinfo
    ls /dev/dri /run | grep -vx -e observers -e wrong -e events | sort # those are of the case itself
    descriptors "$(systemctl show --property=MainPID --value gpuanchord)"
    for ct in 101 103; do
        [ -d /sys/fs/cgroup/lxc/$ct ] || continue
        init=$(lxc-info -n $ct -pH)
        wc -l <"/proc/$init/mountinfo"
        find "/proc/$init/root/dev" | sed 's/[0-9]*$//' | sort
        descriptors "$init"
    done
}
leaves_no_traces() { traces | diff /run/traces.before -; }

# Two cards change places while both containers run: each keeps its own, no open reaches the other.
case_follow() {
    reset_live
    two_containers
    observe 101 viewer
    observe 103 viewer
    in_time grep -q $A /run/observed.101
    in_time grep -q $B /run/observed.103
    traces >/run/traces.before
    events
    for round in $(seq "$(cat "$HERE/swaps")"); do
        old=$(number $A render)
        if [ $((round % 2)) = 1 ]; then cards $B $A; else cards $A $B; fi
        in_time shut 101 "$old"
        gated=$(uptime)
        in_time holds 101 $A
        in_time holds 103 $B
        in_time has_own 101 $A
        in_time has_own 103 $B
        measured 101 $A "$old"
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
    in_time leaves_no_traces
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

# A look that is killed, wherever it is: the next one ends right.
case_killed() { # long
    local round killed=0
    reset_live
    two_containers
    traces >/run/traces.before
    for round in 1 2 3 4 5 6; do
        systemctl stop gpuanchor-look
        if [ $((round % 2)) = 1 ]; then cards $B $A; else cards $A $B; fi &
        in_time pgrep -x gpuanchor
        sleep 0.$((round * 15)) # gates, nodes, files
        ! pkill -KILL -x gpuanchor || killed=$((killed + 1))
        wait $!
        systemctl reset-failed gpuanchor-look
        systemctl start gpuanchor-look # as the timer does
        in_time has_own 101 $A
        in_time has_own 103 $B
        in_time shut 101 "$(number $B render)"
        in_time shut 103 "$(number $A render)"
    done
    echo "MEASURED: $killed looks were killed"
    [ $killed -gt 0 ] || fail "no look was killed"
    in_time leaves_no_traces
    the_container 103 && stop
    the_container 101 && stop
}

# process_inside COMMAND - its number there
process_inside() {
    # shellcheck disable=SC2016 # in there
    inside sh -c 'for p in /proc/[0-9]*; do
        [ "$(tr "\0" " " <$p/cmdline)" != "$1 " ] || { echo ${p##*/}; exit; }
    done 2>/dev/null
    exit 1' sh "$1"
}

# What still has an old node in another way than by a name in the container's /dev is named: a program
# that LXC attached and that has it open; one with mounts of its own, as Docker's have, and the node
# bound again among them.
case_holders() { # long: test-running.sh
    local render open copy old
    reset_live
    two_containers
    render=$(node $A render) old=$(number $A render)
    inside mkdir -p /tmp/own
    inside su viewer -c "exec 3<$render; exec sleep 4711" </dev/null >/dev/null 2>&1 &
    inside unshare -m sh -c "mount -t tmpfs own /tmp/own && touch /tmp/own/gpu && mount --bind $render /tmp/own/gpu &&
        exec su viewer -c 'exec 3</tmp/own/gpu; exec sleep 4712'" </dev/null >/dev/null 2>&1 &
    in_time process_inside 'sleep 4711'
    in_time process_inside 'sleep 4712'
    open=$(process_inside 'sleep 4711') copy=$(process_inside 'sleep 4712')
    cards $B $A
    in_time shut 101 "$old"
    in_time was_said 101 "sleep (process $open) in the container has $render ($old) open since before the change"
    in_time was_said 101 "sleep (process $copy) in the container has $render ($old) open since before the change"
    in_time was_said 101 "in the container has mounts of its own, with the node /tmp/own/gpu ($old)"
    # shellcheck disable=SC2016 # in there
    ! inside sh -c 'exec 3<"/proc/$1/root/tmp/own/gpu"' sh "$copy" 2>/dev/null || fail "the copy still opens"
    in_time sees $A
    inside kill "$open" "$copy"
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

case_revoke() { # long: test-running.sh
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
case_group_moves() { # long
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

case_gate_no() { # long
    reset_live
    cards $A $B
    policy <<<"gpu = pci:$A"$'\n'"gate = no"
    dev_lines $A | container
    start
    in_time gate 101 off
    sees $A
    # nothing is refused, and the nodes follow all the same
    cards $B $A
    in_time holds 101 $A
    in_time has_own 101 $A
    gate 101 off || fail "its gate: $(cat /run/gpuanchor/101.held)"
    gpuanchor status 101 --json | grep -q '"state":"off"' || fail "status does not show it"
}

# What a person does with a container that runs: it is never restarted.
case_now() {
    reset_live
    cards $A $B
    printf '' | container
    sed -i /^hookscript/d $CONF
    start
    first=$(lxc-info -n 101 -pH)
    sees_none
    gpuanchor enable 101 --gpu pci:$A --method dev --now </dev/null >/run/seen 2>&1 || fail "enable --now: $(cat /run/seen)"
    sees_only $A card render
    in_time gate 101 closed
    gpuanchor status 101 --json | grep -q '"state":"closed"' || fail "status does not show the gate"
    gpuanchor doctor 101 --json >/run/seen || :
    grep -q "it may not open.*$(number $B render)" /run/seen || fail "doctor does not show the gate"
    systemctl stop gpuanchor-look.path gpuanchor-look.timer gpuanchor-look.service gpuanchord
    cards $B $A
    gpuanchor plan 101 >/run/seen && fail "plan sees nothing to do"
    said "in the running container: $(node $A render) ($(number $A render)) would come in"
    ! inside test -e "$(node $B render).x" || fail never
    gpuanchor apply 101 </dev/null >/run/seen 2>&1 || :
    sees_only $A card render
    gpuanchor plan 101 >/run/seen || :
    ! grep -q 'in the running container' /run/seen || fail "plan does not end: $(cat /run/seen)"
    gpuanchor disable 101 --now </dev/null >/run/seen 2>&1 || fail "disable --now: $(cat /run/seen)"
    sees_none
    [ "$(lxc-info -n 101 -pH)" = "$first" ] || fail "the container was restarted"
}

# A container whose root is the host's: it opens whatever it has, makes what it likes, and
# is under LXC's own list of devices besides.
case_privileged() { # long
    reset_live
    cards $A $B
    policy <<<"gpu = pci:$A"
    dev_lines $A | container
    sed -i 's/^unprivileged: 1/unprivileged: 0/' $CONF
    start
    in_time gate 101 closed
    opens_in() { inside sh -c "[ -c $1 ] && exec 3<>$1" 2>/dev/null; } # else <> would make a file
    in_time opens_in "$(node $A render)"
    old=$(number $A render)
    cards $B $A
    in_time shut 101 "$old"
    ! inside sh -c "mknod /tmp/gpu c ${old/:/ } && exec 3<>/tmp/gpu" 2>/dev/null || fail "an own node reaches the other card"
    in_time holds 101 $A
    in_time opens_in "$(node $A render)"
    ! opens_in "$(node $B render)" || fail "the other card opens"
    stop
}
