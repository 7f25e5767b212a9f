#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# run.sh [--quick | --slice | --long] [--seed N] - everything that is tested
#
#   --quick   before each commit, 3 minutes on two processors: one build, and in it all
#             unit tests, sample hosts, lints and docs
#             (without an option: all but what --long and --slice add)
#   --long    what has no end of its own, too: random histories, broken rules that they must
#             find, kills at each system call of each sample host, fuzzers for ten minutes each,
#             the machine's long cases (tests/vm/run.sh --list)
#   --slice   a part of those, chosen by the seed. Both of them: also builds with gcc's sanitizers and
#             with clang without its own, the packages of both releases, each with its tests, and all of
#             tests/deb. This is what CI runs
#
# All of it is three lanes side by side, because each waits now and then:
#
#   source    builds with gcc and with clang's sanitizers, with warnings as
#             errors. Unit tests and fuzzers' corpora run in each of them;
#             sample hosts, which are slow, with sanitizers; lints, docs
#             and kills at every system call, once. Then the fuzzers, a little
#   package   builds the packages for Debian 13 and 12; then again as root in a container, runs
#             --quick there, and tries the installed files (tests/deb); on Debian 12 a full run
#             leaves that release out, which the lane source has built and tested
#   vm        the machine of tests/vm, as soon as the package for 13 is there
#
# What is random starts from N, or from a number of the clock, which is printed; tests find it
# in GPUANCHOR_SEED. Each lane's lines come as it goes, so they mix.
# An input with which a fuzzer fails is kept in ${TMPDIR:-/tmp}/gpuanchor-kept. Ends in a line
# "N passed, N failed, N skipped"; exit status 0 if none failed.
# shellcheck disable=SC2030,SC2031 # a lane is a subshell, and has $lane for itself
set -eu
cd "$(dirname "$0")/.."
export PATH=/usr/sbin:/usr/bin:/sbin:/bin # Debian's programs, which deps.sh installs

mode=full
GPUANCHOR_SEED=$(date +%s)
while [ $# -gt 0 ]; do
    case $1 in
    --quick | --slice | --long) mode=${1#--} ;;
    --seed) GPUANCHOR_SEED=${2?run.sh: --seed needs a number} && shift ;;
    *) echo "usage: run.sh [--quick | --slice | --long] [--seed N]" >&2 && exit 2 ;;
    esac
    shift
done
export GPUANCHOR_SEED
if [ "$(id -u)" != 0 ]; then
    echo "run.sh: needs root: sample hosts have device nodes of their own (sudo sh tests/run.sh)" >&2
    exit 2
fi
echo "seed $GPUANCHOR_SEED"

work=$(mktemp -d "${TMPDIR:-/tmp}/gpuanchor-test.XXXXXX")
kept=${TMPDIR:-/tmp}/gpuanchor-kept
: >"$work/results"
trap 'rm -rf "$work"' EXIT
trap 'trap "" TERM; kill 0; wait; exit 1' HUP INT TERM # a lane in the background ignores ^C

count() { # ok|not|skip NAME [WHY]: from any lane
    echo "$1" >>"$work/results"
    case $1 in
    ok) ;;
    not) echo "not ok $2${3:+: $3}" ;;
    skip) echo "skip $2${3:+: $3}" ;;
    esac
}

# lane NAME COMMAND...: in the background, with a folder for its logs in $lane
lane() {
    (
        lane=$work/$1 since=$(date +%s)
        mkdir "$lane"
        shift
        "$@" || count not "${lane##*/}" "ended early"
        times >"$lane/times" # in a $( ) they would be that shell's
        echo "${lane##*/} took $(($(date +%s) - since)) s, and $(awk -F '[ms ]+' 'NR == 2 { printf "%d", ($1 + $3) * 60 + $2 + $4 }' "$lane/times") s of processor"
    ) &
}

step() { # NAME COMMAND...: its output is shown only when it fails
    name=$1 && shift
    if "$@" >"$lane/log" 2>&1; then
        count ok "$name" && echo "ok $name"
    else
        tail -60 "$lane/log"
        count not "$name"
    fi
}

# meson's results, one count for each test
suite() { # NAME BUILD [OPTION...]
    name=$1 build=$2 && shift 2
    [ -d "$build" ] || return 0
    ninja -C "$build" >"$lane/log" 2>&1 || { tail -60 "$lane/log"; count not "$name: build"; return 0; }
    count ok "$name: build" && echo "$name is built, its tests run"
    rm -f "$build"/meson-logs/testlog*.json # its name has that of --setup
    # several for each processor: the tests that take longest wait most of the time
    meson test -C "$build" --no-rebuild --print-errorlogs --timeout-multiplier 3 \
        --num-processes $((${tests_each:-3} * $(nproc))) "$@" >"$lane/log" 2>&1 || :
    [ "$(grep -cE '^(Fail|Timeout): *0 *$' "$lane/log")" = 2 ] || cat "$lane/log"
    # meson needs Python, so it is there; a test that skips says why in its last line
    python3 -c 'import json, sys
for line in open(sys.argv[1]):
    test = json.loads(line)
    said = (test.get("stdout", "") + test.get("stderr", "")).strip().split("\n")
    print(test["result"], test["name"].split()[-1], said[-1] or "without a word")' "$build"/meson-logs/testlog*.json >"$lane/tests"
    while read -r result test why; do
        case $result in
        OK) count ok "$name: $test" ;;
        SKIP) count skip "$name: $test" "$why" ;;
        *) count not "$name: $test" "$result" ;;
        esac
    done <"$lane/tests"
    echo "$name is through"
}

# script NAME COMMAND...: its lines "ok ...", "not ok ..." and "skip ..." are results, as they come
script() {
    name=$1 && shift
    { "$@" 2>"$lane/err" || tail -60 "$lane/err"; } | {
        some=
        while read -r line; do
            case $line in
            "ok "*) some=1 && echo "$line" && count ok "$name" ;;
            "not ok "*) count not "$name: ${line#not ok }" ;;
            "skip "*) count skip "$name: ${line#skip }" ;;
            *) echo "$line" ;;
            esac
        done
        [ -n "$some" ] || count not "$name: nothing was ok"
    }
}

setup() { # BUILD OPTION...
    build=$1 && shift
    meson setup "$build" "$@" >"$lane/log" 2>&1 || { tail -30 "$lane/log"; count not "setup $build"; rm -rf "$build"; }
}

fuzz() {
    # the same inputs each time, so that what fails here is new; --long looks for others
    seed=1 runs=20000 seconds=20
    case $mode in
    full) runs=5000 seconds=5 ;;
    long) seed=$GPUANCHOR_SEED runs=-1 seconds=600 ;;
    esac
    for fuzzer in "$lane"/clang-asan/tests/fuzz-*; do
        [ -x "$fuzzer" ] && [ -f "$fuzzer" ] || continue
        format=${fuzzer##*/fuzz-}
        mkdir "$lane/corpus-$format"
        step "fuzz $format" "$fuzzer" -seed="$seed" -runs=$runs -max_total_time=$seconds -timeout=25 -artifact_prefix="$lane/" \
            "$lane/corpus-$format" "tests/fuzz/corpus/$format"
        for input in "$lane"/crash-* "$lane"/leak-* "$lane"/timeout-* "$lane"/oom-*; do
            [ ! -f "$input" ] || { mkdir -p "$kept" && mv "$input" "$kept/$format-${input##*/}" && echo "kept: $kept/$format-${input##*/}"; }
        done
    done
}

quick_lane() {
    sh tests/deps.sh test || { count not "installing what the tests need"; return 0; }
    CC=gcc setup "$lane/gcc" --werror -Ddebug=false # three quarters of the time
    tests_each=4 # nothing runs beside them
    suite gcc "$lane/gcc" --no-suite kill --no-suite full
}

source_lane() {
    sh tests/deps.sh test || { count not "installing what the tests need"; return 0; }
    CC=gcc setup "$lane/gcc" --buildtype=release --werror
    suite gcc "$lane/gcc" --suite unit --suite fuzz --suite lint --suite docs --suite kill --suite full
    case $mode in slice | long)
        CC=clang setup "$lane/clang" --buildtype=release --werror
        suite clang "$lane/clang" --suite unit --suite fuzz
        CC=gcc setup "$lane/gcc-asan" --native-file build-dev.ini
        suite gcc-asan "$lane/gcc-asan" --suite unit --suite fuzz
        ;;
    esac
    CC=clang setup "$lane/clang-asan" --native-file build-dev.ini -Dfuzzers=true
    # sample hosts with clang, whose sanitizers start a program in two thirds of gcc's time
    # shellcheck disable=SC2046 # or nothing
    suite clang-asan "$lane/clang-asan" --no-suite lint --no-suite docs --no-suite kill $([ "$mode" != full ] || echo --no-suite full)
    fuzz
    case $mode in slice | long) suite "$mode" "$lane/gcc" --setup "$mode" --suite "$mode" ;; esac
}

package_lane() {
    releases='trixie bookworm' short=
    if [ "$mode" = full ]; then
        short=--short
        ! grep -q '^VERSION_CODENAME=bookworm$' /etc/os-release || releases=trixie
    fi
    # shellcheck disable=SC2086 # a list
    DEB_BUILD_OPTIONS=nocheck step "package: release.sh" sh debian/release.sh "$work/dist" $releases
    # shellcheck disable=SC2086 # or nothing
    for release in $releases; do # trixie first, because the machine waits for it
        script package sh tests/deb/run.sh $short $release "$work/dist" "$work/deb/$release"
    done
    : >"$work/no-more-packages"
}

vm_lane() {
    sh tests/vm/run.sh --image
    until [ -e "$work/deb/trixie/older.deb" ]; do
        [ ! -e "$work/no-more-packages" ] || { count not vm "there is no package to install"; return 0; }
        sleep 1
    done
    case $mode in
    full) set -- --no-long --swaps 4 ;;
    slice) set -- --slice "$GPUANCHOR_SEED" ;;
    long) set -- --limit 14400 --swaps 100 ;;
    esac
    script vm sh tests/vm/run.sh --deb "$work/deb/trixie" "$@"
}

if [ "$mode" = quick ]; then
    lane quick quick_lane
else
    sh tests/deps.sh vm
    lane source source_lane
    lane package package_lane
    lane vm vm_lane
fi
wait

passed=$(grep -cx ok "$work/results" || :)
failed=$(grep -cx not "$work/results" || :)
skipped=$(grep -cx skip "$work/results" || :)
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
