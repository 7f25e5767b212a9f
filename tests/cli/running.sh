# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# running.sh - a machine and containers that run, without Proxmox
#
# Sourced with the arguments of who sources it, of which the first is the gpuanchor to test.
# In a mount namespace of its own this machine gets the devices of a sample host, and a stand-in for
# lxc-info. A container is a process in namespaces and a control group of its own. Its nodes
# have no driver: an open that gets through answers ENXIO, one that the gate refuses EPERM.
# Needs root, a control group v2 that may be mounted, and programs that may be attached to it, which
# nspawn and Docker do not let; 77 without.
# shellcheck disable=SC2154 # gpuanchor, tests
set -u
[ "$(id -u)" = 0 ] || { echo "needs root"; exit 77; }

# a gate needs CAP_NET_ADMIN, and CAP_BPF or CAP_SYS_ADMIN, of the first user namespace
may_gate() {
    caps=$((0x$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status)))
    [ $((caps >> 12 & 1)) = 1 ] && [ $((caps >> 39 & 1 | caps >> 21 & 1)) = 1 ] &&
        grep -qx ' *0  *0  *4294967295' /proc/self/uid_map
}
may_gate || { echo "no program can be attached to a control group here: needs CAP_NET_ADMIN and CAP_BPF"; exit 77; }

# All that it makes is on a tmpfs of this namespace, and goes with it: nothing is ever removed but
# control groups. Its control group is the root of a namespace, so that containers are below /lxc.
case ${inside_namespaces-} in
'')
    # in a chroot / is no mount point
    unshare --mount --propagation private true 2>/dev/null || { echo "no mount namespace can be made here"; exit 77; }
    work=$(mktemp -d /tmp/gpuanchor-running.XXXXXX)
    inside_namespaces=1 work=$work unshare --mount --propagation private sh "$0" "$@"
    status=$?
    rmdir "$work"
    exit $status
    ;;
1)
    mount -t tmpfs work "$work" && mkdir "$work/cg" || exit 1
    mount -t cgroup2 none "$work/cg" 2>/dev/null || { echo "no control group v2 here"; exit 77; }
    group=$work/cg/gpuanchor-test.$$
    mkdir -p "$group/lxc" || { echo "no control group can be made here"; exit 77; }
    cleanup() {
        for one in "$group"/lxc/*; do [ ! -d "$one" ] || echo 1 >"$one/cgroup.kill"; done
        sleep 0.3
        rmdir "$group"/lxc/* "$group"/lxc "$group" 2>/dev/null
    }
    trap cleanup EXIT
    trap 'exit 130' INT TERM
    export group
    sh -c 'echo 0 >"$group/cgroup.procs" && inside_namespaces=2 exec unshare --cgroup sh "$@"' sh "$0" "$@"
    exit
    ;;
esac
export LC_ALL=C.UTF-8
unset GPUANCHOR_ROOT JOURNAL_STREAM

# --- a machine ------------------------------------------------------------------------------------

R=$work/root
mkdir -p "$work/hosts" "$work/bin" "$work/dev" "$work/old" "$R"
mount --bind "$R" "$R" || exit 1 # a root is a mount
mkdir -p "$R/usr" "$R/proc" "$R/dev" "$R/sys" "$R/etc" "$R/run/lock" "$R/run/gpuanchor-look" "$R/var/lib" "$R/tmp" "$R/opt"
for name in guide guide-moved; do
    sh "$tests/mkhost.sh" "$tests/fixtures/hosts/$name.host" "$work/hosts/$name" || exit 1
done
mount --bind /usr "$R/usr" && mount -o remount,bind,ro "$R/usr" || exit 1
for folder in bin sbin lib lib64; do ln -s "usr/$folder" "$R/$folder"; done
mount --rbind /proc "$R/proc"
cp "$gpuanchor" "${gpuanchor%/src/cli/gpuanchor}/hooks/gpuanchor-hook" "$R/opt/"
cp -a "$work/hosts/guide/etc/." "$R/etc/"
cp -a /etc/ld.so.cache "$R/etc/"
cp -a /usr/sbin/. "$work/bin/" 2>/dev/null # no file of this machine is changed
# lxc-info -n VMID -pH
printf '#!/bin/sh\ncat "/run/init.$2" 2>/dev/null\n' >"$work/bin/lxc-info"
# pct set VMID --delete hookscript
printf '#!/bin/sh\nsed -i "/^hookscript:/d" /etc/pve/lxc/$2.conf\n' >"$work/bin/pct"
chmod +x "$work/bin/lxc-info" "$work/bin/pct"
mount --bind "$work/bin" "$R/usr/sbin"
mount -t tmpfs dev "$work/dev"
cp -a /dev/null /dev/zero /dev/urandom "$work/dev/"
mount --bind "$work/dev" "$R/dev"

# host NAME - the machine has the devices of that sample host from now on
host() {
    umount -l "$R/sys" 2>/dev/null
    S=$(mktemp -d -p "$work/old")
    cp -a "$work/hosts/$1/sys/." "$S"
    mkdir -p "$S/fs/cgroup"
    mount --bind "$S" "$R/sys"
    mount --bind "$group" "$R/sys/fs/cgroup"
    [ ! -e "$work/dev/dri" ] || mv "$work/dev/dri" "$(mktemp -d -p "$work/dev")/"
    cp -a "$work/hosts/$1/dev/dri" "$work/dev/dri"
}
on_host() { chroot "$R" "$@"; }
look() {
    on_host /opt/gpuanchor look >"$work/out" 2>"$work/err" </dev/null
    status=$?
    [ "$status" -le 1 ] || fail "look: exit status $status"
}

fail() {
    echo "  FAILED: $*" >&2
    sed 's/^/  | /' "$work/out" "$work/err" "$R"/run/gpuanchor/101* >&2 2>/dev/null
    exit 1
}

# number KIND - of the card that is the container's, 0000:c1:00.0
node() { # card|render
    for dir in "$S"/class/drm/*; do
        case $(readlink -f "$dir") in *0000:c1:00.0/drm/*) ;; *) continue ;; esac
        case ${dir##*/}-$1 in
        card*-*-*) ;;
        card*-card | renderD*-render) echo "${dir##*/}" ;;
        esac
    done
}
number() { cat "$S/class/drm/$(node "$1")/dev"; }
others() { # numbers of render nodes of other cards
    for dir in "$S"/class/drm/renderD*; do
        [ "${dir##*/}" = "$(node render)" ] || cat "$dir/dev"
    done
}

# --- a container ----------------------------------------------------------------------------------

vmid=101 # the container that is spoken of
# passthrough - the private nodes of all containers, as their starts have made them
passthrough() {
    mkdir -p "$work/passthrough"
    mount -t tmpfs passthrough "$work/passthrough"
    chmod 755 "$work" "$work/passthrough"
    [ -n "$(node render)" ] || return 0
    mknod -m 660 "$work/passthrough/$(node card)" c 226 "$(number card | cut -d: -f2)"
    mknod -m "${render_mode-660}" "$work/passthrough/$(node render)" c 226 "$(number render | cut -d: -f2)"
    chgrp 44 "$work/passthrough/$(node card)"
    chgrp 104 "$work/passthrough/$(node render)"
}

# container [LINE] - runs with what its devN lines give it; LINE is of its policy. lines_card and
# lines_render are the names in its lines where the host has no such card, and its policy stays
# then; lines_more are other lines. container_init is what runs, container_program a file that it
# gets, and its root is no chroot then: who is in one may make no user namespace.
container() {
    mkdir -p "$group/lxc/$vmid" "$R/run/gpuanchor"
    {
        printf 'arch: amd64\nhookscript: local:snippets/gpuanchor-hook\nhostname: ct%s\n' "$vmid"
        printf 'net0: name=eth0,hwaddr=BC:24:11:00:01:%02X\nunprivileged: 1\n' "$((vmid - 100))"
        printf 'dev0: /dev/dri/%s,gid=44\ndev1: /dev/dri/%s,gid=104\n' "${lines_card-$(node card)}" \
            "${lines_render-$(node render)}"
        printf '%s' "${lines_more-}"
    } >"$R/etc/pve/lxc/$vmid.conf"
    mkdir -p "$R/etc/pve/gpuanchor"
    [ -n "${lines_card-}" ] ||
        printf '[container]\ngpu = pci:0000:c1:00.0\n%s\n' "${1-}" >"$R/etc/pve/gpuanchor/$vmid.conf"
    on_host /opt/gpuanchor-hook "$vmid" pre-start >"$work/out" 2>&1 || fail "pre-start"
    cat >"$work/start.sh" <<'EOF'
mkdir -p "$1/ct" && mount -t tmpfs ct "$1/ct" && cd "$1/ct" || exit 1
mkdir dev bin proc && mount -t tmpfs -o mode=755 dev dev && mkdir dev/dri
for node in $2 $3; do
    : >dev/dri/$node
    mount --bind "$1/passthrough/$node" dev/dri/$node || exit 1
done
for folder in usr lib lib64 bin sbin; do
    [ ! -e "/$folder" ] || { mkdir -p $folder && mount --rbind "/$folder" $folder; }
done
echo ready >"$1/ready"
[ -z "$5" ] || { cp "$5" . && mkdir old && pivot_root . old && cd / && exec $4; }
exec chroot . $4
EOF
    mountpoint -q "$work/passthrough" || passthrough
    rm -f "$work/ready"
    (
        echo 0 >"$group/lxc/$vmid/cgroup.procs"
        exec unshare --mount --propagation private sh "$work/start.sh" "$work" "$(node card)" "$(node render)" \
            "${container_init-/usr/bin/sleep 1000}" "${container_program-}"
    ) &
    init=$!
    for _ in $(seq 100); do [ ! -e "$work/ready" ] || break; sleep 0.05; done
    sleep 0.3
    [ -e "$work/ready" ] || fail "the container does not start"
    echo "$init" >"$R/run/init.$vmid"
    echo "$init" >"$group/lxc/$vmid/cgroup.procs"
}

# opens NAME - ENXIO: there is no driver, but it may; EPERM: it may not; ENOENT: there is no such node
opens() {
    printf 'import os,errno,sys\nopen("%s/cgroup.procs","w").write(str(os.getpid()))\nos.chroot("/proc/%s/root")\ntry:\n os.open(sys.argv[1],os.O_RDWR)\n print("open")\nexcept OSError as e: print(errno.errorcode[e.errno])\n' \
        "$group/lxc/$vmid" "$init" >"$work/open.py"
    python3 "$work/open.py" "$1"
}
opens_is() { [ "$(opens "$1")" = "$2" ] || fail "open of $1: $(opens "$1"), not $2"; }

said() { grep -qF -e "$1" "$work/out" || fail "not said: $1"; }
unsaid() { ! grep -qF -e "$1" "$work/out" || fail "said: $1"; }

end() {
    kill -9 "$init" 2>/dev/null
    wait "$init" 2>/dev/null
    init_was=$init
    init=
    umount -l "$work/passthrough"
    sleep 0.2
    rmdir "$group/lxc/$vmid"
    mv "$R/run/gpuanchor" "$R/run/gpuanchor.$init_was" 2>/dev/null
    mv "$R/run/init.$vmid" "$R/run/init.was.$init_was"
}
