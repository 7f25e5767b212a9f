#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# test-doctor.sh GPUANCHOR - doctor on folders that are hosts
# shellcheck disable=SC2317 # the cases are called by name
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

mkdir "$work/bin"
ln -s "$gpuanchor" "$work/bin/gpuanchor"
# pct set VMID --KEY VALUE | --delete KEY, and unlock; usermod and udevadm for the host in the folder
cat >"$work/bin/pct" <<'END'
#!/bin/sh
conf=$(dirname "$0")/../host/etc/pve/lxc/$2.conf
case "$1 $3" in
"unlock ") sed -i '/^lock:/d' "$conf" ;;
"set --delete") sed -i "/^$4:/d" "$conf" ;;
"set --"*) key=${3#--} && sed -i "/^$key:/d" "$conf" && { echo "$key: $4"; cat "$conf"; } >"$conf.tmp.1" && mv "$conf.tmp.1" "$conf" ;;
*) exit 255 ;;
esac
END
cat >"$work/bin/usermod" <<'END'
#!/bin/sh
while [ $# -gt 3 ]; do shift; done
case $1 in --add-subgids) file=subgid ;; --add-subuids) file=subuid ;; *) exit 2 ;; esac
echo "root:${2%-*}:$((${2#*-} - ${2%-*} + 1))" >>"$(dirname "$0")/../host/etc/$file"
END
cat >"$work/bin/udevadm" <<'END'
#!/bin/sh
[ "$1" = trigger ] || exit 0
for group in video:card render:renderD; do
    gid=$(sed -n "s/^${group%:*}:[^:]*:\([0-9]*\):.*/\1/p" "$GPUANCHOR_ROOT/etc/group")
    chown "0:${gid:-0}" "$GPUANCHOR_ROOT/dev/dri/${group#*:}"*
    chmod 660 "$GPUANCHOR_ROOT/dev/dri/${group#*:}"*
    chown "0:${gid:-0}" "$GPUANCHOR_ROOT/dev/kfd"
done
END
printf '#!/bin/sh\n' >"$work/bin/systemctl"
printf '#!/bin/sh\necho "$2:x:990:" >>"$GPUANCHOR_ROOT/etc/group"\n' >"$work/bin/groupadd"
chmod +x "$work/bin/"*
PATH=$work/bin:$PATH # of the commands that doctor prints; what runs pct itself has usr/sbin

# wrong CHECK... - these checks and no others are a warning or failed
wrong() {
    echo "$*" | tr ' ' '\n' | sort -u >"$work/want"
    awk -F'\t' '$3 == "warning" || $3 == "failed" { print $2 }' "$work/out" | sort -u >"$work/got"
    diff "$work/want" "$work/got" >&2 || fail "not exactly: $*"
}
# correct - run each command once, in the order of the report, as printed but for the folder
correct() {
    awk -F'\t' '($3 == "warning" || $3 == "failed") && $6 != "-" && !seen[$6]++ { print $6 }' "$work/out" |
        sed "/^pct /!s#\(^\|[ ']\)/\(dev\|etc\)/#\1$H/\2/#g" >"$work/commands"
    [ -s "$work/commands" ] || fail "no command"
    while read -r command; do
        sh -c "$command" >"$work/printed" 2>&1 </dev/null
        [ $? -le 1 ] || { cat "$work/printed" >&2; fail "$command"; } # 1: done, and told something
    done <"$work/commands"
}
# corrected CHECK... - exactly these are wrong, and the printed commands turn all green
corrected() {
    run 1 doctor --plain 101
    wrong "$@"
    correct
    run 0 doctor --plain 101
}
# answers VERDICT CHECK [TEXT] - a line of a pipe's output
answers() {
    awk -F'\t' -v v="$1" -v c="$2" -v t="${3-}" \
        '$2 == c && $3 == v && index($0, t) { found = 1 } END { exit !found }' "$work/out" ||
        fail "$2 is not $1${3+: $3}"
}

chosen() { # ADDRESS - by the policy: on a host with several GPUs, lines never seen before choose none
    mkdir -p "$H/etc/pve/gpuanchor"
    printf '[container]\ngpu = pci:%s\n' "$1" >"$H/etc/pve/gpuanchor/101.conf"
    sed -i '/^ostype/i hookscript: local:snippets/gpuanchor-hook' "$CONF"
    install -m 755 /dev/null "$H/var/lib/vz/snippets/gpuanchor-hook"
}

host() { # NAME - a fresh host with the guide's container
    rm -rf "$H"
    [ -d "$work/hosts/$1" ] || sh "$tests/mkhost.sh" "$tests/fixtures/hosts/$1.host" "$work/hosts/$1" || exit 1
    cp -a "$work/hosts/$1" "$H"
    cp "$tests/fixtures/guide-101.conf" "$CONF"
    # what enable links to
    mkdir -p "$H/usr/libexec/gpuanchor" "$H/var/lib/vz/snippets"
    ln -s "$work/bin" "$H/usr/sbin"
    install -m 755 /dev/null "$H/usr/libexec/gpuanchor/gpuanchor-hook"
    ln -s ../../../../usr/libexec/gpuanchor/gpuanchor-hook "$H/var/lib/vz/snippets/gpuanchor-hook"
}
fresh() { host guide; }
unmanaged() { sed -i '/^hookscript/d' "$CONF"; }
before() { (cd "$H" && find . -type f -exec sha256sum {} + | sort) >"$work/before"; }
unchanged() {
    (cd "$H" && find . -type f -exec sha256sum {} + | sort) | diff "$work/before" - >&2 || fail "changed something"
}

case_all_is_well() {
    before
    run 0 doctor --plain
    answers ok gpu amdgpu
    ! grep -q '^layer-1' "$work/out" || fail "a container, without one"
    run 0 doctor --plain 101
    answers skipped running
    run 0 doctor --quiet 101
    [ ! -s "$work/out" ] || fail "quiet says something"
    unmanaged && before
    run 0 doctor --plain 101
    answers skipped policy 'gpuanchor enable 101'
    answers skipped hookscript
    unchanged
}

# the guide's table of what one has to collect
case_required_information() {
    run 0 doctor --plain
    answers ok node '/dev/dri/card1	226:1 root:video (0:44)'
    answers ok node '/dev/dri/renderD128	226:128 root:render (0:110)'
    answers ok group 'video	gid 44'
    answers ok group 'render	gid 110'
}

case_json() {
    sed -i 's/226:1 /226:7 /; s/^hostname.*/&\nlxc.hook.pre-start: chown 0:44 \/dev\/dri\/card1\x1b[31m/' "$CONF"
    run 1 doctor --json 101
    python3 - "$work/out" <<'END' || fail "no such object"
import json, sys
o = json.load(open(sys.argv[1]))
assert o["schema"] == 1 and o["vmid"] == 101 and o["ok"] is False and o["node"] == "pve1", o
for c in o["checks"]:
    assert c["verdict"] in ("ok", "skipped", "warning", "failed"), c
    assert c["verdict"] != "ok" or c["command"] is None, c
by = {c["check"]: c for c in o["checks"] if c["verdict"] not in ("ok", "skipped")}
assert by["device-line"]["command"] == "gpuanchor apply 101", by
assert by["chmod"]["group"] == "file", by
assert "\x1b" not in by["chmod"]["evidence"] and "\\x1b[31m" in by["chmod"]["evidence"], by
END
    run 0 doctor --json
    grep -q '"vmid":null' "$work/out" || fail "a VMID"
}

on_terminal() { script -qefc "stty cols 80; TERM=xterm exec $*" /dev/null >"$work/out" 2>"$work/err" </dev/null; }

case_terminal() {
    command -v script >/dev/null || return 0
    sed -i '/110 110/d; s/\(226:1\) /\1\x1b]0;x /' "$CONF"
    on_terminal "$gpuanchor" doctor 101 && fail "exit status"
    said 'Layer 1: file permission'
    said 'the chain breaks first at: Layer 1'
    grep -q "$(printf '\033')\[31mfailed" "$work/out" || fail "no red"
    on_terminal env NO_COLOR=1 "$gpuanchor" doctor 101
    ! grep -q "$(printf '\033')" "$work/out" || fail "a control character reached the terminal"
    tr -d '\r' <"$work/out" | grep -v '^  *-> ' | awk 'length > 80 { exit 1 }' || fail "wider than 80 columns"
    on_terminal env NO_COLOR=1 "$gpuanchor" doctor
    said 'gpuanchor doctor VMID'
}

case_as_user() {
    chmod 755 "$work" && chmod 640 "$CONF" && cp "$gpuanchor" "$work/user" && chmod 755 "$work/user"
    setpriv --reuid 65534 --regid 65534 --clear-groups "$work/user" doctor --plain >"$work/out" 2>"$work/err" ||
        fail "the host needs no root"
    setpriv --reuid 65534 --regid 65534 --clear-groups "$work/user" doctor --plain 101 >"$work/out" 2>"$work/err"
    [ $? = 2 ] || fail "exit status"
    answers ok gpu
    answers skipped line 'needs root'
    answers skipped owner 'needs root'
    grep -q 'run it with sudo' "$work/err" || fail "no reason"
}

case_control_groups() {
    run 0 doctor --plain
    ! grep -q control-groups "$work/out" || fail "a folder's control groups are judged"
    mkdir -p "$H/sys/fs/cgroup/systemd"
    run 1 doctor --plain
    wrong control-groups
    answers warning control-groups 'proxmox-boot-tool refresh'
}

case_no_pve() {
    rm -rf "$H/etc/pve" && mkdir "$H/etc/pve"
    run 0 doctor --plain
    answers skipped pve '/etc/pve is not mounted'
    answers skipped pve 'systemctl status pve-cluster'
}

case_no_gpu() {
    host no-gpu
    run 1 doctor --plain
    answers failed gpu
}

case_drivers() {
    host vfio # and a card without a driver
    run 1 doctor --plain
    wrong gpu module
    answers ok gpu vfio-pci
    answers warning module 'amdgpu is not loaded'
    sed 's/driver=amdgpu/driver=nouveau/' "$tests/fixtures/hosts/guide.host" >"$work/nouveau.host"
    rm -rf "$H" && sh "$tests/mkhost.sh" "$work/nouveau.host" "$H"
    run 0 doctor --plain
    answers ok gpu CUDA
}

case_wrong_usage() {
    run 2 doctor --plain 999
    grep -q 'no such container' "$work/err" || fail "no reason"
    run 2 doctor --plain abc
    run 2 doctor --plain 101 102
    rm -rf "$H/etc/pve" && mkdir "$H/etc/pve"
    run 2 doctor --plain 101
    run 0 doctor --plain
}

# --- the guide's issue 1: nobody:nogroup, in all its ways ------------------------------------------

# the guide says 110, this host has 993
case_issue_1_render_gid_of_another_host() {
    echo root:993:1 >>"$H/etc/subgid" # usermod itself wants more of a host than is in the folder
    sed -i 's/^render:x:110:/render:x:993:/' "$H/etc/group"
    chgrp 993 "$H/dev/dri/renderD128" "$H/dev/kfd"
    run 1 doctor --plain 101
    answers failed owner 'nobody:nogroup: the node belongs to host gid 993, but the id map makes container gid 110'
    corrected owner
    grep -qxF 'lxc.idmap: g 110 993 1' "$CONF" || fail "the hole was not moved"
}

case_issue_1_unmanaged() {
    unmanaged
    echo root:993:1 >>"$H/etc/subgid"
    sed -i 's/^render:x:110:/render:x:993:/' "$H/etc/group"
    chgrp 993 "$H/dev/dri/renderD128" "$H/dev/kfd"
    corrected owner
}

case_issue_1_no_hole() {
    sed -i '/^lxc.idmap/d' "$CONF"
    run 1 doctor --plain 101
    answers failed owner 'the id map does not have the node'
    corrected owner
}

case_issue_1_groupmod_without_udev() {
    sed -i 's/^render:x:110:/render:x:993:/' "$H/etc/group"
    sed -i 's/g 110 110 1/g 110 993 1/' "$CONF"
    echo root:993:1 >>"$H/etc/subgid"
    run 1 doctor --plain 101
    answers failed node-owner 'belongs to gid 110, its group has gid 993'
    answers skipped owner 'nobody:nogroup because'
    corrected node-owner
}

case_issue_1_subgid() {
    sed -i '/^root:110:/d' "$H/etc/subgid"
    run 1 doctor --plain 101
    answers failed delegated 'map host gid 110 (render): the start fails'
    answers failed delegated 'usermod --add-subgids 110-110 root'
    corrected delegated
    answers ok subgid 'root:110:1 (render)'
    answers ok subuid 'root:100000:65536'
}

# a number of another host, or an earlier one of the group: to delegate it starts the container, and gives it nothing
case_issue_1_stale_hole() {
    sed -i '/^root:110:/d' "$H/etc/subgid"
    echo root:993:1 >>"$H/etc/subgid"
    sed -i 's/^render:x:110:/render:x:993:/' "$H/etc/group"
    chgrp 993 "$H/dev/dri/renderD128" "$H/dev/kfd"
    run 1 doctor --plain 101
    unsaid 'usermod'
    corrected owner
    fresh
    sed -i 's/^lxc.idmap: g 45 .*/lxc.idmap: g 45 100045 59\nlxc.idmap: g 104 104 1\nlxc.idmap: g 105 100105 5/' "$CONF"
    run 1 doctor --plain 101
    answers failed delegated 'no group of this host has gid 104'
    corrected delegated
}

case_issue_1_no_render_group() {
    sed -i '/^render/d' "$H/etc/group"
    chgrp 0 "$H/dev/dri/renderD128"
    chgrp 0 "$H/dev/kfd"
    run 1 doctor --plain 101
    answers failed group 'no such group'
    answers skipped owner 'nobody:nogroup because'
}

case_base_ranges() {
    : >"$H/etc/subuid"
    echo root:44:1 >"$H/etc/subgid"
    echo root:110:1 >>"$H/etc/subgid"
    corrected subuid subgid
}

# --- layer 2, container file ----------------------------------------------------------------------

case_wrong_node_line() {
    unmanaged
    sed -i 's#/dev/dri/card1 dev/dri/card1#/dev/dri/card7 dev/dri/card7#' "$CONF"
    run 1 doctor --plain 101
    answers failed line '/dev/dri/card7 is not a node of this host'
    corrected line
}

# with a second GPU the wrong line is also why nobody knows which GPU is meant: one answer
case_wrong_node_line_of_two_gpus() {
    sed 's/^drm 0000:00:02.0 card=0/& render=129/' "$tests/fixtures/hosts/guide.host" >"$work/two.host"
    rm -rf "$H/sys" "$H/dev"
    sh "$tests/mkhost.sh" "$work/two.host" "$work/two" && mv "$work/two/sys" "$work/two/dev" "$H" && rm -rf "$work/two"
    unmanaged
    sed -i 's#/dev/dri/card1 dev/dri/card1#/dev/dri/card7 dev/dri/card7#' "$CONF"
    run 1 doctor --plain 101
    answers failed choice 'gpuanchor enable 101 --gpu pci:0000:c1:00.0'
    answers failed line 'see choice'
}

case_other_gpu() {
    sed -i 's#card1#card0#g; s/226:1 /226:0 /' "$CONF"
    printf '[container]\ngpu = pci:0000:c1:00.0\n' >"$H/etc/pve/gpuanchor/101.conf"
    run 1 doctor --plain 101
    answers failed line 'belongs to another GPU, 0000:00:02.0'
    corrected line
}

# A line that was added for another GPU may be meant: both ways are named, and neither is advised.
case_other_gpu_added() {
    host two-identical
    cp "$tests/fixtures/scenarios/dev-other-gpu/101.conf" "$CONF"
    cp "$tests/fixtures/scenarios/dev-other-gpu/policy" "$H/etc/pve/gpuanchor/101.conf"
    run 1 doctor --plain 101
    answers failed line "gpuanchor enable 101 --gpu 'pci:0000:01:00.0 pci:0000:02:00.0'"
    answers failed line 'pct set 101 --delete dev5'
    ! awk -F'\t' '$2 == "line" && $3 == "failed" && $6 != "-" { bad = 1 } END { exit !bad }' "$work/out" || fail "one way is advised"
}

case_stale_number() {
    sed -i 's/226:1 /226:7 /' "$CONF"
    run 1 doctor --plain 101
    answers warning device-line 'c 226:7 rwm: no device of this host'
    answers ok device-gate nothing
    corrected device-line
}

case_privileged() {
    sed -i '/^unprivileged/d; /^lxc.idmap/d; /226:128/d' "$CONF"
    run 1 doctor --plain 101
    answers failed device-gate '226:128'
    answers ok owner 'gid 110'
    corrected device-gate
    sed -i 's/c 226:1 rwm/c 226:* rwm/' "$CONF"
    run 1 doctor --plain 101
    answers warning device-line 'allows every GPU'
    corrected device-line
    echo 'lxc.cgroup2.devices.allow: c *:* rwm' >>"$CONF"
    corrected device-line
    # not where it may be there for something else: then a person decides
    printf '%s\n' 'lxc.cgroup2.devices.allow: a' 'lxc.hook.autodev: sh -c "mknod ${LXC_ROOTFS_MOUNT}/dev/fb0 c 29 0"' >>"$CONF"
    run 1 doctor --plain 101
    wrong device-line
    answers warning device-line 'c 226:128 rwm, those of lxc.hook.autodev'
    ! grep -q 'gpuanchor fix' "$work/out" || fail "the rule would go"
    sed -i 's#lxc.hook.autodev.*#lxc.mount.entry: /dev dev none bind,create=dir#' "$CONF"
    run 1 doctor --plain 101
    answers warning device-line 'those of /dev'
    ! grep -q 'gpuanchor fix' "$work/out" || fail "the rule would go"
    sed -i '/^lxc.mount.entry: .dev dev/d; /226:1 /d' "$CONF" # what is bound lives by it
    run 1 doctor --plain 101
    answers warning device-line 'c 226:1 rwm, c 226:128 rwm'
    ! grep -q 'gpuanchor fix' "$work/out" || fail "the node would be shut"
}

# rules that name a node, and rules of cgroup v1, which have no effect
case_rules_in_other_forms() {
    sed -i '/^unprivileged/d; /^lxc.idmap/d; s#c 226:128 rwm#/dev/dri/renderD128 rwm#' "$CONF"
    run 0 doctor --plain 101
    answers ok device-line '/dev/dri/renderD128 rwm: /dev/dri/renderD128'
    sed -i 's#/renderD128 rwm#/renderD199 rwm#' "$CONF"
    run 1 doctor --plain 101
    answers failed syntax 'there is no such device, and the start fails'
    corrected device-gate syntax
    sed -i 's#cgroup2.devices#cgroup.devices#' "$CONF"
    printf '%s\n' 'lxc.cgroup.cpu.shares: 512' 'lxc.cgroup.cpuset.cpus: 0-3' >>"$CONF"
    corrected legacy-key device-gate
    grep -q '^lxc.cgroup2.cpuset.cpus: 0-3' "$CONF" || fail "a key that cgroup v2 has is gone"
    run 0 undo 101
    grep -q '^lxc.cgroup.cpuset.cpus: 0-3' "$CONF" || fail "undo"
}

# application LINE... - a container whose init is its application, with these lines
application() {
    {
        printf 'arch: amd64\nentrypoint: /app\nhookscript: local:snippets/gpuanchor-hook\nhostname: app\nrootfs: local-lvm:vm-101-disk-0\nunprivileged: 1\n'
        printf '%s\n' "$@"
    } >"$CONF"
    "$gpuanchor" apply 101 >/dev/null 2>&1
}

case_application() {
    application 'dev0: /dev/dri/renderD128,mode=0666'
    run 0 doctor --plain 101
    answers ok application 'init (0:0) can open it, and whoever else'
    application 'dev0: /dev/dri/renderD128,gid=110' # root of the container opens it all the same
    run 0 doctor --plain 101
    answers ok application 'init (0:0) can open it, the node is 0:110 0660'
    application 'dev0: /dev/dri/renderD128,gid=1000' 'lxc.init.uid: 1000' 'lxc.init.gid: 1000'
    run 0 doctor --plain 101
    answers ok application 'init (1000:1000) can open it'
    application 'dev0: /dev/dri/renderD128,uid=1000,mode=0600' 'lxc.init.uid: 1000'
    run 0 doctor --plain 101
    # a gid of the host's that is none of init's
    application 'dev0: /dev/dri/renderD128,gid=110' 'lxc.init.uid: 1000' 'lxc.init.gid: 1000'
    run 1 doctor --plain 101
    answers failed application 'init (1000:1000) cannot open it, the node is 0:110 0660'
    corrected application
    grep -q '^dev0: /dev/dri/renderD128,gid=110,mode=0666$' "$CONF" || fail "$(cat "$CONF")"
    application 'dev0: /dev/dri/renderD128,gid=110,mode=0640' 'lxc.init.uid: 1000' 'lxc.init.gid: 1000' 'lxc.init.groups: 44,110'
    run 1 doctor --plain 101
    answers failed application 'the node is 0:110 0640'
    corrected application
    application 'dev0: /dev/dri/renderD128,gid=110' 'lxc.init.uid: 1000' 'lxc.init.gid: 1000' 'lxc.init.groups: 44,110'
    run 1 doctor --plain 101
    answers warning application 'by lxc.init.groups alone'
    corrected application
}

case_application_bound() {
    application 'lxc.init.uid: 1000' 'lxc.mount.entry: /dev/dri/renderD128 dev/dri/renderD128 none bind,optional,create=file'
    run 1 doctor --plain 101
    answers failed application 'init (1000:0) cannot open it: it is bound from the host'
    corrected application
    grep -q '^dev0: /dev/dri/renderD128,mode=0666$' "$CONF" || fail "$(cat "$CONF")"
}

# GPUs that NVIDIA's hook gives
case_nvidia_hook() {
    host nvidia
    rm "$H/dev/nvidia-uvm-tools" && mknod -m 666 "$H/dev/nvidia-uvm-tools" c 508 1
    sed -i '/^lxc/d' "$CONF"
    printf '%s\n' 'lxc.hook.mount: /usr/share/lxc/hooks/nvidia' 'lxc.environment: NVIDIA_VISIBLE_DEVICES=1' >>"$CONF"
    chosen 0000:02:00.0
    run 0 doctor --plain 101
    answers ok line "has NVIDIA's hook give 0000:02:00.0"
    before
    run 1 plan 101
    said "has NVIDIA's hook give 0000:02:00.0"
    ! grep -q '^[-+]lxc\|^[-+]dev' "$work/out" || fail "a line is added"
    unchanged
    sed -i '/^unprivileged/d' "$CONF"
    run 1 doctor --plain 101
    answers failed line "NVIDIA's hook refuses privileged containers"
}

case_late_node() { # its line rightly stays: what makes the node is said, and not "apply"
    host nvidia
    rm -f "$H"/dev/nvidia-uvm*
    sed -i '/nvidia-uvm/d' "$H/proc/devices"
    sed -i '/^lxc/d' "$CONF"
    printf 'lxc.mount.entry: /dev/%s dev/%s none bind,optional,create=file\n' \
        nvidia0 nvidia0 nvidiactl nvidiactl nvidia-uvm nvidia-uvm >>"$CONF"
    chosen 0000:02:00.0
    run 1 doctor --plain 101
    answers warning line 'nvidia-modprobe -c 0 -u'
    ! grep -q "uvm.*apply 101" "$work/out" || fail "apply does not help"
    sed -i '/^lxc/d' "$CONF" # with devN it goes until it is there again
    printf 'dev%s,mode=0666\n' '0: /dev/nvidia0' '1: /dev/nvidiactl' '2: /dev/nvidia-uvm' >>"$CONF"
    run 1 apply 101
    ! grep -q uvm "$CONF" || fail "still there"
    run 1 doctor --plain 101
    answers warning line 'there is no /dev/nvidia-uvm now'
    wrong line module
}

case_fake_node() { # devtmpfs does not replace it, udev neither
    rm "$H/dev/dri/renderD128"
    install -m 0 /dev/null "$H/dev/dri/renderD128"
    run 1 doctor --plain 101
    answers failed node 'not a character device'
    answers skipped line 'see node'
    corrected node
}

case_stray() {
    install -m 0 /dev/null "$H/dev/dri/card5"
    install -m 0 /dev/null "$H/dev/dri/it's mine"
    mkdir "$H/dev/nvidia-caps"
    install -m 0 /dev/null "$H/dev/nvidia-caps/nvidia-cap1"
    run 1 doctor --plain 101
    answers failed stray nvidia-cap1
    corrected stray
}

case_syntax_and_folders() {
    sed -i 's#create=file#create=fi>#' "$CONF"
    corrected syntax
    fresh
    sed -i '/mount.entry/d' "$CONF"
    echo 'lxc.mount.entry: /dev/dri dev/dri none bind,optional,create=dir' >>"$CONF"
    corrected folder
    fresh # no hole says that groups are to open it: only who enrols the container does
    sed -i '/^lxc/d; /^hookscript/d' "$CONF"
    printf '%s\n' 'lxc.mount.entry: /dev/dri dev/dri none bind,optional,create=dir' 'lxc.cgroup2.devices.allow: c 226:* rwm' >>"$CONF"
    corrected folder
    grep -q '^lxc.idmap: g 44 44 1' "$CONF" && grep -q '^lxc.idmap: g 110 110 1' "$CONF" || fail "no hole: $(cat "$CONF")"
    fresh
    sed -i 's/^hostname.*/&\nmp0: \/dev\/dri,mp=\/dev\/dri/' "$CONF"
    corrected folder
    sed -i 's/^hostname.*/&\nmp0: \/dev,mp=\/host/' "$CONF"
    run 1 doctor --plain 101
    wrong folder
    answers warning folder 'gives the container every GPU of this host: mp0: /dev,mp=/host; decide'
    fresh
    sed -i '/^lxc.idmap: u/d' "$CONF"
    corrected idmap
}

# maps and lines that were pasted
case_pasted() {
    sed -i 's/^lxc.idmap: g 111 100111 65425/lxc.idmap: g 111 100111 65536/' "$CONF"
    run 1 doctor --plain 101
    answers failed idmap 'g 111 100111 65536 ends at host id 165646'
    run 1 status 101
    said 'the start fails'
    run 1 doctor --plain 101
    corrected idmap
    grep -q '^lxc.idmap: g 111 100111 65425' "$CONF" || fail "not the right number of ids"
    fresh
    echo 'lxc.idmap: g 44 44 1' >>"$CONF"
    run 1 doctor --plain 101
    answers failed idmap 'says the same as line'
    corrected idmap
    fresh
    sed -i 's#^hostname#dev0: /dev/dri/card1,gid=44\ndev0: /dev/dri/renderD128,gid=110\n&#; /^lxc/d' "$CONF"
    run 1 doctor --plain 101
    answers failed syntax 'Proxmox takes only the last line of that name: dev0: /dev/dri/card1,gid=44'
    corrected syntax
    echo 'lxc.cgroup2.devices.allow: c 266:0 rwm' >>"$CONF"
    run 1 doctor --plain 101
    wrong device-line
    answers warning device-line 'no driver of this host has major 266; those of GPUs are 226 (drm)'
    sed -i 's/266:0/195:*/' "$CONF" # of a card that is not there
    run 1 doctor --plain 101
    answers warning device-line 'no driver of this host has major 195'
    sed -i 's/195:\*/29:0/' "$CONF" # fb0 has it for ever
    run 0 doctor --plain 101
    sed -i 's#^hostname#dev7: /dev/uhid,gid=104\n&#' "$CONF" # no GPU, and the container does not start
    run 1 doctor --plain 101
    wrong line
    answers failed line 'there is no /dev/uhid, and Proxmox ends the start'
    run 1 status 101
    said 'there is no /dev/uhid'
}

# no rule of udev is about them, so what status advises is all of it
case_nvidia_node_problems() {
    host nvidia # its nvidia-uvm-tools has the number of another driver
    rm "$H/dev/nvidia-uvm"
    run 1 doctor
    said 'rm /dev/nvidia-uvm-tools && mknod -m 666 /dev/nvidia-uvm-tools c 508 1'
    said 'nvidia-modprobe -c 0 -u'
    unsaid 'udevadm trigger'
}

# nodes without a group are as open as on the host
case_nvidia_nodes() {
    host nvidia
    rm "$H/dev/nvidia-uvm-tools" && mknod -m 666 "$H/dev/nvidia-uvm-tools" c 508 1
    sed -i '/^lxc/d' "$CONF"
    printf '%s\n' 'dev0: /dev/nvidia1' 'dev1: /dev/nvidiactl' 'dev2: /dev/nvidia-caps/nvidia-cap1' 'dev3: /dev/nvidia-caps/nvidia-cap2' >>"$CONF"
    chosen 0000:01:00.0
    run 1 doctor --plain 101
    answers ok owner '/dev/nvidia-caps/nvidia-cap1'
    corrected owner
    grep -q '^dev0: /dev/nvidia1,mode=0666' "$CONF" && grep -q '^dev3: .*,mode=0444' "$CONF" || fail "$(cat "$CONF")"
    sed -i '/^unprivileged/d' "$CONF"
    run 0 doctor --plain 101
}

# a card that renders only is not wrong; what CUDA needs is said once, with the command that adds it
case_nvidia_without_cuda() {
    host nvidia
    rm "$H/dev/nvidia-uvm-tools" && mknod -m 666 "$H/dev/nvidia-uvm-tools" c 508 1
    dri() { # ADDRESS CARD RENDER
        sed -i '/^lxc/d' "$CONF"
        printf 'lxc.mount.entry: /dev/dri/%s dev/dri/%s none bind,optional,create=file\n' "$2" "$2" "$3" "$3" >>"$CONF"
        chosen "$1"
        run 0 apply 101
    }
    dri 0000:03:00.0 card2 renderD130 # nouveau's
    run 0 doctor --plain 101
    unsaid 'CUDA and NVENC need /dev/nvidia'
    dri 0000:01:00.0 card0 renderD128
    run 0 doctor --plain 101
    answers skipped choice 'gpuanchor enable 101 --devices card,render,nvidia'
    run 0 enable 101 --devices card,render # its owner has decided
    run 0 doctor --plain 101
    unsaid 'CUDA and NVENC need /dev/nvidia'
    run 0 enable 101 --devices card,render,nvidia
    run 0 apply 101
    grep -q '^lxc.mount.entry: /dev/nvidia1 ' "$CONF" && grep -q '^lxc.mount.entry: /dev/nvidiactl ' "$CONF" &&
        grep -q '^lxc.mount.entry: /dev/nvidia-uvm ' "$CONF" || fail "$(cat "$CONF")"
    run 0 doctor --plain 101
    unsaid 'CUDA and NVENC need /dev/nvidia'
}

# those of nvidia-caps are root's by their driver, and nothing on the host is to be corrected
case_caps_bound() {
    host nvidia
    sed -i '/^lxc/d' "$CONF"
    for cap in 1 2; do
        echo "lxc.mount.entry: /dev/nvidia-caps/nvidia-cap$cap dev/nvidia-caps/nvidia-cap$cap none bind,optional,create=file"
    done >>"$CONF"
    chosen 0000:01:00.0
    run 1 doctor --plain 101
    answers skipped owner "only (mode 0400)"
    answers ok owner 'every user can read it (mode 0444)'
    answers ok node-owner
    unsaid 'is wrong'
}

# what a hook has given to a group of the container, that group opens
case_chown_ran() {
    sed -i '/^lxc.idmap/d' "$CONF"
    chown 0:100991 "$H/dev/dri/renderD128"
    run 1 doctor --plain 101
    answers ok owner 'container gid 991 is host gid 100991'
    answers failed node-owner renderD128
    unsaid 'mapped twice'
}

# a snapshot's line is known by what its path leads to, too
case_snapshot_link() {
    ln -s renderD128 "$H/dev/dri/my-gpu"
    printf '\n[old]\nlxc.mount.entry: /dev/dri/my-gpu dev/dri/my-gpu none bind,optional,create=file\n' >>"$CONF"
    run 0 doctor --plain 101
    ln -sf card0 "$H/dev/dri/my-gpu"
    run 0 doctor --plain 101
    answers ok snapshot '/dev/dri/my-gpu'
}

# numbers and names in hooks, of which only what is literal is understood
case_hook_names_nodes() {
    echo "lxc.hook.autodev: sh -c 'mknod -m 660 \${LXC_ROOTFS_MOUNT}/dev/dri/renderD128 c 226 128'" >>"$CONF"
    run 0 doctor --plain 101
    answers ok hook 'it may give the container more than is listed'
    sed -i 's/c 226 128/c 226 129/' "$CONF"
    run 1 doctor --plain 101
    wrong hook
    answers warning hook 'c 226 129, which no GPU of this host has'
    sed -i 's/c 226 129/c 226 0/' "$CONF"
    run 1 doctor --plain 101
    answers warning hook 'c 226 0, which is of another GPU, 0000:00:02.0'
}

case_other_files() {
    echo 'lxc.mount.fstab: /etc/lxc/gpu.fstab' >>"$CONF"
    run 1 doctor --plain 101
    answers failed hook '/etc/lxc/gpu.fstab ends the start, because LXC cannot use /etc/lxc/gpu.fstab: it does not exist'
    run 1 plan 101
    said '/etc/lxc/gpu.fstab ends the start'
    chosen 0000:c1:00.0
    mkdir -p "$H/etc/lxc"
    printf '%s\n' '# GPU' '/dev/dri/card0 dev/dri/card0 none bind,create=file 0 0' >"$H/etc/lxc/gpu.fstab"
    run 1 doctor --plain 101
    wrong hook
    answers warning hook '/dev/dri/card0 in /etc/lxc/gpu.fstab:2, which is of another GPU, 0000:00:02.0; the container'
    sed -i 's/card0/card1/g' "$H/etc/lxc/gpu.fstab"
    run 0 doctor --plain 101
    answers ok hook '/dev/dri/card1 in /etc/lxc/gpu.fstab:2; it may give the container more'
    # all that it names counts as it would in the container's file
    echo '/dev dev none rbind 0 0' >"$H/etc/lxc/gpu.fstab"
    run 1 doctor --plain 101
    answers warning folder 'gives the container every GPU of this host: /dev dev none rbind 0 0 in /etc/lxc/gpu.fstab:1'
    echo '/srv/gpu dev/dri/card0 none bind,create=file 0 0' >"$H/etc/lxc/gpu.fstab"
    run 1 doctor --plain 101
    answers warning hook '/srv/gpu in /etc/lxc/gpu.fstab:1, which is of another GPU'
    echo '/srv/data srv/data none bind,create=dir 0 0' >"$H/etc/lxc/gpu.fstab"
    run 0 doctor --plain 101
    answers ok hook 'hooks and files that are included name nodes of no other GPU'
    sed -i 's/^lxc.mount.fstab.*/lxc.include: \/etc\/lxc\/gpu.conf/' "$CONF"
    for line in 'lxc.include = /etc/lxc/more.conf' 'lxc.hook.autodev = /root/gpu.sh'; do
        echo "$line" >"$H/etc/lxc/gpu.conf"
        run 1 doctor --plain 101
        answers failed hook '/etc/lxc/gpu.conf ends the start'
    done
    for line in 'lxc.cgroup2.devices.allow = c *:* rwm' 'lxc.cgroup2.devices.allow = a'; do
        echo "$line" >"$H/etc/lxc/gpu.conf"
        run 0 doctor --plain 101
        answers ok hook '/etc/lxc/gpu.conf:1 is not read: it allows every device'
    done
    printf '%s\n' '# more' 'lxc.cgroup2.devices.allow = c 10:200 rwm' >"$H/etc/lxc/gpu.conf"
    run 0 doctor --plain 101
    answers ok hook 'hooks and files that are included name nodes of no other GPU'
}

# NVIDIA's nodes have no group; a mode that the owner set is put right, its other options stay
case_nvidia_mode() {
    host nvidia
    rm "$H/dev/nvidia-uvm-tools" && mknod -m 666 "$H/dev/nvidia-uvm-tools" c 508 1
    chosen 0000:01:00.0
    sed -i '/^lxc/d' "$CONF"
    printf 'dev%s\n' '0: /dev/nvidia1,mode=0666' '1: /dev/nvidiactl,mode=0666' '2: /dev/nvidia-modeset,uid=0,mode=0660' >>"$CONF"
    sed -i 's/,uid=0//' "$CONF"
    run 1 doctor --plain 101
    wrong owner
    answers warning owner 'pct set 101 --dev2 /dev/nvidia-modeset,mode=0666'
    corrected owner
}

# a start warns of it, so doctor is not content
case_said_at_start() {
    host nvidia
    rm "$H/dev/nvidia-uvm-tools" && mknod -m 666 "$H/dev/nvidia-uvm-tools" c 508 1
    chosen 0000:01:00.0
    sed -i '/^lxc/d' "$CONF"
    printf 'dev%s\n' '0: /dev/nvidia1,mode=0666' >>"$CONF"
    run 1 doctor --plain 101
    wrong line
    answers warning line 'no /dev/nvidiactl: CUDA and NVENC cannot work'
    fresh
    echo 'lxc.environment: DRINODE=/dev/dri/renderD133' >>"$CONF"
    run 1 doctor --plain 101
    wrong line
    answers warning line 'it ought to be /dev/dri/renderD128'
}

# a hook that makes the nodes: no line beside it, and what it has wrong is said with the right line
case_hook_makes_nodes() {
    sed -i '/^unprivileged/d; /^lxc/d' "$CONF"
    echo 'lxc.hook.autodev: /root/gpu.sh' >>"$CONF"
    mkdir -p "$H/root"
    printf '%s\n' '#!/bin/sh' 'mknod $LXC_ROOTFS_MOUNT/dev/dri/card1 c 226 1' \
        'mknod $LXC_ROOTFS_MOUNT/dev/dri/renderD128 c 226 128' >"$H/root/gpu.sh"
    run 1 doctor --plain 101
    wrong hook
    answers failed hook 'LXC cannot use /root/gpu.sh: it is not executable'
    chmod +x "$H/root/gpu.sh"
    run 1 doctor --plain 101
    wrong next-start # the rules, which a privileged container needs
    answers ok hook 'c 226 1 in /root/gpu.sh:2'
    run 1 plan 101
    unsaid '+lxc.mount.entry'
    run 0 apply 101
    run 0 doctor --plain 101
    sed -i 's/128$/129/' "$H/root/gpu.sh"
    run 1 doctor --plain 101
    wrong hook
    answers warning hook 'c 226 129 in /root/gpu.sh:3, which no GPU of this host has; the container'
    answers warning hook 'lxc.mount.entry: /dev/dri/renderD128 dev/dri/renderD128 none bind,optional,create=file'
}

case_targets_and_methods() {
    sed -i 's#^hostname#dev0: /dev/dri/card1,gid=44\n&#' "$CONF"
    run 1 doctor --plain 101
    answers failed target EEXIST
    corrected target method
    fresh
    sed -i 's#\(card1\) dev/dri/card1#\1 dev/dri/card0#' "$CONF"
    corrected renamed
    fresh
    sed -i 's#^hostname#dev0: /dev/dri/renderD128\n&#; /^lxc/d' "$CONF"
    run 1 doctor --plain 101
    answers warning owner "only root in the container"
    printf '[container]\nrender-gid = 110\n' >"$H/etc/pve/gpuanchor/101.conf"
    corrected owner
}

case_hooks() {
    printf '#!/bin/sh\n' >"$H/var/lib/vz/snippets/mine"
    sed -i 's#^hookscript.*#hookscript: local:snippets/mine#' "$CONF"
    corrected hookscript
    fresh
    printf '#!/bin/sh\n# chmod 666 /dev/dri/card1\nchmod 666 /dev/dri/*\n' >"$H/var/lib/vz/snippets/mine"
    sed -i 's#^hookscript.*#hookscript: local:snippets/mine#' "$CONF"
    run 1 doctor --plain 101
    answers failed hookscript 'not executable: every start fails'
    chmod +x "$H/var/lib/vz/snippets/mine"
    run 1 doctor --plain 101
    answers ok hookscript "not gpuanchor's"
    answers warning chmod '/var/lib/vz/snippets/mine:3'
    wrong chmod
    fresh
    echo 'lxc.hook.pre-start: sh -c "chown 100000:100108 /dev/dri/renderD128"' >>"$CONF"
    run 1 doctor --plain 101
    unsaid 'gpuanchor doctor 101' # no check that is ok says that something is to be taken out
    corrected chmod
    fresh
    rm "$H/var/lib/vz/snippets/gpuanchor-hook"
    corrected hookscript
    fresh
    unmanaged
    printf '[container]\n' >"$H/etc/pve/gpuanchor/101.conf"
    corrected hookscript
    fresh
    printf '[container]\nnext-hook = local:snippets/gone\n' >"$H/etc/pve/gpuanchor/101.conf"
    corrected hookscript
}

# one line, and a snapshot that has the same
bad_line() { # LINE
    printf '%s\n\n[old]\n%s\n' "$1" "$1" >>"$CONF"
    cp "$CONF" "$work/original"
}

# fix: what doctor names goes or comes, nothing else, and undo has the file as it was
case_fix() {
    for check in chmod legacy-key device-line idmap; do
        fresh
        unmanaged
        case $check in
        chmod) bad_line 'lxc.hook.start: chmod 666 /dev/dri/card1' ;;
        legacy-key) bad_line 'lxc.cgroup.cpu.shares: 512' ;;
        device-line)
            sed -i '/^unprivileged/d; /^lxc.idmap/d' "$CONF"
            bad_line 'lxc.cgroup2.devices.allow: c *:* rwm'
            ;;
        idmap)
            sed -i '/^lxc.idmap: u/d; $s/$/ /' "$CONF"
            bad_line 'lxc.idmap: g 65536 165536 1'
            ;;
        esac
        run 1 doctor --plain 101
        awk -F'\t' -v c="$check" '$6 == "gpuanchor fix 101 " c { found = 1 } END { exit !found }' "$work/out" ||
            fail "$check: not the command"
        run 1 fix --dry-run 101 $check
        cmp "$CONF" "$work/original" || fail "$check: a dry run"
        cp "$work/out" "$work/diff"
        run 0 fix 101 $check
        grep -q '^[-+]lxc' "$work/diff" || fail "$check: no difference shown"
        [ "$(diff "$CONF" "$work/original" | grep -c '^[<>]')" = 1 ] || fail "$check: not one line"
        sed -n '/^\[old\]/,$p' "$CONF" >"$work/new"
        sed -n '/^\[old\]/,$p' "$work/original" | cmp "$work/new" || fail "$check: the snapshot"
        cp "$CONF" "$work/fixed"
        run 0 fix 101 $check $check
        said 'nothing to fix'
        cmp "$CONF" "$work/fixed" || fail "$check: twice"
        run 0 undo 101
        cmp "$CONF" "$work/original" || fail "$check: undo"
        run 0 undo 101
        cmp "$CONF" "$work/fixed" || fail "$check: undo of undo"
    done
    run 2 fix 101 chmodd
    run 2 fix 101
    run 2 fix 999 chmod
    cp "$work/original" "$CONF"
    for why in 'lock: backup' 'template: 1'; do
        sed -i "1i$why" "$CONF"
        before
        run 2 fix 101 idmap
        unchanged
        sed -i 1d "$CONF"
    done
}

case_open_to_everybody() {
    mkdir -p "$H/etc/udev/rules.d"
    printf '# GPUs\nKERNEL=="renderD*", MODE="0666"\n' >"$H/etc/udev/rules.d/99-gpu.rules"
    chmod 666 "$H/dev/dri/renderD128"
    run 1 doctor --plain 101
    answers warning udev-rule '/etc/udev/rules.d/99-gpu.rules:2'
    sed -i '2s/^/#/' "$H/etc/udev/rules.d/99-gpu.rules"
    run 1 doctor --plain 101
    corrected node-mode
    printf '# GPUs \\\nKERNEL=="renderD*", \\\n  MODE="0666"\nKERNEL=="sda"\n' >"$H/etc/udev/rules.d/99-gpu.rules"
    run 1 doctor --plain 101
    answers warning udev-rule '/etc/udev/rules.d/99-gpu.rules:2-3'
    wrong udev-rule
    sed -i '/110 110/s/110 1$/992 1/' "$CONF"
    chmod 666 "$H/dev/dri/renderD128"
    run 1 doctor --plain 101
    answers ok owner 'every user can open it'
    chmod 600 "$H/dev/dri/renderD128"
    run 1 doctor --plain
    answers failed node-mode 'its group cannot open it'
}

case_state() {
    sed -i 's/^hostname/lock: backup\n&/' "$CONF"
    corrected lock
    fresh
    sed -i 's/^hostname/template: 1\n&/' "$CONF"
    run 0 doctor --plain 101
    answers skipped lock template
    fresh
    printf '\n[pve:pending]\ndelete: dev0\nmemory: 12\n\n[old]\ndev0: /dev/dri/card0\n' >>"$CONF"
    run 1 doctor --plain 101
    wrong pending
    answers warning pending 'delete: takes effect'
    answers ok snapshot 'snapshot old'
    unmanaged
    run 1 doctor --plain 101
    wrong pending snapshot
}

case_policy() {
    printf '[container]\ngpu = pci:zz\n' >"$H/etc/pve/gpuanchor/101.conf"
    run 1 doctor --plain 101
    answers failed policy
    answers skipped choice
    printf '[container]\ngpu = driver:nouveau\nmissing = refuse\n' >"$H/etc/pve/gpuanchor/101.conf"
    run 1 doctor --plain 101
    answers failed choice 'driver:nouveau'
    answers failed next-start refused
}

# a container that has nothing to do with GPUs has nothing wrong, however many GPUs there are
case_plain() {
    sed 's/^drm 0000:00:02.0 card=0/& render=129/' "$tests/fixtures/hosts/guide.host" >"$work/two.host"
    rm -rf "$H/sys" "$H/dev"
    sh "$tests/mkhost.sh" "$work/two.host" "$work/two" && mv "$work/two/sys" "$work/two/dev" "$H" && rm -rf "$work/two"
    unmanaged
    sed -i '/^lxc/d' "$CONF"
    run 0 doctor --plain 101
    answers skipped choice 'none: it is not managed, and has no line of a GPU'
    echo 'lxc.cgroup2.devices.allow: c 226:* rwm' >>"$CONF"
    run 1 doctor --plain 101
    answers failed choice
}

case_no_lines() {
    unmanaged
    sed -i '/^lxc/d' "$CONF"
    run 0 doctor --plain 101
    answers skipped line 'no line gives the container a node of a GPU'
    echo 'hookscript: local:snippets/gpuanchor-hook' >>"$CONF"
    corrected line
}

# --- containers that people published, and hostile ones -------------------------------------------

# expand FILE - a host file with its includes
expand() {
    awk -v fixtures="$tests/fixtures" '
        function put(file,   line) {
            while ((getline line < file) > 0)
                if (line ~ /^include /) {
                    sub(/^include /, "", line)
                    if (system("test -e " fixtures "/hosts/" line ".host") == 0)
                        put(fixtures "/hosts/" line ".host")
                    else
                        put(fixtures "/scenarios/" line ".host")
                } else
                    print line
            close(file)
        }
        BEGIN { put(ARGV[1]) }' "$1"
}

case_published() {
    for folder in "$tests"/fixtures/scenarios/real-*; do
        expand "$folder/host" >"$work/real.host"
        rm -rf "$H" && sh "$tests/mkhost.sh" "$work/real.host" "$H"
        cp "$folder/101.conf" "$CONF"
        before
        "$gpuanchor" doctor --plain 101 >"$work/out" 2>"$work/err"
        [ $? -le 1 ] || fail "${folder##*/}: exit status"
        unchanged
        # every answer that is not ok says why, and what to do
        awk -F'\t' 'NF != 6 || ($3 != "ok" && $5 == "-") || (($3 == "warning" || $3 == "failed") && $6 == "-" && $5 !~ /; |see /) { print; bad = 1 }
            END { exit bad }' "$work/out" >&2 || fail "${folder##*/}: an answer without help"
        # and is a command that a shell can read
        awk -F'\t' '$6 != "-" { print $6 }' "$work/out" >"$work/commands"
        sh -n "$work/commands" || fail "${folder##*/}: a command that is none"
    done
}

case_hostile_file() {
    head -c 300000 /dev/urandom >"$work/noise"
    { printf 'unprivileged: 1\n\000dev0: /dev/dri/card1\000\n'; cat "$work/noise"; printf '\nlxc.idmap: g 0 4294967295 4294967295\ndev1: \033[31m/dev/dri/card1\n'; } >"$CONF"
    "$gpuanchor" doctor 101 >"$work/out" 2>"$work/err"
    [ $? = 1 ] || fail "exit status"
    ! grep -q "$(printf '\033')" "$work/out" || fail "an escape sequence"
    awk 'BEGIN { for (i = 0; i < 14000; i++) print "lxc.mount.entry: /dev/dri/card" i " dev/dri/card" i " none bind,optional,create=file" }' |
        head -c 1000000 >"$CONF"
    run 1 doctor --plain 101
    [ "$(wc -l <"$work/out")" -lt 400 ] || fail "thousands of answers"
}

cases
