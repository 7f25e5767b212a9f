#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# test-identity.sh GPUANCHOR HOOK [CASE] - which GPU a container gets, over boots and changes of the host
#
# A host is a list of cards; each boot makes sys, dev and proc anew and keeps what lies in /etc and
# /var. "Gets" is what the lines of the container's file name after its start.
# shellcheck disable=SC2317 # the cases are called by name
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
hook=$(realpath "$2")
POLICIES=$H/etc/pve/gpuanchor
KEPT=$H/var/lib/gpuanchor

# host CARD... - what is plugged in from now on. CARD is "BUS SLOT N [OPTION...]": the card at 0000:BUS:00.0
# below the bridge 00:SLOT has cardN, renderD(128+N); options are those of mkhost.sh, and replace the
# defaults id=1002:73ff sub=1da2:e448 driver=amdgpu. "nodes=no" makes none; "vf=BUS:DEV.FN:DRIVER:N" adds a virtual
# function of the card; "-" stands for the lines of $work/more. A boot: /run is empty after it.
host() {
    for spec; do
        if [ "$spec" = - ]; then
            cat "$work/more"
            continue
        fi
        # shellcheck disable=SC2086 # words
        set -- $spec
        bus=$1 slot=$2 n=$3 id=1002:73ff sub=1da2:e448 driver=amdgpu class=030000 nodes=yes more='' vfs=''
        domain=0000
        shift 3
        for option; do
            case $option in
            id=*) id=${option#*=} ;;
            sub=*) sub=${option#*=} ;;
            driver=*) driver=${option#*=} ;;
            class=*) class=${option#*=} ;;
            nodes=*) nodes=${option#*=} ;;
            domain=*) domain=${option#*=} ;;
            vf=*) vfs="$vfs ${option#*=}" ;;
            *) more="$more $option" ;;
            esac
        done
        echo "pci $domain:$bus:00.0 class=$class id=$id sub=$sub under=$domain:00:$slot ${driver:+driver=$driver}$more"
        [ $nodes = no ] || echo "drm $domain:$bus:00.0 card=$n render=$((128 + n))"
        for vf in $vfs; do
            at=${vf%:*:*} rest=${vf#"${vf%:*:*}":}
            driver=${rest%:*} n=${rest#*:}
            echo "pci $domain:$at class=$class id=$id sub=$sub under=$domain:00:$slot physfn=$domain:$bus:00.0 ${driver:+driver=$driver}"
            [ -z "$n" ] || echo "drm $domain:$at card=$n render=$((128 + n))"
        done
    done >"$work/cards"
    printf 'group video 44\ngroup render 104\nsubgid root:100000:65536\nsubuid root:100000:65536\npve pve1\n' >>"$work/cards"
    [ ! -e "$work/next" ] || rm -rf "$work/next"
    sh "$tests/mkhost.sh" "$work/cards" "$work/next" || exit 1
    set --
    for part in etc var; do
        if [ -d "$H/$part" ]; then
            set -- "$@" "$part"
        fi
    done
    if [ $# -gt 0 ]; then
        (cd "$work/next" && rm -rf "$@" && cd "$H" && mv "$@" "$work/next/")
    fi
    [ ! -e "$H" ] || rm -rf "$H"
    mv "$work/next" "$H"
    mkdir -p "$POLICIES" "$H/usr/sbin" "$H/usr/libexec/gpuanchor" "$H/var/lib/vz/snippets"
    for program in usr/libexec/gpuanchor/gpuanchor-hook usr/sbin/pct; do
        # shellcheck disable=SC2016 # the dollars are of pct: set VMID --hookscript VOLUME
        printf '#!/bin/sh\necho "hookscript: $4" >>%s/etc/pve/lxc/$2.conf\n' "$H" >"$H/$program"
    done
    chmod +x "$H/usr/libexec/gpuanchor/gpuanchor-hook" "$H/usr/sbin/pct"
    snippet=$H/var/lib/vz/snippets/gpuanchor-hook
    [ -L "$snippet" ] || ln -sf /usr/libexec/gpuanchor/gpuanchor-hook "$snippet"
}

conf() { echo "$H/etc/pve/lxc/$1.conf"; }

# ct VMID N [LINE...] - a managed container whose lines name renderD(128+N); "-": none
ct() {
    vmid=$1 n=$2
    shift 2
    {
        printf 'arch: amd64\nhookscript: local:snippets/gpuanchor-hook\nhostname: c%s\n' "$vmid"
        printf 'net0: name=eth0,hwaddr=BC:24:11:00:00:%02d\nrootfs: local-lvm:vm-%s-disk-0\nunprivileged: 1\n' $((vmid % 100)) "$vmid"
        for line; do echo "$line"; done
        [ "$n" = - ] || echo "dev0: /dev/dri/renderD$((128 + n)),gid=104"
    } >"$(conf "$vmid")"
}

policy() { # VMID LINE...
    vmid=$1
    shift
    printf '[container]\n' >"$POLICIES/$vmid.conf"
    for line; do echo "$line" >>"$POLICIES/$vmid.conf"; done
}

pinned() { # VMID BUS N: enrolled with the card on that bus, by address, and started once
    ct "$1" "$3"
    policy "$1" "gpu = pci:0000:$2:00.0" 'devices = render'
    gets "$1" "$3"
}

start() { # VMID; sets status
    [ -d "$H/var/lib/lxc/$1" ] || mkdir -p "$H/var/lib/lxc/$1"
    status=0
    : >"$work/err"
    timeout 60 "$hook" "$1" pre-start >"$work/out" 2>&1 </dev/null || status=$?
    ! grep -q 'runtime error\|Sanitizer' "$work/out" || fail "start $1: sanitizer"
}

look() {
    "$gpuanchor" apply --all --boot >"$work/out" 2>&1
}

names() { # VMID: the N of each render node that its lines name
    awk '
    /^(dev[0-9]*|lxc\.mount\.entry): *\/dev\/dri\/renderD/ {
        sub(/^[^:]*: *\/dev\/dri\/renderD/, "")
        for (i = ++n; i > 1 && N[i - 1] > $0 - 128; i--)
            N[i] = N[i - 1]
        N[i] = $0 - 128
    }
    END {
        for (i = 1; i <= n; i++)
            printf "%s%d", (i > 1 ? " " : ""), N[i]
    }' "$H/etc/pve/lxc/$1.conf"
}

# gets VMID N... - starts, and its lines name exactly these; "-": none
gets() {
    vmid=$1
    shift
    start "$vmid"
    [ "$status" = 0 ] || fail "$vmid: status $status"
    want=$*
    [ "$want" != - ] || want=''
    [ "$(names "$vmid")" = "$want" ] || { cat "$(conf "$vmid")" >&2; fail "$vmid names '$(names "$vmid")', not '$want'"; }
}

# asks VMID N - an error with the commands, and the lines stay as they are
asks() {
    gets "$1" "$2"
    said 'which GPU is meant is not known'
    said "gpuanchor enable $1 --gpu "
}

fresh() { rm -rf "$H"; }

A='unique_id=1a2b3c4d5e6f7081' B='unique_id=2a2b3c4d5e6f7082' C='unique_id=3a2b3c4d5e6f7083'

# --- equal cards, judged together -------------------------------------------------------------------

case_bus_shift() {
    host '01 01.0 0' '02 02.0 1'
    pinned 101 01 0
    pinned 102 02 1
    host '02 01.0 0' '03 02.0 1' # an NVMe drive has come
    gets 101 0
    gets 102 1
    host '02 01.0 1' '03 02.0 0' # and the nodes have other numbers
    gets 101 1
    gets 102 0
}

# pins of the first version: address and ids, no port
case_bus_shift_first_version() {
    host '01 01.0 0' '02 02.0 1'
    for vmid in 101 102; do
        ct $vmid $((vmid - 101))
        printf '[container]\ndevices = render\n[pin pve1]\ngpu = 0000:0%s:00.0 1002:73ff 1da2:e448\ntwin = 0000:0%s:00.0 1002:73ff 1da2:e448\n' \
            $((vmid - 100)) $((103 - vmid)) >"$POLICIES/$vmid.conf"
        if :; then printf '[memory]\nhostname = c%s\n' $vmid >>"$POLICIES/$vmid.conf"; fi
    done
    cp -R "$H/etc" "$work/etc"
    host '02 01.0 0' '03 02.0 1'
    gets 101 -
    gets 102 -
    said 'may have changed places'
    # completed by the boot unit, and after an upgrade by the look, while they still fit
    for completes in 'apply --all --boot' look; do
        rm -rf "${H:?}/etc" "${H:?}/var"
        cp -R "$work/etc" "$H/etc"
        host '01 01.0 0' '02 02.0 1'
        cp "$(conf 101)" "$work/before"
        # shellcheck disable=SC2086 # words
        run 0 $completes
        grep -q '^gpu = 0000:01:00.0 .* pci0000:00/01.0' "$POLICIES/101.conf" || fail "$completes: the pin has no port"
        cmp -s "$(conf 101)" "$work/before" || fail "$completes: lines were changed"
        host '02 01.0 0' '03 02.0 1'
        gets 101 0
        gets 102 1
        # not when they do not fit any more
        rm -rf "${H:?}/etc" "${H:?}/var"
        cp -R "$work/etc" "$H/etc"
        host '02 01.0 0' '03 02.0 1'
        run 0 $completes
        ! grep -q 'pci0000:00/0' "$POLICIES/101.conf" || grep -q state=ambiguous "$POLICIES/101.conf" || fail "$completes: completed with another card"
        gets 101 -
    done
}

case_third_of_three() {
    host '01 01.0 0' '02 02.0 1' '03 03.0 2'
    pinned 101 03 2
    host '02 01.0 0' '03 02.0 1' '04 03.0 2'
    gets 101 2
    # without ports: none
    printf '[container]\ndevices = render\n[pin pve1]\ngpu = 0000:03:00.0 1002:73ff 1da2:e448\n' >"$POLICIES/101.conf"
    rm -rf "${KEPT:?}"
    gets 101 -
}

# a card that another container has pinned is nobody's replacement
case_card_dies_beside_an_equal_one() {
    host '01 01.0 0'
    pinned 101 01 0
    host '01 01.0 0' '02 02.0 1'
    pinned 102 02 1
    host '01 02.0 0'
    gets 101 -
    said 'is not on this host'
    gets 102 0
    # nobody looked while both were there
    fresh
    host '01 01.0 0'
    pinned 101 01 0
    host '01 01.0 0' '02 02.0 1'
    pinned 102 02 1
    rm -rf "${KEPT:?}/host"
    host '01 02.0 0'
    gets 101 -
}

# the host's memory is lost while a card leaves, which comes back into the slot of another pin's
case_away_when_memory_was_lost() {
    host '01 01.0 0' "02 02.0 1 $A"
    pinned 101 01 0
    pinned 102 02 1
    rm -rf "${KEPT:?}/host"
    host '01 01.0 0'
    gets 101 0
    gets 102 -
    host "01 01.0 0 $A"
    gets 101 -
    gets 102 0
    gets 101 -
}

# the host's memory is lost while a card that is here shows no serial number, and its pin is all that knows it
case_unreadable_when_memory_was_lost() {
    unread='driver=vfio-pci nodes=no'
    host "01 01.0 0 $A" '02 02.0 1'
    pinned 101 01 0
    pinned 102 02 1
    host "01 01.0 - $unread"
    gets 101 -
    gets 102 -
    rm -rf "${KEPT:?}/host"
    host "01 01.0 - $unread"
    look
    host "01 01.0 - $unread" "02 02.0 0 $A" # 101's, in the slot of the one that 102 misses
    gets 102 -
    gets 101 0
    # in the same moment
    fresh
    host "01 01.0 0 $A" '02 02.0 1'
    pinned 101 01 0
    pinned 102 02 1
    rm -rf "${KEPT:?}/host"
    host "02 02.0 0 $A"
    gets 102 -
    gets 101 0
    # where it was it may have come from elsewhere since, to a pin of the same card that does not know the number
    fresh
    host '01 01.0 0 driver=other' '02 02.0 1'
    pinned 102 01 0
    host "01 01.0 0 $A" '02 02.0 1'
    pinned 101 01 0
    host '01 01.0 0 driver=other' '02 02.0 1'
    gets 102 0
    rm -rf "${KEPT:?}/host"
    sed -i 's/ amd=[^ ]*//' "$POLICIES/102.conf"
    host '01 01.0 0 driver=other' '02 02.0 1'
    look
    host "01 01.0 0 $A" '02 02.0 1'
    gets 102 -
    gets 101 0
}

# one pin of a card knows that it is away, the other has not been asked since; and the host's memory is lost
case_away_for_one_of_two() {
    host "01 01.0 0 $A"
    pinned 101 01 0
    pinned 102 01 0
    host '01 01.0 0 unique_id=none'
    gets 102 -
    rm -rf "${KEPT:?}/host"
    host '01 01.0 0 driver=other'
    gets 102 -
}

# what comes into a slot that two pins lead to may be the card of the one that is lost
case_lost_at_the_same_port() {
    host '01 01.0 0' "02 02.0 1 $B"
    pinned 101 02 1
    pinned 102 01 0
    host '01 01.0 0'
    gets 101 -
    gets 102 0
    host "01 01.0 0 $B"
    gets 101 0
    gets 102 -
    host "01 01.0 0 $C" # 102's, whose serial number could not be read until now
    look
    gets 101 -
    gets 102 -
}

case_serials_exchanged() {
    host "01 01.0 0 $A" "02 02.0 1 $B"
    pinned 101 01 0
    pinned 102 02 1
    host "01 01.0 0 $B" "02 02.0 1 $A"
    gets 101 1
    gets 102 0
}

case_replaced() {
    host "01 01.0 0 $A" "02 02.0 1 $B"
    pinned 101 01 0
    host "01 01.0 0 $C" "02 02.0 1 $B"
    gets 101 0
    said 'has never seen it'
    # a spare that this host knew
    fresh
    host "01 01.0 0 $A" "02 02.0 1 $C"
    pinned 101 01 0
    host "01 01.0 0 $A"
    gets 101 0
    host "01 01.0 0 $C"
    gets 101 -
    # in another slot
    fresh
    host "01 01.0 0 $A"
    pinned 101 01 0
    host "01 02.0 0 $C"
    gets 101 -
    # beside an equal card that has none; where that one's cannot be read, it may be the pinned card
    fresh
    host "01 01.0 0 $A" '02 02.0 1 unique_id=none'
    pinned 101 01 0
    host "01 01.0 0 $B" '02 02.0 1 unique_id=none'
    gets 101 0
    fresh
    host "01 01.0 0 $A" '02 02.0 1'
    pinned 101 01 0
    host "01 01.0 0 $B" '02 02.0 1'
    gets 101 -
    host "01 01.0 0 $B" "02 02.0 1 $A"
    gets 101 1
    # owned by another container
    fresh
    host "01 01.0 0 $A" "02 02.0 1 $B"
    pinned 101 01 0
    pinned 102 02 1
    host "01 01.0 0 $B"
    gets 101 -
    gets 102 0
    # or by a virtual machine
    fresh
    host "01 01.0 0 $A"
    pinned 101 01 0
    mkdir -p "$H/etc/pve/nodes/pve1/qemu-server"
    ln -sfn nodes/pve1/qemu-server "$H/etc/pve/qemu-server"
    echo 'hostpci0: 0000:01:00.0' >"$H/etc/pve/nodes/pve1/qemu-server/200.conf"
    host "01 01.0 0 $C"
    gets 101 -
}

case_selector_and_other_ids() {
    host '01 01.0 0' '05 05.0 1 id=10de:2204 sub=10de:1467 driver=nvidia'
    pinned 101 01 0
    host '01 05.0 1 id=10de:2204 sub=10de:1467 driver=nvidia' '02 01.0 0'
    gets 101 0
    said 'moved from 0000:01:00.0 to 0000:02:00.0'
    # it has gone: never what is at that address
    host '01 05.0 1 id=10de:2204 sub=10de:1467 driver=nvidia'
    gets 101 -
}

# the physical function and its virtual functions have equal ids
case_virtual_functions() {
    fn='vf=01:00.1::1 vf=01:00.2::2 vf=01:00.3::3 vf=01:00.4::4 vf=01:00.5::5 vf=01:00.6::6 vf=01:00.7::7'
    host "01 01.0 0 $fn"
    pinned 101 01 0
    ct 102 5
    policy 102 'gpu = pci:0000:01:00.5' 'devices = render'
    gets 102 5
    host '01 01.0 0 vf=01:00.1::1 vf=01:00.2::2 vf=01:00.3::3' # numvfs 3
    gets 101 0
    gets 102 -
    host '01 01.0 0' # 0
    gets 102 -
    gets 101 0
    host "02 01.0 0 $(echo "$fn" | sed s/=01:/=02:/g)" # 7, and a bus shift
    gets 102 5
    gets 101 0
    # one of them to vfio and back
    host '02 01.0 0 vf=02:00.1:vfio-pci: vf=02:00.2::2 vf=02:00.3::3 vf=02:00.4::4 vf=02:00.5::1 vf=02:00.6::6'
    gets 102 1
    gets 101 0
    host '02 01.0 0 vf=02:00.1::1 vf=02:00.2::2 vf=02:00.3::3 vf=02:00.4::4 vf=02:00.5:vfio-pci: vf=02:00.6::5'
    gets 102 -
    host "02 01.0 0 $(echo "$fn" | sed s/=01:/=02:/g)"
    gets 102 5
}

# a function that was removed by itself: those behind it keep their numbers
case_virtual_function_removed() {
    host '01 01.0 0 vf=01:00.1::1 vf=01:00.2::2 vf=01:00.3::3'
    ct 101 2
    policy 101 'gpu = pci:0000:01:00.2' 'devices = render'
    gets 101 2
    printf 'pci 0000:01:00.0 class=030000 id=1002:73ff sub=1da2:e448 under=0000:00:01.0 driver=amdgpu\ndrm 0000:01:00.0 card=0 render=128\n' >"$work/more"
    for n in 2 3; do
        printf 'pci 0000:01:00.%d class=030000 id=1002:73ff sub=1da2:e448 under=0000:00:01.0 driver=amdgpu physfn=0000:01:00.0 virtfn=%d\ndrm 0000:01:00.%d card=%d render=%d\n' \
            $n $((n - 1)) $n $n $((128 + n)) >>"$work/more"
    done
    host -
    gets 101 2
    sed -i '/00\.2 /d' "$work/more"
    host -
    gets 101 -
}

# --- drivers ---------------------------------------------------------------------------------------

case_driver_away_and_back() {
    host "01 01.0 0 $A" "02 02.0 1 $B"
    pinned 101 01 0
    pinned 102 02 1
    host "01 01.0 - driver=vfio-pci nodes=no" "02 02.0 0 $B"
    gets 101 -
    said 'vfio-pci'
    gets 102 0
    host "01 01.0 - driver= nodes=no" "02 02.0 0 $B"
    gets 101 -
    gets 102 0
    host "02 01.0 1 $A" "03 02.0 0 $B"
    gets 101 1
    gets 102 0
    # while the serial number cannot be read they change places
    host "01 01.0 - driver=vfio-pci nodes=no" "02 02.0 0 $B"
    gets 101 -
    host "01 01.0 0 $B" "02 02.0 1 $A"
    gets 101 1
    gets 102 0
}

# class 12: a processing accelerator without a driver is an equal card, too
case_accelerator_without_driver() {
    host '01 01.0 0 class=120000' '02 02.0 1 class=120000'
    pinned 101 01 0
    host '01 01.0 - class=120000 driver= nodes=no' '02 02.0 0 class=120000'
    gets 101 -
    said 'no driver'
    host '01 02.0 0 class=120000'
    gets 101 -
    host '01 01.0 0 class=120000' '02 02.0 1 class=120000'
    gets 101 0
    # functions of such a card, of which one is a virtual machine's
    fresh
    host '01 01.0 0 class=120000 vf=01:00.1::1 vf=01:00.2::2'
    ct 101 2
    policy 101 'gpu = pci:0000:01:00.2' 'devices = render'
    gets 101 2
    host '01 01.0 0 class=120000 vf=01:00.1:vfio-pci: vf=01:00.2::1'
    gets 101 1
    # somebody else's accelerator is no GPU
    host '01 01.0 0' '02 02.0 - class=120000 id=1e60:2864 driver=hailo nodes=no'
    run 0 gpus --plain
    unsaid 1e60
}

# the accelerator beside a GPU that a policy names is pinned as the GPU is: the last number of "gets" is its own
case_accelerator_beside() {
    accels() { # "BUS N ID" each: the accelerators of the host from now on, beside one GPU
        for spec; do
            # shellcheck disable=SC2086 # words
            set -- $spec
            echo "pci 0000:$1:00.0 class=120000 id=$3 sub=1043:0001 driver=amdxdna under=0000:00:$1.0"
            [ "$2" = - ] || echo "accel 0000:$1:00.0 $2"
        done >"$work/more"
        host '01 01.0 0' -
    }
    has() { # N or "-": the accelN that its lines name, and what every door says of it
        [ "$(sed -n 's|^dev[0-9]*: */dev/accel/accel\([0-9]*\),.*|\1|p' "$(conf 101)")" = "${1#-}" ] || { cat "$(conf 101)" >&2; fail "not accel$1"; }
        [ "$(names 101)" = 0 ] || fail 'not its GPU'
    }
    ours=1022:17f0 other=1e52:401e
    accels "05 0 $ours"
    ct 101 0
    policy 101 'gpu = pci:0000:01:00.0' 'devices = render accel'
    start 101
    said "enable 101 --gpu 'pci:0000:01:00.0 pci:ADDRESS'"
    has 0
    start 101
    said 'nothing to change'
    run 0 status
    said 0000:05:00.0
    # another one is put in, and takes its number
    accels "04 0 $other" "05 1 $ours"
    start 101
    has 1
    run 0 plan 101
    unsaid 0000:04:00.0
    # it is replaced: none without a question, wherever one asks
    accels "05 0 $other"
    start 101
    has -
    said "GPU 0000:05:00.0 (the accelerator beside its GPU, pinned $ours) is not on this host"
    said "gpuanchor enable 101 --gpu 'pci:0000:01:00.0 SELECTOR'"
    "$gpuanchor" plan 101 >"$work/out" 2>&1
    said "pinned $ours) is not on this host"
    unsaid accel0
    "$gpuanchor" apply --dry-run 101 >"$work/out" 2>&1
    said "pinned $ours) is not on this host"
    "$gpuanchor" status >"$work/out" 2>&1
    said 0000:05:00.0
    "$gpuanchor" doctor 101 >"$work/out" 2>&1
    said "0000:05:00.0 (the accelerator beside its GPU"
    # no GPU of its policy is another one now; that it is named again is an answer
    "$gpuanchor" enable 101 --missing start >"$work/out" 2>&1
    start 101
    has -
    run 0 enable 101 --gpu pci:0000:01:00.0
    start 101
    has 0
    # one that the policy names is that one
    accels "04 0 $ours" "05 1 $other"
    start 101
    has 1
    run 0 enable 101 --gpu 'pci:0000:01:00.0 pci:0000:04:00.0'
    start 101
    has 0
    grep -q 'by=accel' "$POLICIES/101.conf" && fail 'the other one is still pinned'
    # where no accel nodes are wanted any more none is missed
    accels "05 1 $other"
    run 0 enable 101 --gpu pci:0000:01:00.0
    start 101
    has 1
    run 0 enable 101 --devices render
    sed -i '/accel/d' "$(conf 101)"
    accels "04 0 $ours"
    start 101
    has -
    said 'nothing to change'
    grep -q 'by=accel' "$POLICIES/101.conf" && fail 'it is still pinned'
    :
}

# what is printed to choose another accelerator leaves the GPU; between two none is chosen, wherever one asks
case_accelerator_remedy() { accelerator_remedy; }

# nor when the container was seen, which came with its lines
case_accelerator_came() { accelerator_remedy look; }

accelerator_remedy() { # [look]
    printf 'pci 0000:05:00.0 class=120000 id=1022:17f0 sub=1043:0001 driver=amdxdna under=0000:00:05.0\naccel 0000:05:00.0 0\n' >"$work/ours"
    sed 's/05/06/g; s/17f0/1500/; s/^\(accel .*\) 0$/\1 1/' "$work/ours" >"$work/other"
    cat "$work/ours" "$work/other" >"$work/more"
    host '01 01.0 0' -
    ct 101 0 'dev1: /dev/accel/accel0,gid=104'
    policy 101 'gpu = pci:0000:01:00.0'
    ${1-:}
    for verb in 'plan 101' 'apply --dry-run 101' 'doctor 101'; do
        # shellcheck disable=SC2086 # words
        "$gpuanchor" $verb 2>&1 | tr -s ' \n' ' ' >"$work/out" # doctor breaks lines
        said 'this host has 2 accelerators, and nothing says which one is meant beside the GPU'
        said "gpuanchor enable 101 --gpu 'pci:0000:01:00.0 SELECTOR'"
    done
    start 101
    grep -q accel "$(conf 101)" && fail 'one of two'
    command=$(sed -n "s/.*gpuanchor \(enable 101 --gpu '[^']*'\).*/\1/p" "$work/out")
    eval "run 0 $(echo "$command" | sed 's/SELECTOR/pci:0000:06:00.0/')"
    start 101
    [ "$(names 101)" = 0 ] || fail 'not its GPU'
    grep -q accel/accel1 "$(conf 101)" || fail 'not the accelerator that was chosen'
}

# seen with one accelerator, enrolled with another in its place: by a command, by hand, by a setting of the host
case_accelerator_seen_before() {
    printf 'pci 0000:05:00.0 class=120000 id=1022:17f0 sub=1043:0001 driver=amdxdna under=0000:00:05.0\naccel 0000:05:00.0 0\n' >"$work/ours"
    sed 's/05/06/g; s/17f0/1500/' "$work/ours" >"$work/other"
    seen=$H/var/lib/gpuanchor/host/lines
    for way in enable policy host auto unread; do
        fresh
        cp "$work/ours" "$work/more"
        host '01 01.0 0' -
        ct 101 0 'dev1: /dev/accel/accel0,gid=104'
        [ $way != auto ] || { sed -i /accel/d "$(conf 101)" && policy 101 'gpu = auto' && start 101; }
        [ $way != auto ] || echo 'dev1: /dev/accel/accel0,gid=104' >>"$(conf 101)"
        [ $way != enable ] || sed -i /^hookscript/d "$(conf 101)"
        run 0 apply --all --boot
        cp "$work/other" "$work/more"
        host '01 01.0 0' -
        case $way in
        enable) "$gpuanchor" enable 101 --gpu pci:0000:01:00.0 >"$work/out" 2>&1 ;;
        policy | unread) policy 101 'gpu = pci:0000:01:00.0' ;;
        host) mkdir -p "$H/etc/gpuanchor" && printf '[defaults]\ngpu = driver:amdgpu\n' >"$H/etc/gpuanchor/gpuanchor.conf" ;;
        esac
        if [ $way = unread ]; then # not known is not "never seen"
            mv "$seen" "$seen.away" && mkdir "$seen"
            cp "$(conf 101)" "$work/before"
            start 101
            [ $status = 1 ] || fail 'started with an accelerator that may be another one'
            said 'host/lines cannot be read' 'accel0'
            cmp -s "$(conf 101)" "$work/before" || fail 'unread: lines were changed'
            rmdir "$seen" && mv "$seen.away" "$seen"
        fi
        start 101
        [ "$(names 101)" = 0 ] || fail "$way: not its GPU"
        grep -q accel "$(conf 101)" && fail "$way: the accelerator that came instead"
        said '0000:05:00.0' # is missed
    done
}

# its hookscript is gone while its GPU is away: what puts it back does not choose another one
case_hookscript_while_the_gpu_is_away() {
    host '01 01.0 0' '02 02.0 1'
    pinned 101 01 0
    host '02 02.0 0'
    sed -i /^hookscript/d "$(conf 101)"
    "$gpuanchor" status 2>&1 | tr -s ' \n' ' ' >"$work/out"
    said 'pct set 101 --hookscript local:snippets/gpuanchor-hook, for the GPU that is pinned'
    unsaid 'one of'
}

# the same by hand: what the policy names beside it makes no other one out of it
case_accelerator_beside_edited() {
    printf 'pci 0000:05:00.0 class=120000 id=1022:17f0 sub=1043:0001 driver=amdxdna under=0000:00:05.0\naccel 0000:05:00.0 0\n' >"$work/more"
    cp "$work/more" "$work/ours"
    host '01 01.0 0' '02 02.0 1 id=1002:150e' -
    ct 101 0
    policy 101 'gpu = pci:0000:01:00.0' 'devices = render accel'
    start 101
    grep -q accel0 "$(conf 101)" || fail 'no accelerator'
    sed 's/05/06/g; s/17f0/1500/' "$work/ours" >"$work/more"
    host '01 01.0 0' '02 02.0 1 id=1002:150e' -
    sed -i 's/^gpu = pci:.*/gpu = pci:0000:02:00.0/' "$POLICIES/101.conf"
    gets 101 1
    grep -q accel0 "$(conf 101)" && fail 'another accelerator'
    # as in a cluster: where another node has chosen so, that model, else the only one
    sed -i 's/^\[pin pve1\]/[pin pve2]/' "$POLICIES/101.conf"
    cat "$work/ours" >>"$work/more"
    sed -i 's/^accel 0000:06.*/accel 0000:06:00.0 1/' "$work/more"
    host '01 01.0 0' '02 02.0 1 id=1002:150e' -
    gets 101 1
    grep -q accel0 "$(conf 101)" || fail 'not that model'
    grep -q accel1 "$(conf 101)" && fail 'the other model'
    :
}

nv='id=10de:2204 sub=10de:1467'
# NVIDIA's UUID: not known at the first boot, known at the second
case_uuid_known_later() {
    nvidia() { # N "BUS SLOT N UUID" of each card
        host "$@"
        for spec; do
            # shellcheck disable=SC2086 # words
            set -- $spec
            mkdir -p "$H/proc/driver/nvidia/gpus/0000:$1:00.0"
            printf 'Model: \t\t NVIDIA GPU\nGPU UUID: \t %s\nBus Type: \t PCIe\nBus Location: \t 0000:%s:00.0\nDevice Minor: \t %s\n' \
                "${uuid?}" "$1" "$3" >"$H/proc/driver/nvidia/gpus/0000:$1:00.0/information"
        done
    }
    uuid='GPU-????????-????-????-????-????????????'
    nvidia "01 01.0 0 $nv driver=nvidia" "02 02.0 1 $nv driver=nvidia"
    ct 101 0
    policy 101 'gpu = pci:0000:01:00.0' 'devices = render'
    gets 101 0
    uuid=GPU-1a2b3c4d-5e6f-7081-92a3-b4c5d6e7f809
    nvidia "01 01.0 0 $nv driver=nvidia"
    look
    gets 101 0
    grep -q nvidia=GPU-1a2b3c4d "$POLICIES/101.conf" || fail "the UUID is not pinned"
    nvidia "01 04.0 0 $nv driver=nvidia"
    look
    gets 101 0
    # nouveau knows none, and cards come only
    host "01 04.0 1 $nv driver=nouveau" "02 05.0 0 $nv driver=nouveau"
    gets 101 1
    grep -q nvidia=GPU-1a2b3c4d "$POLICIES/101.conf" || fail "the UUID is forgotten"
    # cards without a readable one may have changed places
    host "01 06.0 1 $nv driver=nouveau" "02 05.0 0 $nv driver=nouveau"
    gets 101 -
    uuid=GPU-1a2b3c4d-5e6f-7081-92a3-b4c5d6e7f809
    nvidia "01 06.0 1 $nv driver=nvidia"
    look
    gets 101 1
}

# the host knows more of a card than was readable when it was chosen, and nobody looked since
case_enabled_and_not_started() {
    host "01 01.0 0 $A" '02 02.0 1'
    look
    host '01 01.0 0 driver=other' '02 02.0 1'
    look
    host '01 01.0 0 driver=other' '02 02.0 1' '04 04.0 3'
    look
    ct 101 0
    sed -i /^hookscript/d "$(conf 101)"
    run 0 enable --devices render --gpu pci:0000:01:00.0 101
    unsaid 'may have changed places'
    host '01 01.0 0 driver=other' '02 02.0 1' "03 03.0 2 $B" '04 04.0 3'
    gets 101 0
    host "01 01.0 1 $A" '02 02.0 0' "03 03.0 2 $B" '04 04.0 3'
    gets 101 1
}

# what is longer than any serial number is none, and the port tells
case_serial_too_long() {
    long=$(printf '1a2b3c4d5e6f7081%.0s' 1 2 3 4 5 6 7)
    host "01 01.0 0 unique_id=$long"
    pinned 101 01 0
    host "01 01.0 0 unique_id=$long" "02 02.0 1 $A"
    gets 101 0
}

case_driver_switched() {
    intel='id=8086:56a0 sub=8086:1020'
    host "01 01.0 0 $intel driver=i915" "02 02.0 1 $intel driver=i915"
    pinned 101 01 0
    host "01 01.0 1 $intel driver=xe device_uid=1a2b3c4d5e6f7081" "02 02.0 0 $intel driver=xe device_uid=1a2b3c4d5e6f7082"
    look
    gets 101 1
    host "01 02.0 0 $intel driver=xe device_uid=1a2b3c4d5e6f7081" "02 01.0 1 $intel driver=xe device_uid=1a2b3c4d5e6f7082"
    look
    gets 101 0
    host "01 02.0 1 $intel driver=i915" "02 01.0 0 $intel driver=i915"
    gets 101 1
}

# --- serial numbers --------------------------------------------------------------------------------

case_bogus_serial() {
    bogus='unique_id=0011223344556677'
    host "01 01.0 0 $bogus"
    pinned 101 01 0
    host "01 01.0 0 $bogus" "02 02.0 1 $bogus" # a twin has come
    gets 101 0
    host "01 02.0 0 $bogus" # and is alone
    gets 101 -
    host "01 01.0 0 $bogus" # or has it moved?
    gets 101 -
}

# the same, and the host's memory is lost: what the container's own policy knows counts
case_bogus_serial_and_no_memory() {
    bogus='unique_id=0011223344556677'
    host "01 01.0 0 $bogus"
    pinned 101 01 0
    host "01 01.0 0 $bogus" "02 02.0 1 $bogus"
    look
    rm -rf "${KEPT:?}/host"
    host "01 02.0 0 $bogus"
    gets 101 -
}

# --- ports -----------------------------------------------------------------------------------------

case_root_bus_and_domain() {
    host '01 01.0 0' '02 02.0 1'
    pinned 101 01 0
    pinned 102 02 1
    host '01 01.0 1 domain=0001' '02 02.0 0 domain=0001'
    gets 101 1
    gets 102 0
    fresh
    host '01 01.0 0 domain=10000' '02 02.0 1 domain=10000' # behind VMD
    ct 101 0
    policy 101 'gpu = pci:10000:01:00.0' 'devices = render'
    gets 101 0
    host '02 01.0 1 domain=10000' '03 02.0 0 domain=10000'
    gets 101 1
    host '02 01.0 1 domain=10001' '03 02.0 0 domain=10001' # numbered as it was found
    gets 101 1
}

case_dock() {
    host '03 07.0/0000:02:01.0 0' '04 07.0/0000:02:02.0 1'
    pinned 101 03 0
    host '03 07.2/0000:02:01.0 1' '04 07.2/0000:02:02.0 0'
    gets 101 1
    host '01 01.0 0' '03 07.2/0000:02:01.0 1' '04 07.2/0000:02:02.0 2' # and one that is not in it
    gets 101 1
    host '01 01.0 0' '03 07.4/0000:02:01.0 1' '04 07.4/0000:02:02.0 2'
    gets 101 -
}

# one added and one removed between two starts, with boots in between
case_added_and_removed() {
    host '01 01.0 0' '02 02.0 1'
    pinned 101 01 0
    host '01 01.0 0' '02 02.0 1' '03 03.0 2'
    look
    host '01 02.0 0' '02 03.0 1'
    look
    gets 101 -
    fresh
    host '01 01.0 0' '02 02.0 1'
    pinned 101 01 0
    host '01 01.0 0'
    look
    host '01 01.0 1' '02 03.0 0'
    look
    gets 101 1
    fresh # nobody looked
    host '01 01.0 0' '02 02.0 1'
    pinned 101 01 0
    host '01 01.0 0' '02 03.0 1'
    gets 101 -
}

case_new_card_in_another_slot() {
    host '01 01.0 0'
    pinned 101 01 0
    host '01 03.0 0' # it has moved
    gets 101 0
    host '01 03.0 0' '02 01.0 1'
    gets 101 0
    host '01 01.0 0'
    gets 101 -
}

case_two_in_one_container() {
    host '01 01.0 0' '02 02.0 1' '03 03.0 2'
    ct 101 0 'dev1: /dev/dri/renderD130,gid=104'
    policy 101 'gpu = pci:0000:01:00.0 pci:0000:03:00.0' 'devices = render'
    gets 101 0 2
    host '02 01.0 2' '03 02.0 0' '04 03.0 1'
    gets 101 1 2
    host '02 01.0 1' '03 02.0 0'
    gets 101 1
    said 'is not on this host'
}

case_shared_by_three() {
    host "01 01.0 0 $A" "02 02.0 1 $B"
    for vmid in 101 102 103; do pinned $vmid 01 0; done
    host "01 01.0 0 $B" "02 02.0 1 $A"
    for vmid in 101 102 103; do gets $vmid 1; done
    host "01 03.0 0 $A"
    for vmid in 103 101 102; do gets $vmid 0; done
}

# only more than the history keeps: what it no longer has was followed at each look
case_more_changes_than_the_history_keeps() {
    host '01 01.0 0' '02 02.0 1'
    pinned 101 01 0
    ct 102 1
    sed -i /^hookscript/d "$(conf 102)"
    look
    for i in $(seq 35); do
        host '01 01.0 0' '02 02.0 1' '03 03.0 2'
        look
        host '01 01.0 0' '02 02.0 1'
        look
    done
    grep -q '^set 1$' "$KEPT/host/cards" && fail "the history did not roll over"
    gets 101 0
    run 0 enable 102
    names=$(sed -n 's/^gpu = 0000:\(..\).*/\1/p' "$POLICIES/102.conf")
    [ "$names" = 02 ] || fail "102 has $names"
    # they changed places somewhere in it
    host '01 01.0 0'
    look
    host '01 02.0 0'
    look
    for i in $(seq 35); do
        host '01 02.0 0' '03 03.0 2'
        look
        host '01 02.0 0'
        look
    done
    host '01 01.0 0' '02 02.0 1'
    gets 101 -
}

# one that nothing has renewed: its port says nothing of what happened since, its serial number does
case_pin_older_than_the_history() {
    host '01 01.0 0' '02 02.0 1'
    pinned 101 01 0
    sed -i 's/^set 1$/set 90/' "$KEPT/host/cards"
    gets 101 -
    said 'may have changed places'
    fresh
    host "01 01.0 0 $A" "02 02.0 1 $B"
    pinned 101 01 0
    sed -i 's/^set 1$/set 90/' "$KEPT/host/cards"
    gets 101 0
}

# --- policies ----------------------------------------------------------------------------------------

# a list without pins is a list: the policies of all containers are read once
case_no_pins_at_all() {
    host '01 01.0 0' '02 02.0 1'
    ct 101 0
    policy 101 'gpu = all' 'devices = render'
    gets 101 0 1
    [ -e "$KEPT/host/pins" ] || fail "no list"
    touch -d '1 hour ago' "$KEPT/host/pins"
    gets 101 0 1
    [ -z "$(find "$KEPT/host/pins" -mmin -30)" ] || fail "written again"
    sed -i 's/^gpu.*/gpu = pci:0000:01:00.0/' "$POLICIES/101.conf"
    gets 101 0
    grep -q '^pin 101 ' "$KEPT/host/pins" || fail "not in the list"
    rm "$(conf 101)" # and the last one goes
    ct 102 0
    policy 102 'gpu = all'
    start 102
    start 102
    said 'nothing to change'
}

case_selector_changed() {
    host '01 01.0 0' '02 02.0 1'
    pinned 101 01 0
    sed -i '/^gpu = pci/s/01:00.0$/02:00.0/' "$POLICIES/101.conf"
    gets 101 1
    host '02 01.0 0' '03 02.0 1'
    gets 101 1
    sed -i 's/^gpu = pci.*/gpu = all/' "$POLICIES/101.conf"
    gets 101 0 1
    ! grep -q '^gpu = 0000' "$POLICIES/101.conf" || fail "all is pinned"
    sed -i 's/^gpu = all/gpu = auto/' "$POLICIES/101.conf" # lines of all of them say nothing
    asks 101 '0 1'
}

case_mapping_changed() {
    host '01 01.0 0' '02 02.0 1'
    mkdir -p "$H/etc/pve/mapping"
    printf 'gpu\n\tmap id=1002:73ff,node=pve1,path=0000:01:00.0\n' >"$H/etc/pve/mapping/pci.cfg"
    ct 101 0
    policy 101 'gpu = mapping:gpu' 'devices = render'
    gets 101 0
    host '02 01.0 0' '03 02.0 1' # the entry has the old address, which is no card's
    gets 101 0
    host '01 02.0 0' '02 01.0 1' # or the other one's
    gets 101 1
    printf 'gpu\n\tmap id=1002:73ff,node=pve1,path=0000:02:00.0\n' >"$H/etc/pve/mapping/pci.cfg"
    host '01 01.0 0' '02 02.0 1'
    gets 101 1
}

# a pin of a mapping holds while the mappings cannot be read, and without a pin no line is touched
case_mapping_unread() {
    cfg=$H/etc/pve/mapping/pci.cfg
    for how in mkdir mkfifo 'ln -s pci.cfg'; do
        fresh
        host '01 01.0 0' '02 02.0 1'
        mkdir -p "$H/etc/pve/mapping"
        printf 'gpu\n\tmap id=1002:73ff,node=pve1,path=0000:02:00.0\n' >"$cfg"
        ct 101 1
        policy 101 'gpu = mapping:gpu' 'devices = render'
        gets 101 1
        mv "$cfg" "$work/pci.cfg"
        $how "$cfg"
        gets 101 1
        said 'mapping/pci.cfg cannot be read'
        host '02 01.0 1' '03 02.0 0'
        gets 101 0
        ct 102 1
        policy 102 'gpu = mapping:gpu' 'devices = render'
        asks 102 1
        rm -r "$cfg"
        mv "$work/pci.cfg" "$cfg"
        gets 101 0
        sed -i s/0000:02/0000:03/ "$cfg" # the entry was changed
        gets 101 0
    done
    rm "$cfg" # no mapping of that name any more: the pin is void
    gets 101 -
}

case_policy_broken() {
    host '01 01.0 0' '02 02.0 1'
    pinned 101 01 0
    pinned 102 02 1
    cp "$POLICIES/101.conf" "$work/good"
    host '01 01.0 1' '02 02.0 0'
    for damage in 'printf "%04000d\n" 0' 'printf "a\\000b\n"' 'printf "[contai\n"' 'echo "garbage ["' 'printf "\\377\\376\n"' 'echo =' 'echo "]["'; do
        cp "$work/good" "$POLICIES/101.conf"
        eval "$damage" >>"$POLICIES/101.conf"
        ct 101 0
        cp "$(conf 101)" "$work/before"
        start 101
        if [ "$status" = 0 ]; then
            # nothing is changed, or it was right
            case $(names 101) in
            1) ;;
            *) fail "$damage: it starts with '$(names 101)'" ;;
            esac
        fi
        { eval "$damage"; cat "$work/good"; } >"$POLICIES/101.conf"
        ct 101 0
        start 101
        [ "$status" != 0 ] || [ "$(names 101)" = 1 ] || fail "$damage first: it starts with '$(names 101)'"
        gets 102 0 # a neighbour's is broken
    done
}

# a file that was cut, or a byte of it changed: what is left of it is no other container's, and no other wish
case_policy_damaged() {
    host '01 01.0 0' '02 02.0 1'
    pinned 101 01 0
    pinned 102 02 1
    cp "$POLICIES/102.conf" "$work/good"
    host '02 01.0 1' '03 02.0 0' # 0000:02:00.0 is the other card's address now
    for damage in 's/^\(mac = BC:24:1\).*/\1/;/^\(hostname\|rootfs\)/d' 's/by=pci/by=p\xffi/' 's/by=pci/by=\x01ci/' \
        's/pin pve1/pin pve\xff/' 's/^gpu = 0000/gpu = 000\xe4/'; do
        sed "$damage" "$work/good" >"$POLICIES/102.conf"
        ! cmp -s "$work/good" "$POLICIES/102.conf" || fail "$damage changes nothing"
        ct 102 1
        start 102
        [ "$status" != 0 ] || [ "$(names 102)" = 0 ] || [ -z "$(names 102)" ] || fail "$damage: it starts with '$(names 102)'"
    done
}

# --- another container of that number -----------------------------------------------------------------

destroyed() { rm "$(conf 101)"; }

# the same while the file that tells it cannot be read: the earlier one's GPU is not given
case_destroyed_and_unread() {
    host '01 01.0 0' '02 02.0 1'
    ct 101 0
    policy 101 'gpu = pci:0000:02:00.0'
    look
    seen=$H/var/lib/gpuanchor/host/lines
    sed -i '/^card/d; s/^\(seen\|came\) .*/gone 101/' "$seen"
    policy 101 'gpu = pci:0000:02:00.0' # as before it had started
    ct 101 0
    mv "$seen" "$seen.away" && mkdir "$seen"
    cp "$(conf 101)" "$work/before"
    start 101
    [ $status = 1 ] || fail 'started by the policy of an earlier container'
    said 'host/lines: cannot be read'
    cmp -s "$(conf 101)" "$work/before" || fail 'its lines were changed'
    rmdir "$seen" && mv "$seen.away" "$seen"
    start 101
    said 'was written for an earlier container 101'
    [ "$(names 101)" = 0 ] || fail 'the GPU of the earlier container'
}

case_destroyed_and_created() {
    host '01 01.0 0' '02 02.0 1'
    pinned 101 01 0
    echo 'missing = refuse' >>"$POLICIES/101.conf"
    # without hookscript: nothing of the old one
    destroyed
    ct 101 1
    sed -i "/^hookscript/d; s/hostname: .*/hostname: new/; s/BC:24:11:00:00:01/BC:24:11:00:00:FF/" "$(conf 101)"
    cp "$(conf 101)" "$work/before"
    look
    cmp -s "$(conf 101)" "$work/before" || fail "it was changed"
    "$hook" 101 unit-start >/dev/null 2>&1
    cmp -s "$(conf 101)" "$work/before" || fail "it was changed by the drop-in"
    # enrolled: its lines name another card, and that is not the old one's
    run 0 enable --gpu pci:0000:02:00.0 101
    said 'earlier/101.1'
    ! grep -q refuse "$POLICIES/101.conf" || fail "inherited"
    gets 101 1
}

# the variants of a new container under an old number: NAME, MAC, what its lines name
case_reused_number() {
    while read -r name mac want; do
        fresh
        host '01 01.0 0' '02 02.0 1'
        pinned 101 01 0
        destroyed
        look
        ct 101 1
        if [ "$name" = - ]; then sed -i /^hostname/d "$(conf 101)"; else sed -i "s/^hostname.*/hostname: $name/" "$(conf 101)"; fi
        if [ "$mac" = - ]; then sed -i /^net0/d "$(conf 101)"; else sed -i "s/hwaddr=.*/hwaddr=$mac/" "$(conf 101)"; fi
        start 101
        case $want in
        pin) [ "$(names 101)" = 0 ] || fail "$name $mac: $(names 101)" ;;
        ask) said 'which GPU is meant is not known' && said 'earlier' && [ "$(names 101)" = 1 ] || fail "$name $mac: $(names 101)" ;;
        esac
    done <<END
c101 BC:24:11:00:00:01 pin
other BC:24:11:00:00:01 pin
c101 BC:24:11:00:00:FF pin
other BC:24:11:00:00:FF ask
- BC:24:11:00:00:FF ask
- - ask
other - ask
END
}

# enrolled and destroyed between two looks; nothing tells the new one from the old one but that gap
case_gone_before_it_was_seen() {
    host '01 01.0 0' '02 02.0 1'
    pinned 101 01 0
    sed -i '/^net0/d; /^hostname/d' "$(conf 101)"
    gets 101 0
    destroyed
    look
    ct 101 1
    sed -i '/^net0/d; /^hostname/d' "$(conf 101)"
    asks 101 1
    said 'earlier/101.1'
}

# a policy that was written before its container was made is that container's
case_policy_before_its_container() {
    host '01 01.0 0' '02 02.0 1'
    policy 101 'gpu = pci:0000:01:00.0' 'devices = render'
    look
    look
    ct 101 0
    gets 101 0
}

# its number was a virtual machine's meanwhile
case_number_of_a_virtual_machine() {
    host '01 01.0 0' '02 02.0 1'
    pinned 101 01 0
    destroyed
    mkdir -p "$H/etc/pve/nodes/pve1/qemu-server"
    ln -sfn nodes/pve1/qemu-server "$H/etc/pve/qemu-server"
    echo 'hostpci0: 0000:01:00.0' >"$H/etc/pve/nodes/pve1/qemu-server/101.conf"
    look
    start 101
    [ -e "$POLICIES/101.conf" ] || fail "the policy of a number that is a virtual machine's"
    rm "$H/etc/pve/nodes/pve1/qemu-server/101.conf"
    ct 101 1
    sed -i 's/hostname: .*/hostname: new/; s/BC:24:11:00:00:01/BC:24:11:00:00:FF/' "$(conf 101)"
    asks 101 1
}

case_moved_to_another_node_and_back() {
    host '01 01.0 0' '02 02.0 1'
    pinned 101 01 0
    mkdir -p "$H/etc/pve/nodes/pve2/lxc"
    mv "$(conf 101)" "$H/etc/pve/nodes/pve2/lxc/101.conf"
    look
    run 0 disable --all
    [ -e "$POLICIES/101.conf" ] || fail "its policy is gone"
    host '02 01.0 1' '03 02.0 0' # meanwhile
    look
    mv "$H/etc/pve/nodes/pve2/lxc/101.conf" "$(conf 101)"
    gets 101 1
}

# another node: equal ids there, once; with the same address as on this one
case_on_another_node() {
    host '01 01.0 0'
    pinned 101 01 0
    cp "$(conf 101)" "$work/101.conf"
    cp "$POLICIES/101.conf" "$work/policy"
    there() {
        fresh
        host "$@"
        rm -rf "$H/etc/pve/nodes/pve1" "$H/etc/pve/local" "$H/etc/pve/lxc"
        mkdir -p "$H/etc/pve/nodes/pve2/lxc" "$H/etc/pve/nodes/pve1/lxc"
        ln -s nodes/pve2 "$H/etc/pve/local"
        ln -s nodes/pve2/lxc "$H/etc/pve/lxc"
        cp "$work/101.conf" "$(conf 101)"
        cp "$work/policy" "$POLICIES/101.conf"
    }
    there '05 01.0 1' '06 02.0 0 id=8086:56a0 sub=8086:1020 driver=i915'
    gets 101 1
    there '05 01.0 1' '01 02.0 0 id=8086:56a0 sub=8086:1020 driver=i915' # another card at that address
    gets 101 1
    there '01 01.0 0' '02 02.0 1' # two of them
    gets 101 -
    there '01 02.0 0 id=8086:56a0 sub=8086:1020 driver=i915'
    gets 101 -
}

case_reinstalled_with_other_hardware() {
    host '01 01.0 0'
    pinned 101 01 0
    rm -rf "${KEPT:?}"
    host '01 01.0 0' '02 02.0 1'
    gets 101 0
    rm -rf "${KEPT:?}"
    host '01 01.0 0 id=8086:56a0 sub=8086:1020 driver=i915'
    gets 101 -
    said 'is not on this host'
    # what is in its place now may have come while it was missing: its policy knows that it was
    rm -rf "${KEPT:?}"
    host '01 01.0 0' '02 02.0 1'
    gets 101 -
}

# clone and restore to another number: with hookscript and lines, without a policy
case_cloned() {
    host '01 01.0 0' '02 02.0 1'
    pinned 101 01 0
    cp "$(conf 101)" "$work/template"
    host '01 01.0 1' '02 02.0 0' # other numbers since
    sed 's/^hostname.*/hostname: copy/; s/00:01$/00:02/; s/vm-101/vm-102/' "$work/template" >"$(conf 102)"
    asks 102 0
    destroyed # the original is gone
    asks 102 0
    look
    asks 102 0
    run 0 enable --gpu pci:0000:01:00.0 102
    gets 102 1
}

# restore over the same: pct restore --force keeps the MAC, --unique makes another
case_restored_over_the_same() {
    host '01 01.0 0' '02 02.0 1'
    pinned 101 01 0
    cp "$(conf 101)" "$work/backup"
    host '01 01.0 1' '02 02.0 0'
    gets 101 1
    # lock: create, and nothing else yet
    printf 'lock: create\n' >"$(conf 101)"
    look
    cp "$work/backup" "$(conf 101)"
    gets 101 1
    # not at all for a while
    destroyed
    look
    cp "$work/backup" "$(conf 101)"
    gets 101 1
    sed 's/BC:24:11:00:00:01/BC:24:11:00:00:FF/' "$work/backup" >"$(conf 101)"
    gets 101 1
    said 'c101'
}

# rollback: to before a shift, and to before it was enrolled
case_rolled_back() {
    host '01 01.0 0' '02 02.0 1'
    pinned 101 01 0
    cp "$(conf 101)" "$work/snapshot"
    host '02 01.0 1' '03 02.0 0'
    gets 101 1
    cp "$work/snapshot" "$(conf 101)"
    gets 101 1
    # before it was enrolled: no hookscript, and nothing is done
    sed /^hookscript/d "$work/snapshot" >"$(conf 101)"
    cp "$(conf 101)" "$work/before"
    "$hook" 101 unit-start >/dev/null 2>&1
    look
    cmp -s "$(conf 101)" "$work/before" || fail "changed"
    cat "$work/snapshot" >"$(conf 101)" # set again
    gets 101 1
}

case_hookscript_deleted_and_set_again() {
    host '01 01.0 0' '02 02.0 1'
    pinned 101 01 0
    sed -i /^hookscript/d "$(conf 101)"
    host '02 01.0 1' '03 02.0 0'
    cp "$(conf 101)" "$work/before"
    "$hook" 101 unit-start >"$work/out" 2>&1
    look
    cmp -s "$(conf 101)" "$work/before" || fail "changed"
    echo 'hookscript: local:snippets/gpuanchor-hook' >>"$(conf 101)"
    gets 101 1
}

# a start inside a container's own reboot: the drop-in alone
case_reboot_inside() {
    host '01 01.0 0' '02 02.0 1'
    pinned 101 01 0
    host '02 01.0 1' '03 02.0 0'
    mkdir -p "$H/var/lib/lxc/101"
    printf 'lxc.arch = amd64\n' >"$H/var/lib/lxc/101/config"
    "$hook" 101 unit-start >"$work/out" 2>&1 || fail "unit-start"
    [ "$(names 101)" = 1 ] || fail "$(names 101)"
}

case_locked_over_a_swap() {
    host '01 01.0 0' '02 02.0 1'
    pinned 101 01 0
    sed -i '1i lock: backup' "$(conf 101)"
    host '02 01.0 1' '03 02.0 0'
    look
    host '03 01.0 0' '04 02.0 1'
    look
    host '03 01.0 1' '04 02.0 0'
    sed -i /^lock/d "$(conf 101)"
    gets 101 1
}

case_no_quorum() {
    host '01 01.0 0' '02 02.0 1'
    pinned 101 01 0
    host '02 01.0 1' '03 02.0 0'
    chattr +i "$(conf 101)" 2>/dev/null || { echo "  no chattr here" >&2; return 0; }
    start 101
    chattr -i "$(conf 101)"
    [ "$status" != 0 ] || fail "it starts with '$(names 101)'"
    gets 101 1
}

# a devN that was set by hand while it ran, for the other card
case_line_of_another_card_added() {
    host '01 01.0 0' '02 02.0 1'
    pinned 101 01 0
    echo 'dev5: /dev/dri/renderD129,gid=104' >>"$(conf 101)"
    host '01 01.0 1' '02 02.0 0'
    gets 101 1
}

case_memory_before_enrolling() {
    host '01 01.0 0' '02 02.0 1'
    ct 101 0
    sed -i /^hookscript/d "$(conf 101)"
    look
    host '01 01.0 1' '02 02.0 0'
    echo 'memory: 4096' >>"$(conf 101)" # pct set --memory, a new mtime
    look
    run 2 enable 101
    grep -q 'when its lines were first seen they named 0000:01:00.0' "$work/err" || fail "not said"
}

case_by_path() {
    host '01 01.0 0' '02 02.0 1'
    ct 101 -
    echo 'lxc.mount.entry: /dev/dri/by-path/pci-0000:01:00.0-render dev/dri/renderD128 none bind,optional,create=file' >>"$(conf 101)"
    policy 101 'gpu = pci:0000:01:00.0' 'devices = render'
    link() {
        mkdir -p "$H/dev/dri/by-path"
        ln -sfn "../renderD$2" "$H/dev/dri/by-path/pci-0000:$1:00.0-render"
    }
    link 01 128
    link 02 129
    source() { # N of the renderD that the line leads to
        path=$(sed -n 's/^lxc.mount.entry: *\([^ ]*\) .*/\1/p' "$(conf 101)")
        [ "$(basename "$(readlink -f "$H$path")")" = "renderD$((128 + $1))" ] || { cat "$(conf 101)" >&2; fail "$path"; }
    }
    start 101
    source 0
    host '02 01.0 0' '03 02.0 1' # the link is not there yet
    start 101
    source 0
    link 02 129 # leads to the other card
    link 03 128
    start 101
    source 0
    rm "$H/dev/dri/by-path/"*
    ln -s ../nothing "$H/dev/dri/by-path/pci-0000:02:00.0-render"
    start 101
    source 0
}

cases ${3:+"$3"}
