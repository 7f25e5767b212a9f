#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# test-faults.sh GPUANCHOR HOOK - what is around a start is killed, hangs, is full, is missing
# shellcheck disable=SC2317 # the cases are called by name
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
hook=$(realpath "${2:?usage: test-faults.sh GPUANCHOR HOOK}")
BACKUP=$H/var/lib/gpuanchor/backup/101
CONFIG=$H/var/lib/lxc/101/config
POLICY=$H/etc/pve/gpuanchor/101.conf

# the container of the usual guide, whose GPU has other numbers now
fresh() {
    rm -rf "$H"
    [ -d "$work/guide" ] || sh "$tests/mkhost.sh" "$tests/fixtures/hosts/guide-moved.host" "$work/guide" || exit 1
    cp -a "$work/guide" "$H"
    cp "$tests/fixtures/guide-101.conf" "$CONF"
    printf '[container]\ngpu = pci:0000:c1:00.0\n' >"$POLICY"
    printf 'root:44:1\nroot:993:1\n' >>"$H/etc/subgid"
    mkdir -p "$(dirname "$CONFIG")"
    sed -n 's/^\(lxc[^:]*\):/\1 =/p' "$CONF" >"$CONFIG"
}

# start STATUS - pre-start ends with this status, within its limit
start() {
    want=$1
    timeout 60 "$hook" 101 pre-start >"$work/out" 2>"$work/err" </dev/null
    got=$?
    [ "$got" = "$want" ] || fail "pre-start: exit status $got, not $want"
}

complained() { grep -qF -e "$1" "$work/err" || fail "not complained: $1"; }
there() { [ -e "$1" ] || fail "${1#"$H"} is gone"; }
gone() { [ ! -e "$1" ] || fail "${1#"$H"} is there"; }

# --- killed ---------------------------------------------------------------------------------------

case_temporary_files_of_killed_runs() {
    dead=$(sh -c 'echo $$')
    for round in 1 2; do # with something to write, and without
        for file in "$CONF" "$CONFIG" "$POLICY"; do
            echo half >"$file.tmp.$dead"
            echo other >"$file.tmp.$$" # somebody writes it now
        done
        echo other >"$CONF.tmp.x$dead"
        echo other >"$H/etc/pve/lxc/102.conf.tmp.$dead"
        start 0
        "$hook" 101 post-start >/dev/null
        for file in "$CONF" "$CONFIG" "$POLICY"; do
            gone "$file.tmp.$dead"
            there "$file.tmp.$$"
        done
        there "$CONF.tmp.x$dead"
        there "$H/etc/pve/lxc/102.conf.tmp.$dead"
    done
    said 'nothing to change'
}

# every verb, killed at each of its renames: what it leaves is gone when it has run again
case_killed_verbs() {
    command -v strace >/dev/null || return 0
    mkdir -p "$H/usr/sbin" "$H/var/lib/vz/snippets"
    program usermod </dev/null
    printf '#!/bin/sh\n[ "$3" != --hookscript ] || echo "hookscript: $4" >>"$GPUANCHOR_ROOT/etc/pve/lxc/$2.conf"\n' >"$H/usr/sbin/pct"
    chmod +x "$H/usr/sbin/pct"
    sed -i '/^root:993:/d' "$H/etc/subgid"
    rm -rf "$work/kept" && cp -a "$H" "$work/kept"
    points=0
    for verb in "enable 101 --gpu pci:0000:c1:00.0" "disable 101" "apply 101" "apply --all --boot" "convert 101 --to idmap" look; do
        for point in rename:1 rename:2 rename:3 rename:4 rename:5 rename:6 renameat2:1 renameat2:2 renameat2:3; do
            n=${point#*:}
            rm -rf "$H" && cp -a "$work/kept" "$H"
            case $verb in convert*) "$gpuanchor" apply 101 >/dev/null 2>&1 ;; esac
            # shellcheck disable=SC2086
            strace -f -o "$work/trace" -e trace=rename,renameat2 -e inject=${point%:*}:signal=SIGKILL:when=$n \
                "$gpuanchor" $verb >"$work/out" 2>&1 </dev/null
            grep -q '+++ killed by SIGKILL' "$work/trace" || continue
            points=$((points + 1))
            find "$H/etc" "$H/var" "$H/run" -name '*.tmp.*' | grep -q . || fail "$verb: $point leaves nothing to sweep"
            # shellcheck disable=SC2086
            "$gpuanchor" $verb >"$work/out" 2>&1 </dev/null
            left=$(find "$H/etc" "$H/var" "$H/run" -name '*.tmp.*')
            [ -z "$left" ] || fail "$verb: after $point and another run there is $left"
        done
    done
    [ $points -ge 15 ] || fail "$points points"
}

# --- programs -------------------------------------------------------------------------------------

# program NAME - of this host, from stdin
program() {
    mkdir -p "$H/usr/sbin"
    { echo '#!/bin/sh' && cat; } >"$H/usr/sbin/$1"
    chmod +x "$H/usr/sbin/$1"
}

# usermod hangs (PAM, a lock): a limit, then the start goes on as the files that are left allow
case_usermod_hangs() {
    sed -i '/^root:993:/d' "$H/etc/subgid"
    program usermod <<END
trap '' TERM
echo "PAM says something" >&2
echo \$\$ >"$H/pid"
while :; do sleep 1; done
END
    begin=$(date +%s)
    start 1 # the old lines are another GPU's
    [ $(($(date +%s) - begin)) -lt 15 ] || fail "took too long"
    said 'delegation of host gid 993 (render) failed: usermod: no answer within 10 s'
    said 'start refused'
    complained 'PAM says something'
    ! kill -0 "$(cat "$H/pid")" 2>/dev/null || fail "usermod is still there"
    # lines of the right GPU
    sed -i -e 's/226:1 /226:0 /; s/226:128/226:129/; s/card1/card0/g; s/renderD128/renderD129/g' "$CONF" "$CONFIG"
    cp "$CONF" "$work/conf"
    start 0
    said 'no answer within 10 s'
    cmp "$CONF" "$work/conf" || fail "changed"
}

# PATH of a root shell by su, none at all, one with a folder of somebody else's
case_path_of_the_caller() {
    echo "root:44:1" >"$work/subgid"
    mkdir -p "$work/theirs"
    for name in usermod sh; do
        printf '#!/bin/sh\ntouch "%s"\n' "$work/ran" >"$work/theirs/$name"
        chmod +x "$work/theirs/$name"
    done
    for path in PATH=/usr/local/bin:/usr/bin:/bin -uPATH PATH= "PATH=$work/theirs:$PATH"; do
        fresh
        echo 'echo ran >>"$0.ran"' | program usermod
        cp "$work/subgid" "$H/etc/subgid"
        env "$path" "$hook" 101 pre-start >"$work/out" 2>"$work/err" </dev/null || fail "exit status $?"
        said '/etc/subgid: root may map host gid 993 (render) now'
        there "$H/usr/sbin/usermod.ran"
        gone "$work/ran"
    done
}

# no verb and no phase runs a program out of PATH, whatever it is called
case_path_of_the_caller_verbs() {
    mkdir -p "$work/evil" "$H/var/lib/vz/snippets"
    printf '#!/bin/sh\necho "${0##*/} $*" >>"%s"\n' "$work/ran" >"$work/evil/.program"
    chmod +x "$work/evil/.program"
    # shellcheck disable=SC2046 # names
    (cd "$work/evil" && perl -e 'symlink ".program", $_ for @ARGV' $(ls /usr/bin /usr/sbin) pct pvesm pvesh pvecm \
        lxc-info lxc-attach lxc-cgroup nvidia-smi usermod diff udevadm systemctl journalctl sendmail modprobe sh)
    [ -L "$work/evil/modprobe" ] && [ -L "$work/evil/pvesm" ] || fail "no programs: nothing is tested"
    for name in pct usermod lxc-info lxc-attach lxc-cgroup; do
        printf 'echo "%s $*" >>"%s"\n' $name "$H/fixed" | program $name
    done
    sed -i '/^root:993:/d' "$H/etc/subgid"
    rm -rf "$work/kept" && cp -a "$H" "$work/kept"
    for path in "PATH=$work/evil" "PATH=$work/evil:/usr/bin:/bin" PATH= -uPATH PATH=. ; do
        rm -rf "$H" && cp -a "$work/kept" "$H"
        for command in gpus status "plan 101" "doctor 101" doctor "enable 101 --gpu pci:0000:c1:00.0" "apply 101" "apply --all --boot" \
            "convert 101 --to dev" "undo 101" "fix 101" "report -o $work/report.tar" look "disable 101" help version \
            "hook pre-start" "hook unit-start" "hook post-start" "hook pre-stop" "hook post-stop" "alert"; do
            rm -f "$work/report.tar"
            case $command in
            hook*) set -- "$hook" 101 "${command#hook }" ;;
            alert) set -- "STATE_DIRECTORY=$work" /bin/sh "$tests/../systemd/gpuanchor-alert" ;;
            *)  # shellcheck disable=SC2086
                set -- "$gpuanchor" $command ;;
            esac
            (cd "$work/evil" && exec /usr/bin/env "$path" "$@") >"$work/out" 2>"$work/err" </dev/null
            [ ! -e "$work/ran" ] || fail "$path: $command: $(cat "$work/ran")"
        done
        for name in pct usermod; do
            grep -q "^$name " "$H/fixed" || fail "$path: $name was not run: nothing is tested"
        done
    done
}

# a next-hook that runs gpuanchor-hook: once, and said; by itself it would never end
case_next_hook_runs_us() {
    mkdir -p "$H/hooks"
    printf '#!/bin/sh\necho "wrapper $2"\n"%s" "$@"\n' "$hook" >"$H/hooks/wrapper"
    printf '#!/bin/sh\necho "wrapper $2"\nexec nice "%s" "$@"\n' "$hook" >"$H/hooks/nice"
    # by sudo and the like: a new environment
    ours="env -i GPUANCHOR_ROOT=$H"
    printf '#!/bin/sh\necho "wrapper $2"\n%s "%s" "$@"\n' "$ours" "$hook" >"$H/hooks/sudo"
    printf '#!/bin/sh\necho "wrapper $2"\nexec %s "%s" "$@"\n' "$ours" "$hook" >"$H/hooks/exec"
    printf '#!/bin/sh\necho "wrapper $2"\n%s setsid -w "%s/hooks/copy" "$@"\n' "$ours" "$H" >"$H/hooks/setsid"
    # behind forty shells, slower than what runs of late could tell
    cat >"$H/hooks/deep" <<END
#!/bin/sh
echo "wrapper \$2"
go() { if [ \$1 -gt 0 ]; then (go \$((\$1 - 1)) "\$2"; exit \$?); else sleep 1.3; $ours "$hook" 101 "\$2"; fi; }
go 40 "\$2"
END
    # in turn with another phase, and with another container
    printf '#!/bin/sh\necho "wrapper $2"\n[ $2 = pre-stop ] && p=post-stop || p=pre-stop\n"%s" "$1" $p\n' "$hook" >"$H/hooks/phases"
    printf '#!/bin/sh\necho "wrapper $2"\n%s "%s" 102 "$2"\n' "$ours" "$hook" >"$H/hooks/two"
    printf '#!/bin/sh\n%s "%s" 101 "$2"\n' "$ours" "$hook" >"$H/hooks/one"
    printf '[container]\ngpu = pci:0000:c1:00.0\nnext-hook = /hooks/one\n' >"$H/etc/pve/gpuanchor/102.conf"
    sed s/media/two/ "$CONF" >"$H/etc/pve/lxc/102.conf"
    cp "$hook" "$H/hooks/copy"
    ln -s "$hook" "$H/hooks/link"
    ln -s link "$H/hooks/link2"
    chmod +x "$H/hooks"/*
    for next in wrapper nice copy link link2 sudo exec setsid deep phases two; do
        printf '[container]\ngpu = pci:0000:c1:00.0\nnext-hook = /hooks/%s\n' $next >"$POLICY"
        for phase in pre-start post-start pre-stop; do
            rm -f "$H"/run/gpuanchor/*.next
            timeout 20 "$hook" 101 $phase >"$work/out" 2>"$work/err" </dev/null || fail "$next $phase: exit status $?"
            [ "$(grep -c 'it runs gpuanchor-hook again' "$work/out")" = 1 ] || fail "$next $phase: not said once"
            [ "$(grep -c "^wrapper $phase" "$work/out")" -le 1 ] || fail "$next $phase: run again"
        done
        # of another container: not ours to end
        GPUANCHOR_CHAIN="102 pre-start" timeout 20 "$hook" 101 pre-stop >"$work/out" 2>&1 </dev/null || fail "$?"
        [ $next != phases ] && [ $next != two ] || continue # it is another hook that ends
        sed -i 's/^next-hook/on-error = refuse\n&/' "$POLICY"
        start 1
    done
}

# the same by a service, which descends from nobody: it ends all the same, a few runs are none
case_next_hook_sends_for_us() {
    mkdir -p "$H/hooks"
    printf '#!/bin/sh\necho $2 >>"%s"\nenv -i GPUANCHOR_ROOT=%s setsid -f "%s" "$@" >>"%s" 2>&1 </dev/null\n' \
        "$work/runs" "$H" "$hook" "$work/service.out" >"$H/hooks/service"
    printf '#!/bin/sh\necho $2 >>"%s"\n' "$work/runs" >"$H/hooks/plain"
    chmod +x "$H/hooks"/*
    printf '[container]\ngpu = pci:0000:c1:00.0\nnext-hook = /hooks/service\n' >"$POLICY"
    rm -f "$work/runs" "$work/service.out"
    "$hook" 101 pre-stop >"$work/out" 2>&1 </dev/null || fail "$?"
    for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        grep -q 'it runs gpuanchor-hook again' "$work/service.out" && break
        sleep 0.3
    done
    [ "$(wc -l <"$work/runs")" -le 8 ] || fail "$(wc -l <"$work/runs") runs"
    grep -q 'it runs gpuanchor-hook again' "$work/service.out" || fail "not said"
    rm -f "$work/runs" "$H/run/gpuanchor/101.next"
    sed -i s/service/plain/ "$POLICY"
    for phase in pre-start post-start pre-stop post-stop pre-start post-start pre-stop post-stop; do
        "$hook" 101 $phase >"$work/out" 2>&1 </dev/null || fail "$phase: $?"
    done
    [ "$(wc -l <"$work/runs")" = 8 ] || fail "$(wc -l <"$work/runs") of 8 runs"
}

# --- limits ---------------------------------------------------------------------------------------

case_file_size_limit() {
    cp "$CONF" "$work/conf"
    (ulimit -f 0; "$hook" 101 pre-start; echo "status $?") 2>&1 </dev/null | cat >"$work/out"
    said 'not written: File too large'
    said 'status 1' # these lines would give another GPU
    cmp "$CONF" "$work/conf" || fail "half a file"
}

case_backup_number() {
    mkdir -p "$BACKUP"
    echo foreign >"$BACKUP/4294967295.conf"
    cp "$CONF" "$work/conf"
    start 0
    cmp "$BACKUP/1.conf" "$work/conf" || fail "no backup"
    run 0 undo 101 --force
    cmp "$CONF" "$work/conf" || fail "not the newest original"
    rm -r "$BACKUP"
    mkdir "$BACKUP"
    echo foreign >"$BACKUP/999999999.conf"
    start 0
    said '/var/lib/gpuanchor/backup: not written'
    gone "$BACKUP/1000000000.conf"
}

# --- what cannot be read --------------------------------------------------------------------------

# as KIND FILE - the file becomes this instead
as() {
    case $1 in
    fifo) rm -rf "$2"; mkfifo "$2" ;;
    folder) rm -rf "$2"; mkdir "$2" ;;
    loop) rm -rf "$2"; ln -s "$(basename "$2")" "$2" ;;
    endless) rm -rf "$2"; ln -s /dev/zero "$2" ;;
    huge) truncate -s 40M "$2" ;;
    empty) : >"$2" ;;
    cut) head -c 40 "$2" >"$2.cut"; mv "$2.cut" "$2" ;;
    zeros) tr '\0-\377' '\0' <"$2" >"$2.cut"; mv "$2.cut" "$2" ;;
    long) { printf '%0500d\n' 0; cat "$2"; } >"$2.cut"; mv "$2.cut" "$2" ;;
    garbage) { cat "$2"; echo 'garbage ['; } >"$2.cut"; mv "$2.cut" "$2" ;;
    nul) { cat "$2"; printf 'a\0b\n'; } >"$2.cut"; mv "$2.cut" "$2" ;;
    open) { cat "$2"; echo '[pin pve1'; } >"$2.cut"; mv "$2.cut" "$2" ;;
    esac
}

# what a start has left of GPUs: the AMD card is card0 and renderD129 on this host
only_amd() {
    ! grep -q 'card1 \|renderD128 ' "$CONF" "$CONFIG" || fail "$1: the start goes on with the other GPU"
}

# each input in turn is something else: refused or corrected, never a start with the other GPU's
# lines, never a wait
case_inputs_are_something_else() {
    fresh
    printf '[container]\ngpu = auto\n\n[pin pve1]\ngpu = 0000:c1:00.0 1002:150e 1f66:0031 pci0000:c0/08.1/00.0\n' >"$POLICY"
    mkdir -p "$H/etc/gpuanchor" "$H/etc/pve/mapping"
    printf '[defaults]\nmissing = start\n' >"$H/etc/gpuanchor/gpuanchor.conf"
    cp "$CONF" "$work/conf" && cp "$CONFIG" "$work/config"
    start 0 # the host remembers its cards and the pin
    only_amd "as it is"
    cp "$work/conf" "$CONF" && cp "$work/config" "$CONFIG"
    rm -rf "$work/kept" && cp -a "$H" "$work/kept"
    for file in etc/group etc/subgid etc/gpuanchor/gpuanchor.conf etc/pve/gpuanchor/101.conf \
        var/lib/gpuanchor/host/cards var/lib/gpuanchor/host/pins proc/devices \
        var/lib/lxc/101/config etc/pve/storage.cfg etc/pve/mapping/pci.cfg; do
        for kind in fifo folder loop endless huge empty cut zeros long garbage nul open; do
            rm -rf "$H" && cp -a "$work/kept" "$H"
            [ -e "$H/$file" ] || : >"$H/$file" 2>/dev/null || continue
            as "$kind" "$H/$file"
            timeout 20 "$hook" 101 pre-start >"$work/out" 2>"$work/err" </dev/null
            case $? in
            0) only_amd "$file $kind" ;;
            1) said "start refused" ;;
            *) fail "$file $kind: exit status $?" ;;
            esac
            case $file/$kind in
            etc/group/fifo | etc/subgid/folder | etc/pve/gpuanchor/101.conf/folder | \
                var/lib/lxc/101/config/fifo | etc/group/endless)
                said "/$file: "
                said "start refused"
                ;;
            esac
        done
    done
}

# the same for lines of the right GPU: the container starts, as it is
case_inputs_are_something_else_and_all_is_right() {
    fresh
    start 0
    rm -rf "$work/kept" && cp -a "$H" "$work/kept"
    for file in etc/group etc/subgid etc/pve/gpuanchor/101.conf proc/devices; do
        for kind in fifo folder garbage nul; do
            rm -rf "$H" && cp -a "$work/kept" "$H"
            as "$kind" "$H/$file"
            start 0
            cmp "$CONF" "$work/kept/etc/pve/lxc/101.conf" || fail "$file $kind: changed"
        done
    done
}

case_five_descriptors() {
    (ulimit -n 5; "$hook" 101 pre-start; echo "status $?") >"$work/out" 2>&1 </dev/null
    grep -q 'status 1' "$work/out" || only_amd "five descriptors"
    (ulimit -n 4; "$hook" 101 pre-start; echo "status $?") >"$work/out" 2>&1 </dev/null
    grep -q 'status 1' "$work/out" || only_amd "four descriptors"
}

# --- installed by hand ----------------------------------------------------------------------------

case_edited_settings_stay() {
    conf=$tests/../conf
    to=$H/dest/etc/gpuanchor/gpuanchor.conf
    install() { DESTDIR=$H/dest sh "$conf/install.sh" "$conf/gpuanchor.conf" /etc/gpuanchor >"$work/out" 2>&1 || fail "$?"; }
    install
    cmp "$conf/gpuanchor.conf" "$to" || fail "not installed"
    install # the same
    gone "$to.new"
    echo '# mine' >>"$to"
    cp "$to" "$work/mine"
    install
    said 'was changed and stays'
    cmp "$work/mine" "$to" || fail "overwritten"
    cmp "$conf/gpuanchor.conf" "$to.new" || fail "no .new"
}

cases ${3+"$3"}
