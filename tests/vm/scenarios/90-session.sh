# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# 90. A session, as README shows it: enrol, renumber, next boot, alert
#
# Everything between the two marks in the machine's log was typed and printed
# here. No time, process id or cursor is in it, so that every run gives the same
# lines: they must be those of session.txt, which tests/record.sh renews and
# draws. The reboot is stood in for, as in 10-watcher: the watcher stops, /run is
# empty, the cards get their driver in the other order, the watcher starts.

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

# the watcher has seen the last change, and says no more
settled() {
    local end=$((SECONDS + 240)) # a watcher has seconds of a processor that three machines share
    until [ "$(journalctl --sync && journalctl -q -t gpuanchord -o cat --since "$since" | grep -c "$1")" = "$2" ]; do
        [ $SECONDS -lt $end ] || fail "the watcher never said '$1' $2 times: $(journalctl -q -t gpuanchord -o cat --since "$since")$(systemctl status gpuanchord)"
        sleep 0.5
    done
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
    typed "gpuanchor status"

    echo "--- session begins"
    cat $SESSION
    echo "--- session ends"
    diff -u "${BASH_SOURCE[0]%/*}/../session.txt" $SESSION ||
        fail "the session reads otherwise by now: bash tests/record.sh, and look at its difference"
}
