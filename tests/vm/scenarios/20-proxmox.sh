# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# 20. What Proxmox and udev do around a container
#
# Backups, restores, clones and numbers that are used again; a reboot inside that Proxmox cannot
# finish; nodes that udev gives their group late; what is said of a container whose nodes became
# another GPU's. Unless a case asks for it the look does not run: what follows by itself is in 18-live.

# shellcheck source=tests/vm/scenarios/10-watcher.sh
. "${BASH_SOURCE[0]%/*}/10-watcher.sh" # entries of the journal: mark, told, everything
# shellcheck source=tests/vm/scenarios/18-live.sh
. "${BASH_SOURCE[0]%/*}/18-live.sh" # second_container

MAC=BC:24:11:00:01:01
net() { echo "net0: name=eth0,bridge=vmbr0,hwaddr=$1,type=veth"; }

# managed PCI [LINE] - 101 with a guide's lines of that card and a MAC, pinned by a policy
managed() {
    printf 'gpu = pci:%s\n%s\n' "$1" "${2-}" | policy
    guide_subgid
    { net $MAC && guide_lines "$1"; } | container
}

# doctor_says CHECK VERDICT WORDS - and exit status 1, for that is a failure
doctor_says() {
    local status=0
    gpuanchor doctor $CT --plain >/run/seen || status=$?
    grep -v "$(printf '\tok\t')" /run/seen || :
    [ $status = 1 ] || fail "doctor: exit status $status"
    awk -F'\t' -v c="$1" -v v="$2" '$2 == c && $3 == v' /run/seen | grep -qF -- "$3" || fail "doctor does not say $1 $2 $3"
}

# open_says CODE - status has that finding, and exit status 1
open_says() {
    local status=0
    gpuanchor status --json >/run/seen || status=$?
    gpuanchor status || :
    [ $status = 1 ] || fail "status: exit status $status"
    grep -q "\"code\":\"$1\"" /run/seen || fail "status has no $1"
}

unsaid() { ! grep -qiF -- "$1" /run/seen || fail "the task log says '$1'"; }

# --- backups ---------------------------------------------------------------------------------------

case_backup_stops_it() { # long
    managed $A
    start
    cards $B $A
    vzdump $CT --mode stop
    ! grep ^lock $CONF || fail "the lock stayed"
    sees $A
    stop
}

# The same container again, with the lines of its backup, which the cards have left since.
case_restore_over_it() { # long
    managed $A
    start
    stop
    vzdump $CT
    cards $B $A
    start
    stop
    pct restore $CT /var/lib/vz/dump/vzdump-lxc-$CT.tar --force 1
    grep -q "$MAC" $CONF || fail "the restore changed the MAC"
    start
    sees $A
    unsaid 'set aside'
}

# Another number: it has no policy, and lines that nobody has seen before.
case_restore_and_clone() { # long
    managed $A
    start
    stop
    vzdump $CT
    pct restore 104 /var/lib/vz/dump/vzdump-lxc-101.tar --unique 1
    the_container 104
    ! grep -q "$MAC" $CONF || fail "--unique kept the MAC"
    grep -q '^hookscript: local:snippets/gpuanchor-hook$' $CONF || fail "the hookscript is gone"
    gpuanchor enable 104 --gpu pci:$B
    start
    sees $B
    stop
    pct destroy 104
    the_container 101
    pct clone 101 104 --hostname other
    the_container 104
    start
    unsaid 'set aside'
    stop
    gpuanchor enable 104 --gpu pci:$B
    start
    sees $B
    the_container 101
    start
    sees $A
}

# pct destroy leaves the policy; the number is used again by a container of the other card.
case_number_used_again() { # long
    managed $A
    pct clone 101 104
    the_container 104
    gpuanchor enable 104 --gpu pci:$A
    start
    sees $A
    stop
    pct destroy 104
    [ -e $POLICY ] || fail "destroy took gpuanchor's file"
    [ ! -e $CONFIG ] && [ ! -e $DISK ] || fail "destroy left something"
    pct clone 101 104 --hostname another
    { net BC:24:11:00:02:02 && guide_lines $B; } | container
    sed -i 's/^hostname: .*/hostname: another/' $CONF
    start
    said 'earlier container'
    sees $B
}

# --- a reboot inside -------------------------------------------------------------------------------

# dev_gone - 101 runs with devN nodes of A, whose paths then go
dev_gone() {
    cards $B $A
    printf 'gpu = pci:%s\nrunning = leave\n' $A | policy
    dev_lines $A | container
    start
    sees $A
}

is_stopped() { [ "$(pct status $CT)" = "status: stopped" ]; }

# Proxmox's post-stop hook ends with an error, and the unit is not started again.
case_down_after_a_reboot_inside() {
    dev_gone
    watch
    cards $B
    wait_for is_told GPUANCHOR_CODE=container-no-start GPUANCHOR_VMID=$CT PRIORITY=4
    mark
    inside reboot
    wait_for is_told GPUANCHOR_CODE=container-down GPUANCHOR_VMID=$CT PRIORITY=3
    is_stopped || fail "it runs"
    open_says container-down
    sh -c "$(remedy_of container-down)" || fail "the remedy fails: $(remedy_of container-down)"
    sees_none
    wait_for is_told GPUANCHOR_CODE=container-down GPUANCHOR_RESOLVED=1
    # a stop, from outside and from inside, and a start are nothing of the kind
    mark
    stop
    look_again
    start
    inside poweroff
    wait_for is_stopped
    look_again
    not_told GPUANCHOR_CODE=container-down
}

# The look sees the drift first, and the reboot finds a file with which it can start.
case_up_after_a_reboot_inside() { # long
    dev_gone
    cards $B
    gpuanchor look >/run/seen || fail "the look: $(cat /run/seen)"
    ! grep ^dev $CONF || fail "the lines of paths that are gone are still there"
    reboot_inside
    sees_none
    cards $B $A
    reboot_inside
    sees $A
}

# pct reboot is a stop and a start: the hookscript runs, if Proxmox finds the paths of devN.
case_pct_reboot_without_the_gpu() { # long
    managed $A
    start
    sees $A
    cards $B
    pct reboot $CT >/run/seen 2>&1 || fail "pct reboot: $(cat /run/seen)"
    cat /run/seen
    said 'has no driver'
    sees_none
    cards $B $A
    pct reboot $CT || fail "pct reboot"
    sees $A
}

case_pct_reboot_without_the_gpu_dev() { # long
    dev_gone
    cards $B
    gpuanchor look >/run/seen || fail "the look: $(cat /run/seen)"
    pct reboot $CT >/run/seen 2>&1 || fail "pct reboot: $(cat /run/seen)"
    cat /run/seen
    sees_none
    cards $B $A
    pct reboot $CT || fail "pct reboot"
    sees $A
    # before the look Proxmox does not start it: the path is gone
    cards $B
    ! pct reboot $CT >/run/seen 2>&1 || fail "it started, with a path that is gone"
    said 'does not exist'
    is_stopped || fail "it runs"
    gpuanchor apply $CT || :
    start
    sees_none
}

# Quorum is lost and comes back between two steps of Proxmox: what LXC reads is local and is enough.
case_no_quorum_at_a_reboot_inside() { # long
    local drop=/run/systemd/system/pve-container@.service.d
    managed $A "running = leave"
    start
    cards $B $A
    save_files
    mkdir -p $drop
    printf '[Service]\nExecStartPre=/bin/rm -f /run/pmxcfs/no-quorum\n' >$drop/60-quorum.conf
    systemctl daemon-reload
    touch /run/pmxcfs/no-quorum
    reboot_inside
    rm -r $drop && systemctl daemon-reload
    sees $A
    cmp $CONF /run/conf.saved || fail "101.conf was written without quorum"
    journalctl --sync
    journalctl -q -t gpuanchor-hook -o cat -n 20 >/run/seen
    cat /run/seen
    said 'right for this start alone'
    gpuanchor look >/run/seen || fail "the look: $(cat /run/seen)"
    ! cmp -s $CONF /run/conf.saved || fail "101.conf does not follow"
    stop
    start
    sees $A
}

# --- udev ------------------------------------------------------------------------------------------

# udev_holds SUBSYSTEM - as long as /run/held is there, it gives no node of that subsystem its group and mode
udev_holds() {
    touch /run/held
    mkdir -p /run/udev/rules.d
    echo "SUBSYSTEM==\"$1\", PROGRAM=\"/bin/sh -c 'while [ -e /run/held ]; do sleep 0.1; done'\"" >/run/udev/rules.d/00-held.rules
    udevadm control --reload
}

# The driver's nodes are there as root:root 0600 for a while.
case_group_comes_late() { # long
    printf 'gpu = pci:%s\nmissing = wait:60\n' $A | policy
    guide_subgid
    cards $A
    guide_lines $A | container
    cards
    udev_holds drm
    (sleep 4 && echo $A >/sys/bus/pci/drivers/virtio-pci/bind && sleep 6 && rm /run/held) &
    start
    wait
    udevadm settle
    sees $A
    stop
    # the same without an event before it: the node is there, its group is not
    cards
    touch /run/held
    echo $A >/sys/bus/pci/drivers/virtio-pci/bind
    until [ -c /dev/dri/renderD128 ]; do sleep 0.1; done
    [ "$(stat -c %G /dev/dri/renderD128)" = root ] || fail "udev was too fast for this case"
    (sleep 6 && rm /run/held) &
    start
    wait
    udevadm settle
    sees $A
}

# A queue that is busy with something else costs nothing.
case_queue_is_busy() { # long
    printf 'gpu = pci:%s\nmissing = wait:60\n' $A | policy
    guide_subgid
    guide_lines $A | container
    start
    stop
    udev_holds mem
    udevadm trigger --action=change --subsystem-match=mem
    start
    ! udevadm settle --timeout=0 || fail "the queue was not busy, which this case needs"
    unsaid 'waits'
    rm /run/held
    sees $A
}

# --- what is said of a container that runs -----------------------------------------------------------

# devN nodes stay, and open whoever has their number by now.
case_says_other_gpu() {
    printf 'gpu = pci:%s\nrunning = leave\ngate = no\n' $A | policy
    dev_lines $A | container
    start
    gpuanchor look
    cards $B $A
    gpuanchor apply $CT
    doctor_says inside-node failed "opens another GPU"
    doctor_says inside-node failed "pct reboot"
    gpuanchor look || :
    open_says container-wrong-gpu
    pct reboot $CT
    sees $A
    gpuanchor look
    gpuanchor doctor $CT --plain | awk -F'\t' '$2 == "inside-node" && $3 != "ok" { bad = 1; print } END { exit bad }' || fail "doctor is not content after the remedy"
}

# The root of a privileged container opens a bound node that its host has removed, by its number.
case_says_other_gpu_privileged() { # long
    printf 'gpu = pci:%s\nrunning = leave\ngate = no\n' $A | policy
    guide_lines $A | grep -v idmap | container
    sed -i 's/^unprivileged: .*/unprivileged: 0/' $CONF
    start
    gpuanchor look
    cards $B $A
    gpuanchor apply $CT
    doctor_says inside-node failed "opens another GPU"
    ! grep -e '--video-gid' /run/seen || fail "doctor advises another gid"
    gpuanchor look || :
    open_says container-wrong-gpu
}

# Given, and not usable: the map of what runs cannot follow the host's group.
case_says_unusable() { # long
    managed $A "running = leave"
    start
    gpuanchor look
    host_render_moves_to 1989
    gpuanchor apply $CT
    gpuanchor look || :
    open_says inside-unusable
}

case_says_missing() { # long
    managed $A "running = leave"
    cards $B
    start
    sees_none
    cards $B $A
    gpuanchor apply $CT
    gpuanchor look || :
    open_says inside-missing
}

# A card that has gone does not come by a restart.
case_says_gone() { # long
    local form
    for form in guide_lines dev_lines; do
        managed $A "running = leave"
        net $MAC | cat - <($form $A) | container
        start
        gpuanchor look || :
        cards $B
        gpuanchor look || :
        gpuanchor status >/run/seen || :
        gpuanchor doctor $CT >>/run/seen || :
        cat /run/seen
        said 'has no driver'
        unsaid 'pct reboot'
        cards $A $B
        stop
    done
}

# The command of doctor for nodes that have kept the old group, with what it says of those that run.
case_remedy_of_an_old_group() { # long
    local command
    second_container
    managed $A "running = leave"
    start
    the_container 103
    printf 'gpu = pci:%s\nrunning = leave\n' $B | policy
    dev_lines $B | container
    start
    the_container 101
    watch
    mark
    groupmod -g 1994 render
    wait_for is_told GPUANCHOR_CODE=group-changed
    remedy_of group-changed >/run/seen
    said 'running containers that bind them lose them then, until they follow'
    sees $A
    doctor_says node-owner failed 'running containers that bind it lose it until they follow'
    command=$(awk -F'\t' '$2 == "node-owner" && $6 != "-" { print $6; exit }' /run/seen)
    echo "command: $command"
    sh -c "$command" || fail "the command fails: $command"
    udevadm settle
    [ "$(stat -c %g "$(node $A render)")" = 1994 ] || fail "the node has not got its group"
    view >/run/view && cat /run/view
    grep -q "^$(basename "$(node $A render)"): .* member no" /run/view || fail "the one that binds it has not lost it"
    (the_container 103 && sees $B)
    gpuanchor look || :
    open_says inside-unusable
    pct reboot $CT
    sees $A
}

# The hookscript's link leads nowhere: it runs on, and every start will fail.
case_hook_leads_nowhere() { # long
    managed $A
    start
    watch
    mark
    ln -sfn /usr/local/libexec/gpuanchor/gpuanchor-hook $LINK # of an installation that is gone
    touch /etc/group # a look
    wait_for is_told GPUANCHOR_CODE=hook-unusable GPUANCHOR_VMID=$CT PRIORITY=3
    open_says hook-unusable
    doctor_says hookscript failed "every start fails"
    sees $A
    stop
    start_refused
    said 'does not exist'
    sh -c "$(gpuanchor doctor $CT --plain | awk -F'\t' '$2 == "hookscript" { print $6 }')" || fail "doctor's command fails"
    start
    sees $A
    touch /etc/group
    wait_for is_told GPUANCHOR_CODE=hook-unusable GPUANCHOR_RESOLVED=1
}

# put_in_while_it_runs - the container has card A, and a node of B is added by hand
put_in_while_it_runs() {
    printf 'gpu = pci:%s\n' $A | policy
    dev_lines $A | container
    start
    watch
    mark
    pct set $CT --dev5 "$(node $B render),gid=$CT_RENDER" || fail "pct set"
}

# A card that is not its own is put into it while it runs: the owner is asked.
case_line_added_while_it_runs() {
    put_in_while_it_runs
    view >/run/view && cat /run/view
    grep -q "^$(basename "$(node $B render)"): .* member yes" /run/view || fail "it is not there at once"
    wait_for is_told GPUANCHOR_CODE=line-other-gpu GPUANCHOR_VMID=$CT PRIORITY=3
    remedy_of line-other-gpu
    open_says line-other-gpu
    gpuanchor look || :
    wait_for grep '^gate open dev5 was added while it runs' /run/gpuanchor/$CT.held
    view
    gpuanchor status || :
    # at the next start it goes, and is remembered
    stop
    start
    said "to give that GPU, too: gpuanchor enable $CT --gpu 'pci:$A pci:$B'" "to do without it: pct set $CT --delete dev5"
    sees $A
    ! grep ^dev5 $CONF || fail "dev5 stayed"
    # each of the two commands is the end of it
    gpuanchor enable $CT --gpu "pci:$A pci:$B" || fail "enable"
    pct reboot $CT
    grep "^dev5: $(node $B render),gid=$CT_RENDER$" $CONF || fail "dev5 did not come back"
    view >/run/view && cat /run/view
    grep -q "^$(basename "$(node $B render)"): .* member yes" /run/view || fail "it has not got it"
    wait_for is_told GPUANCHOR_CODE=line-other-gpu GPUANCHOR_RESOLVED=1
}

case_line_added_and_taken_out() { # long
    put_in_while_it_runs
    wait_for is_told GPUANCHOR_CODE=line-other-gpu GPUANCHOR_VMID=$CT PRIORITY=3
    pct set $CT --delete dev5 || fail "pct set --delete"
    grep '^delete: dev5$' $CONF || fail "it is not pending"
    gpuanchor status || :
    stop
    ! grep dev5 $CONF || fail "still there"
    wait_for is_told GPUANCHOR_CODE=line-other-gpu GPUANCHOR_RESOLVED=1
    start
    unsaid dev5
    sees $A
}

# --- enrolled while it runs --------------------------------------------------------------------------

# slow_pct SECONDS - as pct is on a node with much to do; undo with umount
slow_pct() {
    mkdir -p /run/slow
    printf '#!/bin/sh\n[ "$1" != set ] || sleep %s\nexec /usr/sbin/pct.real "$@"\n' "$1" >/run/slow/pct
    chmod 755 /run/slow/pct
    cp -a /usr/sbin/pct /usr/sbin/pct.real
    mount --bind /run/slow/pct /usr/sbin/pct
}

# not_enrolled LINE... - 101 with these lines runs, and nobody has enrolled it
not_enrolled() {
    guide_subgid
    container
    sed -i /^hookscript/d $CONF
    start
}

# Between policy and hookscript seven seconds pass, and the watcher looks.
case_enable_takes_long() { # long
    guide_lines $A | not_enrolled
    watch
    slow_pct 7
    mark
    gpuanchor enable $CT --gpu pci:$A >/run/seen 2>&1 &
    sleep 2
    touch /etc/group # a look in the middle of it
    wait $! || fail "enable: $(cat /run/seen)"
    look_again
    not_told GPUANCHOR_CODE=hook-missing
    gpuanchor disable $CT || fail "disable"
    look_again
    umount /usr/sbin/pct
    not_told GPUANCHOR_CODE=hook-missing
    # and who takes the line out by hand hears of it
    gpuanchor enable $CT --gpu pci:$A
    mark
    pct set $CT --delete hookscript
    wait_for is_told GPUANCHOR_CODE=hook-missing GPUANCHOR_VMID=$CT
}

# Its lines change while it runs; the nodes that it has follow as before, in the form that they have.
case_convert_while_it_runs() { # long
    managed $A
    start
    gpuanchor convert $CT --to dev || fail "convert to dev"
    sees $A
    cards $B $A
    gpuanchor look >/run/seen || fail "the look: $(cat /run/seen)"
    sees $A
    gpuanchor convert $CT --to idmap || fail "convert to idmap"
    cards $A $B
    gpuanchor look >/run/seen || fail "the look: $(cat /run/seen)"
    sees $A
    reboot_inside
    sees $A
    gpuanchor disable $CT || fail "disable"
    cards $B $A
    stop
    start
    sees $B # what its lines say now
}

# --- the journal -------------------------------------------------------------------------------------

# Hookscript and drop-in both look, and say the same once.
case_warning_once() {
    managed $A
    chgrp root "$(node $A card)"
    mark
    start
    said 'belongs to group root'
    journalctl --sync
    [ "$(journalctl -q -o cat --after-cursor="$(cat /run/cursor)" GPUANCHOR_CODE=node-group-root | grep -c .)" = 1 ] ||
        fail "said more than once: $(journalctl -q --after-cursor="$(cat /run/cursor)" GPUANCHOR_CODE=node-group-root)"
}

# What it means for the container is said, once; the next start asks usermod again.
case_subgid_is_locked() { # long
    printf 'gpu = pci:%s\nmethod = idmap\n' $A | policy
    container </dev/null
    rm -f $CONFIG
    printf 1 >/etc/subgid.lock # of a process that lives
    mark
    start
    said 'delegation of host gid' 'the container may lack its GPU'
    sees_none
    journalctl --sync
    [ "$(journalctl -q -o cat --after-cursor="$(cat /run/cursor)" GPUANCHOR_CODE=subgid-failed | grep -c .)" = 1 ] ||
        fail "not said once: $(journalctl -q --after-cursor="$(cat /run/cursor)" GPUANCHOR_CODE=subgid-failed)"
    rm /etc/subgid.lock
    stop
    start
    sees $A
}

# What udev has written of a node while its programs still run is no "done".
case_programs_of_udev_run() { # long
    local entry=/run/udev/data/c226:128
    printf 'gpu = pci:%s\nmissing = wait:60\n' $A | policy
    guide_subgid
    cards $A
    guide_lines $A | container
    cards
    mkdir -p /run/udev/rules.d
    echo 'SUBSYSTEM=="drm", KERNEL=="renderD*", RUN+="/bin/sleep 20"' >/run/udev/rules.d/00-slow.rules
    udevadm control --reload
    echo $A >/sys/bus/pci/drivers/virtio-pci/bind
    until grep -qs ^E:ID_PROCESSING=1 $entry; do
        udevadm settle --timeout=0 && fail "no such mark: $(cat $entry)"
        sleep 0.1
    done
    stat -c 'while programs run: %n %a %G' /dev/dri/renderD128
    start
    ! grep ^E:ID_PROCESSING $entry || fail "the start did not wait"
    udevadm settle
    sees $A
}
