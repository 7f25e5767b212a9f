#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# test-ways.sh GPUANCHOR HOOK [CASE] - hooks and files that are included: what is read of them, and
# what is said where they cannot be
#
# See lib.sh. Whatever is in such a place, nothing waits for it.
# shellcheck disable=SC2016 # the dollars are the hooks'
. "$(dirname "$0")/lib.sh"
HOOK=$(realpath "${2:?}")

fresh() {
    rm -rf "$H"
    sh "$tests/mkhost.sh" "$tests/fixtures/hosts/intel-one.host" "$H"
    mkdir -p "$H/root" "$H/usr/bin"
    script >"$H/root/good.sh"
    chmod 755 "$H/root/good.sh"
}

script() { printf '#!/bin/sh\nmknod -m 666 "$LXC_ROOTFS_MOUNT/dev/dri/card0" c 226 0\n'; }

# container UNPRIVILEGED LINE...
container() {
    printf 'arch: amd64\nhookscript: local:snippets/gpuanchor-hook\nhostname: one\nunprivileged: %s\n' "$1" >"$CONF"
    shift
    printf '%s\n' "$@" >>"$CONF"
}

# says TEXT LINE... - what plan says of them, and of each alone, in time
says() {
    text=$1
    shift
    container 0 "$@"
    timeout 10 "$gpuanchor" plan 101 >"$work/out" 2>"$work/err" </dev/null || [ $? = 1 ] || fail "plan of $*: $?"
    case $text in
    '') ! grep -E 'ends the start|is not read' "$work/out" || fail "said of $*" ;;
    *) said "$text" ;;
    esac
    timeout 10 "$HOOK" 101 pre-start >"$work/hook" 2>&1 || fail "the start with $*: $(cat "$work/hook")"
}

# LXC runs "exec VALUE" with sh -c, and ends the start unless that ends well
case_programs() {
    mkfifo "$H/root/fifo.sh"
    chmod 755 "$H/root/fifo.sh"
    cp /bin/true "$H/usr/bin/nvidia-modprobe"
    { script; head -c 70000 /dev/zero | tr '\0' '#'; } >"$H/root/big.sh"
    chmod 755 "$H/root/big.sh"
    script >"$H/root/noexec.sh"
    cp "$H/root/good.sh" "$H/root/good@1.sh"
    for key in pre-start start-host pre-mount mount autodev; do
        says 'ends the start, because LXC cannot use /root/none.sh: it does not exist' "lxc.hook.$key: /root/none.sh"
    done
    says 'cannot use /root/none.sh' 'lxc.hook.mount: sh /root/none.sh'
    says 'cannot use /root: it is no regular file' 'lxc.hook.mount: /root'
    says 'cannot use /root/fifo.sh: it is no regular file' 'lxc.hook.mount: /root/fifo.sh'
    says 'cannot use /root/noexec.sh: it is not executable' 'lxc.hook.mount: /root/noexec.sh'
    says '/root/noexec.sh:2; it may give' 'lxc.hook.mount: bash -e /root/noexec.sh'
    says '/root/good.sh:2; it may give' 'lxc.hook.mount: /root/good.sh -x'
    says '/root/good@1.sh:2; it may give' 'lxc.hook.mount: /root/good@1.sh'
    says '/usr/bin/nvidia-modprobe is not read: it is a program;' 'lxc.hook.pre-start: /usr/bin/nvidia-modprobe -c 0 -u'
    says 'nvidia-modprobe is not read: it is a program;' 'lxc.hook.pre-start: nvidia-modprobe -c 0 -u'
    says '/root/big.sh is not read: it has more than 64 KiB;' 'lxc.hook.mount: /root/big.sh'
    says '/root/in.sh is not read: it is a file of the container;' 'lxc.hook.start: /root/in.sh'
    says '/root/none.sh is not read: it does not exist;' 'lxc.hook.post-stop: /root/none.sh'
}

# where the shell decides, nothing is called the end of the start
case_uncertain() {
    mkfifo "$H/root/fifo.sh"
    says '/root/none.sh is not read: it does not exist;' 'lxc.hook.mount: sh -c "/root/none.sh || true"'
    unsaid 'ends the start'
    says '/root/fifo.sh is not read: it is no regular file;' "lxc.hook.mount: sh -c '/root/fifo.sh'"
    unsaid 'ends the start'
    says '/root/my is not read' 'lxc.hook.mount: /root/my\ hook.sh'
    unsaid 'ends the start'
    says '' 'lxc.hook.mount: /root/good.sh /root/data /run/lock/x'
    says '' 'lxc.hook.mount: sh -c "touch /root/seen"' 'lxc.hook.version: 1'
    says 'known to the shell alone' 'lxc.hook.mount: $HOME/hook.sh'
    says '' 'lxc.hook.mount: /usr/share/lxc/hooks/clonehostname'
}

# confile.c: a folder's *.conf, no folder below it; a missing folder, if a slash says that it is one
case_includes() {
    mkdir -p "$H/etc/gpu.d" "$H/etc/bad.d/sub.conf" "$H/etc/none.d"
    mkfifo "$H/root/fifo.conf"
    ln -s loop.conf "$H/root/link.conf"
    echo 'lxc.include = /root/loop.conf' >"$H/root/loop.conf"
    echo 'lxc.mount.entry = /dev/dri/card0 dev/dri/card0 none bind' >"$H/etc/gpu.d/x.bak"
    echo 'lxc.include = /root/last.conf' >"$H/etc/gpu.d/x.conf"
    echo 'lxc.mount.entry = /dev/dri/renderD128 dev/dri/renderD128 none bind,optional,create=file' >"$H/root/last.conf"
    says '/dev/dri/renderD128 in /root/last.conf:1' 'lxc.include: "/etc/gpu.d"'
    unsaid card0,
    unsaid /x.bak
    says '/dev/dri/renderD128 in /root/last.conf:1' 'lxc.include: /etc/gpu.d/'
    says '' 'lxc.include: /etc/none.d' 'lxc.include: /etc/not-there/'
    says 'cannot use /etc/bad.d/sub.conf in /etc/bad.d: it is no regular file' 'lxc.include: /etc/bad.d'
    says 'cannot use /root/none.conf: it does not exist' 'lxc.include: /root/none.conf'
    says 'cannot use /root/fifo.conf: it is no regular file' 'lxc.include: /root/fifo.conf'
    says 'cannot use /root/loop.conf in /root/loop.conf: it includes itself' 'lxc.include: /root/link.conf'
    says 'cannot use /root/none: it does not exist' 'lxc.mount.fstab: /root/none'
    says "gpu.conf is not read: its path does not begin at /" 'lxc.include: gpu.conf'
    echo 'lxc.hook.mount = /usr/share/lxc/hooks/nvidia' >"$H/root/nvidia.conf"
    says '/usr/share/lxc/hooks/nvidia in /root/nvidia.conf:1' 'lxc.include: /root/nvidia.conf'
    echo 'lxc.mount.entry = /dev dev2 none rbind,create=dir' >"$H/root/whole.conf"
    says '/root/whole.conf:1' 'lxc.include: /root/whole.conf'
    echo 'lxc.mount.entry = /dev/char/226:128 srv/gpu none bind,create=file' >"$H/root/alias.conf"
    mkdir -p "$H/dev/char"
    ln -s ../dri/renderD128 "$H/dev/char/226:128"
    says '/root/alias.conf:1' 'lxc.include: /root/alias.conf'
}

# includes of includes are followed, and not for ever
case_many() {
    for i in $(seq 20); do
        echo "lxc.include = /root/chain$((i + 1)).conf" >"$H/root/chain$i.conf"
    done
    : >"$H/root/chain21.conf"
    says 'too many files include each other' 'lxc.include: /root/chain1.conf'
    unsaid 'ends the start'
    mkdir "$H/root/many.d"
    for i in $(seq 100); do
        echo "lxc.include = /root/many.d" >"$H/root/many.d/$i.conf"
    done
    says 'the container has too many such files' 'lxc.include: /root/many.d'
}

# beside a file that is not read nobody can say that no line gives a node
case_doctor() {
    mkdir -p "$H/var/lib/vz/snippets" "$H/etc/gpu.d"
    cp "$H/root/good.sh" "$H/var/lib/vz/snippets/gpuanchor-hook"
    head -c 70000 /dev/zero | tr '\0' '#' >"$H/root/big.conf"
    container 1 'lxc.include: /root/big.conf'
    "$gpuanchor" doctor 101 >"$work/out" 2>&1 </dev/null
    unsaid 'no line gives the container a node'
    tr -s ' \n' ' ' <"$work/out" >"$work/flat" && mv "$work/flat" "$work/out"
    said 'no line that was read gives the container a node of a GPU; one that is not read may, see hook'
    echo 'lxc.mount.entry = /dev/dri/renderD128 dev/dri/renderD128 none bind,optional,create=file' >"$H/etc/gpu.d/x.conf"
    container 1 'lxc.include: /etc/gpu.d'
    "$gpuanchor" doctor 101 >"$work/out" 2>&1 </dev/null
    unsaid 'no line gives the container a node'
    unsaid 'no line that was read'
    # the host's group has to be mapped for a node that another file binds, too
    "$HOOK" 101 pre-start >"$work/out" 2>&1 || fail "the start failed"
    said 'container gid 104 is host gid 104'
    container 1 'lxc.include: /root/none.conf'
    "$gpuanchor" doctor 101 >"$work/out" 2>&1 </dev/null
    grep -q 'failed *hook: 101.conf:5' "$work/out" || fail "the missing file does not fail"
}

cases ${3+"$3"}
