#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# mkhost.sh HOSTFILE DIR - turn the description of a host into a folder that is one
#
# DIR gets sys/ proc/ dev/ etc/ with the links of a real sysfs and real device
# nodes, so it needs root. The whole host is written as one tar stream: a test
# run makes dozens of hosts, and a process for every link would take seconds.
#
# One line, one thing; # begins a comment line. Order does not matter, except
# that a device comes before what sits on it.
#
#   pci ADDRESS class=030000 id=VVVV:DDDD [sub=VVVV:DDDD] [driver=NAME]
#       [under=BRIDGE[/BRIDGE]]                      bridges appear by themselves
#       [physfn=ADDRESS [virtfn=N]]                  without N in the order of the lines
#       [unique_id=HEX]                              amdgpu's serial number
#       [serial_number=HEX] [device_uid=HEX]         root's: of PCI Express, of xe
#   platform NAME [driver=NAME] [at=platform/axi]    a device without PCI
#   drm DEVICE[/CHILD...] [card=N] [render=N] [control=N] [connectors=HDMI-A-1,DP-1]
#       [driver=NAME bus=BUS]                        the last two are of CHILD
#   accel DEVICE N          kfd MAJOR          nvidia ADDRESS MINOR [uuid=GPU-...]
#   major NUMBER NAME       a line of /proc/devices; drm, accel, kfd add their own
#   node PATH c|b MAJOR MINOR OWNER:GROUP MODE       instead of the automatic node
#   fake PATH               an empty file of mode 0000, as LXC plants them
#   absent PATH             no automatic node
#   group NAME GID          subgid LINE        subuid LINE
#   dir PATH                link PATH TARGET
#   file PATH [MODE]        content follows in lines that begin with "| "; replaces
#                           what another line would have made there
#   pve NODE                the folders of a Proxmox VE node of that name
#
# Automatic nodes: card root:video, render, accel and kfd root:render, 0660 each,
# nvidiaN root:root 0666. A group that the host lacks is root, as udev has it.
set -eu

if [ $# -ne 2 ]; then
        echo "usage: mkhost.sh HOSTFILE DIR" >&2
        exit 2
fi
umask 022
mkdir -p "$2"

# shellcheck disable=SC2016 # the dollars are awk's
LC_ALL=C awk '
function fail(text) {
        printf "%s:%d: %s\n", FILENAME, NR, text | "cat >&2"
        failed = 1
        exit 1
}

# ---- the tar stream; \001 stands for NUL, which not every awk can print

function zeros(n) {
        while (length(NUL) < n)
                NUL = NUL NUL
        return substr(NUL, 1, n)
}

function text(s, width) {
        return s zeros(width - length(s))
}

function sum(s,   i, n) {
        for (i = 1; i <= length(s); i++)
                n += ORD[substr(s, i, 1)]
        return n
}

function header(name, type, mode, uid, gid, size, target, major, minor,   head, tail, n) {
        head = sprintf("%07o\001%07o\001%011o\001%011o\001", uid, gid, size, 0)
        tail = sprintf("%07o\001%07o\001", major, minor)
        # the checksum counts its own eight bytes as blanks, and \001 as nothing
        n = sum(name mode head type target "ustar00" tail) + 8 * 32
        OUT[++outs] = text(name, 100) text(mode, 8) head sprintf("%06o\001 ", n) \
                type text(target, 100) "ustar\00100" zeros(64) tail zeros(167)
}

function content(s) {
        OUT[++outs] = s zeros((512 - length(s) % 512) % 512)
}

function entry(name, type, mode, uid, gid, data, target, major, minor) {
        sub(/^\//, "", name)
        if (name in made)
                return
        made[name] = 1
        if (length(name) > 100) {
                header("././@LongLink", "L", "0000644", 0, 0, length(name) + 1, "", 0, 0)
                content(name "\001")
        }
        if (length(target) > 100) {
                header("././@LongLink", "K", "0000644", 0, 0, length(target) + 1, "", 0, 0)
                content(target "\001")
        }
        header(substr(name, 1, 100), type, mode, uid, gid, length(data), \
                substr(target, 1, 100), major, minor)
        content(data)
}

function dir(path) {
        entry(path, 5, "0000755", 0, 0, "", "", 0, 0)
}

function file(path, data, mode) {
        entry(path, 0, mode ? mode : "0000444", 0, 0, data, "", 0, 0)
}

function symlink(path, target) {
        entry(path, 2, "0000777", 0, 0, "", target, 0, 0)
}

# a link as sysfs makes it: relative, without the folders that both paths share
function point(path, target,   a, b, na, nb, i, j, up) {
        na = split(path, a, "/")
        nb = split(target, b, "/")
        for (i = 1; i < na && i < nb && a[i] == b[i]; i++)
                ;
        for (j = i; j < na; j++)
                up = up "../"
        for (; i <= nb; i++)
                up = up b[i] (i < nb ? "/" : "")
        symlink(path, up)
}

# ---- devices

function options(first,   i, at) {
        split("", opt)
        for (i = first; i <= NF; i++) {
                at = index($i, "=")
                if (!at)
                        fail("not KEY=VALUE: " $i)
                opt[substr($i, 1, at - 1)] = substr($i, at + 1)
        }
}

function bind(bus, device, path, driver) {
        point("sys/bus/" bus "/devices/" device, path)
        point(path "/subsystem", "sys/bus/" bus)
        if (driver) {
                point(path "/driver", "sys/bus/" bus "/drivers/" driver)
                point("sys/bus/" bus "/drivers/" driver "/" device, path)
        }
}

function long(id) {
        return "0000" toupper(id)
}

function pci(address, path, class, id, subid, driver,   i, s) {
        DEVICE[address] = path
        split(id, i, ":")
        split(subid, s, ":")
        file(path "/class", "0x" class "\n")
        file(path "/vendor", "0x" i[1] "\n")
        file(path "/device", "0x" i[2] "\n")
        file(path "/subsystem_vendor", "0x" s[1] "\n")
        file(path "/subsystem_device", "0x" s[2] "\n")
        file(path "/modalias", "pci:v" long(i[1]) "d" long(i[2]) "sv" long(s[1]) "sd" long(s[2]) \
                "bc" toupper(substr(class, 1, 2)) "sc" toupper(substr(class, 3, 2)) \
                "i" toupper(substr(class, 5)) "\n")
        bind("pci", address, path, driver)
}

function pci_path(address, under,   b, n, i, path) {
        n = split(under, b, "/")
        path = "sys/devices/pci" substr(n ? b[1] : address, 1, index(address, ":") + 2)
        for (i = 1; i <= n; i++) {
                path = path "/" b[i]
                if (!(b[i] in DEVICE))
                        pci(b[i], path, "060400", "1b36:000c", "0000:0000", "pcieport")
        }
        return path "/" address
}

function device_path(device,   at, base) {
        at = index(device, "/")
        base = at ? substr(device, 1, at - 1) : device
        if (!(base in DEVICE))
                fail("no such device: " base)
        return DEVICE[base] (at ? substr(device, at) : "")
}

function class_device(class, name, parent, devname, major, minor,   path) {
        path = parent "/" class "/" name
        file(path "/dev", major ":" minor "\n")
        file(path "/uevent", "MAJOR=" major "\nMINOR=" minor "\nDEVNAME=" devname "\n")
        point("sys/class/" class "/" name, path)
        point(path "/subsystem", "sys/class/" class)
        point(path "/device", parent)
}

function auto_node(path, major, minor, group, mode) {
        NODES[++n_nodes] = path
        NODE[path] = major " " minor " root:" group " " mode
}

function drm_node(parent, prefix, number, group) {
        class_device("drm", prefix number, parent, "dri/" prefix number, 226, number)
        auto_node("/dev/dri/" prefix number, 226, number, group, "0660")
}

function connectors(parent, card, list,   c, n, i, path) {
        n = split(list, c, ",")
        for (i = 1; i <= n; i++) {
                path = parent "/drm/" card "/" card "-" c[i]
                file(path "/status", "disconnected\n")
                point("sys/class/drm/" card "-" c[i], path)
                point(path "/device", parent "/drm/" card)
        }
}

# ---- users and nodes

function id_of(name, table) {
        if (name ~ /^[0-9]+$/)
                return name + 0
        return (name in table) ? table[name] : 0
}

function write_nodes(   i, path, f, o) {
        for (i = 1; i <= n_nodes; i++) {
                path = NODES[i]
                if (path in GONE)
                        continue
                split(NODE[path], f, " ")
                split(f[3], o, ":")
                entry(path, f[5] == "b" ? 4 : 3, "000" f[4], id_of(o[1], USER), id_of(o[2], GROUP), "", "", \
                        f[1], f[2])
        }
}

function char_major(number, name) {
        if (!((number, name) in seen_major))
                MAJOR[number] = MAJOR[number] sprintf("%3d %s\n", number, name)
        seen_major[number, name] = 1
}

function write_devices(   i, all) {
        for (i = 0; i < 512; i++)
                if (i in MAJOR)
                        all = all MAJOR[i]
        file("proc/devices", "Character devices:\n" all \
                "\nBlock devices:\n  8 sd\n259 blkext\n")
}

function pve(node,   d, n, i) {
        n = split("etc/pve/nodes/" node "/lxc etc/pve/gpuanchor run run/lock/lxc " \
                "var/lib/lxc var/lib/gpuanchor", d, " ")
        for (i = 1; i <= n; i++)
                dir(d[i])
        symlink("etc/pve/local", "nodes/" node)
        symlink("etc/pve/lxc", "nodes/" node "/lxc")
}

BEGIN {
        NUL = "\001"
        for (i = 2; i < 256; i++)
                ORD[sprintf("%c", i)] = i
        USER["root"] = 0
        groups = "root:x:0:\n"
        char_major(1, "mem")
        char_major(10, "misc")
}

/^\|( |$)/ {
        if (!open_file)
                fail("text without a file")
        BODY[open_file] = BODY[open_file] substr($0, 3) "\n"
        next
}
{ open_file = "" }
/^[ \t]*(#|$)/ { next }

$1 == "pci" {
        options(3)
        path = pci_path($2, opt["under"])
        pci($2, path, opt["class"], opt["id"], opt["sub"] ? opt["sub"] : "0000:0000", \
                opt["driver"])
        if (opt["unique_id"])
                file(path "/unique_id", opt["unique_id"] "\n")
        if (opt["serial_number"])
                file(path "/serial_number", opt["serial_number"] "\n", "0000400")
        if (opt["device_uid"])
                file(path "/device_uid", opt["device_uid"] "\n", "0000400")
        if (opt["physfn"]) {
                point(path "/physfn", device_path(opt["physfn"]))
                point(device_path(opt["physfn"]) "/virtfn" ("virtfn" in opt ? opt["virtfn"] : virtfns[opt["physfn"]]++ + 0), path)
        }
        next
}
$1 == "platform" {
        options(3)
        DEVICE[$2] = "sys/devices/" (opt["at"] ? opt["at"] : "platform") "/" $2
        bind("platform", $2, DEVICE[$2], opt["driver"])
        next
}
$1 == "drm" {
        options(3)
        char_major(226, "drm")
        file("sys/class/drm/version", "drm 1.1.0 20060810\n")
        path = device_path($2)
        if (opt["bus"]) {
                name = path
                sub(/.*\//, "", name)
                bind(opt["bus"], name, path, opt["driver"])
        }
        if ("card" in opt)
                drm_node(path, "card", opt["card"], "video")
        if ("render" in opt)
                drm_node(path, "renderD", opt["render"], "render")
        if ("control" in opt)
                drm_node(path, "controlD", opt["control"], "video")
        connectors(path, "card" opt["card"], opt["connectors"])
        next
}
$1 == "accel" {
        char_major(261, "accel")
        class_device("accel", "accel" $3, device_path($2), "accel/accel" $3, 261, $3)
        auto_node("/dev/accel/accel" $3, 261, $3, "render", "0660")
        next
}
$1 == "kfd" {
        char_major($2, "kfd")
        file("sys/devices/virtual/kfd/kfd/dev", $2 ":0\n")
        point("sys/class/kfd/kfd", "sys/devices/virtual/kfd/kfd")
        auto_node("/dev/kfd", $2, 0, "render", "0660")
        next
}
$1 == "nvidia" {
        options(4)
        file("proc/driver/nvidia/gpus/" $2 "/information", \
                "Model: \t\t NVIDIA GPU\nIRQ:   \t\t 99\n" \
                (opt["uuid"] ? "GPU UUID: \t " opt["uuid"] "\n" : "") "Bus Type: \t PCIe\n" \
                "Bus Location: \t " $2 "\nDevice Minor: \t " $3 "\nGPU Excluded:\t No\n")
        auto_node("/dev/nvidia" $3, 195, $3, "root", "0666")
        next
}
$1 == "major" { char_major($2, $3); next }
$1 == "node" && NF == 7 && $3 ~ /^[bc]$/ {
        if (!($2 in NODE))
                NODES[++n_nodes] = $2
        NODE[$2] = $4 " " $5 " " $6 " " $7 " " $3
        FIXED[$2] = NODE[$2]
        next
}
$1 == "fake" { GONE[$2] = 1; file($2, "", "0000000"); next }
$1 == "absent" { GONE[$2] = 1; next }
$1 == "group" { GROUP[$2] = $3; groups = groups $2 ":x:" $3 ":\n"; next }
$1 == "subgid" || $1 == "subuid" {
        line = $0
        sub(/^[ \t]*sub[gu]id ?/, "", line)
        SUBID[$1] = SUBID[$1] line "\n"
        next
}
$1 == "dir" { dir($2); next }
$1 == "link" { symlink($2, $3); next }
$1 == "file" { open_file = $2; BODY[$2] = ""; BODY_MODE[$2] = $3; next }
$1 == "pve" { pve($2); next }
{ fail("not understood: " $0) }

END {
        if (failed)
                exit 1
        for (path in FIXED)
                NODE[path] = FIXED[path]
        write_nodes()
        write_devices()
        file("etc/passwd", "root:x:0:0:root:/root:/bin/bash\n", "0000644")
        file("etc/group", groups, "0000644")
        for (kind in SUBID)
                file("etc/" kind, SUBID[kind], "0000644")
        dir("dev")
        dir("sys")
        # last, because tar lets the last of a name win
        for (path in BODY) {
                delete made[substr(path, 2)]
                file(path, BODY[path], "000" (BODY_MODE[path] ? BODY_MODE[path] : "0644"))
        }
        for (i = 1; i <= outs; i++)
                printf "%s", OUT[i]
        printf "%s", zeros(1024)
}
' "$1" | LC_ALL=C tr '\001' '\000' | tar -x -m -p --same-owner --numeric-owner -C "$2" -f -
