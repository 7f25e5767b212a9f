#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# test-report.sh GPUANCHOR - the file for a bug report: what is in it, what is not, and that the
# host which is made of it is the one that it was recorded on
# shellcheck disable=SC2317 # the cases are called by name
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
TAR=$work/r.tar
R=$work/gpuanchor-report
cd "$work" || exit 1

said() { grep -qF -e "$1" "$work/out" "$work/err" || fail "not said: $1"; }
json() { "$gpuanchor" "$@" --json; [ $? -le 1 ]; }

# a host with containers, settings and all the names that somebody could have given them
host() {
    rm -rf "$H" "$R" "$TAR"
    sh "$tests/mkhost.sh" "$tests/fixtures/hosts/$1.host" "$H"
    ln -s nodes/pve1/qemu-server "$H/etc/pve/qemu-server"
    mkdir -p "$H/etc/pve/nodes/pve1/qemu-server" "$H/etc/pve/nodes/wombat" "$H/etc/pve/mapping" \
        "$H/etc/gpuanchor/gpuanchor.conf.d" "$H/var/lib/vz/snippets" "$H/var/lib/lxc/101" \
        "$H/run/gpuanchor" "$H/srv/vombat/snippets" "$H/var/lib/dpkg"
    install -m 755 /dev/null "$H/var/lib/vz/snippets/gpuanchor-hook"
    install -m 755 /dev/null "$H/srv/vombat/snippets/gpuanchor-hook"
    install -m 755 /dev/null "$H/var/lib/vz/snippets/platypus.sh"
    printf 'dir: vombat\n\tpath /srv/vombat\n\tcontent snippets\n' >"$H/etc/pve/storage.cfg"
    sed 's/ollama/zanzibar/' "$tests/fixtures/guide-101.conf" >"$H/etc/pve/lxc/101.conf"
    cat >>"$H/etc/pve/lxc/101.conf" <<EOF

[quetzal]
hostname: zanzibar
dev0: /dev/dri/card5,gid=44
EOF
    cat >"$H/etc/pve/lxc/102.conf" <<EOF
#narwhal's films, at 10.77.0.9
arch: amd64
hookscript: vombat:snippets/gpuanchor-hook
hostname: zanzibar-two
nameserver: 10.77.0.9
net0: name=eth0,bridge=vmbr0,gw=10.77.0.1,hwaddr=AA:BB:CC:DD:EE:77,ip=10.77.0.9/23,ip6=2a02:8109::77/64,type=veth
ostype: debian
rootfs: vombat:subvol-102-disk-0,size=8G
searchdomain: kraken.lan
tags: okapi
unprivileged: 1
lxc.environment: DB_PASSWORD=hunter2horse
lxc.mount.entry: /dev/dri/renderD128 dev/dri/renderD128 none bind,optional,create=file
lxc.mount.entry: //10.77.0.9/okapi mnt/okapi cifs username=lemur,password=4711,credentials=/root/.narwhal 0 0
lxc.mount.entry: /dev/kfd dev/kfd none bind,optional,create=file # as zanzibar said
mp0: vombat:subvol-102-disk-1,mp=/okapi,pin=4711
description: the GPU of narwhal, PIN 4711
entrypoint: /bin/serve --pin 4711
startup: order=1,narwhal=4711
EOF
    printf 'hostname: marmoset\nhookscript: local:snippets/platypus.sh\n' >"$H/etc/pve/lxc/103.conf"
    printf 'hostname: ocelot\ndev0: /dev/dri/renderD128\n' >"$H/etc/pve/lxc/104.conf"
    printf 'hostname: ocelot\nlxc.cgroup2.devices.allow: c 10:200 rwm\nlxc.mount.entry: /dev/net dev/net none bind\n' \
        >"$H/etc/pve/lxc/105.conf"
    printf '# narwhal\n[container]\ngpu = auto\nguest-users = lemur\nguest-environment = A_TOKEN=hunter2horse\n' \
        >"$H/etc/pve/gpuanchor/102.conf"
    printf '[defaults]\nmissing = refuse\n' >"$H/etc/gpuanchor/gpuanchor.conf"
    printf '[defaults]\nrender-gid = 123\nwrong\n' >"$H/etc/gpuanchor/gpuanchor.conf.d/10-a.conf"
    printf '[given]\nnode = /dev/dri/renderD128 226:128 0000:00:77.0\n' >"$H/run/gpuanchor/101"
    printf 'lxc.uts.name = zanzibar\nlxc.net.0.hwaddr = AA:BB:CC:DD:EE:77\nlxc.cgroup2.devices.allow = c 226:9 rwm\n' \
        >"$H/var/lib/lxc/101/config"
    printf 'igpu\n\tdescription narwhal\n\tmap id=8086:4680,node=pve1,path=0000:00:02.0\n\tmap id=8086:4680,node=wombat,path=0000:00:02.0\n' \
        >"$H/etc/pve/mapping/pci.cfg"
    printf 'name: marmoset\nhostpci0: 0000:01:00,pcie=1\nhostpci1: mapping=igpu\nnet0: virtio=AA:BB:CC:DD:EE:77\n' \
        >"$H/etc/pve/qemu-server/200.conf"
    printf 'Package: pve-manager\nStatus: install ok installed\nVersion: 8.2.4\n\nPackage: systemd\nStatus: install ok installed\nVersion: 252.39-1~deb12u1\n' \
        >"$H/var/lib/dpkg/status"
    echo wombat.kraken.lan >"$H/etc/hostname"
    mkdir -p "$H/proc/sys/kernel" && echo 6.8.12-4-pve >"$H/proc/sys/kernel/osrelease"
    echo 12.7 >"$H/etc/debian_version"
}
names='zanzibar wombat vombat quetzal narwhal kraken okapi marmoset ocelot lemur platypus
    hunter2horse 4711 pve1 10\.77\.0\. AA:BB:CC 2a02:8109'

report() { # STATUS
    run "$1" report --output "$TAR"
    tar -xf "$TAR" -C "$work" || fail "tar"
}

# JSON in one form, whichever json-c has written it
without_serials() {
    python3 -c 'import json, sys
def clean(x):
    if isinstance(x, dict):
        return {key: [] if key == "serials" else clean(value) for key, value in x.items()}
    return [clean(value) for value in x] if isinstance(x, list) else x
json.dump(clean(json.load(sys.stdin)), sys.stdout, indent=1)'
}

# What each verb says on the host is what it says on the one that is made of the report.
case_round_trip() {
    for name in two-identical platform-rk3588 vfio sriov no-render guide-moved nvidia fake-node no-gpu; do
        host "$name"
        report 0
        rm -rf "$work/again"
        sh "$tests/mkhost.sh" "$R/host.host" "$work/again" || fail "$name: host.host"
        for verb in gpus status; do
            json "$verb" >"$work/then" || fail "$name: $verb"
            GPUANCHOR_ROOT=$work/again json "$verb" >"$work/now" || fail "$name: $verb of the report"
            diff "$R/$verb.json" "$work/now" >&2 || fail "$name: $verb says something else"
            # the report's own is the host's but for names and serial numbers
            sed 's/pve1/masked_1/' "$work/then" | without_serials |
                grep -v -e zanzibar -e quetzal -e vombat -e lemur >"$work/a"
            ! grep -A1 '"serials":' "$R/$verb.json" | grep -q '"kind"' || fail "$name: a serial number"
            without_serials <"$R/$verb.json" | grep -v -e 'masked_[2-9]' -e '#masked' >"$work/b"
            diff "$work/a" "$work/b" >&2 || fail "$name: the report does not have what $verb says"
        done
    done
    json plan 101 >"$work/then"
    GPUANCHOR_ROOT=$work/again json plan 101 >"$work/now"
    [ -s "$work/now" ] || fail "plan"
}

case_nothing_survives() {
    host guide
    report 0
    for name in $names; do
        ! tar -xOf "$TAR" | grep -i "$name" >&2 || fail "$name is in it"
    done
    ! tar -tf "$TAR" | grep -i -e zanzibar -e pve1 >&2 || fail "a file's name"
    grep -qxF 'lxc.mount.entry: /dev/dri/renderD128 dev/dri/renderD128 none bind,optional,create=file' \
        "$R/etc/pve/lxc/102.conf" || fail "a GPU line"
    grep -q 'hwaddr=masked_[0-9]*,ip=masked_[0-9]*/23,ip6=masked_[0-9]*/64' "$R/etc/pve/lxc/102.conf" || fail "prefix length"
    [ "$(wc -l <"$R/etc/pve/lxc/102.conf")" = "$(wc -l <"$H/etc/pve/lxc/102.conf")" ] || fail "lines"
    # one storage, one mask
    [ "$(grep -o 'masked_[0-9]*:s' "$R/etc/pve/lxc/102.conf" | sort -u | wc -l)" = 1 ] || fail "relations"
}

case_contents() {
    host guide
    report 0
    said "$TAR written"
    said 'look inside'
    [ "$(stat -c %a "$TAR")" = 600 ] || fail "mode"
    (cd "$R" && find . -type f | sort) >"$work/list"
    for file in README.txt versions.txt host.host gpus.json status.json doctor.json doctor-101.json \
        doctor-102.json etc/pve/lxc/101.conf etc/pve/lxc/102.conf etc/pve/lxc/104.conf \
        etc/pve/gpuanchor/102.conf etc/gpuanchor/gpuanchor.conf etc/gpuanchor/gpuanchor.conf.d/10-a.conf \
        etc/pve/mapping/pci.cfg etc/pve/qemu-server/200.conf run/gpuanchor/101 var/lib/lxc/101/config; do
        grep -qxF "./$file" "$work/list" || fail "no $file"
    done
    ! grep -q -e 103 -e 105 "$work/list" || fail "a container without a GPU"
    for line in 'kernel 6.8.12-4-pve' 'Debian 12.7' 'package pve-manager 8.2.4' 'package systemd 252.39-1~deb12u1'; do
        grep -qxF "$line" "$R/versions.txt" || fail "no $line"
    done
    for file in "$R"/*.json; do
        python3 -m json.tool <"$file" >/dev/null || fail "$file"
    done
}

case_the_output() {
    host guide
    (cd "$H" && run 0 report) || exit 1
    file=$H/gpuanchor-report-$(date +%Y-%m-%d).tar
    [ -e "$file" ] || fail "no $file"
    before=$(sha256sum <"$file")
    (cd "$H" && run 2 report) || exit 1
    said 'is there already'
    [ "$before" = "$(sha256sum <"$file")" ] || fail "overwritten"
    ln -s /nowhere "$work/link"
    run 2 report -o "$work/link"
    [ -L "$work/link" ] || fail "a link is gone"
    run 2 report -o "$work/no/such/folder.tar"
    said 'cannot be written: No such file'
    [ -z "$(find "$work" -name '*.tmp.*')" ] || fail "something is left"
    run 0 report --quiet -o "$TAR"
    [ ! -s "$work/out" ] || fail "quiet says something"
    run 2 report 101
}

# killed while it is written, a report leaves nothing of which a later one would not know
case_killed() {
    command -v strace >/dev/null || return 0
    mkdir "$work/cwd"
    for call in write linkat; do
        rm -f "$work/cwd"/*
        (cd "$work/cwd" && exec strace -o "$work/trace" -e trace=write,linkat -e inject=$call:signal=SIGKILL:when=1 \
            "$gpuanchor" report) >"$work/out" 2>&1 </dev/null
        grep -q '+++ killed by SIGKILL' "$work/trace" || fail "$call: not killed"
        [ -z "$(ls -A "$work/cwd" | grep -v '^gpuanchor-report-[0-9-]*.tar$')" ] || fail "$call: $(ls -A "$work/cwd")"
    done
    # a file system without such files
    rm -f "$work/cwd"/*
    (cd "$work/cwd" && exec strace -o "$work/trace" -e trace=linkat -e inject=linkat:error=ENOENT:when=1 "$gpuanchor" report) \
        >"$work/out" 2>&1 </dev/null
    tar tf "$work/cwd"/*.tar >/dev/null || fail "no report: $(ls -A "$work/cwd")"
}

case_as_a_user() {
    host guide
    chmod 711 "$work" && chmod 600 "$H/etc/pve/lxc/102.conf"
    mkdir "$work/u" && chown 65534 "$work/u" && cp "$gpuanchor" "$work/u/"
    (cd "$work/u" && setpriv --reuid=65534 --regid=65534 --clear-groups -- ./gpuanchor report -o u.tar \
        >"$work/out" 2>"$work/err")
    [ $? = 1 ] || fail "exit status"
    said 'not in the report: /etc/pve/lxc/102.conf: Permission denied; run it with sudo or as root'
    tar -xOf "$work/u/u.tar" gpuanchor-report/README.txt | grep -q '102.conf: Permission denied' || fail "README"
    tar -tf "$work/u/u.tar" | grep -q '/101.conf' || fail "the rest"
}

case_without_proxmox() {
    host intel-one
    rm -rf "$H/etc/pve"
    report 1
    said 'not in the report: /etc/pve: not mounted'
    sh "$tests/mkhost.sh" "$R/host.host" "$work/plain" || fail "host.host"
    GPUANCHOR_ROOT=$work/plain json gpus | diff "$R/gpus.json" - >&2 || fail "gpus"
}

cases
