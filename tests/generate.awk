# SPDX-License-Identifier: LGPL-2.1-or-later
#
# awk -v root=FOLDER -f generate.awk 101.conf - the file that LXC reads, from a container file on a host
#
# The lines that matter here, in Proxmox's order (PVE::LXC::update_lxc_config). A devN whose path is
# missing gets none: Proxmox would end the start there, before any hook.
function hex(s,   i, n) {
        for (i = 1; i <= length(s); i++)
                n = n * 16 + index("0123456789abcdef", substr(s, i, 1)) - 1
        return n
}
function device(value,   o, n, i, path, deny, stat, f, number) {
        n = split(value, o, ",")
        for (i = 1; i <= n; i++) {
                if (o[i] ~ /^path=/ || o[i] !~ /=/)
                        path = o[i]
                sub(/^path=/, "", path)
                if (o[i] ~ /^deny-write=(1|yes|on|true)$/)
                        deny = 1
        }
        gsub(/\047/, "", path)
        stat = "stat -L -c \"%F %t %T\" \047" root path "\047 2>/dev/null"
        stat | getline f
        close(stat)
        if (f !~ /^character special file /)
                return
        split(f, o, " ")
        number = "c " hex(o[4]) ":" hex(o[5])
        devs = devs "lxc.cgroup2.devices.allow = " number (deny ? " r\n" : " rw\n")
        if (deny)
                devs = devs "lxc.cgroup2.devices.deny = " number " w\n"
}
{ sub(/[ \t\r]+$/, "") }
/^\[(pve:pending|[A-Za-z][A-Za-z0-9_-]+)\]$/ { exit }
/^lxc\.[a-z0-9_.-]+(:|[ \t]*=)/ {
        key = $0
        sub(/(:|[ \t]*=).*/, "", key)
        value = substr($0, length(key) + 1)
        sub(/^([ \t]*=|:)[ \t]*/, "", value)
        own_map = own_map || key == "lxc.idmap"
        lxc = lxc key " = " value "\n"
        next
}
/^[a-z][a-z_]*[0-9]*:[ \t]*[^ \t]/ {
        key = $0
        sub(/:.*/, "", key)
        value = $0
        sub(/^[^:]*:[ \t]*/, "", value)
        set[key] = value
        if (key ~ /^dev[0-9]+$/ && key ~ /^dev(0|[1-9][0-9]*)$/)
                device(value)
}
END {
        if (set["template"] == "1")
                exit
        userns = set["unprivileged"] == "1" || own_map
        print "lxc.arch = " (set["arch"] ? set["arch"] : "amd64")
        print "lxc.include = /usr/share/lxc/config/" \
                (set["ostype"] ? set["ostype"] : "debian") ".common.conf"
        if (userns)
                print "lxc.include = /usr/share/lxc/config/" \
                        (set["ostype"] ? set["ostype"] : "debian") ".userns.conf"
        printf "%s", devs
        print "lxc.monitor.unshare = 1"
        if (userns && !own_map)
                print "lxc.idmap = u 0 100000 65536\nlxc.idmap = g 0 100000 65536"
        print "lxc.tty.max = 2"
        print "lxc.uts.name = " (set["hostname"] ? set["hostname"] : "CT101")
        print "lxc.rootfs.path = /var/lib/lxc/101/rootfs"
        printf "%s", lxc
}
