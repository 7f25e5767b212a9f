# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# 19. A container whose init is its application, as Proxmox makes it from an image
#
# No service manager, no group of the container helps: init is one static program, which opens
# every render node that it has and writes down what came of it. Not here: its variables, since
# LXC 6.0.4 of Debian 13 does not know lxc.environment.runtime yet.

SEEN=/tmp/seen # in the container

# application [LINE...] - the container file, with these lines below lxc.signal.halt
application() {
    rm -f "$DISK$SEEN" # as somebody else's it could not be written
    on_disk /app <<'EOF'
#!/bin/busybox sh
for n in /dev/dri/renderD*; do
    if (exec 3<>"$n") 2>/dev/null; then word=opens; else word=denied; fi
    echo "$(/bin/busybox id -u):$(/bin/busybox id -g) $word $n $(/bin/busybox stat -c %t:%T "$n")"
done >/tmp/seen.new
mv /tmp/seen.new /tmp/seen
exec /bin/busybox sleep 1000000
EOF
    chmod 755 $DISK/app
    install -m 755 /usr/bin/busybox $DISK/bin/busybox
    mkdir -p $DISK/tmp && chmod 1777 $DISK/tmp
    {
        echo 'entrypoint: /bin/busybox sh /app'
        echo 'cmode: console'
        echo 'lxc.signal.halt: SIGTERM'
        printf '%s\n' "$@"
    } | container
}

# says TEXT - all that init wrote down at this start
says() {
    local end=$((SECONDS + 60))
    until [ -e $DISK$SEEN ] || [ $SECONDS -gt $end ]; do sleep 0.3; done
    [ "$(cat $DISK$SEEN)" = "$1" ] || fail "init: $(join "$(cat $DISK$SEEN)") - expected: $1"
    rm $DISK$SEEN
}

# opens PCI IDS - init has that GPU's node and no other
opens() { says "$2 opens $(node $1 render) $(hex "$(number $1 render)")"; }

case_root() { # long
    echo "gpu = pci:$B" | policy
    application
    start
    said 'init is its application' mode=0666
    opens $B 0:0
    ! grep -q idmap $CONF || fail "it has a hole"
    stop
    cards $B $A
    start
    opens $B 0:0
}

case_user() {
    echo "gpu = pci:$A" | policy
    application 'lxc.init.uid: 1000' 'lxc.init.gid: 1000'
    start
    opens $A 1000:1000
    gpuanchor doctor --plain $CT >/run/seen || : # the gate, which a look sets, and none runs here
    ! awk -F'\t' '$2 != "gate" && $3 ~ /warning|failed/' /run/seen | grep . || fail "doctor is not content"
    grep -P '\tinside-open\tok\t.*as init \(1000:1000\)' /run/seen || fail "doctor did not open it as init"
}

# gid= of another group: LXC 6 gives init of an unprivileged container no groups
case_groups() {
    application "dev0: $(node $A render),gid=110" 'lxc.init.uid: 1000' 'lxc.init.gid: 1000' 'lxc.init.groups: 110'
    start
    says "1000:1000 denied $(node $A render) $(hex "$(number $A render)")"
    ! gpuanchor doctor --plain $CT >/run/seen || fail "doctor is content"
    cat /run/seen
    grep -P '\tapplication\twarning\t.*lxc.init.groups alone' /run/seen || fail "no word of the groups"
    grep -P '\tinside-open\tfailed\t.*as init \(1000:1000\)' /run/seen || fail "no word of what init can open"
    stop
    sh -c "$(awk -F'\t' '$2 == "application" { print $6 }' /run/seen)" || fail "the printed command"
    start
    opens $A 1000:1000
}
