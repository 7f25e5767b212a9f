#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# scenarios.sh [--update|--killed] HOOK [NAME...], scenarios.sh --hosts FOLDER HOOK [NAME...] - what the hook does to a container on a host
#
# Each folder of tests/fixtures/scenarios is one story, as data:
#
#   host          "# " and what the story is, in a sentence that may take several such lines; then a
#                 host for mkhost.sh; a line "include NAME" stands for NAME.host, which is in
#                 tests/fixtures/hosts or beside the folders
#   101.conf      the container file
#   config        what Proxmox generated from it; made here when there is none
#   policy        /etc/pve/gpuanchor/101.conf
#   seen          the host on which the container was seen before it had the hookscript, by the
#                 boot unit: what is remembered of its lines
#   args          of the hook, "101 pre-start" when there is none
#   host.2, ...   the same container at a later boot on another host: container file, policy
#                 and backups go there, the configuration is generated again. 101.conf.2,
#                 policy.2, config.2 and args.2: somebody has changed them before that boot
#   expect/       101.conf, config, policy, subgid: the bytes afterwards, none: unchanged,
#                 empty: not there any more;
#                 output: all that the hook printed; status: its exit status, none: 0;
#                 record: /run/gpuanchor/101, none: not looked at. expect.2 for host.2, ...
#
# After every boot the hook runs twice more: on the same files, and on a configuration that
# is generated again. Neither may change a byte, and what is printed is one line that says
# so, or that of expect/again. No other file may appear.
#
# --update writes the expect folders; every byte of them is for a person to judge.
# --killed instead kills the hook in the first boot at every system call that changes a file,
# before it has an effect: each file is as the whole run found it, left it, or had it between two
# renames, and the next run, on a configuration generated anew, ends with the new bytes and without
# temporary files. What the run had between renames is whole, because it opens none of the files for
# writing. Needs strace. Without NAME it takes each story whose start changes the container file.
# Speaks TAP. Needs root, because the hosts have real device nodes.
set -eu
export LC_ALL=C
unset GPUANCHOR_ROOT

here=$(cd "$(dirname "$0")" && pwd)
fixtures=$here/fixtures

# The file that LXC reads, from the container file on host $1.
generate() {
        perl -w "$here/vm/pctconf.pm" "$1" 101
}

# The file $1 of a story, which describes a host, as the folder $2.
make_folder() {
        awk -v fixtures="$fixtures" '
        function add(file,   line, n) {
                while ((getline line < file) > 0) {
                        print line
                        n++
                }
                return n
        }
        $1 == "include" {
                if (!add(fixtures "/hosts/" $2 ".host") && !add(fixtures "/scenarios/" $2 ".host"))
                        print "no such host: " $2
                next
        }
        { print }' "$1" >"$work/host"
        sh "$here/mkhost.sh" "$work/host" "$2"
}

see_lines() { # folder of the host that is to remember it
        make_folder "$story/seen" "$work/seen"
        grep -v ^hookscript "$story/101.conf" >"$work/seen/etc/pve/lxc/101.conf"
        GPUANCHOR_ROOT=$work/seen "$gpuanchor" apply --all --boot >"$work/output" 2>&1 ||
                complain "it cannot be seen: $(cat "$work/output")"
        mkdir -p "$1/var/lib/gpuanchor"
        cp -R "$work/seen/var/lib/gpuanchor/host" "$1/var/lib/gpuanchor/"
        rm -r "$work/seen"
}

# The host of boot suffix $1 as a folder $2, with what the boot before ($3, may be empty) left.
make_host() {
        make_folder "$story/host$1" "$2"
        if [ -z "$3" ] && [ -e "$story/seen" ]; then
                see_lines "$2"
        fi
        if [ -n "$3" ]; then
                cp "$3/etc/pve/lxc/101.conf" "$2/etc/pve/lxc/101.conf"
                cp -R "$3/etc/pve/gpuanchor" "$2/etc/pve/"
                cp -R "$3/var/lib/gpuanchor" "$2/var/lib/"
        fi
        if [ -e "$story/101.conf$1" ]; then
                cp "$story/101.conf$1" "$2/etc/pve/lxc/101.conf"
        fi
        if [ -e "$story/policy$1" ]; then
                cp "$story/policy$1" "$2/etc/pve/gpuanchor/101.conf"
        fi
        if [ -e "$2/etc/pve/lxc/101.conf" ]; then
                mkdir -p "$2/var/lib/lxc/101"
                if [ -e "$story/config$1" ]; then
                        cp "$story/config$1" "$2/var/lib/lxc/101/config"
                else
                        generate "$2" >"$2/var/lib/lxc/101/config"
                        # a template has none
                        [ -s "$2/var/lib/lxc/101/config" ] || rm "$2/var/lib/lxc/101/config"
                fi
        fi
}

# Every process costs more than the hook, and there are thousands of boots: so one cp for all
# files, one b2sum to see that none has changed or all are as expected, and the shell where it can do it itself.

# path in the host -> name in an expect folder
files='etc/pve/lxc/101.conf var/lib/lxc/101/config etc/pve/gpuanchor/101.conf etc/subgid'
name_of() {
        case $1 in
        etc/pve/lxc/*) name=101.conf ;;
        etc/pve/gpuanchor/*) name=policy ;;
        *) name=${1##*/} ;;
        esac
}

keep_files() { # host, empty folder
        (
                cd "$1"
                to=$2
                set --
                for path in $files; do
                        [ ! -e "$path" ] || set -- "$@" "$path"
                done
                [ $# -eq 0 ] || exec cp --parents -t "$to" "$@"
        )
}

# sets sums: of the files, and which are missing
sum_files() { # folder
        # shellcheck disable=SC2086 # paths without blanks
        sums=$(cd "$1" && exec b2sum $files 2>&1) || true
}

run_hook() { # host, file for the output
        status=0
        # shellcheck disable=SC2086 # two words
        GPUANCHOR_ROOT=$1 $limit "$hook" $args >"$2" 2>&1 </dev/null || status=$?
}

complain() {
        echo "$*" >>"$work/bad"
}

same() { # what, expected file (may be missing: empty), actual file
        want=$2
        got=$3
        [ -e "$want" ] || want=/dev/null
        [ -e "$got" ] || got=/dev/null
        if ! cmp -s "$want" "$got"; then
                complain "$1:"
                diff -a -u --label expected --label "$1" "$want" "$got" >>"$work/bad" || true
        fi
}

update_expected() { # expect folder
        rm -rf "$1.new"
        mkdir "$1.new"
        for path in $files; do
                name_of "$path"
                if ! cmp -s "$work/before/$path" "$work/after/$path" &&
                        [ -e "$work/after/$path" ]; then
                        cp "$work/after/$path" "$1.new/$name"
                elif [ -e "$work/before/$path" ] && [ ! -e "$work/after/$path" ]; then
                        : >"$1.new/$name"
                fi
        done
        cp "$work/output" "$1.new/output"
        if [ "$first_status" -ne 0 ]; then
                echo "$first_status" >"$1.new/status"
        fi
        if [ -e "$1/record" ]; then
                cp "$host/run/gpuanchor/101" "$1.new/record" 2>/dev/null || : >"$1.new/record"
        fi
        if ! says_one_line; then
                cp "$work/again" "$1.new/again"
        fi
        rm -rf "$1"
        mv "$1.new" "$1"
}

says_one_line() {
        {
                read -r line && ! read -r more && [ -z "$more" ]
        } <"$work/again" && [ -z "${line##*nothing to change}" ]
}

# Calls $1 with what it is, the expected file and the actual one, for each file of expect folder $2.
each_file() {
        "$1" output "$2/output" "$work/output"
        "$1" "list of files" "$work/names" "$work/names.after"
        [ ! -e "$2/record" ] || "$1" record "$2/record" "$host/run/gpuanchor/101"
        for path in $files; do
                name_of "$path"
                if [ -e "$2/$name" ]; then
                        "$1" "$name" "$2/$name" "$work/after/$path"
                else
                        "$1" "$name, which should be as it was" "$work/before/$path" "$work/after/$path"
                fi
        done
}

# shellcheck disable=SC2317 # called by name
add_pair() {
        pairs="$pairs $2"
        [ -e "$2" ] || pairs="${pairs% *} /dev/null"
        pairs="$pairs $3"
        [ -e "$3" ] || pairs="${pairs% *} /dev/null"
}

all_same() { # expect folder; false when it does not know
        pairs=
        each_file add_pair "$1"
        # shellcheck disable=SC2086 # a path with a blank is one that b2sum does not find
        sums=$(b2sum $pairs 2>&1) || return 1
        while read -r want _ && read -r got _; do
                [ "$want" = "$got" ] || return 1
        done <<END
$sums
END
}

compare_expected() { # expect folder
        if ! all_same "$1"; then
                sort_names
                each_file same "$1"
        fi
        want_status=0
        [ ! -e "$1/status" ] || read -r want_status <"$1/status"
        [ "$first_status" -eq "$want_status" ] ||
                complain "exit status $first_status, expected $want_status"
        if [ -e "$1/again" ]; then
                same "output of the second run" "$1/again" "$work/again"
        elif ! says_one_line; then
                complain "the second run says more than one line, or not that all is right:"
                cat "$work/again" >>"$work/bad"
        fi
}

nothing_changed() { # what happened
        sum_files "$host"
        [ "$sums" != "$sums_after" ] || return 0
        for path in $files; do
                same "$path after $1" "$work/after/$path" "$host/$path"
        done
        complain "$1 changes a file"
}

run_again() {
        # the first run looked for leaks, which takes as long as all the rest of a run
        export ASAN_OPTIONS=detect_leaks=0
        run_hook "$host" "$work/again"
        nothing_changed "a second run"
        [ "$status" -eq "$first_status" ] || complain "exit status $status in the second run"

        # a configuration that is the story's own has a meaning that would be lost
        if [ -e "$story/config$1" ] || [ ! -e "$work/after/var/lib/lxc/101/config" ]; then
                return
        fi
        generate "$host" >"$work/generated"
        cat "$work/generated" >"$host/var/lib/lxc/101/config"
        run_hook "$host" "$work/once-more"
        same "output for the configuration that comes out of the new container file" \
                "$work/again" "$work/once-more"
        same "configuration that comes out of the new container file" "$work/generated" \
                "$host/var/lib/lxc/101/config"
        cp "$work/after/var/lib/lxc/101/config" "$host/var/lib/lxc/101/config"
        nothing_changed "a third run"
}

# all but what the hook may leave behind
list_files() {
        (cd "$host" && exec find . ! -type d -regextype posix-extended ! -regex "\./($own_files)")
}
sort_names() { # mostly a folder is read in the same order
        sort -o "$work/names" "$work/names"
        sort -o "$work/names.after" "$work/names.after"
}
own_files='etc/pve/gpuanchor/101\.conf|etc/subgid-?|etc/\.pwd\.lock|run/gpuanchor/101(\.start|\.owed)?'
own_files=$own_files'|run/lock/lxc/pve-config-101\.lock|var/lib/gpuanchor/backup/101/([0-9]+|written)\.conf|var/lib/gpuanchor/host/(cards|pins|lines|majors|subgid)(\.damaged)?'
own_files=$own_files'|var/lib/gpuanchor/earlier/101\.[0-9]+/(policy|[0-9]+\.conf)'
own_files=$own_files'|var/lib/lxc/101/config(\.refused)?'

boot() { # suffix of the boot, host of the boot before
        host=$work/root$1
        unset ASAN_OPTIONS
        args='101 pre-start'
        [ ! -e "$story/args$1" ] || args=$(cat "$story/args$1")
        [ -z "$2" ] || rm -r "$work/before" "$work/after"
        mkdir "$work/before" "$work/after"
        make_host "$1" "$host" "$2"
        list_files >"$work/names"
        keep_files "$host" "$work/before"

        run_hook "$host" "$work/output"
        first_status=$status
        keep_files "$host" "$work/after"
        sum_files "$host"
        sums_after=$sums
        run_again "$1"
        list_files >"$work/names.after"
        if [ "$mode" = update ]; then
                sort_names
                same "list of files" "$work/names" "$work/names.after"
                update_expected "$story/expect$1"
        else
                compare_expected "$story/expect$1"
        fi
        if [ -s "$work/bad" ]; then
                echo "in boot ${1:-.1}:" | cat - "$work/bad" >"$work/bad.all"
                mv "$work/bad.all" "$work/bad"
                return 1
        fi
}

calls=open,openat,openat2,creat,write,pwrite64,writev,sendfile,copy_file_range,ftruncate,truncate
calls=$calls,fallocate,fsync,fdatasync,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink
calls=$calls,unlinkat,mkdir,mkdirat,fchmod,fchmodat,chmod,fchown,chown,fchownat,lchown,utimensat

traced_hook() { # file for the trace, strace's options
        trace=$1
        shift
        # shellcheck disable=SC2086 # two words
        # two tracers at once cannot be: no search for leaks
        GPUANCHOR_ROOT=$host ASAN_OPTIONS=detect_leaks=0 timeout 60 strace -f -qq -e signal=none -o "$trace" "$@" \
                "$hook" $args >"$work/output" 2>&1 </dev/null
}

# "CALL N" for every call of its process that can change a file: strace counts by process and
# call. An openat that only reads counts, and is no point to kill at.
kill_points() {
        awk '{
                pid = $1
                call = $2
                sub(/\(.*/, "", call)
                n = ++seen[pid, call]
                if (call ~ /^open/ && $0 !~ /O_CREAT|O_WRONLY|O_RDWR|O_TRUNC/)
                        next
                if ($2 ~ /^write[a-z0-9]*\([12],/)
                        next
                if (!point[call, n]++)
                        print call, n
        }' "$1"
}

is_state() { # folder, path
        cmp -s "$1/$2" "$host/$2" || { [ ! -e "$1/$2" ] && [ ! -e "$host/$2" ]; }
}

whole() { # path, where the run was killed
        for state in "$work/before" "$work/after" "$work"/state.*; do
                ! is_state "$state" "$1" || return 0
        done
        complain "$1, killed at $2, is neither old nor new"
}

there() { # path, where the run was killed
        [ -e "$host/$1" ] || [ ! -e "$work/before/$1" ] || [ ! -e "$work/after/$1" ] ||
                complain "$1, killed at $2, is gone"
}

killed_story() {
        args='101 pre-start'
        host=$work/root
        mkdir "$work/before" "$work/after"
        make_host "" "$work/first" ""
        cp -a "$work/first" "$host"
        keep_files "$host" "$work/before"
        sum_files "$host"
        sums_before=$sums
        traced_hook "$work/trace" -e "trace=$calls" || complain "the clean run: $(cat "$work/output")"
        keep_files "$host" "$work/after"
        sum_files "$host"
        sums_after=$sums
        for path in $files; do
                [ $path != etc/subgid ] || continue # usermod's, which opens it so and renames, too
                ! grep -E "/$path\".*(O_WRONLY|O_RDWR|O_TRUNC)|truncate\(.*/$path\"" "$work/trace" ||
                        complain "$path is written in its place"
        done
        kill_points "$work/trace" >"$work/points.any"
        # first these: a file that is replaced several times is whole between them
        { grep -E '^(rename|unlink)' "$work/points.any" || :
                grep -vE '^(rename|unlink)' "$work/points.any" || :; } >"$work/points"
        [ "$(wc -l <"$work/points")" -ge 8 ] && grep -q ^rename "$work/points" ||
                complain "too few points to kill at: this would check nothing"
        generate "$host" >"$work/config.new"
        while read -r call n; do
                rm -r "$host"
                cp -a "$work/first" "$host"
                traced_hook /dev/null -e "trace=$call" -e "inject=$call:signal=SIGKILL:when=$n" || :
                sum_files "$host"
                case $call:$sums in
                *":$sums_before" | *":$sums_after") ;;
                rename* | unlink*)
                        for path in $files; do there "$path" "$call $n"; done
                        mkdir "$work/state.$call.$n"
                        keep_files "$host" "$work/state.$call.$n"
                        ;;
                *) for path in $files; do whole "$path" "$call $n"; done ;;
                esac
                generate "$host" >"$host/var/lib/lxc/101/config"
                [ -s "$host/var/lib/lxc/101/config" ] || rm "$host/var/lib/lxc/101/config"
                run_hook "$host" "$work/output"
                [ "$status" -eq 0 ] || complain "after $call $n the next run fails: $(cat "$work/output")"
                sum_files "$host"
                GPUANCHOR_ROOT=$host timeout 60 "$hook" 101 post-start >"$work/output" 2>&1 </dev/null ||
                        complain "post-start after $call $n: $(cat "$work/output")"
                left=$(find "$host/etc" "$host/var" "$host/run" -name '*.tmp.*')
                [ -z "$left" ] || complain "after $call $n and the next start there is $left"
                [ "$sums" != "$sums_after" ] || continue
                for path in $files; do
                        case $path in
                        */config) is_state "$work/after" "$path" || cmp -s "$work/config.new" "$host/$path" ||
                                complain "configuration after $call $n and the next run is neither of both" ;;
                        *) same "$path after $call $n and the next run" "$work/after/$path" "$host/$path" ;;
                        esac
                done
        done <"$work/points"
        [ ! -s "$work/bad" ]
}

# "NAME SENTENCE" for each: what the story is, the comment at the top of its host. A sentence has some
# words and a full stop; what has none is a line without it.
sentences() { # NAME...
        for name; do
                shift
                set -- "$@" "$fixtures/scenarios/$name/host"
        done
        awk '
        function put() {
                if (name != "")
                        print name (text ~ /^ [^ ]+ [^ ]+ [^ ]+ .*[.?!)]$/ ? text : "")
        }
        FNR == 1 {
                put()
                n = split(FILENAME, part, "/")
                name = part[n - 1]
                text = ""
                top = 1
        }
        top && !sub(/^# /, "") { top = 0 }
        top {
                gsub(/#/, "N")
                text = text " " $0
        }
        END { put() }' "$@"
}

run_story() {
        story=$fixtures/scenarios/$1
        work=$scratch/$1
        mkdir "$work"
        if [ "$mode" = killed ]; then
                killed_story || return 1
                rm -rf "$work"
                return 0
        fi
        before=
        for host_file in "$story/host" "$story"/host.[2-9]; do
                if [ -e "$host_file" ]; then
                        boot "${host_file#"$story/host"}" "$before" || return 1
                        before=$host
                fi
        done
        rm -rf "$work"
}

# The gpuanchor of the same build, or the one that is installed with the hook.
find_command() {
        gpuanchor=${hook%/*}/../src/cli/gpuanchor
        [ -x "$gpuanchor" ] || gpuanchor=$(command -v gpuanchor) || { echo "no gpuanchor for $hook" >&2; exit 2; }
}

if [ "${1:-}" = --one ]; then
        scratch=$2
        mode=$3
        hook=$4
        limit=$5
        find_command
        if run_story "$6" >"$scratch/$6.log" 2>&1; then
                rm "$scratch/$6.log"
        else
                cat "$scratch/$6/bad" >>"$scratch/$6.log" 2>/dev/null || true
        fi
        exit 0
fi

mode=compare
limit='timeout 60'
case ${1:-} in
--hosts) # FOLDER HOOK [NAME...]: only the host before each boot, for fault-run
        to=$2 hook=$3
        shift 3
        find_command
        [ $# -gt 0 ] || set -- $(cd "$fixtures/scenarios" && for host in */host; do echo "${host%/host}"; done)
        for name; do
                story=$fixtures/scenarios/$name
                work=$to
                booted=
                for host_file in "$story/host" "$story"/host.[2-9]; do
                        [ -e "$host_file" ] || continue
                        suffix=${host_file#"$story/host"}
                        make_host "$suffix" "$to/$name$suffix" "$booted"
                        args='101 pre-start'
                        [ ! -e "$story/args$suffix" ] || args=$(cat "$story/args$suffix")
                        rm -rf "$to/.booted"
                        cp -a "$to/$name$suffix" "$to/.booted"
                        booted=$to/.booted
                        run_hook "$booted" /dev/null
                done
        done
        rm -rf "$to/host" "$to/.booted"
        exit 0
        ;;
--update) mode=update && shift ;;
--killed) mode=killed && shift ;;
--help) sed -n '4,/^set -eu/{s/^# \{0,1\}//p}' "$0" && exit 0 ;;
esac
if [ $# -lt 1 ]; then
        echo "usage: scenarios.sh [--update|--killed] HOOK [NAME...]" >&2
        exit 2
fi
hook=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
find_command
shift
if [ "$(id -u)" -ne 0 ]; then
        echo "1..0 # SKIP the hosts have real device nodes: needs root"
        exit 0
fi
if [ $# -eq 0 ]; then
        for story in "$fixtures"/scenarios/*/; do
                [ "$mode" != killed ] || { [ -s "$story/expect/101.conf" ] && [ ! -e "$story/expect/status" ]; } || continue
                set -- "$@" "$(basename "$story")"
        done
fi

# in memory: the hook waits for the disk at every write, and nothing here is worth it
scratch=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d)
trap 'rm -rf "$scratch"' EXIT
echo "1..$#"
# a story that hangs is killed as a whole; --killed has a limit for each run
whole=
[ "$mode" = killed ] || { whole='timeout 300' limit=; }
# shellcheck disable=SC2086 # words
printf '%s\n' "$@" | xargs -P "$(nproc)" -I '{}' $whole sh "$0" --one "$scratch" "$mode" "$hook" "$limit" '{}' || :
failed=0
n=0
sentences "$@" >"$scratch/sentences"
while read -r name said; do
        n=$((n + 1))
        [ -n "$said" ] || echo "host does not begin with a sentence that says what the story is" >>"$scratch/$name.log"
        if [ -e "$scratch/$name.log" ]; then
                echo "not ok $n - $name"
                [ -s "$scratch/$name.log" ] || echo "# it did not end"
                sed 's/^/# /' "$scratch/$name.log"
                failed=1
        else
                echo "ok $n - $name: $said"
        fi
done <"$scratch/sentences"
[ $n -eq $# ] || { echo "# $n of $# stories" && failed=1; }
exit $failed
