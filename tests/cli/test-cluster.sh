#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# test-cluster.sh GPUANCHOR [CASE] - several nodes, each a folder, and what each knows of the others
#
# The nodes share what is in /etc/pve/gpuanchor and /etc/pve/nodes: what one has written is copied to
# the others, as the cluster does it. See lib.sh.
. "$(dirname "$0")/lib.sh"

# node NAME HOST - the folder $work/NAME
node() {
    sed "s/^pve .*/pve $1/; s/^include.*//" "$tests/fixtures/hosts/$2.host" >"$work/$1.host"
    rm -rf "${work:?}/$1"
    sh "$tests/mkhost.sh" "$work/$1.host" "$work/$1"
    mkdir -p "$work/$1/etc/pve/gpuanchor"
}

# on NODE ARGUMENT... - the command there
on() {
    there=$work/$1
    shift
    GPUANCHOR_ROOT=$there "$gpuanchor" "$@"
}

# what NODE publishes reaches this one
share() {
    on "$1" apply --all --boot >/dev/null
    mkdir -p "$H/etc/pve/gpuanchor/nodes" "$H/etc/pve/nodes/$1/lxc"
    cp -p "$work/$1/etc/pve/gpuanchor/nodes/$1" "$H/etc/pve/gpuanchor/nodes/"
}

# container VMID NODE [LINE...] - with these settings
container() {
    mkdir -p "$H/etc/pve/nodes/$2/lxc"
    conf=$H/etc/pve/nodes/$2/lxc/$1.conf
    [ "$2" != pve1 ] || conf=$H/etc/pve/lxc/$1.conf
    printf 'arch: amd64\nhookscript: local:snippets/gpuanchor-hook\nhostname: ct%s\nunprivileged: 1\n' "$1" >"$conf"
    [ "$2" != pve1 ] || [ "$conf" -ef "$H/etc/pve/nodes/pve1/lxc/$1.conf" ] || cp "$conf" "$H/etc/pve/nodes/pve1/lxc/"
    policy=$H/etc/pve/gpuanchor/$1.conf
    shift 2
    { echo "[container]"; for line; do echo "$line"; done; } >"$policy"
}

members() {
    { printf '{\n"nodename": "pve1",\n"version": 4,\n"cluster": { "name": "c", "version": 2, "nodes": 3, "quorate": 1 },\n"nodelist": {\n'
      printf '  "pve1": { "id": 1, "online": 1, "ip": "10.0.0.1"}'
      for m; do printf ',\n  "%s": { "id": 2, "online": %s, "ip": "10.0.0.2"}' "${m%:*}" "${m#*:}"; done
      printf '\n  }\n}\n'; } >"$H/etc/pve/.members"
}

fresh() {
    node pve1 guide
    node pve2 guide-moved
    node pve3 nvidia
    rm -rf "$H"
    mv "$work/pve1" "$H"
    ln -s host "$work/pve1"
    mkdir -p "$H/etc/pve/nodes/pve1/lxc"
    members pve2:1 pve3:0
}

published() { cat "$H/etc/pve/gpuanchor/nodes/pve1"; }

case_published_when_it_changes() {
    run 0 apply --all --boot
    published | head -1 | grep -qx 'gpuanchor-node 1' || fail "$(published)"
    published | grep -q '^gpu 0000:c1:00.0 1002:150e ' || fail "$(published)"
    before=$(stat -c %i "$H/etc/pve/gpuanchor/nodes/pve1")
    run 0 apply --all --boot
    run 0 look
    [ "$(stat -c %i "$H/etc/pve/gpuanchor/nodes/pve1")" = "$before" ] || fail "written again"
    printf 'vfio: x\n' >/dev/null
    mkdir -p "$H/etc/pve/mapping"
    printf 'igpu\n\tmap id=1002:150e,node=pve1,path=0000:c1:00.0\n' >"$H/etc/pve/mapping/pci.cfg"
    run 0 look
    published | grep -qx 'mapping igpu' || fail "$(published)"
    [ "$(ls "$H/etc/pve/gpuanchor/nodes")" = pve1 ] || fail "left behind: $(ls "$H/etc/pve/gpuanchor/nodes")"
}

case_never_without_quorum() {
    chmod a-w "$H/etc/pve/nodes/pve1"
    run 0 apply --all --boot
    [ ! -e "$H/etc/pve/gpuanchor/nodes" ] || fail "written"
    chmod u+w "$H/etc/pve/nodes/pve1"
    run 0 look
    [ -e "$H/etc/pve/gpuanchor/nodes/pve1" ] || fail "not written once there is a quorum"
}

case_all_nodes_and_where_a_container_finds_one() {
    share pve2
    share pve3
    container 101 pve1 "gpu = id:1002:150e"
    container 102 pve2 "gpu = driver:nvidia"
    container 103 pve3 "gpu = pci:0000:c1:00.0"
    container 104 pve2 "gpu = id:dead:beef"
    run 0 status --cluster --plain
    said "node	pve1	own	-	-	0000:c1:00.0	1002:150e	amdgpu"
    said "node	pve2	online	"
    said "node	pve3	offline	"
    grep -q '^container	101	ct101	pve1	pve1	gpu	0000:c1:00.0$' "$work/out" || fail "101 on pve1"
    grep -q '^container	101	ct101	pve1	pve2	gpu	' "$work/out" || fail "101 on pve2"
    grep -q '^container	101	ct101	pve1	pve3	none	-$' "$work/out" || fail "101 on pve3"
    grep -q '^container	102	ct102	pve2	pve1	none	-$' "$work/out" || fail "102 on pve1"
    grep -q '^container	102	ct102	pve2	pve3	\(gpu\|choice\)	' "$work/out" || fail "102 on pve3"
    ! grep -q '^container	104	.*gpu	0' "$work/out" || fail "104 finds what is not there"
    run 0 status --cluster
    said "MAPPINGS"
    said "ct103"
    run 0 status --cluster --json
    python3 -c 'import json, sys; o = json.load(sys.stdin); assert o["schema"] == 1 and len(o["nodes"]) == 3 and len(o["containers"]) == 4, o
assert [n["state"] for n in o["nodes"]] == ["own", "online", "offline"], o
assert o["containers"][0]["on"][0] == {"node": "pve1", "finds": "gpu", "gpus": ["0000:c1:00.0"]}, o' <"$work/out" || fail "not so"
    run 0 status --cluster --plain 103
    ! grep -q '^container	101' "$work/out" || fail "another container"
}

case_mapping_of_each_node() {
    share pve3
    mkdir -p "$H/etc/pve/mapping"
    address=$(awk '/^gpu / { print $2; exit }' "$H/etc/pve/gpuanchor/nodes/pve3")
    ids=$(awk '/^gpu / { print $3; exit }' "$H/etc/pve/gpuanchor/nodes/pve3")
    printf 'any\n\tmap id=1002:150e,node=pve1,path=0000:c1:00.0\n\tmap id=%s,node=pve3,path=%s\n' "$ids" "$address" >"$H/etc/pve/mapping/pci.cfg"
    container 101 pve1 "gpu = mapping:any"
    run 0 status --cluster --plain
    grep -q '^container	101	ct101	pve1	pve1	gpu	0000:c1:00.0$' "$work/out" || fail "on pve1"
    grep -q "^container	101	ct101	pve1	pve3	gpu	$address\$" "$work/out" || fail "on pve3"
}

# a node that is gone, switched off or never had gpuanchor
case_node_gone() {
    share pve2
    touch -d '12 days ago' "$H/etc/pve/gpuanchor/nodes/pve2"
    rm -r "$H/etc/pve/nodes/pve2"
    members pve3:1
    mkdir -p "$H/etc/pve/nodes/pve3/lxc"
    container 101 pve1 "gpu = id:1002:150e"
    run 0 status --cluster
    grep -q 'pve2 .*left .*12 days' "$work/out" || fail "its age is not shown"
    grep -q 'pve3 .*nothing is published' "$work/out" || fail "pve3"
    run 0 status --cluster --plain
    grep -q '^container	101	ct101	pve1	pve3	unknown	-$' "$work/out" || fail "not known"
    # names that stand elsewhere in that file, too
    for name in cluster nodelist; do
        mkdir -p "$H/etc/pve/nodes/$name"
        members $name:1
        run 0 status --cluster --plain
        grep -q "^node	$name	online	" "$work/out" || fail "a node called $name: $(cat "$work/out")"
        members $name:0
        run 0 status --cluster --plain
        grep -q "^node	$name	offline	" "$work/out" || fail "a node called $name: $(cat "$work/out")"
        rmdir "$H/etc/pve/nodes/$name"
    done
    rm "$H/etc/pve/.members"
    run 0 status --cluster --plain
    grep -q '^node	pve2	unknown	10[0-9]*	' "$work/out" || fail "age"
}

case_damaged_and_hostile() {
    share pve2
    container 101 pve1 "gpu = auto"
    file=$H/etc/pve/gpuanchor/nodes/pve2
    cp "$file" "$work/good"
    n=$(wc -c <"$work/good")
    for cut in 0 1 16 17 40 $((n - 5)) $((n - 4)); do
        head -c "$cut" "$work/good" >"$file"
        run 1 status --cluster --plain
        grep -q '^node	pve2	online	[0-9]*	its inventory is damaged' "$work/out" || fail "cut at $cut"
    done
    for line in 'gpu' 'gpu x' 'gpu 0000:c1:00.0' "$(grep ^gpu "$work/good" | tail -1)" 'node card /etc/passwd 1:1' \
        'node card /dev/dri/card0 99999999999:1' 'mapping' 'class -1' 'zzz' 'name' \
        "name $(printf '\033[31mred\033[0m\007')" "driver $(printf '\033]0;x\007')"; do
        sed '$d' "$work/good" >"$file"
        printf '%s\nend\n' "$line" >>"$file"
        "$gpuanchor" status --cluster >"$work/out" 2>"$work/err"
        [ $? -le 1 ] || fail "with '$line'"
        ! grep -q "$(printf '\033')" "$work/out" || fail "an escape sequence of '$line'"
        "$gpuanchor" status --cluster --json >"$work/out" 2>"$work/err"
        python3 -m json.tool <"$work/out" >/dev/null || fail "no JSON with '$line'"
    done
    { echo gpuanchor-node 1; seq -f 'gpu 0000:%g:00.0 1002:150e 1f66:0031' 5000; echo end; } >"$file"
    run 1 status --cluster
    head -c 2000000 /dev/zero | tr '\0' 'x' >"$file"
    run 1 status --cluster
    rm "$file" && ln -s /etc/passwd "$file"
    run 1 status --cluster
    rm "$file" && mkfifo "$file"
    run 1 status --cluster
    rm "$file" && mkdir "$file"
    run 1 status --cluster
    for name in '..x' 'a b' 'pve2.tmp.17' "$(printf 'e\033')"; do cp "$work/good" "$H/etc/pve/gpuanchor/nodes/$name"; done
    run 1 status --cluster --plain
    [ "$(grep -c '^node	pve2' "$work/out")" = 1 ] || fail "a temporary file is no node"
    unsaid "a b"
}

case_wrong_usage() {
    run 2 status --cluster --prometheus
    rm -r "$H/etc/pve" && mkdir "$H/etc/pve"
    run 2 status --cluster
}

cases ${2+"$2"}
