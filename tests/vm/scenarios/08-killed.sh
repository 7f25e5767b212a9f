# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# 8. SIGKILL of the hook at every system call that changes a file
#
# A clean run under strace tells the calls; then one run for each of them, in
# which strace delivers SIGKILL on its entry, before it has an effect. (The run
# after the last call is the clean one.) strace counts by process and by call,
# so a kill is named by both, e.g. "the 2nd fsync"; of the child that adds to
# /etc/subgid the calls up to the hook's own highest number are hit.
#
# After every kill: the container file, the generated config and the policy are
# whole, each with its old or its new bytes; /etc/subgid has no broken line and
# has lost none; and the next run of the hook, on a config generated anew, ends
# with the new bytes. After the first kill at a rename the container is really
# started instead; the others end with the same bytes, so they would too.
#
# There are dozens of kills and every process costs: files are compared by the
# shell. Other containers are killed on sample hosts, where a process costs next
# to nothing: tests/scenarios.sh --killed.

calls='open,openat,openat2,creat,write,pwrite64,writev,sendfile,copy_file_range,ftruncate,truncate
fallocate,fsync,fdatasync,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat
mkdir,mkdirat,fchmod,fchmodat,chmod,fchown,chown,fchownat,lchown,utimensat'

traced() {
    flock -o /run/lock/lxc/pve-config-$CT.lock \
        env -i PATH=/sbin:/bin:/usr/sbin:/usr/bin LC_ALL=C \
        setsid -w strace -f -qq -o /run/trace -e signal=none "$@" $HOOK $CT pre-start \
        </dev/null >/run/seen 2>&1
}

# Kill points of /run/trace: "CALL N" for every call of its process that can
# change a file; an openat counts although it only reads, but is no point then.
points() {
    perl -ne '
        /^(\d+) +(\w+)\((.*)/ or next;
        my ($pid, $call, $args) = ($1, $2, $3);
        my $n = ++$seen{$pid}{$call};
        next if $call =~ /^open/ && $args !~ /O_CREAT|O_WRONLY|O_RDWR|O_TRUNC/;
        next if $call =~ /^write/ && $args =~ /^[12],/;
        print "$call $n\n" if !$point{"$call $n"}++;
    ' /run/trace
}

# The files that must stay whole, one tree of copies per state.
keep() {
    rm -rf "/run/$1"
    mkdir "/run/$1"
    local path
    for path in $CONF $CONFIG $POLICY /etc/subgid; do
        [ ! -e $path ] || cp --parents $path "/run/$1"
    done
}

put_back() {
    rm -rf /etc/pve/gpuanchor /run/gpuanchor /etc/subgid.lock /etc/subgid+
    find /etc/pve/lxc/ /var/lib/lxc/$CT -maxdepth 1 \( -name "$CT.conf.*" -o -name 'config.*' \) -delete
    [ ! -e /run/old$POLICY ] || mkdir -p "${POLICY%/*}"
    local path
    for path in $CONF $CONFIG $POLICY /etc/subgid; do
        [ ! -e "/run/old$path" ] || cat "/run/old$path" >$path
    done
}

# same FILE FILE - both are there and have the same bytes (NUL is none of them)
same() {
    local a b
    [ -e "$1" ] && [ -e "$2" ] && mapfile -d '' a <"$1" && mapfile -d '' b <"$2" && [ "${a[*]}" = "${b[*]}" ]
}

# whole PATH WHEN - old bytes or new bytes
whole() {
    if [ ! -e "$1" ]; then
        [ ! -e "/run/old$1" ] || fail "$2: $1 is gone"
        return 0
    fi
    same "$1" "/run/old$1" || same "$1" "/run/new$1" || {
        diff -u "/run/old$1" "$1" || :
        fail "$2: $1 is neither its old nor its new content"
    }
}

subgid_whole() {
    ! grep -vxE '[a-z]+:[0-9]+:[0-9]+' /etc/subgid || fail "$1: /etc/subgid has a broken line"
    ! grep -vxFf /etc/subgid /run/old/etc/subgid || fail "$1: /etc/subgid lost a line"
}

# Everything from the state that is in the files now.
kill_everywhere() { # PCI [FILTER OF POINTS]
    pct generate $CT
    keep old
    traced -e "trace=$(echo $calls | tr ' ' ,)" || fail "the clean run: $(cat /run/seen)"
    points | ${2:-cat} >/run/points
    keep new
    # The same once more, for a config that was generated from the new file: its
    # lines stand in another order.
    pct generate $CT
    hook pre-start || fail "the second run: $(cat /run/seen)"
    cp $CONFIG /run/config.again
    ! same /run/old$CONF /run/new$CONF || fail "the clean run changed nothing"
    grep -q ^rename /run/points || fail "strace saw no rename"

    local call n started="" count=0
    while read -r call n; do
        put_back
        if traced -e "trace=$call" -e "inject=$call:signal=SIGKILL:when=$n"; then
            # The child was hit, not the hook, or the call did not come up.
            echo "    survived $call $n"
        fi
        whole $CONF "$call $n"
        whole $CONFIG "$call $n"
        whole $POLICY "$call $n"
        subgid_whole "$call $n"
        count=$((count + 1))
        if [ "$call" = rename ] && [ -z "$started" ]; then
            started=1
            start
            sees $1
            stop
        else
            pct generate $CT
            hook pre-start >/dev/null || fail "$call $n: the next run: $(cat /run/seen)"
            same $CONF /run/new$CONF || fail "$call $n: the next run ends with another file"
            same $CONFIG /run/new$CONFIG || same $CONFIG /run/config.again ||
                fail "$call $n: the next run ends with another config"
        fi
    done </run/points
    echo "    killed at $count points"
    [ $count -ge 8 ] || fail "only $count points: this checks nothing"
}

# Lines that name the other GPU, another render number, no delegation yet, no
# pin for the number: everything the hook can have to write. The pin is there,
# for without it the lines would be believed.
all_is_to_be_written() {
    guide_subgid
    guide_lines $A | container
    start
    stop
    cards $B $A
    host_render_moves_to 1998
}

case_idmap() { # long
    all_is_to_be_written
    kill_everywhere $A
}

# every rename, and the first of each other call
some() { awk '$1 ~ /^rename/ || !seen[$1]++'; }
case_each_call() { # long: scenarios.sh --killed
    all_is_to_be_written
    kill_everywhere $A some
}
