# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# 9. What cannot be written: no quorum, a full file system, a file of 1 MiB
#
# /etc/pve is the pmxcfs stand-in of this folder, which answers as the real one
# does without quorum and when full. Each time: one clear line, the container
# file with its bytes, no temporary file left, all well once the trouble is over.
# Where stale lines name the other GPU and the generated config can be corrected, this boot is
# right; else the start is refused.

stale() {
    guide_subgid
    guide_lines $A | container
    start
    stop
    cards $B $A
    pct generate $CT
    save_files
}

# Proxmox starts nothing without quorum; it can be lost between that check and
# the hook.
case_no_quorum_stale() {
    stale
    touch /run/pmxcfs/no-quorum
    hook pre-start || fail "this boot could be right, and was refused"
    said quorum
    unchanged
    grep -q "^lxc.mount.entry = $(node $A render) " $CONFIG || fail "this boot would have the other GPU"
    rm /run/pmxcfs/no-quorum
    start
    sees $A
}

case_no_quorum_right() { # long
    stale
    start
    stop
    pct generate $CT
    save_files
    touch /run/pmxcfs/no-quorum
    hook pre-start || fail "nothing had to be written, and it was refused"
    unchanged
}

case_no_quorum_tool() { # long
    stale
    touch /run/pmxcfs/no-quorum
    local verb
    for verb in apply enable disable; do
        ! gpuanchor $verb $CT >/run/seen 2>&1 || fail "$verb succeeded"
        sed "s/^/    $verb: /" /run/seen
        said quorum
        unchanged
    done
    gpuanchor plan $CT >/run/seen 2>&1 || :
    said "$(basename "$(node $A render)")"
}

case_full_pve() { # long
    stale
    touch /run/pmxcfs/full
    start
    said 'space'
    unchanged
    sees $A
    stop
    rm /run/pmxcfs/full
    start
    sees $A
}

# Room for one block: Proxmox's config fits, a second file next to it does not.
case_full_var() { # long
    stale
    mount -t tmpfs -o size=4k,mode=755 small /var/lib/lxc
    start_refused
    said 'space'
    no_leftovers
    grep -q ^arch: $CONF || fail "the container file is damaged"
    mount -o remount,size=1m /var/lib/lxc
    start
    sees $A
    stop
    umount /var/lib/lxc
}

# The root file system is full, a delegation is missing: usermod cannot help.
case_full_root() { # long
    guide_lines $A | container
    pct generate $CT
    save_files
    cp /etc/subgid /run/subgid.saved
    fallocate -l 100G /var/fill 2>/dev/null || dd if=/dev/zero of=/var/fill bs=1M 2>/dev/null || :
    hook pre-start || :
    [ -s /run/seen ] || fail "not a word"
    cmp /etc/subgid /run/subgid.saved || fail "/etc/subgid changed"
    grep -q ^arch: $CONF || fail "the container file is damaged"
    grep -q ^lxc.arch $CONFIG || fail "the config is damaged"
    rm /var/fill
    start
    sees $A
}

# notes BYTES - so many bytes of notes, which Proxmox keeps and nobody limits
notes() {
    perl -e 'my $n = shift; while ($n > 0) { my $l = $n < 200 ? $n : 100;
        print "#" . "x" x ($l - 2) . "\n"; $n -= $l }' "$1"
}

case_big_file() { # long
    guide_subgid
    { guide_lines $A && notes 1000000; } | container
    start
    stop
    cards $B $A
    start
    sees $A
    grep ^# $CONF | cmp - <(notes 1000000) || fail "the notes changed"
}

# Full to the last byte: an edit of the same length fits, a longer one does not.
case_full_file() { # long
    guide_subgid
    guide_lines $A | container
    local size
    size=$(stat -c %s $CONF)
    { guide_lines $A && notes $((1048576 - size)); } | container
    [ "$(stat -c %s $CONF)" = 1048576 ] || fail "the file is not 1 MiB"
    start
    stop
    cards $B $A
    start
    sees $A
}

# The lines cannot be added: the container starts all the same, with its GPU
# through the generated config or with none, and with no other.
case_file_cannot_grow() { # long
    echo "gpu = pci:$B" | policy
    container </dev/null
    local size
    size=$(stat -c %s $CONF)
    notes $((1048576 - size)) | container
    [ "$(stat -c %s $CONF)" = 1048576 ] || fail "the file is not 1 MiB"
    pct generate $CT
    save_files
    start
    [ -z "$(view)" ] || sees_only $B card render
    said 'larger'
    unchanged
}
