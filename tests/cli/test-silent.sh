#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# test-silent.sh GPUANCHOR HOOK SILENT_FS - a running container with a file system that never answers
#
# The host is a folder that is mounted over this machine's, in a mount namespace of the test. A
# process with a root folder and a mount namespace of its own stands for the container's init. It
# is a FUSE server, too, which takes requests and does not answer them: whoever asks hangs in the
# kernel, SIGKILL or not. Skipped where the kernel has no FUSE, or this is a container that may not use it.
# shellcheck disable=SC2317 # the cases are called by name
# shellcheck source=tests/cli/lib.sh
if [ -z "${SILENT-}" ]; then
    unshare -m true 2>/dev/null || { echo "needs root and a mount namespace"; exit 77; }
    SILENT=1 exec unshare -m --propagation private sh "$0" "$@"
fi
. "$(dirname "$0")/lib.sh"
hook=$(realpath "${2:?usage: $0 GPUANCHOR HOOK SILENT_FS}")
silent_fs=$(realpath "$3")
unset GPUANCHOR_ROOT
rm -rf "$work"
work=$(mktemp -d -p /tmp) # not in /dev, which is mounted over
mount -t tmpfs -o mode=755 silent "$work" || { echo "may not mount"; exit 77; } # /tmp may be nodev
H=$work/host
CONF=$H/etc/pve/lxc/101.conf
box=$work/box

ended() { # PID - within five seconds
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        case $(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null) in '' | Z) return 0 ;; esac
        sleep 0.5
    done
    return 1
}

end() { # the container
    [ -s "$work/init" ] || return 0
    kill -9 "$(cat "$work/init")" 2>/dev/null
    ended "$(cat "$work/init")"
    rm "$work/init"
}
trap 'end; cd /; umount -l "$work" && rmdir "$work"' EXIT

# --- the host, mounted ----------------------------------------------------------------------------

sh "$tests/mkhost.sh" "$tests/fixtures/hosts/guide.host" "$H" || exit 1
mkdir -p "$H/etc/pve/gpuanchor" "$H/var/lib/lxc/101" "$H/run/gpuanchor" "$H/sys/fs/cgroup/lxc/101" "$H/usr/sbin"
cp /etc/passwd /etc/ld.so.cache "$H/etc/" 2>/dev/null
cat >"$H/usr/sbin/lxc-info" <<END
#!/bin/sh
cat $work/init
END
cat >"$H/usr/sbin/pct" <<END
#!/bin/sh
[ "\$3" != --delete ] || sed -i '/^hookscript/d' /etc/pve/lxc/101.conf
END
cat >"$H/usr/sbin/lxc-attach" <<END
#!/bin/sh
echo "\$*" >>$work/attached
END
chmod 755 "$H"/usr/sbin/*
cp -a /dev/null /dev/zero "$H/dev/"
mknod "$H/dev/fuse" c 10 229 # a container has none of its own
(: <>"$H/dev/fuse") 2>"$work/why" || { echo "/dev/fuse: $(cat "$work/why")"; exit 77; }
ln -s /proc/self/fd "$H/dev/fd"
for part in etc var/lib run usr/sbin dev sys; do
    mount --bind "$H/$part" "/$part" || { echo "no bind mounts"; exit 77; }
done

# --- the container --------------------------------------------------------------------------------

# silent FOLDER - a new container, and the file system over a folder of it
silent() {
    end
    rm -rf "$box" "$work/attached"
    mkdir -p "$box/dev/dri" "$box/etc/systemd/system" "$box/usr/lib/systemd" "$box/bin"
    printf 'root:x:0:\nvideo:x:44:\n' >"$box/etc/group"
    printf 'root:x:0:0::/:/bin/sh\n' >"$box/etc/passwd"
    : >"$work/ready" # not when that process is ready to open it: the one before has left a word
    unshare -m "$silent_fs" "$box/$1" "$box" >"$work/ready" 2>&1 &
    init=$!
    echo "$init" >"$work/init"
    for _ in $(seq 150); do # a busy machine takes seconds
        ! grep -q ready "$work/ready" || break
        sleep 0.2
    done
    grep -q ready "$work/ready" || fail "no silent file system: $(cat "$work/ready")"
    echo "0::/lxc/101/ns/init.scope" >"$work/cgroup"
    mount --bind "$work/cgroup" "/proc/$init/cgroup" || fail "no control group"
}

fresh() {
    end
    cp "$tests/fixtures/guide-101.conf" "$CONF"
    sed -n 's/^\(lxc[^:]*\):/\1 =/p' "$CONF" >"$H/var/lib/lxc/101/config"
    printf '[container]\ngpu = pci:0000:c1:00.0\nguest-timeout = 1\nguest-groups = ensure\n' >/etc/pve/gpuanchor/101.conf
    printf '[given]\nnode = /dev/dri/card1 226:1 0000:c1:00.0\n' >/run/gpuanchor/101
    printf 'root:44:1\nroot:110:1\n' >>/etc/subgid
}

# within SECONDS COMMAND... - and who reads what it prints sees the end then
within() {
    limit=$1 begin=$(date +%s)
    shift
    { "$@" 2>&1; echo "status $?"; } </dev/null | cat >"$work/out"
    took=$(($(date +%s) - begin))
    [ $took -le "$limit" ] || fail "$*: $took s, not $limit"
}

# a helper hangs: alone, and named in what was printed
hangs() {
    pid=$(cut -d' ' -f1 /run/gpuanchor/101.helper)
    [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null || fail "no helper"
    said "process $pid"
    n=0
    for process in /proc/[0-9]*; do # this test's: it has a mount namespace of its own
        ! grep -q '^gpuanchor' "$process/comm" 2>/dev/null ||
            [ "$(readlink "$process/ns/mnt")" != "$(readlink /proc/self/ns/mnt)" ] || n=$((n + 1))
    done
    [ $n = 1 ] || fail "$n processes of gpuanchor"
    lock=/run/lock/lxc/pve-config-101.lock
    [ ! -e $lock ] || flock -n $lock true || fail "the lock is held"
}

# --- cases ----------------------------------------------------------------------------------------

case_post_start_and_stop() {
    silent dev/dri
    within 13 "$hook" 101 post-start
    said 'status 0'
    said 'reading its files failed'
    said 'no answer within 10 s'
    hangs
    first=$pid
    within 4 "$hook" 101 post-start
    said 'status 0'
    hangs
    [ "$pid" = "$first" ] || fail "a second helper"
    within 2 "$hook" 101 pre-stop
    said "process $pid of gpuanchor hangs in a file system of the container"
    end
    ended "$pid" || fail "the helper does not end with the file system"
    within 2 "$hook" 101 post-stop
    [ "$(cat "$work/out")" = 'status 0' ] || fail "says something"
}

case_doctor_and_the_others() {
    silent dev/dri
    within 24 "$gpuanchor" doctor 101
    said 'no answer within 20 s'
    said 'status 1'
    hangs
    first=$pid
    within 10 "$gpuanchor" report --output "$work/report.tar"
    [ -s "$work/report.tar" ] || fail "no report"
    within 10 "$gpuanchor" doctor 101
    hangs
    within 10 "$gpuanchor" apply 101
    hangs
    within 10 "$gpuanchor" disable 101
    hangs
    [ "$pid" = "$first" ] || fail "a second helper"
    end
    ended "$pid" || fail "the helper does not end with the file system"
}

case_doctor_is_killed() {
    for signal in INT TERM KILL; do
        silent dev/dri
        env --default-signal=INT "$gpuanchor" doctor 101 >"$work/out" 2>&1 </dev/null &
        doctor=$!
        for _ in $(seq 100); do # until its helper is there
            [ ! -s /run/gpuanchor/101.helper ] || break
            sleep 0.1
        done
        sleep 2
        kill -$signal "$doctor"
        ended "$doctor" || fail "doctor survives SIG$signal"
        within 10 "$gpuanchor" doctor 101
        hangs
        end
        ended "$pid" || fail "the helper does not end with the file system"
    done
}

case_apply() {
    silent etc/systemd/system
    within 14 "$gpuanchor" apply 101
    said 'no answer within 11 s'
    said 'status 1'
    hangs
    end
}

case_convert_and_disable() {
    silent etc/systemd/system
    within 14 "$gpuanchor" convert 101 --to dev
    said 'method dev from the next start on'
    within 14 "$gpuanchor" disable 101
    said 'no answer within 11 s'
    said 'status 1'
    hangs
    end
}

cases ${4+"$4"}
