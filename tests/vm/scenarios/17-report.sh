# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# 17. What a bug report holds: the host, and not whose it is
#
# Recorded on the machine as it is, with a container that runs, and made a
# folder of again by the same mkhost.sh that makes the tests' hosts.

case_root() {
    local word
    guide_subgid
    guide_lines $A | container
    sed -i "s/^hostname: .*/hostname: zanzibar/; 1i #narwhal was here" $CONF
    sed -i "/^memory/i net0: name=eth0,bridge=vmbr0,hwaddr=BC:24:11:AA:BB:77,ip=10.77.0.9/23,link_down=1" $CONF
    printf '\n[quetzal]\nhostname: zanzibar\n' >>$CONF
    start
    cd /run || fail "cd"
    rm -rf gpuanchor-report* again
    gpuanchor report >/run/seen || fail "report: exit status $?: $(cat /run/seen)"
    said 'gpuanchor-report-' 'look inside'
    [ "$(stat -c '%a %U' gpuanchor-report-*.tar)" = '600 root' ] || fail "$(ls -l gpuanchor-report-*.tar)"
    ! gpuanchor report 2>/run/seen || fail "it was overwritten"
    said 'is there already'
    tar -xf gpuanchor-report-*.tar || fail "tar"
    for word in zanzibar narwhal quetzal 10.77.0.9 BC:24:11:AA:BB:77 "$(basename "$(readlink /etc/pve/local)")" "$(hostname)"; do
        ! grep -rnwiF -e "$word" gpuanchor-report || fail "$word is in the report"
    done
    grep -qx "lxc.mount.entry: $(node $A render) .*" gpuanchor-report/etc/pve/lxc/101.conf || fail "a line of the GPU"
    grep -q "^kernel $(uname -r)$" gpuanchor-report/versions.txt || fail "$(cat gpuanchor-report/versions.txt)"
    grep -q '"check":"inside-open"' gpuanchor-report/doctor-101.json || fail "nothing from inside"

    # the folder made of it is this host, the running container included
    sh "$HERE/../mkhost.sh" gpuanchor-report/host.host again || fail "host.host"
    for word in gpus status; do
        GPUANCHOR_ROOT=/run/again gpuanchor $word --json >/run/now
        # when root looked last, and the names of the hardware database, are in no folder
        sed -i -E 's/"looked": ?[^,}]*,?//; s/"name":"[^"]*"/"name":null/; s/Virtio 1.0 GPU \(QEMU\), //g' \
            gpuanchor-report/$word.json /run/now
        diff gpuanchor-report/$word.json /run/now || fail "$word says something else: $(diff gpuanchor-report/$word.json /run/now)"
    done
    rm -rf gpuanchor-report* again
}

case_user() { # long
    guide_subgid
    guide_lines $A | container
    rm -rf /run/user-report && install -d -o nobody /run/user-report
    cd /run/user-report || fail "cd"
    setpriv --reuid=65534 --regid=65534 --clear-groups gpuanchor report --output r.tar >/run/seen 2>&1 && fail "all could be read?"
    said 'r.tar written' 'not in the report' 'as root'
    [ "$(stat -c '%a %U' r.tar)" = '600 nobody' ] || fail "$(ls -l r.tar)"
    tar -xOf r.tar gpuanchor-report/host.host | grep -q "^pci $A " || fail "no host in it"
}
