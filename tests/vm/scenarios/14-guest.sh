# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# 14. The container's own side
#
# A service in the container that is to reach the GPU: its groups, its drop-in,
# its restart. What counts is what the service says it opened.

# A unit of Ollama's name and user, whose program opens every render node that
# there is and says in its journal which one that was.
ollama_container() {
    systemd_container
    on_disk /usr/local/bin/ollama <<'END'
#!/bin/bash
for n in /dev/dri/renderD*; do
    if exec 3<>"$n"; then
        echo "opened $n $(stat -c %t:%T "$n") as $(id -un):$(id -Gn) vulkan=${OLLAMA_VULKAN:-}"
    else
        echo "not opened $n"
    fi
done
exec sleep infinity
END
    chmod 755 $DISK/usr/local/bin/ollama
    on_disk /etc/systemd/system/ollama.service <<'END'
[Service]
ExecStart=/usr/local/bin/ollama serve
User=ollama
Group=ollama
END
    mkdir -p $DISK/etc/systemd/system/multi-user.target.wants
    ln -s ../ollama.service $DISK/etc/systemd/system/multi-user.target.wants/
    chown -hR 100000:100000 $DISK/etc/systemd/system/multi-user.target.wants
    echo 'ollama:x:900:900::/tmp:/bin/false' >>$DISK/etc/passwd
    echo 'ollama:x:900:' >>$DISK/etc/group
    # an emulated machine takes its time
    echo 'guest-timeout = 300' | policy
    guide_subgid
    guide_lines $A | container
}

enable_102() {
    gpuanchor enable 102 "$@" || fail "enable: $?"
}

# service_opened PCI - the last that the service said
service_opened() {
    local path line
    path=$(node $1 render)
    line="opened $path $(hex "$(number $1 render)") as ollama:"
    timeout 300 lxc-attach -n 102 --clear-env -- sh -c '
        until journalctl -q -u ollama -o cat | grep -e opened | tail -n 1 | grep -q -F "$1"; do
            sleep 2
        done' sh "$line" || {
        inside journalctl -q -u ollama
        fail "the service did not say '$line'"
    }
    inside journalctl -q -u ollama -o cat | grep opened | tail -n 1 | tee /run/said
    grep -q "render.* vulkan=1$" /run/said || fail "group or environment: $(cat /run/said)"
}

dropin() { cat $DISK/etc/systemd/system/ollama.service.d/50-gpuanchor.conf; }

dropin_names() {
    [ "$(dropin | grep ^DeviceAllow)" = "DeviceAllow=$(node $1 card) rw
DeviceAllow=$(node $1 render) rw" ] || fail "drop-in: $(dropin | join_lines)"
}
join_lines() { paste -sd '|'; }

case_swap() { # long: swap-while-it-runs
    ollama_container
    enable_102 --preset ollama
    start
    said "group render created in the container with gid 110" "user ollama of the container added" \
        "ollama.service.d/50-gpuanchor.conf written"
    grep -x 'render:x:110:ollama' $DISK/etc/group || fail "$(grep render $DISK/etc/group)"
    dropin
    dropin_names $A
    dropin | grep -x 'SupplementaryGroups=video render' || fail "no groups"
    dropin | grep -x 'Environment="OLLAMA_VULKAN=1"' || fail "no environment"
    service_opened $A
    cards $B $A
    pct reboot 102 >/run/seen 2>&1 </dev/null || fail "pct reboot: $(cat /run/seen)"
    sed 's/^/    pct: /' /run/seen
    said "ollama.service.d/50-gpuanchor.conf written"
    dropin_names $A
    service_opened $A
    # nothing to do, nothing said
    stop
    start
    ! grep -e guest -e 50-gpuanchor -e created /run/seen || fail "said again"
    # no longer wanted: gone inside
    gpuanchor disable 102 | tee /run/seen
    said "50-gpuanchor.conf removed"
    [ ! -e $DISK/etc/systemd/system/ollama.service.d ] || fail "the drop-in is still there"
}

# The cards change places while it runs: the look brings the nodes, the drop-in and the service
# in line, and the container is not restarted; a second one restarts nothing.
case_swap_while_it_runs() {
    local init run
    ollama_container
    enable_102 --preset ollama
    rm -f /run/gpuanchor-look/wanted
    systemctl start gpuanchor-look.path gpuanchord || fail "the look's units do not start"
    start
    service_opened $A
    init=$(lxc-info -n 102 -pH)
    eventually grep '^gate closed' /run/gpuanchor/102.held
    cards $B $A
    eventually dropin_names $A
    service_opened $A
    [ "$(lxc-info -n 102 -pH)" = "$init" ] || fail "the container was restarted"
    eventually is_finished
    systemctl stop gpuanchor-look.path gpuanchord
    run=$(inside systemctl show -P InvocationID ollama)
    gpuanchor look </dev/null >/run/seen 2>&1 || fail "look: $?: $(cat /run/seen)"
    [ ! -s /run/seen ] || fail "a second look says: $(cat /run/seen)"
    [ "$(inside systemctl show -P InvocationID ollama)" = "$run" ] || fail "it was restarted again"
    journalctl -q -u gpuanchor-look -o cat | grep -i -e denied -e 'not permitted' && fail "the unit forbids too much"
    stop
}
eventually() { # COMMAND... - within two minutes
    wait_until 120 "$@" && return
    cat /run/try /run/gpuanchor/102*
    journalctl -q -n 40 -u gpuanchor-look -o cat
    fail "in vain: $*"
}
is_finished() { ! grep -e ^unfinished -e ^undone /run/gpuanchor/102.held; }

# One step behind after a reboot inside, which runs no post-start; the next start repairs it.
case_reboot_inside() { # long
    ollama_container
    enable_102 --preset ollama
    start
    cards $B $A
    reboot_inside
    inside ls /dev/dri | grep -x "$(basename "$(node $A render)")" || fail "not its own GPU"
    dropin_names $B
    pct reboot 102 >/run/seen 2>&1 </dev/null || fail "pct reboot"
    dropin_names $A
}

# A group that is there keeps its number.
case_other_gid() { # long
    ollama_container
    echo 'render:x:995:' >>$DISK/etc/group
    enable_102 --preset ollama
    start
    said "group render has gid 995 in the container" "not renumbered"
    grep -x 'render:x:995:ollama' $DISK/etc/group || fail "$(grep render $DISK/etc/group)"
}

# Stopped when it is disabled: what stays is said.
case_disable_stopped() { # long
    ollama_container
    enable_102 --preset ollama
    start
    dropin_names $A
    stop
    gpuanchor disable 102 | tee /run/seen
    said "102 does not run: /etc/systemd/system/ollama.service.d/50-gpuanchor.conf stays in it"
}

# No systemd and no shadow: groups by addgroup, nothing for the service. The
# machine's busybox lacks addgroup; this one takes what Alpine's takes.
case_without_systemd() { # long
    sed -i /^render:/d $DISK/etc/group
    cat >$DISK/sbin/addgroup <<'END'
#!/bin/sh
if [ "$1" = -g ]; then
    echo "$3:x:$2:" >>/etc/group
else
    sed -i "/^$2:/{s/:\$/:$1/;t;s/\$/,$1/}" /etc/group
fi
END
    chmod 755 $DISK/sbin/addgroup
    chown 100000:100000 $DISK/sbin/addgroup
    guide_subgid
    guide_lines $A | container
    policy <<'END'
guest-timeout = 120
guest-groups = ensure
guest-users = viewer nobody-there
guest-service = ollama.service
END
    start
    rm $DISK/sbin/addgroup
    said "group render created in the container with gid 110" "has no systemd" "has no user nobody-there"
    grep -x 'render:x:110:viewer' $DISK/etc/group || fail "$(grep render $DISK/etc/group)"
    sees $A
    [ ! -e $DISK/etc/systemd ] || fail "a folder of systemd's"
}
