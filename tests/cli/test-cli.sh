#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# test-cli.sh GPUANCHOR - the command against folders that are hosts
#
# Each case_* function begins with a fresh host and container 101 and ends
# well or calls fail. pct is a stand-in that edits the container file as `pct set`
# does. Needs root: a host has device nodes, and what is written is root's.
# shellcheck disable=SC2317 # the cases are called by name
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
hosts=$tests/fixtures/hosts
mkdir "$work/hosts"
CONFIG=$H/var/lib/lxc/101/config
POLICY=$H/etc/pve/gpuanchor/101.conf
LINK=$H/var/lib/vz/snippets/gpuanchor-hook
HOOK=/usr/libexec/gpuanchor/gpuanchor-hook
BACKUP=$H/var/lib/gpuanchor/backup/101

# --- helpers --------------------------------------------------------------------------------------

complained() { grep -qF -e "$1" "$work/err" || fail "not complained: $1"; }
silent() { [ ! -s "$work/out" ] || fail "output that should not be"; }
one_line() { [ "$(wc -l <"$work/err")" = 1 ] || fail "not one line of complaint"; }
has() { grep -qxF -e "$2" "$1" || { cat "$1" >&2; fail "${1#"$H"} does not say: $2"; }; }
lacks() { ! grep -qF -e "$2" "$1" || { cat "$1" >&2; fail "${1#"$H"} says: $2"; }; }
key() { python3 -c 'import json, sys
value = json.load(open(sys.argv[1]))
for part in sys.argv[2].split("."):
    value = value[int(part)] if part.isdigit() else value[part]
print(json.dumps(value))' "$work/out" "$1"; }
is() { [ "$(key "$1")" = "$2" ] || fail "$1 is $(key "$1"), not $2"; }

# make_host NAME FOLDER - a copy of the one that is made once
make_host() {
    [ -d "$work/hosts/$1" ] || sh "$tests/mkhost.sh" "$hosts/$1.host" "$work/hosts/$1" || exit 1
    cp -a "$work/hosts/$1" "$2"
}

host() {
    rm -rf "$H" "$work/pct-fails" "$work/pct-breaks"
    make_host "$1" "$H"
    mkdir -p "$H$(dirname $HOOK)" "$H/var/lib/vz/snippets" "$H/var/lib/lxc/101"
    printf '#!/bin/sh\nexit 0\n' >"$H$HOOK"
    chmod +x "$H$HOOK"
    ln -s "$work/bin" "$H/usr/sbin"
    : >"$work/pct"
}

# the GPU's numbers change, everything else on the host stays
renumber() {
    rm -rf "$work/other"
    make_host "$1" "$work/other"
    for part in sys dev proc etc/group etc/subgid; do
        rm -rf "${H:?}/$part"
        mv "$work/other/$part" "$H/$part"
    done
}

other_hook() {
    printf '#!/bin/sh\n' >"$H/var/lib/vz/snippets/$1"
    chmod +x "$H/var/lib/vz/snippets/$1"
}

guide() {
    host guide
    grep -v '^hookscript' "$tests/fixtures/guide-101.conf" >"$CONF"
}

plain() {
    printf 'arch: amd64\nhostname: %s\nunprivileged: 1\n' "${2-plain}" >"$H/etc/pve/lxc/${1-101}.conf"
}

tree() { (cd "$H" && find etc var run ! -name "*.lock" ! -path run/gpuanchor/serials -type f -exec sha256sum {} + -o -type l -print | sort); }
# what hookscript: names runs the installed hook, and nothing once that is gone
runs_hook() {
    sed "s| /usr/libexec| $H/usr/libexec|g" "$LINK" >"$work/stub"
    printf '#!/bin/sh\necho "hook $*"\nexit 7\n' >"$H$HOOK"
    [ -x "$LINK" ] && [ ! -L "$LINK" ] || fail "no file"
    [ "$(sh "$work/stub" 101 pre-start; echo $?)" = "hook 101 pre-start
7" ] || fail "the hook is not run"
    mv "$H$HOOK" "$work/gone"
    [ "$(sh "$work/stub" 101 pre-start; echo $?)" = 0 ] || fail "without the program a container does not start"
    mv "$work/gone" "$H$HOOK"
    printf '#!/bin/sh\nexit 0\n' >"$H$HOOK"
}

before() { tree >"$work/before"; }
unchanged() {
    tree >"$work/after"
    cmp -s "$work/before" "$work/after" || { diff "$work/before" "$work/after" >&2; fail "changed something"; }
}

mkdir "$work/bin"
# pct set VMID --hookscript VOLUME | --delete hookscript; it finds its host by its own place
cat >"$work/bin/pct" <<'EOF'
#!/bin/sh
work=$(dirname "$0")/..
echo "$*" >>"$work/pct"
[ ! -e "$work/pct-fails" ] || { echo "400 no" >&2; exit 255; }
conf=$work/host/etc/pve/lxc/$2.conf
mkdir -p "$work/host/run/lock/lxc"
exec 9>"$work/host/run/lock/lxc/pve-config-$2.lock"
flock -n 9 || { echo "can't lock file" >&2; exit 255; }
hook=
[ "$3" != --hookscript ] || hook="hookscript: $4"
awk -v hook="$hook" '
    function put() { if (hook != "" && !done) print hook; done = 1 }
    /^\[/ { section = 1 }
    !section && /^hookscript:/ { next }
    section || /^lxc\./ { put() }
    { print }
    END { put() }' "$conf" >"$conf.tmp.$$"
mv "$conf.tmp.$$" "$conf"
# a policy that cannot be removed any more
policy=$work/host/etc/pve/gpuanchor/$2.conf
[ ! -e "$work/pct-breaks" ] || { rm -f "$policy"; mkdir -p "$policy"; }
EOF
chmod +x "$work/bin/pct"
PATH=$work/bin:$PATH # of the cases; gpuanchor looks in usr/sbin of its host

# --- the command line -----------------------------------------------------------------------------

verbs() { "$gpuanchor" --help | sed -n '/^Verbs:/,/^$/s/^  \([a-z]*\) .*/\1/p'; }
options_of() { "$gpuanchor" "$1" --help | sed -n '/^Options:/,/^$/s/^  ...* \(--[a-z-]*\).*/\1/p' | sort; }

case_help() {
    host guide
    run 0 --help
    for file in "$tests"/../src/cli/verbs/*.c; do
        said "  $(basename "$file" .c) "
    done
    for verb in --help $(verbs); do
        run 0 "$verb" $([ "$verb" = --help ] || echo -h)
        head -1 "$work/out" | grep -q '^Example: gpuanchor ' || fail "$verb: no example"
        said 'Exit status:'
        for status in 0 $(case $verb in help | version) ;; *) echo 1 2 ;; esac); do
            grep -q "^  $status  " "$work/out" || fail "$verb: no exit status $status"
        done
        for option in --help --quiet --verbose; do
            said " $option"
        done
        ! grep -q '.\{81\}' "$work/out" || fail "$verb: wider than 80 columns"
    done
    # what changes something can be tried first
    for verb in $(verbs); do
        case $verb in
        gpus | status | doctor | plan | report | help | version | look) ;; # look is not for people
        *) options_of "$verb" | grep -qx -e --dry-run || fail "$verb: no --dry-run" ;;
        esac
    done
    run 0 --version
    grep -qx 'gpuanchor [0-9.]*' "$work/out" || fail "version"
}

# Man page and completions know every verb and every option, and for each verb no others.
case_documented() {
    host guide
    source=$tests/..
    for verb in $(verbs); do
        grep -q "^\*$verb\*" "$source/man/gpuanchor.1.scd" || fail "man page: no verb $verb"
        options_of "$verb" >"$work/options"
        grep -qx -e --quiet "$work/options" || fail "$verb: options cannot be read"
        while read -r option; do
            grep -q "^\*-.*\*$option\*\|^\*$option\*" "$source/man/gpuanchor.1.scd" ||
                fail "man page: no option $option"
        done <"$work/options"
        # shellcheck disable=SC2016
        bash -c '. "$0"; _gpuanchor_options "$1"' "$source/completions/gpuanchor.bash" "$verb" |
            tr ' ' '\n' | sort | diff "$work/options" - >&2 || fail "gpuanchor.bash: options of $verb"
        awk -v verb="$verb" '
            !/^complete / { next }
            !/ -n / { mine = 1 }
            / -n / {
                match($0, /__gpuanchor_verb [^\047"]*/)
                mine = index(" " substr($0, RSTART, RLENGTH) " ", " " verb " ") && $0 !~ /"not /
            }
            mine && match($0, / -l [a-z-]*/) { print "--" substr($0, RSTART + 4, RLENGTH - 4) }' \
            "$source/completions/gpuanchor.fish" | sort | diff "$work/options" - >&2 || fail "fish: options of $verb"
        awk -v verb="$verb" '
            /^ *common=\(|^ *dry=\(/ { name = $1; sub(/=.*/, "", name); inside = 1 }
            inside { known[name] = known[name] " " $0 }
            inside && /\)$/ { inside = 0 }
            $0 ~ "(^|[ |])" verb "( [|a-z ]*)?[)] _arguments " { mine = 1 }
            mine { text = text " " $0 }
            mine && /;;/ { exit }
            END {
                sub(/\$common/, known["common"], text)
                sub(/\$dry/, known["dry"], text)
                while (match(text, /[,\047]--[a-z-]*[\[}]/)) {
                    print substr(text, RSTART + 1, RLENGTH - 2)
                    text = substr(text, RSTART + RLENGTH)
                }
            }' "$source/completions/_gpuanchor" | sort | diff "$work/options" - >&2 || fail "zsh: options of $verb"
        for file in gpuanchor.bash _gpuanchor gpuanchor.fish; do
            grep -q "$verb" "$source/completions/$file" || fail "$file: no verb $verb"
        done
    done
    ! command -v zsh >/dev/null || zsh -n "$source/completions/_gpuanchor" || fail "zsh"
    ! command -v fish >/dev/null || fish -n "$source/completions/gpuanchor.fish" || fail "fish"
}

case_completion() {
    guide
    # shellcheck disable=SC2016 # expanded by the shell below
    complete_bash='. "$0"; gpuanchor() { "$GPUANCHOR" "$@"; }; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        _gpuanchor; printf "%s\n" "${COMPREPLY[@]}"'
    GPUANCHOR=$gpuanchor
    export GPUANCHOR
    completes() { # WANTED WORD...
        wanted=$1
        shift
        bash -c "$complete_bash" "$tests/../completions/gpuanchor.bash" "$@" >"$work/out" 2>"$work/err"
        grep -qxF -e "$wanted" "$work/out" || fail "$*: no $wanted"
        [ ! -s "$work/err" ] || fail "$*"
    }
    completes enable gpuanchor en
    completes --version gpuanchor --v
    completes --next-hook gpuanchor enable --n
    completes pci:0000:c1:00.0 gpuanchor enable --gpu pci
    completes driver:amdgpu gpuanchor enable 101 -g d
    for selector in auto all pci:0000:c1:00.0 card1; do
        completes $selector gpuanchor enable --gpu ''
    done
    completes card1 gpuanchor enable --gpu=
    completes card1 gpuanchor enable --gpu = c
    completes dev gpuanchor enable --method ''
    completes idmap gpuanchor convert 101 --to ''
    # all containers, or those that are managed
    plain 102
    completes 101 gpuanchor plan ''
    completes 102 gpuanchor plan ''
    completes 101 gpuanchor enable --video-gid 104 ''
    # one container, and for fix the checks that it names in its help
    completes '' gpuanchor plan 101 ''
    checks=$("$gpuanchor" fix --help | tr '\n' ' ' | sed 's/.*this command: \([a-z, -]*\)\. .*/\1/;s/,\| and / /g')
    for check in $checks; do
        completes "$check" gpuanchor fix 101 ''
        for file in gpuanchor.bash _gpuanchor gpuanchor.fish; do
            grep chmod "$tests/../completions/$file" | grep -q "\<$check\>" || fail "$file: no check $check"
        done
    done
    [ "$(echo "$checks" | wc -w)" -ge 4 ] || fail "checks of fix: $checks"
    ! grep -qx 101 "$work/out" || fail "fix 101 offers containers again"
    run 0 enable 101
    completes 101 gpuanchor convert ''
    ! grep -qx 102 "$work/out" || fail "102 is not managed"
}

case_usage() {
    guide
    before
    for words in bogus 'plan' 'plan 1 2' 'apply' 'apply --all 101' 'gpus 1' 'plan --nonsense 101' \
        'enable --gpu' 'undo --json 101' '-x' '--all' 'plan -x 101' 'apply --dry-run=1 101'; do
        # shellcheck disable=SC2086
        run 2 $words
        silent
        one_line
    done
    run 2 enabel 101
    complained 'did you mean enable?'
    run 2 plan --jsno 101
    complained 'did you mean --json?'
    run 2 gpus 101
    complained 'gpus takes no argument, and was given 101'
    run 2 status 101 102
    complained 'status takes one argument, and was given 101 102'
    run 2 undo --force
    complained 'undo: no container was named; it takes VMID'
    run 2 status --json --prometheus
    complained 'forms of one answer'
    for forms in '--json --plain' '--plain --prometheus'; do
        # shellcheck disable=SC2086
        run 2 status $forms
        complained 'forms of one answer'
    done
    run 2 gpus --json --plain
    run 2 fix 101
    complained 'fix: no check was named; it takes VMID CHECK..., and gpuanchor doctor 101 names the checks'
    run 2 fix
    complained 'fix: no container was named'
    run 2 101
    complained 'unknown verb 101; did you mean gpuanchor status 101?'
    run 0 apply --help
    unsaid enable
    run 0 enable --help
    said 'every container of this node that has GPU lines'
    unsaid 'every managed container'
    said 'card1'
    for vmid in 0 99 0101 1000000000 -5 101x 101.conf ../101 ''; do
        run 2 plan -- "$vmid"
        complained 'is no VMID'
    done
    printf -- '\033[31m' >"$work/esc"
    run 2 plan "$(cat "$work/esc")"
    complained "'\\x1b[31m' is no VMID"
    unchanged
}

# --- gpus -----------------------------------------------------------------------------------------

case_gpus_plain() {
    host guide
    run 0 gpus --plain
    t=$(printf '\t')
    said "pci:0000:c1:00.0${t}1002:150e${t}amdgpu${t}/dev/dri/renderD128${t}226:128${t}root:render${t}0660${t}-"
    said "/dev/kfd${t}235:0"
    grep -q "$(printf '\033')" "$work/out" && fail "colours on a pipe"
    [ "$(cut -f1 "$work/out" | sort -u | wc -l)" = 3 ] || fail "selectors"
    host no-gpu
    run 0 gpus --plain
    silent
}

case_gpus_problems() {
    host vfio
    run 0 gpus --plain
    said "gpu-held"
    said "gpu-no-driver"
    host fake-node
    run 1 gpus --plain
    said "node-fake"
    said "node-absent"
    host groupmod-no-udev
    run 1 gpus --plain
    said "node-group-wrong"
    host nvidia
    rm "$H/dev/nvidia-uvm" # the driver's own tool makes it, udev does not
    run 1 gpus --json
    is findings.0.code '"nvidia-absent"'
    grep -q '"remedy":.*nvidia-modprobe' "$work/out" || fail "does not say how to make it"
}

# what a machine has by its configuration is as it should be; functions of one card are one line
case_gpus_held_functions() {
    host sriov
    mkdir -p "$H/etc/pve/qemu-server"
    run 0 gpus
    said 'GPU 0000:00:02.2 (with 4 more functions of 0000:00:02.0) is held by vfio-pci'
    [ "$(grep -c 'held by' "$work/out")" = 1 ] || fail "one line for each function"
    run 0 gpus --json # a program is told of each
    [ "$(grep -c '"code":"gpu-held"' "$work/out")" = 5 ] || fail "not each function"
    run 0 gpus --plain
    [ "$(grep -c gpu-held "$work/out")" = 5 ] || fail "not each function"
    printf 'hostpci0: 0000:00:02.3\n' >"$H/etc/pve/qemu-server/200.conf"
    run 0 gpus
    said 'GPU 0000:00:02.2 (with 3 more functions of 0000:00:02.0) is held by vfio-pci'
    printf 'hostpci0: 0000:00:02\n' >"$H/etc/pve/qemu-server/200.conf"
    for words in gpus 'gpus --quiet'; do
        # shellcheck disable=SC2086
        run 0 $words
        unsaid 'held by'
    done
    run 0 status
    said 'virtual machine 200 takes GPU 0000:00:02.0 and 7 more (hostpci0)'
    [ "$(grep -c 'virtual machine 200' "$work/out")" = 1 ] || fail "one line for each function"
    echo 'hostpci1: 0000:00:02.2' >>"$H/etc/pve/qemu-server/200.conf"
    plain
    printf 'dev0: /dev/dri/renderD129,gid=104\n' >>"$CONF"
    run 1 status
    [ "$(grep -c 'is meant for container 101' "$work/out")" = 1 ] || fail "one conflict is one line"
}

case_gpus_json() {
    host nvidia # one of its nodes has another number than the driver says
    run 1 gpus --json
    is schema 1
    is node '"pve1"'
    is gpus.0.address '"0000:01:00.0"'
    is gpus.0.selector '"pci:0000:01:00.0"'
    is gpus.0.nodes.1.path '"/dev/dri/renderD128"'
    is gpus.0.nodes.1.state '"ok"'
    is groups.render 104
    host fake-node
    run 1 gpus --json
    is gpus.0.nodes.1.state '"fake"'
    is gpus.1.nodes.0.state '"absent"'
    is findings.0.code '"node-fake"'
    grep -q '"remedy":.*mknod.* c 226 128 ' "$work/out" || fail "does not say how to make it"
    host no-gpu
    run 0 gpus --json
    is gpus '[]'
}

case_gpus_users() {
    t=$(printf '\t')
    host vfio # 0000:01:00.0 is held by vfio-pci, 0000:04:00.0 has no driver
    mkdir -p "$H/etc/pve/qemu-server" "$H/etc/pve/mapping"
    run 0 gpus --plain
    grep -q "^pci:0000:00:02.0${t}.*/dev/dri/renderD128${t}.*${t}-$" "$work/out" || fail "somebody uses it"
    plain
    echo 'lxc.mount.entry: /dev/dri/renderD128 dev/dri/renderD128 none bind,optional,create=file' >>"$CONF"
    plain 102
    echo 'dev0: /dev/dri/renderD128,gid=104' >>"$H/etc/pve/lxc/102.conf"
    printf 'name: win\nhostpci0: 0000:01:00,pcie=1\n\n[before]\nhostpci1: 00:02.0\n' >"$H/etc/pve/qemu-server/200.conf"
    run 0 gpus --plain
    grep -q "renderD128${t}.*${t}ct/101,ct/102$" "$work/out" || fail "containers"
    grep -q "^pci:0000:01:00.0${t}.*${t}vm/200$" "$work/out" || fail "virtual machine"
    # a machine takes it, by the name of a mapping
    printf 'igpu\n\tmap id=8086:4680,node=pve1,path=0000:00:02.0\n' >"$H/etc/pve/mapping/pci.cfg"
    printf 'hostpci0: mapping=igpu\n' >"$H/etc/pve/qemu-server/201.conf"
    run 1 gpus --json
    is users_complete true
    is gpus.0.users.2 '{"kind": "vm", "vmid": 201, "by": "hostpci0", "mediated": false, "exclusive": false, "gate": null}'
    is findings.2.code '"gpu-conflict"'
    is findings.3.what '"102"'
    run 1 gpus
    grep -q '^0000:00:02.0 .* gpu-conflict *$' "$work/out" || fail "two conflicts are not one code"
    printf 'hostpci0: mapping=igpu,mdev=i915-GVTg_V5_4\n' >"$H/etc/pve/qemu-server/201.conf"
    run 0 gpus --plain
    mkdir -p "$H/etc/pve/gpuanchor"
    printf '[container]\ngpu = pci:0000:01:00.0\n' >"$POLICY"
    echo 'hookscript: local:snippets/gpuanchor-hook' >>"$CONF"
    run 1 gpus --plain
    grep -q "^pci:0000:01:00.0${t}.*${t}gpu-held,gpu-conflict${t}.*${t}ct/101,vm/200$" "$work/out" || fail "conflict"
    run 1 status
    said 'is meant for container 101'
    unsaid 'is held by vfio-pci' # once is enough, and this is not to be given back
    # who may not read a container is told so, and gets the rest
    chmod 711 "$work" && chmod 600 "$CONF"
    cp "$gpuanchor" "$work/gpuanchor" # the build folder may be root's
    setpriv --reuid=65534 --regid=65534 --clear-groups -- "$work/gpuanchor" gpus --plain >"$work/out" 2>"$work/err"
    grep -q "renderD128${t}.*${t}ct/102,vm/201,?$" "$work/out" || fail "without rights"
    rm -r "$H/etc/pve"
    run 0 gpus --plain
    grep -q "^pci:0000:01:00.0${t}.*${t}?$" "$work/out" || fail "without Proxmox"
    run 0 gpus
    said '/etc/pve is not mounted: which containers and virtual machines use a GPU is not known'
    run 0 gpus --json
    is users_complete false
}

case_gpu_by_a_name_of_now() {
    guide
    mkdir -p "$H/dev/dri/by-path"
    ln -s ../renderD128 "$H/dev/dri/by-path/pci-0000:c1:00.0-render"
    for word in card1 /dev/dri/renderD128 renderD128 c1:00.0 0000:C1:00.0 \
        /dev/dri/by-path/pci-0000:c1:00.0-render; do
        run 0 enable 101 --gpu "$word"
        has "$POLICY" "gpu = pci:0000:c1:00.0"
    done
    before
    for word in card7 /dev/dri/by-path /dev/null c2:00.0 pci:0000:c2:00.0 platform:nothing.gpu \
        id:1234:5678 id:1002:150e#2 driver:nouveau; do
        run 2 enable 101 --gpu "$word"
        complained "no GPU of this host is $word now; choose one:"
        complained "  --gpu pci:0000:c1:00.0  # 1002:150e amdgpu card1 renderD128"
        unchanged
    done
    run 2 enable 101 --gpu nonsense
    complained 'nonsense is not understood; accepted: auto, all, or some of'
    complained 'card1, /dev/dri/renderD128, c1:00.0'
    complained "  --gpu pci:0000:c1:00.0  # 1002:150e amdgpu card1 renderD128"
    unchanged
    for word in id:1002:150e id:1002:150e#1 driver:amdgpu; do
        run 0 enable 101 --gpu "$word"
        has "$POLICY" "gpu = $word"
    done
}

# every option that takes a value, of every verb
case_empty_values() {
    guide
    before
    for verb in $("$gpuanchor" --help | sed -n '/^Verbs/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
        for option in $("$gpuanchor" "$verb" --help | sed -n 's/^  .*--\([a-z-]*\) [A-Z].*/\1/p'); do
            for value in '' ' ' ', ,'; do
                run 2 "$verb" 101 "--$option" "$value"
                complained "--$option needs a value, and was given an empty one; see gpuanchor $verb --help"
                one_line && silent && unchanged
            done
            echo "$verb --$option" >>"$work/tried"
        done
    done
    for option in 'enable --gpu' 'enable --guest-service' 'convert --to' 'report --output'; do
        grep -qxF -e "$option" "$work/tried" || fail "not tried: $option"
    done
}

case_enable_all() {
    guide
    cp "$CONF" "$H/etc/pve/lxc/102.conf"
    plain 103
    before
    run 1 enable --all --dry-run
    said '101: '
    said '102: '
    unsaid 'is not managed' # which is what it would change
    unsaid '; pinned from now on'
    said '2 of 2 containers with GPU lines would be enrolled; to do it: gpuanchor enable --all'
    unchanged
    run 1 enable --all --dry-run --missing refuse
    said 'would be enrolled; to do it: the same command without --dry-run'
    run 0 enable --all
    for vmid in 101 102; do
        grep -q '^hookscript: local:snippets/gpuanchor-hook' "$H/etc/pve/lxc/$vmid.conf" || fail "$vmid is not enabled"
    done
    ! grep -q hookscript "$H/etc/pve/lxc/103.conf" || fail "103 has no GPU"
    run 0 enable --all
    said 'no container of this node has GPU lines without gpuanchor'
    run 2 enable --all --gpu card1
    run 2 enable --all 101
    # one is in doubt: it is listed with its choices, the others are enabled
    host two-identical
    guide_lines() { sed -n '/^lxc.cgroup2/p;/^lxc.mount/p' "$tests/fixtures/guide-101.conf"; }
    plain 101
    guide_lines >>"$CONF"
    before
    run 1 enable --all --dry-run
    said '0 of 1 container with GPU lines would be enrolled; 1 has a question, with its answers above'
    run 1 enable --all
    complained 'gpuanchor enable 101 --gpu pci:'
    unchanged
    # wherever enabling it is the remedy, the command is one that does not ask
    run 1 doctor --plain 101
    said 'gpuanchor enable 101 --gpu SELECTOR, one of: pci:'
    mkdir -p "$H/etc/pve/gpuanchor"
    printf '[container]\n' >"$POLICY"
    run 1 status
    said 'without it no start is corrected: gpuanchor enable 101 --gpu SELECTOR, one of: pci:'
}

case_without_a_verb() {
    guide
    run 0 status
    cp "$work/out" "$work/status"
    run 0
    sed '$d' "$work/out" | diff "$work/status" - || fail "not what status says"
    said "gpuanchor help: what else it can do"
    run 0 help
    cp "$work/out" "$work/help"
    run 0 --help
    diff "$work/help" "$work/out" || fail "help and --help differ"
    run 0 help enable
    said "Usage: gpuanchor enable"
    cp "$work/out" "$work/help"
    for words in "--help enable" "-h enable" "enable --help" "--quiet --help enable --gpu"; do
        # shellcheck disable=SC2086 # two words
        run 0 $words
        diff "$work/help" "$work/out" || fail "help enable and $words differ"
    done
    run 2 --help bogus
    complained "unknown verb bogus"
    run 2 help bogus
    complained "unknown verb bogus"
    run 0 version
    cp "$work/out" "$work/version"
    run 0 --version
    diff "$work/version" "$work/out" || fail "version and --version differ"
}

case_gpus_every_host() {
    for file in "$hosts"/*.host; do
        name=$(basename "$file" .host)
        host "$name"
        "$gpuanchor" gpus >"$work/out" 2>"$work/err" </dev/null || [ $? = 1 ] || fail "$name"
        "$gpuanchor" gpus --json >"$work/out" 2>>"$work/err" || [ $? = 1 ] || fail "$name"
        [ ! -s "$work/err" ] || fail "$name"
        is schema 1
    done
}

# on_terminal COMMAND... - with a terminal of 80 columns as stdout
on_terminal() {
    script -qefc "stty cols 80; TERM=xterm exec $*" /dev/null >"$work/out" 2>"$work/err" </dev/null
}

case_terminal() {
    command -v script >/dev/null || return 0
    host vfio
    on_terminal "$gpuanchor" gpus
    said 'DEVICE'
    grep -q "$(printf '\033')" "$work/out" || fail "no colours"
    on_terminal env NO_COLOR=1 "$gpuanchor" gpus
    said 'DEVICE'
    ! grep -q "$(printf '\033')" "$work/out" || fail "colours in spite of NO_COLOR"
    guide
    run 0 enable 101
    renumber guide-moved
    on_terminal "$gpuanchor" plan 101
    grep -q "$(printf '\033')\[32m+lxc" "$work/out" || fail "no green"
    plain 102
    echo 'dev0: /dev/dri/renderD140,gid=104' >>"$H/etc/pve/lxc/102.conf"
    on_terminal env NO_COLOR=1 "$gpuanchor" plan 102
    said 'warning: 102.conf: the next start fails'
    ! grep -q '^warning.\{80\}' "$work/out" || fail "not wrapped"
    printf 'arch: amd64\nlxc.mount.entry: /dev/dri/card1\033]0;x\007 dev/dri/card1 none bind 0 0\n' >"$CONF"
    on_terminal env NO_COLOR=1 "$gpuanchor" plan -v 101
    ! grep -q "$(printf '\033')" "$work/out" || fail "a control character reached the terminal"
}

# answers TEXT ARGUMENT... - the command on a terminal, on which a person types TEXT
answers() {
    typed=$1
    shift
    python3 - "$typed" "$gpuanchor" "$@" >"$work/out" 2>&1 <<'EOF'
import os, pty, select, sys
typed = sys.argv[1].encode().decode("unicode_escape").encode()
pid, terminal = pty.fork()
if pid == 0:
    os.environ["TERM"] = "dumb"
    os.execv(sys.argv[2], sys.argv[2:])
seen, asked = b"", 0
while select.select([terminal], [], [], 30)[0]:
    try:
        chunk = os.read(terminal, 65536)
    except OSError:
        chunk = b""
    if not chunk:
        break
    seen += chunk
    while seen.count(b"as it is: ") > asked and typed: # one line for each question
        line, _, typed = typed.partition(b"\n")
        os.write(terminal, line + (b"\n" if line != b"\x04" else b""))
        asked += 1
sys.stdout.buffer.write(seen.replace(b"\r\n", b"\n"))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
EOF
    got=$?
}

case_enable_asks() {
    host two-identical
    plain
    plain 102
    echo 'dev0: /dev/dri/renderD129,gid=104' >>"$H/etc/pve/lxc/102.conf"
    mkdir -p "$H/etc/pve/qemu-server"
    echo 'hostpci0: 0000:02:00' >"$H/etc/pve/qemu-server/200.conf"
    card=$(basename "$(ls -d "$H"/sys/bus/pci/devices/0000:01:00.0/drm/card*)")
    mkdir "$H/sys/bus/pci/devices/0000:01:00.0/drm/$card/$card-DP-1"
    echo connected >"$H/sys/bus/pci/devices/0000:01:00.0/drm/$card/$card-DP-1/status"
    ln -s "../../bus/pci/devices/0000:01:00.0/drm/$card/$card-DP-1" "$H/sys/class/drm/$card-DP-1"
    before
    for typed in '\n' '\x04\n' '0\n3\nx\n\n'; do
        answers "$typed" enable 101
        [ $got = 2 ] || fail "exit status $got after $typed"
        said '101: no line of it names a GPU. Which GPU?'
        said '  1  0000:01:00.0'
        said '; display attached; used by nobody'
        said '  2  0000:02:00.0'
        said '; no display attached; used by ct/102,vm/200'
        said 'no GPU was chosen; nothing was changed'
        unchanged
    done
    said "'3' is no number from 1 to 2."
    said "'x' is no number from 1 to 2."
    # status says where a question comes
    run 1 status
    said '102 plain uses GPU 0000:02:00.0 without gpuanchor: gpuanchor enable 102 --gpu SELECTOR, one of: pci:0000:01:00.0 ('
    said '), pci:0000:02:00.0 ('
    # with --gpu never, and not without a terminal
    answers '' enable 101 --gpu driver:nothing
    [ $got = 2 ] || fail "--gpu: exit status $got"
    ! grep -q Number "$work/out" || fail "asked in spite of --gpu"
    run 2 enable 101
    complained '  gpuanchor enable 101 --gpu pci:0000:02:00.0  #'
    unchanged
    answers '2\n' enable 101 --dry-run
    said '+gpu = pci:0000:02:00.0'
    unchanged
    echo 'dev0: /dev/dri/renderD140' >>"$CONF"
    answers '\n' enable 101
    said '101: its lines name /dev/dri/renderD140, which is not there. Which GPU?'
    sed -i 's|^dev0.*|lxc.mount.entry: /dev/dri dev/dri none bind,optional,create=dir|' "$CONF"
    answers '\n' enable 101
    said '101: its line is for every GPU: lxc.mount.entry: /dev/dri dev/dri none bind,optional,create=dir. Which GPU?'
    said '  3  all  '
    sed -i '/^lxc.mount.entry/d' "$CONF"
    answers '9\n2\n' enable 101
    [ $got = 0 ] || fail "exit status $got"
    has "$POLICY" 'gpu = pci:0000:02:00.0'
    has "$CONF" 'hookscript: local:snippets/gpuanchor-hook'
}

# --- plan and apply -------------------------------------------------------------------------------

case_plan() {
    guide
    before
    run 1 plan 101 # the pin is not remembered yet
    said 'would be pinned from now on'
    said '0000:c1:00.0'
    said '+gpu = 0000:c1:00.0 1002:150e'
    unchanged
    run 0 enable 101
    run 0 apply 101
    run 0 plan 101
    said 'nothing to change'
    renumber guide-moved
    before
    run 1 plan 101
    said '--- a/etc/pve/lxc/101.conf'
    said '+++ b/etc/pve/lxc/101.conf'
    said '+lxc.idmap: g 110 993 1'
    said 'root would be allowed to map host gid 993 (render)'
    run 1 plan -q 101
    silent
    run 1 plan --json 101
    is schema 1
    is vmid 101
    is managed true
    is changes true
    is gpus.0.address '"0000:c1:00.0"'
    is subgid '[993]'
    is files.0.changes true
    is nodes.0.method '"idmap"'
    unchanged
    [ ! -e "$H/run/lock/lxc/pve-config-102.lock" ] || fail "took a lock"
}

case_plan_of_nothing() {
    guide
    run 2 plan 102
    complained '102: no such container on this node; pct list'
    one_line
    mkdir -p "$H/etc/pve/nodes/pve2/lxc" "$H/etc/pve/nodes/pve1/qemu-server"
    : >"$H/etc/pve/nodes/pve2/lxc/102.conf"
    run 2 plan 102
    complained 'container 102 is on node pve2'
    : >"$H/etc/pve/nodes/pve1/qemu-server/103.conf"
    run 2 apply 103
    complained '103 is a virtual machine'
    rm -rf "$H/etc/pve"
    mkdir "$H/etc/pve"
    run 2 plan 101
    complained 'not mounted'
    run 2 apply --all
    complained 'not mounted'
    run 2 apply --boot 101
    [ -z "$(ls -A "$H/run/lock/lxc")" ] || fail "left locks behind"
}

case_plan_as_user() {
    guide
    chmod 755 "$work"
    chmod 640 "$CONF"
    as_user() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
    cp "$gpuanchor" "$work/bin/gpuanchor"
    chmod -R go+rX "$work/bin"
    as_user "$work/bin/gpuanchor" gpus >"$work/out" 2>"$work/err" || fail "gpus"
    as_user "$work/bin/gpuanchor" plan 101 >"$work/out" 2>"$work/err"
    [ $? = 2 ] || fail "plan: status"
    complained 'plan 101 needs root: it reads /etc/pve'
    for words in 'apply 101' 'enable 101' 'disable 101' 'undo 101'; do
        # shellcheck disable=SC2086
        as_user "$work/bin/gpuanchor" $words >"$work/out" 2>"$work/err"
        [ $? = 2 ] || fail "$words: status"
        complained 'needs root: it writes /etc/pve'
        one_line
    done
    chmod 644 "$CONF"
    as_user "$work/bin/gpuanchor" plan 101 >"$work/out" 2>"$work/err"
    [ $? = 1 ] || fail "readable plan: status"
}

case_apply() {
    guide
    run 2 apply 101
    complained '101 is not managed by gpuanchor; gpuanchor enable 101'
    run 0 enable 101
    sed -n 's/^\(lxc[^:]*\): /\1 = /p' "$CONF" >"$CONFIG"
    renumber guide-moved
    mkdir -p "$H/run/gpuanchor"
    printf '[given]\nnode = /dev/dri/card1 226:1 0000:c1:00.0\n' >"$H/run/gpuanchor/101"
    before
    run 1 apply --dry-run 101
    said '+lxc.idmap: g 110 993 1'
    unchanged
    run 0 apply 101
    said '101: 0000:c1:00.0 (1002:150e amdgpu card0 renderD129): written'
    has "$CONF" 'lxc.idmap: g 110 993 1'
    has "$CONF" 'lxc.mount.entry: /dev/dri/renderD129 dev/dri/renderD129 none bind,optional,create=file'
    has "$CONFIG" 'lxc.idmap = g 110 993 1'
    has "$CONFIG" 'lxc.cgroup2.devices.allow = c 226:129 rwm'
    has "$H/etc/subgid" 'root:993:1'
    has "$H/run/gpuanchor/101" 'node = /dev/dri/card1 226:1 0000:c1:00.0'
    before
    run 0 apply 101
    said 'nothing to change'
    run 0 apply -q 101
    silent
    unchanged
}

case_apply_all() {
    guide
    run 0 enable 101
    printf 'arch: amd64\nhookscript: local:snippets/gpuanchor-hook\nlock: backup\n' >"$H/etc/pve/lxc/102.conf"
    plain 103
    cp "$CONF" "$H/etc/pve/lxc/104.conf"
    printf 'arch: amd64\nhookscript: local:snippets/gpuanchor-hook\ntemplate: 1\n' >"$H/etc/pve/lxc/105.conf"
    renumber guide-moved
    run 2 apply --all
    complained '102.conf: the container is locked (backup)'
    said '101: '
    said '105: a template'
    has "$CONF" 'lxc.idmap: g 110 993 1'
    has "$H/etc/pve/lxc/103.conf" 'hostname: plain'
    run 0 apply --all --boot
    complained 'locked (backup)'
    run 0 apply --boot 102
    rm "$H/etc/pve/lxc/102.conf" "$H/etc/pve/lxc/104.conf"
    run 0 apply --all
}

case_busy() {
    guide
    run 0 enable 101
    mkdir -p "$H/run/lock/lxc"
    exec 8>"$H/run/lock/lxc/pve-config-101.lock"
    flock 8
    begin=$(date +%s)
    run 0 apply --boot 101
    complained 'held by another process'
    [ $(($(date +%s) - begin)) -le 3 ] || fail "the boot waited"
    before
    "$gpuanchor" fix 101 chmod >"$work/fix" 2>&1 8>&- &
    run 2 apply 101
    complained '101.conf: the configuration lock is held by another process'
    wait $! && fail "fix without the lock"
    grep -q 'the configuration lock is held' "$work/fix" || fail "fix does not wait for the lock"
    [ $(($(date +%s) - begin)) -le 16 ] || fail "waited too long"
    exec 8>&-
    unchanged
}

# Locked, a template, no quorum: nothing that writes goes on.
case_refusals() {
    for why in 'lock: snapshot' 'template: 1' quorum; do
        guide
        run 0 enable 101
        renumber guide-moved
        run 0 apply 101
        case $why in
        quorum) chmod 440 "$CONF" ;;
        *) echo "$why" >>"$CONF" ;;
        esac
        before
        for verb in apply enable disable undo; do
            : >"$work/pct"
            run 2 $verb 101
            one_line
            case $why in
            lock*) complained '101.conf: the container is locked (snapshot); wait' ;;
            template*) complained 'the container is a template' ;;
            quorum) complained 'the cluster has no quorum; pvecm status' ;;
            esac
            [ ! -s "$work/pct" ] || fail "called pct"
        done
        unchanged
    done
}

case_policy_broken() {
    guide
    run 0 enable 101
    printf '[container]\ngpu = nonsense\n' >"$POLICY"
    before
    run 1 plan 101
    said 'left alone'
    run 2 apply 101
    complained 'left as it is'
    run 2 enable 101
    complained 'gpu = nonsense'
    unchanged
    run 0 enable --gpu pci:0000:c1:00.0 101
    has "$POLICY" 'gpu = pci:0000:c1:00.0'
    printf '[container]\nnonsense\nnext-hook = local:snippets/own.sh\n' >"$POLICY"
    other_hook own.sh
    run 0 disable 101
    has "$CONF" 'hookscript: local:snippets/own.sh'
}

case_missing_refuse() {
    guide
    run 0 enable --missing refuse --gpu pci:0000:c1:00.0 101
    renumber intel-one
    before
    run 1 plan 101
    said 'the next start would be refused'
    run 2 apply 101
    complained 'missing = refuse'
    unchanged
}

# --- enable and disable ---------------------------------------------------------------------------

case_enable() {
    guide
    cp "$CONF" "$work/original"
    run 0 enable 101
    said '/etc/pve/gpuanchor/101.conf written'
    has "$POLICY" '[pin pve1]'
    has "$POLICY" 'gpu = 0000:c1:00.0 1002:150e 1f66:0031 pci0000:c0/08.1/00.0'
    ! grep -qx '\[container\]' "$POLICY" || fail "a section that nobody asked for"
    has "$CONF" 'hookscript: local:snippets/gpuanchor-hook'
    runs_hook
    [ "$(cat "$work/pct")" = 'set 101 --hookscript local:snippets/gpuanchor-hook' ] || fail "pct"
    before
    run 0 enable 101
    unchanged
    run 0 disable 101
    said '/etc/pve/gpuanchor/101.conf removed'
    cmp -s "$CONF" "$work/original" || fail "the container file is another"
    [ ! -e "$POLICY" ] || fail "the policy file stayed"
    [ -x "$LINK" ] || fail "pct set --hookscript would find no hook"
    before
    run 0 disable 101
    said 'not managed'
    unchanged
}

case_enable_dry_run() {
    guide
    other_hook own.sh
    sed -i '1i hookscript: local:snippets/own.sh' "$CONF"
    before
    run 1 enable --dry-run --gpu pci:0000:c1:00.0 --devices render 101
    said 'would be'
    unsaid 'is not managed'
    said '+gpu = pci:0000:c1:00.0'
    said '+devices = render'
    said '+next-hook = local:snippets/own.sh'
    run 2 disable --dry-run 102
    run 0 disable --dry-run 101
    unchanged
    [ ! -s "$work/pct" ] || fail "called pct"
}

# What would refuse the next start is said before anything is written.
case_enable_dry_run_refuse() {
    guide
    rm "$H/dev/dri/card1"
    before
    run 1 enable --dry-run --missing refuse 101
    said 'the next start would be refused: /dev/dri/card1 is not there (missing = refuse)'
    run 1 enable --dry-run 101
    unsaid 'refused'
    unchanged
}

# A policy that cannot be read, lines that name another GPU than its pin: as the start, enable
# says both.
case_enable_broken() {
    guide
    run 0 enable 101
    sed -i '1i [container]\ngpu = nonsense' "$POLICY"
    run 2 enable --dry-run 101
    complained 'gpu = nonsense'
    one_line
    renumber guide-moved
    before
    run 2 enable --dry-run 101
    complained 'gpu = nonsense'
    complained '101.conf would give the container another GPU (101.conf:15: lxc.mount.entry: /dev/dri/card1 '
    unchanged
}

# The same for an id map that cannot be corrected.
case_enable_unprovable() {
    host guide-moved
    grep -v ^hookscript "$tests/fixtures/scenarios/map-overlaps-wrong-gpu/101.conf" >"$CONF"
    before
    run 2 enable 101 --gpu pci:0000:c1:00.0
    complained '101.conf would give the container another GPU (101.conf:18: lxc.mount.entry: /dev/dri/card1 '
    complained 'its id map cannot be changed safely'
    unchanged
}

case_enable_chains() {
    guide
    other_hook own.sh
    pct set 101 --hookscript local:snippets/own.sh
    cp "$CONF" "$work/original"
    run 0 enable --gpu driver:amdgpu --method idmap --devices card,render --missing wait:20 101
    said 'runs after itself local:snippets/own.sh'
    printf '\n[container]\ngpu = driver:amdgpu\ndevices = card render\nmethod = idmap\nmissing = wait:20\nnext-hook = local:snippets/own.sh\n' |
        diff - "$POLICY" | grep '^<' && fail "settings"
    has "$CONF" 'hookscript: local:snippets/gpuanchor-hook'
    run 0 disable 101
    said 'set to local:snippets/own.sh'
    cmp -s "$CONF" "$work/original" || fail "the container file is another"
    [ -x "$H/var/lib/vz/snippets/own.sh" ] || fail "removed the other hook"

    run 0 enable --next-hook none 101
    said 'local:snippets/own.sh is not run any more'
    run 0 disable 101
    lacks "$CONF" 'hookscript'

    rm "$H/var/lib/vz/snippets/own.sh"
    echo 'hookscript: local:snippets/own.sh' >>"$CONF"
    before
    run 2 enable 101
    complained '101: the hookscript local:snippets/own.sh is no executable file'
    complained 'gpuanchor enable 101 --next-hook none'
    unchanged
}

case_enable_keeps_a_policy() {
    guide
    mkdir -p "$H/etc/pve/gpuanchor"
    printf '; mine\r\n[container]\r\n# why\r\ngpu = all\r\nmissing = start\r\n\r\n[pin pve2]\r\ngpu = 0000:01:00.0 1002:150e -\r\n' >"$POLICY"
    run 0 enable --gpu pci:0000:c1:00.0 --method auto 101
    printf '; mine\r\n[container]\r\n# why\r\ngpu = pci:0000:c1:00.0\r\nmissing = start\r\nmethod = auto\r\n\r\n[pin pve2]\r\ngpu = 0000:01:00.0 1002:150e -\r\n\n[pin pve1]\ngpu = 0000:c1:00.0 1002:150e 1f66:0031 pci0000:c0/08.1/00.0 by=pci:0000:c1:00.0\n\n[memory]\nvideo-gid = 44\nrender-gid = 110\nhostname = ollama\nrootfs = local-lvm:vm-101-disk-0\n' |
        cmp - "$POLICY" || fail "the policy is another"
    : >"$POLICY"
    printf '[container]\ngpu=auto\n gpu : auto' >"$POLICY"
    run 0 enable --gpu pci:0000:c1:00.0 --missing refuse 101
    printf '[container]\ngpu = pci:0000:c1:00.0\nmissing = refuse\n\n[pin pve1]\ngpu = 0000:c1:00.0 1002:150e 1f66:0031 pci0000:c0/08.1/00.0 by=pci:0000:c1:00.0\n\n[memory]\nvideo-gid = 44\nrender-gid = 110\nhostname = ollama\nrootfs = local-lvm:vm-101-disk-0\n' |
        cmp - "$POLICY" || fail "policy"
}

# an earlier container 101 had the other GPU, another gid and settings of its own
earlier() {
    mkdir -p "$H/etc/pve/gpuanchor" "$BACKUP"
    printf '[container]\nmissing = refuse\nnext-hook = local:snippets/old.sh\n\n[pin pve1]\n%s\n\n[memory]\nrender-gid = 105\nmac = BC:24:11:00:00:99\nhostname = jellyfin\n' \
        'gpu = 0000:00:02.0 8086:a780 1f66:0031' >"$POLICY"
    cp "$POLICY" "$work/earlier"
    echo 'hostname: jellyfin' >"$BACKUP/1.conf"
}

EARLIER=$H/var/lib/gpuanchor/earlier/101.1

case_enable_inherits_nothing() {
    guide
    earlier
    before
    run 1 enable --dry-run 101
    said 'was written for an earlier container'
    unchanged
    run 0 enable 101
    has "$POLICY" 'gpu = 0000:c1:00.0 1002:150e 1f66:0031 pci0000:c0/08.1/00.0'
    has "$POLICY" 'hostname = ollama'
    lacks "$POLICY" refuse
    lacks "$POLICY" old.sh
    lacks "$POLICY" 8086
    lacks "$POLICY" 105
    cmp "$EARLIER/policy" "$work/earlier" || fail "not kept as it was"
    [ -e "$EARLIER/1.conf" ] && [ ! -e "$BACKUP/1.conf" ] || fail "a backup of the earlier one stays"
}

two() { # a host with two usable GPUs; its lines name the first
    guide
    renumber guide-moved
    plain
    echo 'dev0: /dev/dri/renderD129,gid=104' >>"$CONF"
}

# the swap that README shows, and nobody saw it: no choice, by enable and by doctor
case_enable_after_a_swap() {
    guide
    renumber guide-moved
    before
    run 2 enable 101
    complained 'its id map has host gid 110, which no group of this host has'
    complained 'gpuanchor enable 101 --gpu pci:0000:c1:00.0'
    run 1 doctor --plain 101
    said 'which GPU is meant is not known'
    unsaid 'gpuanchor enable 101; gpuanchor apply 101'
    unchanged
    # lines that contradict nothing, and were never seen
    two
    before
    run 2 enable 101
    complained 'were never seen before'
    run 1 doctor --plain 101
    said 'which GPU is meant is not known'
    unchanged
    # seen before the swap: they named another card
    host guide
    plain
    echo 'dev0: /dev/dri/renderD128,gid=104' >>"$CONF"
    run 0 apply --all --boot
    renumber guide-moved
    run 0 apply --all --boot
    before
    run 2 enable 101
    complained 'when its lines were first seen they named 0000:c1:00.0'
    unchanged
    run 0 enable --gpu pci:0000:c1:00.0 101
    "$gpuanchor" apply 101 >/dev/null || fail "apply"
    has "$CONF" 'dev0: /dev/dri/renderD129,gid=104'
}

case_enable_what_was_seen() {
    two
    run 0 apply --all --boot
    run 0 enable 101
    has "$POLICY" 'gpu = 0000:c1:00.0 1002:150e 1f66:0031 pci0000:c0/08.1/00.0'
    # other lines since then, whose age is not known
    two
    run 0 apply --all --boot
    sed -i s/renderD129/renderD128/ "$CONF"
    run 2 enable 101
    complained 'were never seen before'
    # memory and description are no lines
    two
    run 0 apply --all --boot
    printf 'memory: 4096\n' >>"$CONF"
    touch "$CONF"
    run 0 enable 101
}

# a clone and a backup come with their hookscript and their lines, and without a policy
case_cloned_and_restored() {
    two
    run 0 enable --gpu pci:0000:c1:00.0 101
    sed 's/^hostname.*/hostname: copy/' "$CONF" >"$H/etc/pve/lxc/102.conf"
    echo 'net0: name=eth0,hwaddr=BC:24:11:00:00:02' >>"$H/etc/pve/lxc/102.conf"
    for look in 1 2; do # seeing it does not make it known
        "$gpuanchor" apply --all --boot >"$work/out" 2>"$work/err"
        cat "$work/err" >>"$work/out"
        said '102: error: which GPU is meant is not known: it came with its lines from a clone or a backup'
    done
    [ ! -e "$H/etc/pve/gpuanchor/102.conf" ] || fail "a policy"
    run 2 enable 102
    complained 'gpuanchor enable 102 --gpu pci:0000:00:02.0'
    run 0 enable --gpu pci:0000:c1:00.0 102
    # restored over itself: the MAC is the same, and so is the pin
    run 0 enable 101
    has "$POLICY" 'gpu = pci:0000:c1:00.0'
}

# nothing to compare: whether there was a time without such a container is remembered
case_nothing_to_compare() {
    two
    sed -i /^hostname/d "$CONF"
    run 0 enable --gpu pci:0000:c1:00.0 --missing refuse 101
    run 0 apply --all --boot
    cp "$CONF" "$work/conf"
    run 0 apply 101 # no gap
    has "$POLICY" 'missing = refuse'
    mkdir -p "$H/etc/pve/nodes/pve2/lxc"
    mv "$CONF" "$H/etc/pve/nodes/pve2/lxc/101.conf" # moved to another node and back
    run 0 apply --all --boot
    mv "$H/etc/pve/nodes/pve2/lxc/101.conf" "$CONF"
    run 0 apply 101
    has "$POLICY" 'missing = refuse'
    rm "$CONF"
    run 0 apply --all --boot
    cp "$work/conf" "$CONF"
    "$gpuanchor" apply 101 >"$work/out" 2>"$work/err"
    said 'was written for an earlier container'
    run 0 enable --gpu pci:0000:c1:00.0 101
    said 'is in /var/lib/gpuanchor/earlier/101.1 now'
    lacks "$POLICY" refuse
    run 0 apply 101 # it is this one's from now on
    unsaid earlier
}

case_choices_have_all() {
    two
    echo 'dev1: /dev/dri/renderD128,gid=104' >>"$CONF"
    run 2 enable 101
    complained 'gpuanchor enable 101 --gpu all  # every GPU: what it has now'
    plain
    echo 'lxc.mount.entry: /dev/dri dev/dri none bind,optional,create=dir' >>"$CONF"
    run 2 enable 101
    complained 'gpuanchor enable 101 --gpu all  # every GPU: what it has now'
    run 0 enable --gpu all 101
}

# nothing is done for a container without hookscript, whatever lies in /etc/pve/gpuanchor
case_managed_by_its_own_file() {
    guide
    run 0 enable 101
    sed -i /^hookscript/d "$CONF" # pct set 101 --delete hookscript
    renumber guide-moved
    run 0 apply --all --boot
    said 'no container of this node is managed'
    before
    run 2 apply 101
    complained '101 is not managed by gpuanchor'
    unchanged
    run 1 doctor --plain 101
    said 'has no hookscript line of gpuanchor'
    run 0 disable 101
    [ ! -e "$POLICY" ] || fail "the policy stays"
}

case_disable_clears_orphans() {
    guide
    earlier
    rm "$CONF"
    before
    run 0 disable --dry-run 101
    said 'its policy /etc/pve/gpuanchor/101.conf would be set aside'
    unchanged
    mkdir -p "$H/etc/pve/nodes/pve2/lxc" "$H/etc/pve/nodes/pve2/qemu-server"
    : >"$H/etc/pve/nodes/pve2/lxc/101.conf" # it was moved to another node
    run 2 disable 101
    run 0 disable --all
    [ -e "$POLICY" ] || fail "of a container on another node"
    mv "$H/etc/pve/nodes/pve2/lxc/101.conf" "$H/etc/pve/nodes/pve2/qemu-server/101.conf"
    run 2 disable 101
    run 0 disable --all
    [ -e "$POLICY" ] || fail "of a number that is a virtual machine's"
    rm "$H/etc/pve/nodes/pve2/qemu-server/101.conf"
    mkdir -p "$H/var/lib/gpuanchor/earlier/100.1" # 31 days old
    touch -d '31 days ago' "$H/var/lib/gpuanchor/earlier/100.1"
    run 0 disable --all
    cmp "$EARLIER/policy" "$work/earlier" || fail "not kept as it was"
    [ ! -e "$POLICY" ] || fail "the policy stays"
    [ ! -e "$H/var/lib/gpuanchor/earlier/100.1" ] || fail "kept for more than 30 days"
    run 2 disable 101
    complained 'no such container'
}

case_enable_behind_a_wrapper() {
    guide
    earlier
    sed -i 's/^hostname.*/hostname = ollama/; s/^mac.*/hookscript = local:snippets\/w.sh/; /^next/d' "$POLICY"
    echo 'hookscript: local:snippets/w.sh' >>"$CONF"
    other_hook w.sh
    run 0 enable --gpu pci:0000:c1:00.0 101
    has "$CONF" 'hookscript: local:snippets/w.sh'
    lacks "$POLICY" next-hook
    run 0 disable 101
    said 'the hookscript local:snippets/w.sh calls gpuanchor-hook and stays'
    has "$CONF" 'hookscript: local:snippets/w.sh'
}

case_enable_ambiguous() {
    host two-identical
    plain
    before
    run 2 enable 101
    silent
    complained 'gpuanchor enable 101 --gpu pci:0000:01:00.0  # 1002:73ff amdgpu card0 renderD128'
    complained 'gpuanchor enable 101 --gpu pci:0000:02:00.0  # 1002:73ff amdgpu card1 renderD129'
    run 2 enable --gpu id:1002:73ff 101
    complained 'id:1002:73ff matches 2 GPUs'
    unchanged
    run 0 enable --gpu id:1002:73ff#2 101
    said '0000:02:00.0'
    host no-gpu
    plain
    run 2 enable 101
    complained 'gpuanchor gpus shows what is here'
}

# Settings can be changed while the GPU is away; another GPU has to be there.
case_enable_without_gpu() {
    guide
    run 0 enable 101
    run 0 enable 101 --missing refuse
    renumber no-gpu
    run 0 enable 101 --missing wait:20
    has "$POLICY" 'missing = wait:20'
    has "$POLICY" '[pin pve1]'
    said 'is not on this host'
    before
    run 2 enable 101 --gpu pci:0000:01:00.0
    run 2 enable 101
    unchanged
}

# While pct sets the hookscript the policy stands alone: no reason for an alarm.
case_enable_announced() {
    guide
    sed -i '/^conf=/i GPUANCHOR_ROOT=$work/host "$work/gpuanchor" status --plain >>"$work/meanwhile"' "$work/bin/pct"
    ln -sf "$gpuanchor" "$work/gpuanchor"
    : >"$work/meanwhile"
    run 0 enable 101
    run 0 disable 101
    sed -i '/meanwhile/d' "$work/bin/pct"
    [ -s "$work/meanwhile" ] || fail "no status meanwhile"
    ! grep hook-missing "$work/meanwhile" || fail "a false alarm"
    [ ! -e "$H/run/gpuanchor/101.enrol" ] || fail "left behind"
    printf '[container]\n' >"$POLICY" # what a killed enable leaves
    : >"$H/run/gpuanchor/101.enrol"
    run 1 status --plain
    said hook-missing
}

case_enable_bad() {
    host vfio
    plain
    before
    nl='
'
    run 2 enable --gpu pci:0000:01:00.0 101
    complained 'held by vfio-pci'
    run 2 enable --gpu pci:0000:99:00.0 101
    complained '0000:99:00.0'
    run 2 enable --gpu nonsense 101
    complained '--gpu = nonsense'
    run 2 enable --gpu "auto${nl}[pin pve1]" 101
    run 2 enable --gpu 'auto ; all' 101
    complained 'cannot stand in a policy'
    run 2 enable --method fast 101
    run 2 enable --devices card,sound 101
    run 2 enable --missing later 101
    run 2 enable --next-hook gone.sh 101
    run 2 enable --next-hook local:snippets/gone.sh 101
    complained 'is no executable file'
    run 2 enable --next-hook local:snippets/gpuanchor-hook 101
    run 2 enable --gpu mapping:none 101
    unchanged
    [ ! -s "$work/pct" ] || fail "called pct"
    rm "$H$HOOK"
    run 2 enable 101
    complained "$HOOK is not installed"
    [ ! -L "$LINK" ] || fail "link"
}

# a hookscript that runs the hook cannot be run by it
case_enable_next_hook_again() {
    guide
    printf '#!/bin/sh\n%s "$@"\n' "$HOOK" >"$H/var/lib/vz/snippets/wrapper"
    ln "$H$HOOK" "$H/var/lib/vz/snippets/same"
    chmod +x "$H/var/lib/vz/snippets/wrapper"
    for name in wrapper same; do
        run 2 enable 101 --next-hook local:snippets/$name
        complained "the hookscript local:snippets/$name runs gpuanchor-hook, and cannot be run after it"
    done
    sed -i '1i hookscript: local:snippets/wrapper' "$CONF"
    run 2 enable 101 --dry-run
    complained 'runs gpuanchor-hook'
    run 0 enable 101 --next-hook none
}
# When pct fails nothing of enable stays.
case_enable_undone() {
    guide
    ln -s $HOOK "$LINK"
    : >"$work/pct-fails"
    run 0 apply --all --boot # what the host has is remembered whatever becomes of a container
    before
    run 2 enable --gpu pci:0000:c1:00.0 101
    complained '400 no'
    complained 'pct set 101 --hookscript local:snippets/gpuanchor-hook failed with exit status 255'
    rm "$work/pct-fails"
    unchanged
    run 0 enable 101
    before
    : >"$work/pct-fails"
    run 2 disable 101
    rm "$work/pct-fails"
    unchanged
    : >"$work/pct-breaks"
    run 2 disable 101
    rm "$work/pct-breaks"
    complained '/etc/pve/gpuanchor/101.conf: not removed'
    has "$CONF" 'hookscript: local:snippets/gpuanchor-hook'
    [ -L "$LINK" ] || fail "removed the link"
}

case_link() {
    guide
    cp "$H$HOOK" "$LINK" # somebody copied it there
    run 0 enable 101
    [ ! -L "$LINK" ] || fail "replaced the copy"
    grep -q '^pin 101 ' "$H/var/lib/gpuanchor/host/pins" || fail "the host does not know the pin"
    run 0 disable 101
    lacks "$H/var/lib/gpuanchor/host/pins" 'pin 101 '
    [ -x "$LINK" ] || fail "removed the copy"
    ln -sf /usr/local/libexec/gpuanchor/gpuanchor-hook "$LINK"
    run 0 enable 101
    runs_hook
    run 0 disable --all
    [ -x "$LINK" ] || fail "it does not stay"
    ln -sf $HOOK "$LINK" # the package's
    run 0 enable 101
    [ "$(readlink "$LINK")" = $HOOK ] || fail "the package's link is gone"
    ln -sfn /bin/true "$LINK"
    before
    run 2 enable 101
    complained 'is a link to /bin/true'
    unchanged
}

# All containers of the node: chained hookscripts back, one failure stops no other.
case_disable_all() {
    guide
    other_hook own.sh
    pct set 101 --hookscript local:snippets/own.sh
    cp "$CONF" "$work/original"
    plain 103
    printf 'arch: amd64\nhookscript: local:snippets/gpuanchor-hook\nlock: backup\n' >"$H/etc/pve/lxc/104.conf"
    run 0 enable 101
    before
    run 2 disable --all --dry-run
    said 'hookscript of 101 would be set to local:snippets/own.sh'
    unchanged
    run 2 disable --all --keep-policy
    complained '/etc/pve/lxc/104.conf'
    cmp -s "$CONF" "$work/original" || fail "101 is another"
    has "$POLICY" '[pin pve1]'
    has "$H/etc/pve/lxc/104.conf" 'hookscript: local:snippets/gpuanchor-hook'
    [ -x "$LINK" ] || fail "104 needs the hook"
    before
    run 0 disable --keep-policy 101
    said 'not managed'
    unchanged
    run 0 enable 101

    sed -i '/^hookscript/d; /^lock/d' "$H/etc/pve/lxc/104.conf"
    run 0 disable --all
    [ ! -e "$POLICY" ] || fail "the policy file stayed"
    cmp -s "$CONF" "$work/original" || fail "101 is another"
    [ -x "$LINK" ] || fail "it does not stay"
    rm -rf "$H/etc/pve" && mkdir "$H/etc/pve"
    run 2 disable --all
    complained 'not mounted'
    run 2 disable --all 101
}

case_storage() {
    guide
    printf 'dir: local\n\tpath /var/lib/vz\n\tcontent iso,vztmpl,backup\n' >"$H/etc/pve/storage.cfg"
    run 0 enable 101
    said 'pvesm set local --content iso,vztmpl,backup,snippets'
    run 0 disable 101
    printf 'dir: local\n\tpath /var/lib/vz\n\tcontent iso,snippets\n\tcontent-dirs snippets=hooks\n' >"$H/etc/pve/storage.cfg"
    run 0 enable 101
    lacks "$work/out" 'pvesm'
    [ -x "$H/var/lib/vz/hooks/gpuanchor-hook" ] || fail "no hook"
}

case_method_dev() {
    guide
    printf 'arch: amd64\ndev0: /dev/dri/renderD128,gid=104\nunprivileged: 1\n' >"$CONF"
    run 0 enable 101
    renumber guide-moved
    run 0 apply 101
    has "$CONF" 'dev0: /dev/dri/renderD129,gid=104'
}

case_disable_parked() {
    guide
    run 0 enable 101
    renumber intel-one
    run 1 apply 101
    said 'warning: '
    lacks "$CONF" 'lxc.mount.entry: /dev/dri'
    run 0 disable 101
    said 'were taken out while the GPU was missing, not put back:'
    said '  lxc.mount.entry: /dev/dri/renderD128'
}

# --- convert ---------------------------------------------------------------------------------------

version_of_proxmox() {
    mkdir -p "$H/var/lib/dpkg"
    printf 'Package: pve-manager\nStatus: install ok installed\nVersion: %s\n' "$1" >"$H/var/lib/dpkg/status"
}

case_convert() {
    guide
    version_of_proxmox 8.2.4
    sed -i 's/^lxc.idmap: g 111 .*/lxc.idmap: g 111 100111 889\nlxc.idmap: g 1000 1000 1\nlxc.idmap: g 1001 101001 64535/' "$CONF"
    echo root:1000:1 >>"$H/etc/subgid"
    run 0 enable 101
    run 0 apply 101
    cp "$CONF" "$work/first"
    cp "$POLICY" "$work/policy"
    before
    run 1 convert 101 --to dev --dry-run
    said '+dev0: /dev/dri/card1,gid=44'
    said '-lxc.cgroup2.devices.allow: c 226:1 rwm'
    said 'files of that group were not looked for'
    unchanged
    run 1 convert 101 --to dev --dry-run --json
    [ "$(key changes)" = true ] || fail "no change"
    unchanged
    run 0 convert 101 --to dev --json
    key files.0.diff | grep -qF '+dev0: /dev/dri/card1,gid=44' || fail "no diff"
    [ "$(key nodes.0.method)" = '"dev"' ] || fail "method"
    has "$CONF" 'dev1: /dev/dri/renderD128,gid=110'
    run 0 convert 101 --to dev --json
    [ "$(key changes)" = false ] || fail "a change"
    run 0 undo 101
    run 0 convert 101 --to dev
    said '101: method dev from the next start on'
    has "$CONF" 'dev1: /dev/dri/renderD128,gid=110'
    lacks "$CONF" /dev/dri/card1\ dev/dri
    lacks "$CONF" devices.allow
    # the holes of video and render go, somebody else's stays
    [ "$(grep -c '^lxc.idmap: g' "$CONF")" = 3 ] || fail "id map: $(grep idmap "$CONF")"
    has "$CONF" 'lxc.idmap: g 0 100000 1000'
    has "$CONF" 'lxc.idmap: g 1000 1000 1'
    cp "$CONF" "$work/converted"
    before
    run 0 apply 101
    said 'nothing to change'
    run 0 convert --to dev 101
    said '101: method dev already, nothing to change'
    run 0 convert --to dev --quiet 101
    silent
    unchanged
    run 0 undo 101
    cmp "$CONF" "$work/first" || fail "undo does not take it back"
    run 0 apply 101
    cmp "$CONF" "$work/first" || fail "the next start converts again"
    run 0 undo 101
    cmp "$CONF" "$work/converted" || fail "undo of undo"
    # there and back: what is not ours is as it was, and ours says the same
    run 0 convert 101 --to idmap
    said '101: method idmap from the next start on'
    sort "$CONF" >"$work/back"
    sort "$work/first" | cmp - "$work/back" || fail "there and back: $(sort "$work/first" | diff - "$work/back")"
    grep -v -e ^lxc.idmap -e ^lxc.mount -e ^lxc.cgroup "$work/first" >"$work/theirs"
    grep -v -e ^lxc.idmap -e ^lxc.mount -e ^lxc.cgroup "$CONF" | cmp - "$work/theirs" || fail "not ours, changed"
    grep idmap "$work/first" >"$work/map" && grep idmap "$CONF" | cmp - "$work/map" || fail "id map"
    cmp "$POLICY" "$work/policy" || fail "policy: $(diff "$POLICY" "$work/policy")"
}

# to_be_converted - 101 is right, and its policy wants the other method
to_be_converted() {
    guide
    version_of_proxmox 9.0.3
    run 0 enable 101 --method idmap
    run 0 apply 101
    cp "$CONF" "$work/first"
    cp "$POLICY" "$work/policy"
    verb='convert 101 --to dev'
}

case_convert_policy() {
    to_be_converted
    run 0 convert 101 --to dev
    has "$POLICY" 'method = dev'
    run 0 apply 101
    said 'nothing to change'
    run 1 undo 101 --dry-run
    said 'method = idmap would be set'
    has "$POLICY" 'method = dev'
    run 0 undo 101
    said 'method = idmap, as in the restored file'
    cmp "$CONF" "$work/first" && cmp "$POLICY" "$work/policy" || fail "undo does not take it back"
    run 0 apply 101
    said 'nothing to change'
    # a default of the host that says otherwise counts as well
    mkdir -p "$H/etc/gpuanchor"
    printf '[defaults]\nmethod = idmap\n' >"$H/etc/gpuanchor/gpuanchor.conf"
    sed -i '/^method/d' "$POLICY"
    run 0 convert 101 --to dev
    has "$POLICY" 'method = dev'
}

case_convert_refused() {
    guide
    run 2 convert 101
    complained 'convert needs --to dev or idmap'
    run 2 convert 101 --to lxc
    complained "'lxc' is neither dev nor idmap"
    run 2 convert 101 --to dev
    complained '101 is not managed by gpuanchor; gpuanchor enable 101'
    run 0 enable 101
    run 0 apply 101
    before
    run 0 convert 101 --to idmap
    said 'nothing to change'
    version_of_proxmox 8.1.11
    before
    run 2 convert 101 --to dev
    complained 'devN needs Proxmox VE 8.2, this is 8.1.11'
    unchanged
    rm "$H/var/lib/dpkg/status"
    before
    run 1 convert -n 101 --to dev
    said 'the version of Proxmox VE is not known here'
    run 1 convert -n 101 --to dev --json
    [ "$(key changes)" = true ] || fail "no object"
    unchanged
    echo 'lock: backup' >>"$CONF"
    run 2 convert 101 --to dev
    complained 'the container is locked (backup)'
    sed -i 's/^lock.*/template: 1/' "$CONF"
    run 2 convert 101 --to dev
    complained 'is a template'
    sed -i '/^template/d' "$CONF"
    rm "$H/dev/dri/card1"
    before
    run 2 convert 101 --to dev
    complained 'not all of its devices are there now: /dev/dri/card1'
    unchanged
}

# --- no space left, others at work ----------------------------------------------------------------

# traced STRACE-OPTION... - $verb, with its exit status in $got; two tracers at once cannot be: no
# search for leaks
traced() {
    # shellcheck disable=SC2086 # words
    ASAN_OPTIONS=detect_leaks=0 timeout 60 strace -qq -e signal=none -o "$work/trace" "$@" "$gpuanchor" $verb >"$work/out" 2>"$work/err" </dev/null
    got=$?
}

# The policy goes with the container file: without it the next start would convert back.
case_convert_without_space() {
    command -v strace >/dev/null || { echo "  no strace here: not tried" && return 0; }
    to_be_converted
    for n in 1 2; do # the policy; a file of the backup or the container's
        traced -e trace=rename,renameat2 -e "inject=rename,renameat2:error=ENOSPC:when=$n"
        [ "$n" != 1 ] || [ "$got" = 2 ] || fail "exit status $got"
        case $got in
        2) cmp "$CONF" "$work/first" && cmp "$POLICY" "$work/policy" || fail "half converted" ;;
        *) has "$POLICY" 'method = dev' && has "$CONF" 'dev1: /dev/dri/renderD128,gid=110' ;;
        esac
    done
}

# Killed at each file that it writes: the next start leaves the file of before, or ends what was begun.
case_convert_killed() {
    command -v strace >/dev/null || { echo "  no strace here: not tried" && return 0; }
    to_be_converted
    rm -rf "$work/whole"
    cp -a "$H" "$work/whole"
    run 0 convert 101 --to dev
    cp "$CONF" "$work/converted"
    cp "$POLICY" "$work/converted.policy"
    points=0
    for point in rename:1 rename:2 rename:3 rename:4 renameat2:1 renameat2:2 renameat2:3; do
        n=${point#*:}
        restore_host
        traced -e trace=rename,renameat2 -e "inject=${point%:*}:signal=KILL:when=$n"
        [ "$got" = 137 ] || continue
        points=$((points + 1))
        run 0 apply 101
        if cmp -s "$CONF" "$work/first"; then
            cmp "$POLICY" "$work/policy" || fail "killed at $point: another policy"
        else
            cmp "$CONF" "$work/converted" && cmp "$POLICY" "$work/converted.policy" ||
                fail "killed at $point: neither old nor new"
        fi
    done
    [ "$points" -ge 3 ] || fail "killed $points times only"
    # the owner has chosen otherwise meanwhile
    restore_host
    traced -e trace=rename,renameat2 -e "inject=rename:signal=KILL:when=2"
    has "$POLICY" 'converting = dev'
    sed -i 's/^method = .*/method = idmap/' "$POLICY"
    run 0 apply 101
    cmp "$CONF" "$work/first" && ! grep converting "$POLICY" || fail "converted against the policy"
}

# restore_host - $H as it was copied to $work/whole
restore_host() {
    find "$H" -xdev -mindepth 1 -depth -delete
    cp -a "$work/whole/." "$H"
}

# Read, proved, and then somebody else writes the file: at the policy's fsync all is decided.
case_convert_changed_meanwhile() {
    command -v strace >/dev/null || { echo "  no strace here: not tried" && return 0; }
    to_be_converted
    traced -e trace=fsync -e inject=fsync:delay_enter=8s:when=1 &
    i=0
    until find "$(dirname "$POLICY")" -mindepth 1 ! -name 101.conf | grep -q .; do
        i=$((i + 1))
        [ $i -lt 200 ] || fail "no file beside the policy"
        sleep 0.1
    done
    echo "# somebody else's" >>"$CONF"
    echo "# somebody else's" >>"$work/first"
    wait $!
    cmp "$CONF" "$work/first" || fail "somebody else's work is gone"
    cmp "$POLICY" "$work/policy" || fail "the policy was not put back"
    complained 'was changed'
}

# --- the inside of the container ------------------------------------------------------------------

case_gids_inside() {
    guide
    run 2 enable 101 --render-gid 0
    complained 'root'
    run 0 enable 101 --render-gid 992 --video-gid 39
    has "$POLICY" 'render-gid = 992'
    has "$POLICY" 'video-gid = 39'
    run 0 apply 101
    has "$CONF" 'lxc.idmap: g 992 110 1'
    has "$CONF" 'lxc.idmap: g 39 44 1'
    run 0 enable 101 --render-gid 110 --video-gid auto
    has "$POLICY" 'render-gid = 110'
    run 0 apply 101
    has "$CONF" 'lxc.idmap: g 110 110 1'
}

case_preset() {
    guide
    run 2 enable 101 --preset olama
    complained 'there is no preset olama; choose one of ollama, jellyfin, plex, frigate'
    run 0 enable 101 --preset ollama
    has "$POLICY" 'guest-groups = ensure'
    has "$POLICY" 'guest-users = ollama'
    has "$POLICY" 'guest-service = ollama.service'
    has "$POLICY" 'guest-environment = OLLAMA_VULKAN=1 HSA_OVERRIDE_GFX_VERSION=11.0.3'
    # another one replaces it, what is named besides wins
    run 0 enable 101 --preset plex --guest-users plex,viewer --guest-environment 'A=1 B=2,3'
    has "$POLICY" 'guest-users = plex viewer'
    has "$POLICY" 'guest-service = plexmediaserver.service'
    has "$POLICY" 'guest-environment = A=1 B=2,3'
    [ "$(grep -c '^guest-' "$POLICY")" = 4 ] || fail "keys twice"
    run 0 enable 101 --guest-service none --guest-groups leave
    has "$POLICY" 'guest-service = '
    has "$POLICY" 'guest-users = plex viewer'
    run 2 enable 101 --guest-service ollama
    complained '--guest-service = ollama: ollama does not end in .service; accepted: names of units such as'
    one_line
}

# On a terminal: who has which GPU, and the one that speaks for itself first.
case_ask() {
    command -v script >/dev/null || return 0
    host two-identical
    plain
    plain 102 jellyfin
    echo 'dev0: /dev/dri/renderD128,gid=104' >>"$H/etc/pve/lxc/102.conf"
    ask() { echo "$2" | script -qefc "exec '$gpuanchor' enable $1" /dev/null | tr -d '\r' >"$work/out" 2>"$work/err"; }
    ask 101 ''
    [ "$(sed -n 's/^  1  //p' "$work/out")" = 0000:02:00.0 ] || fail "the free one is not first"
    said 'suggested: the only one that no other container and no virtual machine uses'
    said 'no display attached; used by ct/102'
    [ ! -e "$POLICY" ] || fail "enrolled without an answer"
    ask 101 2
    has "$POLICY" 'gpu = pci:0000:01:00.0'
    ask 102 ''
    [ "$(sed -n 's/^  1  //p' "$work/out")" = 0000:01:00.0 ] || fail "what its lines name is not first"
    said 'suggested: its lines name this one now'
    said 'used by ct/101'
    ! grep -q 'ct/102' "$work/out" || fail "it is another user of itself"
}

# What a preset sets depends on the GPU that the container gets.
case_preset_gpu() {
    host nvidia
    plain
    run 0 enable 101 --preset ollama --gpu pci:0000:01:00.0
    has "$POLICY" 'guest-environment = '
    run 0 enable 101 --preset ollama --guest-environment OLLAMA_VULKAN=1
    has "$POLICY" 'guest-environment = OLLAMA_VULKAN=1'
    host intel-one
    plain
    run 0 enable 101 --preset ollama
    has "$POLICY" 'guest-environment = OLLAMA_VULKAN=1'
    # without a GPU nothing is known of it, and what stands there stays
    rm -r "$H/sys/bus/pci/devices"/* "$H/dev/dri"
    run 0 enable 101 --preset ollama
    has "$POLICY" 'guest-environment = OLLAMA_VULKAN=1'
}

# An image has no systemd: what the preset sets are lines of the container file.
case_preset_application() {
    guide
    printf 'arch: amd64\nentrypoint: /bin/ollama serve\nhostname: ollama\nnet0: name=eth0,hwaddr=BC:24:11:00:00:01\nunprivileged: 1\nlxc.environment.runtime: OLLAMA_HOST=0.0.0.0\n' >"$CONF"
    mkdir -p "$H/etc/systemd/system/multi-user.target.wants"
    touch "$H/etc/systemd/system/multi-user.target.wants/"gpuanchor-boot.service
    run 0 enable 101 --preset ollama --gpu pci:0000:c1:00.0
    said 'init is its application (/bin/ollama)'
    said 'systemctl enable --now gpuanchor-look.path'
    unsaid gpuanchor-boot.service
    touch "$H/etc/systemd/system/multi-user.target.wants/"gpuanchor-look.path
    run 0 apply 101
    has "$CONF" 'lxc.environment.runtime: OLLAMA_HOST=0.0.0.0'
    has "$CONF" 'lxc.environment.runtime: OLLAMA_VULKAN=1'
    has "$CONF" 'lxc.environment.runtime: HSA_OVERRIDE_GFX_VERSION=11.0.3'
    has "$CONF" 'dev1: /dev/dri/renderD128,mode=0666'
    run 0 apply 101
    said 'nothing to change'
    run 0 disable 101
    lacks "$work/out" 'systemd'
    lacks "$work/out" 'groups'
}

# The container does not run here: what would be left in it is said.
case_disable_inside() {
    guide
    run 0 enable 101 --preset ollama
    run 0 disable --dry-run 101
    said '/etc/systemd/system/ollama.service.d/50-gpuanchor.conf would be removed in 101, if it runs'
    run 0 disable 101
    said '101 does not run: /etc/systemd/system/ollama.service.d/50-gpuanchor.conf stays in it'
    said 'groups of 101 and their members stay as they are'
    run 0 enable 101
    run 0 disable 101
    lacks "$work/out" 'systemd'
    lacks "$work/out" 'groups'
}

# --- undo -----------------------------------------------------------------------------------------

case_undo() {
    guide
    run 2 undo 101
    complained '101: no original is kept'
    run 0 enable 101
    cp "$CONF" "$work/original"
    renumber guide-moved
    run 0 apply 101
    cp "$CONF" "$work/patched"
    before
    run 1 undo --dry-run 101
    said '+lxc.idmap: g 110 110 1'
    unchanged
    run 0 undo 101
    said '+lxc.idmap: g 110 110 1'
    said 'gpuanchor disable 101'
    cmp -s "$CONF" "$work/original" || fail "not the original"
    run 0 undo 101
    cmp -s "$CONF" "$work/patched" || fail "the second undo did not take the first back"
    run 0 undo 101
    run 0 disable 101
    run 0 undo 101
    lacks "$CONF" hookscript
    has "$CONF" 'lxc.idmap: g 110 993 1'
    [ "$(find "$BACKUP" -type f | wc -l)" -ge 3 ] || fail "originals are missing"
}

case_undo_keeps_others_work() {
    guide
    run 0 enable 101
    renumber guide-moved
    run 0 apply 101
    cp "$CONF" "$work/patched"
    for number in 10:200 250:0; do # the kernel has given 250 to a driver that is no GPU's
        echo "lxc.cgroup2.devices.allow: c $number rwm" >>"$CONF"
        run 2 undo 101
        cp "$work/patched" "$CONF"
    done
    # what gpuanchor may write, but has not
    for change in '$a dev3: /dev/dri/card0,gid=44' '$a lxc.mount.entry: /dev/dri/card0 srv/card none bind' \
        '$a lxc.idmap: g 70000 170000 10' 's/^\(lxc.cgroup2.devices.allow: .*\) rwm/\1 rw/' /^lxc.idmap/d; do
        sed -i "$change" "$CONF"
        run 2 undo 101
        complained 'other lines were changed since then'
        cp "$work/patched" "$CONF"
    done
    # Proxmox has written it: sorted, the lxc.* lines last
    { grep -v ^lxc "$CONF" | sort && sed -n 's/^\(lxc[^ :]*\) *[:=] */\1: /p' "$CONF"; } >"$work/sorted"
    cp "$work/sorted" "$CONF"
    run 1 undo --dry-run 101
    cp "$work/patched" "$CONF"
    sed -i 's/^hostname:.*/hostname: changed/' "$CONF"
    printf '\n[snap]\narch: amd64\n' >>"$CONF"
    before
    run 2 undo 101
    complained 'other lines were changed since then'
    unchanged
    run 0 undo --force 101
    has "$CONF" 'lxc.idmap: g 110 110 1'
    lacks "$CONF" '[snap]'
    run 0 undo --force 101
    has "$CONF" '[snap]'
}

# an image may bring as many variables as fit into a file; what is said of each costs no more than the first
case_many_lines() {
    guide
    run 0 enable 101
    sed -i 's/^hostname/entrypoint: \/app\n&/' "$CONF"
    printf '\n[container]\nguest-environment = A=2\nfollow-environment = no\n' >>"$POLICY"
    for name in A B; do
        yes "lxc.environment.runtime: $name=/dev/dri/renderD131" | head -n 9000 | sed "s/\$/$name/" >>"$CONF"
    done
    awk '{ print /renderD131/ ? $0 NR : $0 }' "$CONF" >"$work/many" && cp "$work/many" "$CONF"
    # of the processor's time, because the machine may be busy; sanitizers take ten times as much
    limit=5
    ! grep -q __asan_init "$gpuanchor" || limit=50
    (ulimit -t $limit && "$gpuanchor" apply 101 >"$work/out" 2>"$work/err") || [ $? = 1 ] || fail "not in time"
    [ "$(wc -l <"$CONF")" -ge 18000 ] || fail "lines are lost"
    [ "$(grep -cxF 'lxc.environment.runtime: A=2' "$CONF")" = 1 ] || fail "the variable is not set once"
}

# --------------------------------------------------------------------------------------------------

cases ${2+"$2"}
