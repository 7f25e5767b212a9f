# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# 7. What is not ours: other sections, another hookscript, another's lines
#
# Everything from the first [section] on comes back byte for byte, also where
# it looks like ours or is broken; so do foreign lines of the current section.

sections() {
    printf '\n[pve:pending]\ndelete: dev7\nmemory: 1024\n'
    printf '\n[before_upgrade]\n#caf\351 \303\251  \narch: amd64\n'
    printf 'hookscript: local:snippets/gpuanchor-hook\n'
    printf 'lxc.idmap: g 110 999 1\nlxc.cgroup2.devices.allow: c 226:0 rwm\n'
    printf 'lxc.mount.entry: /dev/dri/card0 dev/dri/card0 none bind,optional,create=file\n'
    printf 'dev0: /dev/dri/renderD128,gid=104\nsnaptime: 1700000000\n\n\n'
    printf '[second]\r\nlxc.mount.entry = /dev/dri dev/dri none bind\n   \nno newline at the end'
}

case_sections() { # long
    guide_subgid
    { guide_lines $A && sections; } | container
    start
    stop
    cards $B $A
    start
    sees $A
    sed -n '/^\[pve:pending\]/,$p' $CONF >/run/tail
    { sections | tail -n +2; } | cmp - /run/tail || fail "a section changed"
}

case_foreign_lines() { # long
    cat >/run/foreign <<'EOF'
# kept by hand
lxc.cgroup2.devices.allow: c 10:200 rwm
lxc.mount.entry: /dev/net/tun dev/net/tun none bind,optional,create=file
lxc.environment: FOO=226:0 /dev/dri
EOF
    guide_subgid
    { cat /run/foreign && guide_lines $A; } | container
    start
    stop
    cards $B $A
    start
    sees $A
    while read -r line; do
        grep -qxF -- "$line" $CONF || fail "lost: $line"
    done </run/foreign
}

other_hook() {
    cat >/var/lib/vz/snippets/other.sh <<EOF
#!/bin/sh
echo "other hook: \$1 \$2"
echo "\$1 \$2" >>/run/other-hook
[ "\$2" != pre-start ] || exit ${1:-0}
EOF
    chmod 755 /var/lib/vz/snippets/other.sh
    rm -f /run/other-hook
}

case_next_hook() { # long
    other_hook
    printf 'gpu = pci:%s\nnext-hook = local:snippets/other.sh\n' $A | policy
    guide_subgid
    guide_lines $A | container
    start
    sees $A
    said "other hook: $CT pre-start" "other hook: $CT post-start"
    stop
    local phase
    for phase in pre-start post-start pre-stop post-stop; do
        [ "$(grep -c "^$CT $phase\$" /run/other-hook)" = 1 ] || fail "$phase did not run once"
    done
}

# Its exit status is ours.
case_next_hook_refuses() { # long
    other_hook 3
    printf 'gpu = pci:%s\nnext-hook = local:snippets/other.sh\n' $A | policy
    guide_subgid
    guide_lines $A | container
    start_refused
    said 'exit code 3'
}

# A container that is enrolled by the tool and leaves again.
case_enable_disable() {
    other_hook
    guide_subgid
    guide_lines $A | container
    pct set $CT --hookscript local:snippets/other.sh
    gpuanchor enable $CT
    grep -q '^hookscript: local:snippets/gpuanchor-hook' $CONF || fail "no hookscript"
    grep -q '^next-hook *= *local:snippets/other.sh' $POLICY || fail "no next-hook"
    cards $B $A
    start
    sees $A
    said "other hook: $CT pre-start"
    stop
    gpuanchor disable $CT
    grep -q '^hookscript: local:snippets/other.sh' $CONF || fail "the old hookscript is not back"
    [ ! -e $POLICY ] || fail "the policy file stayed"
    start
    sees $A
}
