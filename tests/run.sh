#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# run.sh [--quick] - everything that is tested
#
# Builds with gcc and clang, with warnings as errors, with and without
# sanitizers. Unit tests and fuzzers' corpora run in each of the four; sample
# hosts, which are slow, with gcc, without sanitizers and with; lints and docs,
# which look at the source, once. Lets the fuzzers run a little; builds the
# packages for Debian 12 and 13 and tries them there (tests/deb); then the
# machine of tests/vm, with the package for 13. --quick leaves packages and
# machine out.
#
# Ends in a line "N passed, N failed, N skipped"; exit status 0 if none failed.
set -eu
cd "$(dirname "$0")/.."
export PATH=/usr/sbin:/usr/bin:/sbin:/bin # Debian's programs, which deps.sh installs

quick=
case ${1-} in
--quick) quick=1 ;;
"") ;;
*) echo "usage: run.sh [--quick]" >&2 && exit 2 ;;
esac
if [ "$(id -u)" != 0 ]; then
    echo "run.sh: needs root: sample hosts have device nodes of their own (sudo sh tests/run.sh)" >&2
    exit 2
fi

passed=0 failed=0 skipped=0
work=$(mktemp -d "${TMPDIR:-/tmp}/gpuanchor-test.XXXXXX")
trap 'rm -rf "$work"' EXIT

count() { # ok|not|skip NAME [WHY]
    case $1 in
    ok) passed=$((passed + 1)) ;;
    not) failed=$((failed + 1)) && echo "not ok $2${3:+: $3}" ;;
    skip) skipped=$((skipped + 1)) && echo "skip $2${3:+: $3}" ;;
    esac
}

step() { # NAME COMMAND...: its output is shown only when it fails
    name=$1 && shift
    if "$@" >"$work/log" 2>&1; then
        count ok "$name" && echo "ok $name"
    else
        tail -60 "$work/log"
        count not "$name"
    fi
}

# meson's results, one count for each test
suite() { # NAME BUILD [OPTION...]
    name=$1 build=$2 && shift 2
    [ -d "$build" ] || return 0
    ninja -C "$build" >"$work/log" 2>&1 || { tail -60 "$work/log"; count not "$name: build"; return 0; }
    count ok "$name: build"
    # one more than processors: the test that takes longest waits most of the time
    meson test -C "$build" --no-rebuild --print-errorlogs --num-processes $(($(nproc) + 1)) "$@" >"$work/log" 2>&1 || :
    [ "$(grep -cE '^(Fail|Timeout): *0 *$' "$work/log")" = 2 ] || cat "$work/log"
    # meson needs Python, so it is there; a test that skips says why in its last line
    python3 -c 'import json, sys
for line in open(sys.argv[1]):
    test = json.loads(line)
    said = (test.get("stdout", "") + test.get("stderr", "")).strip().split("\n")
    print(test["result"], test["name"], said[-1] or "without a word")' "$build/meson-logs/testlog.json" >"$work/tests"
    while read -r result test why; do
        case $result in
        OK) count ok "$name: $test" ;;
        SKIP) count skip "$name: $test" "$why" ;;
        *) count not "$name: $test" "$result" ;;
        esac
    done <"$work/tests"
}

# script NAME COMMAND...: its lines "ok ...", "not ok ..." and "skip ..." are results
script() {
    name=$1 && shift
    "$@" >"$work/lines" 2>"$work/err" || tail -60 "$work/err"
    while read -r line; do
        case $line in
        "ok "*) echo "$line" && count ok "$name" ;;
        "not ok "*) count not "$name: ${line#not ok }" ;;
        "skip "*) count skip "$name: ${line#skip }" ;;
        esac
    done <"$work/lines"
    grep -q '^ok ' "$work/lines" || count not "$name: nothing was ok"
}

setup() { # BUILD OPTION...
    build=$1 && shift
    meson setup "$build" "$@" >"$work/log" 2>&1 || { tail -30 "$work/log"; count not "setup $build"; rm -rf "$build"; }
}

# phase NAME - ends the one before, and says how long it took
phase() {
    now=$(date +%s)
    [ -z "${phase-}" ] || echo "$phase took $((now - since)) s"
    phase=$1 since=$now
}

phase "what is needed"
sh tests/deps.sh "$([ -n "$quick" ] && echo test || echo vm)"

phase gcc
CC=gcc setup "$work/gcc" --buildtype=release --werror
suite gcc "$work/gcc"
phase clang
CC=clang setup "$work/clang" --buildtype=release --werror
suite clang "$work/clang" --suite unit --suite fuzz
rm -rf "$work/clang"
phase gcc-asan
CC=gcc setup "$work/gcc-asan" --native-file build-dev.ini
suite gcc-asan "$work/gcc-asan" --no-suite lint --no-suite docs
phase clang-asan
CC=clang setup "$work/clang-asan" --native-file build-dev.ini -Dfuzzers=true
suite clang-asan "$work/clang-asan" --suite unit --suite fuzz

phase fuzzers
for fuzzer in "$work"/clang-asan/tests/fuzz-*; do
    [ -x "$fuzzer" ] && [ -f "$fuzzer" ] || continue
    name=${fuzzer##*/fuzz-}
    mkdir "$work/corpus-$name"
    # a fixed seed: what fails here fails again; for a search let the fuzzer run by itself
    step "fuzz $name" "$fuzzer" -seed=1 -runs=20000 -max_total_time=60 -timeout=25 -artifact_prefix="$work/" \
        "$work/corpus-$name" "tests/fuzz/corpus/$name"
done

if [ -z "$quick" ]; then
    phase packages
    # side by side: much of it is dpkg, which waits for the disk
    script package sh -c 'sh tests/deb/run.sh bookworm & sh tests/deb/run.sh trixie "$1"; wait' sh "$work/deb"
    phase machine
    script vm sh tests/vm/run.sh --deb "$work/deb"
fi

phase ""
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
