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
# with the new bytes. That is the cheap check, for all of them. After the first
# kill at each kind of call that has to do with a file's content or name
# ($booted below) the container is really started instead.

calls='open,openat,openat2,creat,write,pwrite64,writev,sendfile,copy_file_range,ftruncate,truncate
fallocate,fsync,fdatasync,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat
mkdir,mkdirat,fchmod,fchmodat,chmod,fchown,chown,fchownat,lchown,utimensat'

booted=' openat write fsync rename unlink mkdir '

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

# The files that must stay whole, one copy of each per state.
keep() {
    rm -rf "/run/$1"
    mkdir "/run/$1"
    cp $CONF "/run/$1/conf"
    cp $CONFIG "/run/$1/config"
    cp /etc/subgid "/run/$1/subgid"
    [ ! -e $POLICY ] || cp $POLICY "/run/$1/policy"
}

put_back() {
    rm -rf /etc/pve/gpuanchor /run/gpuanchor /etc/subgid.lock /etc/subgid+
    find /etc/pve/lxc/ -name "$CT.conf.*" -delete
    find /var/lib/lxc/$CT -maxdepth 1 -name 'config.*' -delete
    cat "/run/old/conf" >$CONF
    cat "/run/old/config" >$CONFIG
    cp -a "$KEPT/first/subgid" /etc/subgid
    cat "/run/old/subgid" >/etc/subgid
    if [ -e /run/old/policy ]; then
        mkdir -p /etc/pve/gpuanchor
        cat /run/old/policy >$POLICY
    fi
}

# whole NAME PATH WHEN - old bytes or new bytes
whole() {
    if [ ! -e "$2" ]; then
        [ ! -e "/run/old/$1" ] || fail "$3: $2 is gone"
        return 0
    fi
    cmp -s "$2" "/run/old/$1" || cmp -s "$2" "/run/new/$1" || {
        diff -u "/run/old/$1" "$2" || :
        fail "$3: $2 is neither its old nor its new content"
    }
}

subgid_whole() {
    ! grep -vxE '[a-z]+:[0-9]+:[0-9]+' /etc/subgid || fail "$1: /etc/subgid has a broken line"
    ! grep -vxFf /etc/subgid /run/old/subgid || fail "$1: /etc/subgid lost a line"
}

# Everything from the state that is in the files now.
kill_everywhere() {
    pct generate $CT
    keep old
    traced -e "trace=$(echo $calls | tr ' ' ,)" || fail "the clean run: $(cat /run/seen)"
    points >/run/points
    keep new
    # The same once more, for a config that was generated from the new file: its
    # lines stand in another order.
    pct generate $CT
    hook pre-start || fail "the second run: $(cat /run/seen)"
    cp $CONFIG /run/new/config.again
    ! cmp -s /run/old/conf /run/new/conf || fail "the clean run changed nothing"
    grep -q ^rename /run/points || fail "strace saw no rename"

    local call n kinds="" count=0
    while read -r call n; do
        put_back
        if traced -e "trace=$call" -e "inject=$call:signal=SIGKILL:when=$n"; then
            # The child was hit, not the hook, or the call did not come up.
            echo "    survived $call $n"
        fi
        whole conf $CONF "$call $n"
        whole config $CONFIG "$call $n"
        whole policy $POLICY "$call $n"
        subgid_whole "$call $n"
        count=$((count + 1))
        if [[ $booted == *" $call "* && $kinds != *" $call "* ]]; then
            kinds="$kinds $call "
            start
            sees $1
            stop
        else
            pct generate $CT
            hook pre-start >/dev/null || fail "$call $n: the next run: $(cat /run/seen)"
            cmp $CONF /run/new/conf || fail "$call $n: the next run ends with another file"
            cmp -s $CONFIG /run/new/config || cmp $CONFIG /run/new/config.again ||
                fail "$call $n: the next run ends with another config"
        fi
    done </run/points
    echo "    killed at $count points"
    [ $count -ge 8 ] || fail "only $count points: this checks nothing"
}

# Lines that name the other GPU, another render number, no delegation yet, no
# pin for the number: everything the hook can have to write. The pin is there,
# for without it the lines would be believed.
case_idmap() {
    guide_subgid
    guide_lines $A | container
    start
    stop
    cards $B $A
    host_render_moves_to 1998
    kill_everywhere $A
}

# The first run of all, which also creates the policy file with the pin.
case_first_run() {
    container_render_group "$(host_render_gid)"
    cards $A
    container </dev/null
    kill_everywhere $A
}

case_dev() {
    dev_lines $A | container
    start
    stop
    cards $B $A
    kill_everywhere $A
}
