# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# 90. Two sessions, as README shows them: enrol, renumber, next boot, alert; unplug and plug in again
# while a program in the container draws
#
# Everything between the two marks of each in the machine's log was typed and printed
# here. No time, process id or cursor is in it, so that every run gives the same
# lines: they must be those of session.txt and unplug.txt, which tests/record.sh renews and
# draws. The reboot is stood in for, as in 10-watcher: the watcher stops, /run is
# empty, the cards get their driver in the other order, the watcher starts. For a card that
# is unplugged its driver is taken away, which gives the same events.

SESSION=/run/session

# on_terminal COMMAND... - what a person sees, on 100 columns and without colours
on_terminal() {
    script -qec "stty cols 100 rows 40 && NO_COLOR=1 TERM=xterm $*" /dev/null </dev/null |
        tr -d '\r' | sed 's/ *$//'
}

# typed COMMAND - show it, run it, show what it says; its exit status does not matter
typed() {
    { echo "# $1" && on_terminal "$1" || :; } >>$SESSION 2>&1
}

told() { echo "$*" >>$SESSION; }

# settled TEXT COUNT [PROGRAM] - the watcher has seen the last change, and says no more
settled() {
    local end=$((SECONDS + 240)) tag=${3-gpuanchord} # a busy processor gives a watcher a second now and then
    until [ "$(journalctl --sync && journalctl -q -t $tag -o cat --since "$since" | grep -c "$1")" = "$2" ]; do
        [ $SECONDS -lt $end ] || fail "$tag never said '$1' $2 times: $(journalctl -q -t $tag -o cat --since "$since")$(systemctl status gpuanchord)"
        sleep 0.5
    done
}

# played NAME - NAME.txt has what was typed and printed
played() {
    echo "--- $1 begins"
    cat $SESSION
    echo "--- $1 ends"
    diff -u "${BASH_SOURCE[0]%/*}/../$1.txt" $SESSION ||
        fail "$1.txt reads otherwise by now: bash tests/record.sh, and look at its difference"
}

case_session() {
    local since
    : >$SESSION
    rm -f /var/lib/vz/snippets/gpuanchor-hook
    guide_subgid
    guide_lines $A | container
    sed -i '/^hookscript/d' $CONF
    sleep 1 # --since has whole seconds
    since=$(date '+%F %T')

    typed "gpuanchor gpus"
    typed "grep -e 226 -e dri /etc/pve/lxc/101.conf"
    typed "gpuanchor enable 101"
    typed "systemctl start gpuanchord"
    settled remembered 1
    typed "pct start 101"
    typed "pct exec 101 -- ls /dev/dri"
    sees $A
    told "# pct shutdown 101    # then a reboot, and the cards come up with each other's numbers"
    stop
    systemctl stop gpuanchord
    rm -rf /run/gpuanchor
    not_looked
    cards $B $A
    systemctl start gpuanchord
    settled "out of date" 1
    typed "journalctl -t gpuanchord -o cat -n 3"
    typed "pct start 101"
    typed "pct exec 101 -- ls /dev/dri"
    sees $A
    settled "resolved.*out of date" 1
    systemctl start gpuanchor-look.path # asked for by the start; a host has it enabled
    settled 'may not open' 1 gpuanchor
    typed "gpuanchor status"
    sed -i 's/runs: [0-9]* s ago/runs: 1 s ago/' $SESSION
    played session
}

# A program in the container that draws a picture now and then, and says when it has another GPU.
program_inside() {
    on_disk /bin/draw <<'END'
#!/bin/sh
was=
while usleep 100000; do
    now="no GPU, waiting"
    for node in /dev/dri/renderD*; do
        { [ -c $node ] && (exec 3<$node); } 2>/dev/null || continue
        card=$(readlink -f /sys/dev/char/$(printf %d:%d $(stat -c '0x%t 0x%T' $node)) | grep -o '/0000:[^/]*' | tail -n 1 | tr -d /)
        [ -z "$card" ] || now="drawing with $card by $node"
    done
    [ "$now" = "$was" ] || echo "$now"
    was=$now
done
END
    chmod 755 $DISK/bin/draw
    printf '::sysinit:/bin/true\n::shutdown:/bin/true\n' | on_disk /etc/inittab
    sed -i '1a ::once:/bin/sh -c "exec su viewer -c /bin/draw >/tmp/draw.log 2>\&1"' $DISK/etc/inittab
    : >$DISK/tmp/draw.log
    chmod 666 $DISK/tmp/draw.log
}

drawn() { # TEXT - is what it said last
    local end=$((SECONDS + 240))
    until inside tail -n 1 /tmp/draw.log | grep -qF "$1"; do
        [ $SECONDS -lt $end ] || fail "the program inside does not say '$1': $(inside cat /tmp/draw.log)"
        sleep 0.5
    done
}

case_unplug() {
    local since driver=/sys/bus/pci/drivers/virtio-pci ended
    : >$SESSION
    program_inside
    rm -f /run/gpuanchor-look/wanted
    systemctl start gpuanchor-look.path gpuanchor-look.timer gpuanchord
    policy <<<"gpu = pci:$A"
    dev_lines $A | container
    sleep 1 # --since has whole seconds
    since=$(date '+%F %T')
    start
    ended=$(lxc-info -n 101 -pH)
    drawn "drawing with $A"
    settled 'may not open' 1 gpuanchor

    typed "pct exec 101 -- cat /tmp/draw.log"
    typed "gpuanchor status"
    typed "echo $A >$driver/unbind    # it is unplugged"
    drawn "no GPU"
    settled 'was taken out' 2 gpuanchor
    typed "journalctl -t gpuanchor -o cat -g 'taken out' -n 2"
    typed "echo $B >$driver/unbind; echo $B >$driver/bind    # another card takes its numbers"
    typed "echo $A >$driver/bind    # and it is plugged in again"
    drawn "drawing with $A"
    settled 'came into' 2 gpuanchor
    typed "journalctl -t gpuanchor -o cat -g 'came into' -n 2"
    typed "pct exec 101 -- cat /tmp/draw.log"
    typed "grep ^dev /etc/pve/lxc/101.conf"
    [ "$(lxc-info -n 101 -pH)" = "$ended" ] || fail "the container was restarted"
    sed -i 's/runs: [0-9]* s ago/runs: 1 s ago/' $SESSION
    played unplug
    rm $DISK/bin/draw $DISK/tmp/draw.log
    printf '::sysinit:/bin/true\n::shutdown:/bin/true\n' | on_disk /etc/inittab
}
