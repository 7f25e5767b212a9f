# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# 13-inside - gpuanchor doctor looks into a running container: what is broken in there breaks
# exactly the checks that it should, and the printed commands, run as printed, correct it

# doctor - its fields in /run/doctor: group, check, verdict, subject, evidence, command
doctor() {
    local status=0
    gpuanchor doctor --plain $CT >/run/doctor 2>/run/doctor.err </dev/null || status=$?
    sed -i '/^inside\tgate\t/d' /run/doctor # no look runs in these cases, so nothing sets it: 18-live
    sed 's/^/    doctor: /' /run/doctor /run/doctor.err
    [ $status -le 1 ] || fail "doctor: exit status $status"
}

# amiss WORD... - these checks of the groups inside and layer-3, and no other, are not ok
amiss() {
    local got
    got=$(awk -F'\t' '($1 == "inside" || $1 == "layer-3") && $3 ~ /warning|failed/ { print $2 }' /run/doctor |
        sort -u | xargs)
    [ "$got" = "$*" ] || fail "doctor: not ok: ${got:-nothing} - expected: ${*:-nothing}"
}

# answers CHECK VERDICT TEXT - one of the lines
answers() {
    awk -F'\t' -v c="$1" -v v="$2" -v t="$3" \
        '$2 == c && $3 == v && index($0, t) { found = 1 } END { exit !found }' /run/doctor ||
        fail "doctor does not say: $1 $2 $3"
}

# correct - run every command that was printed for these groups
correct() {
    awk -F'\t' '($1 == "inside" || $1 == "layer-3") && $3 ~ /warning|failed/ && $6 != "-" { print $6 }' \
        /run/doctor | sort -u >/run/commands
    [ -s /run/commands ] || fail "doctor prints no command"
    sed 's/^/    correct: /' /run/commands
    while read -r command; do
        sh -xc "$command" </dev/null || [ $? = 1 ] || fail "$command: exit status $?" # 1: done, and told something
    done </run/commands
}

# A service in place of Ollama: opens the render node, and says what came of it as Ollama does.
ollama() {
    on_disk /usr/local/bin/ollama <<'END'
#!/bin/bash
found='id=cpu library=cpu compute="" name=cpu'
for node in /dev/dri/renderD*; do
    if { exec 3<>"$node"; } 2>/dev/null; then
        found='id=0 library=Vulkan compute=0.0 name=Vulkan0 description="Virtio-GPU Venus"'
    fi
done
echo 'level=INFO source=routes.go:1544 msg="server config" env="map[OLLAMA_VULKAN:true]"'
echo "level=INFO source=types.go:60 msg=\"inference compute\" $found"
exec sleep infinity
END
    chmod 755 $DISK/usr/local/bin/ollama
    on_disk /etc/systemd/system/ollama.service <<'END'
[Unit]
StartLimitIntervalSec=0
[Service]
ExecStart=/usr/local/bin/ollama serve
User=ollama
Restart=no
END
    on_disk /etc/systemd/system/ollama.service.d/amd-gpu.conf <<END
[Service]
Environment=OLLAMA_VULKAN=1
DeviceAllow=$(node $A card) rw
DeviceAllow=$(node $A render) rw
END
    ln -s /etc/systemd/system/ollama.service $DISK/etc/systemd/system/multi-user.target.wants/
    echo 'ollama:x:998:998::/usr/share/ollama:/usr/sbin/nologin' >>$DISK/etc/passwd
    echo 'ollama:x:998:' >>$DISK/etc/group
}

debian() {
    systemd_container
    echo 'guest-timeout = 300' | policy # an emulated machine takes its time
    guide_lines $A | container
    guide_subgid
    sed -i '/^render:/d' $DISK/etc/group
}

# ollama_spoke - the service, as it was last started, says in its journal what it found
ollama_spoke() {
    local end=$((SECONDS + 60)) run
    run=$(inside systemctl show -P InvocationID ollama.service)
    until inside journalctl -q --no-pager -o cat "_SYSTEMD_INVOCATION_ID=$run" | grep -q 'inference compute'; do
        [ $SECONDS -lt $end ] || fail "ollama.service says nothing"
        sleep 1
    done
}

case_layers() { # long
    debian
    ollama
    sed -i 's/^video:x:44:.*/video:x:44:ollama/' $DISK/etc/group
    echo 'render:x:110:ollama' >>$DISK/etc/group
    start
    booted
    ollama_spoke
    doctor
    amiss
    answers inside-node ok "$(node $A render)"
    answers inside-open ok "$(node $A render)"
    answers inside-open ok "$(node $A card)"
    answers in-use ok "$(node $A render)"
    answers service-group ok "user ollama"
    answers service-open ok "$(node $A render)"
    answers ollama-vulkan ok set
    answers ollama-log ok Virtio-GPU
    answers vulkan skipped "not installed"

    echo "--- a line that names a node of yesterday"
    inside sed -i "s|$(node $A render) rw|/dev/dri/renderD777 rw|" /etc/systemd/system/ollama.service.d/amd-gpu.conf
    inside systemctl daemon-reload
    inside systemctl restart ollama.service
    ollama_spoke
    doctor
    amiss service-devices
    answers service-devices warning renderD777
    correct
    ollama_spoke
    doctor
    amiss

    echo "--- PrivateDevices"
    inside sh -c 'printf "[Service]\nPrivateDevices=yes\n" >/etc/systemd/system/ollama.service.d/private.conf'
    inside systemctl daemon-reload
    inside systemctl restart ollama.service
    ollama_spoke
    doctor
    amiss ollama-log service-devices service-open
    answers service-devices failed PrivateDevices
    correct
    ollama_spoke
    doctor
    amiss

    echo "--- user not in the group"
    inside gpasswd -d ollama render
    inside systemctl restart ollama.service
    ollama_spoke
    doctor
    amiss ollama-log service-group service-open
    answers service-group failed "not in group render"
    answers service-open failed EACCES
    correct
    ollama_spoke
    doctor
    amiss

    echo "--- no OLLAMA_VULKAN"
    inside sh -c 'sed -i /OLLAMA_VULKAN/d /etc/systemd/system/ollama.service.d/*.conf'
    inside sh -c 'echo "#!/bin/sh
echo msg=\\\"experimental Vulkan support disabled.  To enable, set OLLAMA_VULKAN=1\\\"
echo msg=\\\"inference compute\\\" id=cpu library=cpu
exec sleep infinity" >/usr/local/bin/ollama'
    inside systemctl daemon-reload
    inside systemctl restart ollama.service
    ollama_spoke
    doctor
    amiss ollama-log ollama-vulkan
    correct
    doctor
    answers ollama-vulkan ok set
}

case_group_missing() { # long: layers of 13-inside, test-doctor.sh
    debian
    start
    booted
    doctor
    amiss inside-group
    answers inside-group failed render
    answers inside-open ok "$(node $A render)" # for the gid, if somebody had it
    correct
    doctor
    amiss
    [ "$(inside getent group render)" = render:x:110: ] || fail "inside: $(inside getent group render)"

    echo "--- a unit that the policy names and the container lacks"
    printf 'guest-timeout = 300\nguest-service = gone.service\n' | policy
    doctor
    amiss systemd
    answers systemd failed "gone.service	the policy names it"
}

# The host's render group moved while the container runs: nobody:nogroup, in the guide's words.
case_nogroup() { # long
    debian
    echo 'render:x:110:' >>$DISK/etc/group
    start
    booted
    doctor
    amiss
    host_render_moves_to 1993
    doctor
    amiss inside-node inside-open
    answers inside-node failed nobody:nogroup
    answers inside-open failed EACCES
}

# Layer 2 counts in a privileged container: bound nodes, and no line that allows them.
case_cgroup() { # long
    container_render_group "$(host_render_gid)"
    guide_lines $A | grep mount.entry | container
    sed -i -e /^unprivileged/d -e /^hookscript/d $CONF
    start
    doctor
    amiss inside-open
    answers inside-open failed EPERM
    correct
    doctor
    amiss
}

# The container's root plays tricks on whoever looks.
# silent FD FOLDER - mount over a folder of the container what never answers
silent() {
    nsenter -t "$(lxc-info -n $CT -pH)" -m \
        mount -i -t fuse -o "fd=$1,rootmode=40000,user_id=0,group_id=0" silent "$2"
}

case_hostile() { # long
    debian
    echo 'render:x:110:' >>$DISK/etc/group
    on_disk /usr/bin/vulkaninfo <<'END'
#!/bin/sh
trap '' TERM INT HUP
echo "deviceName = $(printf '\033]0;owned\007') RADV"
while :; do sleep 1000; done
END
    on_disk /usr/bin/vainfo <<'END'
#!/bin/sh
exec yes 'vainfo: Driver version: Mesa'
END
    chmod 755 $DISK/usr/bin/vulkaninfo $DISK/usr/bin/vainfo
    start
    booted
    local begin=$SECONDS
    doctor
    [ $((SECONDS - begin)) -lt 120 ] || fail "doctor took $((SECONDS - begin)) s"
    amiss va-api vulkan
    answers vulkan warning "did not end"
    answers va-api warning "without end"
    [ -z "$(inside sh -c 'cat /proc/[0-9]*/comm' | grep -x -e vulkaninfo -e vainfo -e yes)" ] ||
        fail "a program was left behind inside"
    ! grep -q "$(printf '\033')" /run/doctor || fail "an escape sequence got through"

    inside sh -c 'rm /etc/group /etc/passwd; mkfifo /etc/group; ln -s /proc/1/root/etc/shadow /etc/passwd'
    doctor
    answers inside-group skipped "not a regular file"
    inside sh -c 'rm /etc/group; truncate -s 10G /etc/group'
    doctor
    answers inside-group skipped "not a regular file"
    # a node of its own making, under the name of one that was given
    inside sh -c 'ln -sfn /dev/null /dev/dri/card77; : >/dev/dri/renderD777'
    doctor
    answers inside-open ok "$(node $A render)"

    # file systems that never answer: nobody waits for them, and no start fails
    sed -i 's/^guest-timeout.*/guest-timeout = 5/' $POLICY
    exec 7<>/dev/fuse 8<>/dev/fuse
    silent 7 /dev/dri
    hook post-start || fail "post-start: exit status $?"
    said "reading its files failed" "no answer within 10 s"
    silent 8 /etc/systemd/system
    gpuanchor apply $CT >/run/seen 2>&1 && fail "apply has nothing to say"
    said "reading its files failed" "no answer within 15 s"
    gpuanchor disable $CT >/run/seen 2>&1 && fail "disable has nothing to say"
    said "hookscript of $CT removed" "reading its files failed" "no answer within 15 s"
    exec 7>&- 8>&-
}

# busybox: no systemd, no groupadd, here not even addgroup
case_no_systemd() { # long
    guide_lines $A | container
    guide_subgid
    start
    doctor
    amiss
    answers inside-open ok "$(node $A render)"
    answers systemd skipped "does not run systemd"
    inside sed -i '/^render:/d' /etc/group
    doctor
    amiss inside-group
    correct
    doctor
    amiss
}
