#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# run.sh [--quick] - everything that is tested
#
# Builds with gcc and clang, with warnings as errors, with and without
# sanitizers; runs unit tests, scenarios, fuzzers' corpora and lints in each;
# lets the fuzzers run a little; then the machine of tests/vm, which builds
# gpuanchor for Debian 13, too. --quick leaves the machine out.
#
# Ends in a line "N passed, N failed, N skipped"; exit status 0 if none failed.
set -eu
cd "$(dirname "$0")/.."

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
suite() { # NAME BUILD
    [ -d "$2" ] || return 0
    ninja -C "$2" >"$work/log" 2>&1 || { tail -60 "$work/log"; count not "$1: build"; return 0; }
    count ok "$1: build"
    meson test -C "$2" --no-rebuild --print-errorlogs >"$work/log" 2>&1 || :
    grep -q '^Fail: *0$' "$work/log" || cat "$work/log"
    # meson needs Python, so it is there
    python3 -c 'import json, sys
for line in open(sys.argv[1]):
    test = json.loads(line)
    print(test["result"], test["name"])' "$2/meson-logs/testlog.json" >"$work/tests"
    while read -r result test; do
        case $result in
        OK) count ok "$1: $test" ;;
        SKIP) count skip "$1: $test" "see its log" ;;
        *) count not "$1: $test" "$result" ;;
        esac
    done <"$work/tests"
}

setup() { # BUILD OPTION...
    build=$1 && shift
    meson setup "$build" "$@" >"$work/log" 2>&1 || { tail -30 "$work/log"; count not "setup $build"; rm -rf "$build"; }
}

sh tests/deps.sh "$([ -n "$quick" ] && echo test || echo vm)"

CC=gcc setup "$work/gcc" --buildtype=release --werror
suite gcc "$work/gcc"
CC=gcc setup "$work/gcc-asan" --native-file build-dev.ini
suite gcc-asan "$work/gcc-asan"
CC=clang setup "$work/clang-asan" --native-file build-dev.ini -Dfuzzers=true
suite clang-asan "$work/clang-asan"

for fuzzer in "$work"/clang-asan/tests/fuzz-*; do
    [ -x "$fuzzer" ] && [ -f "$fuzzer" ] || continue
    name=${fuzzer##*/fuzz-}
    mkdir "$work/corpus-$name"
    # a fixed seed: what fails here fails again; for a search let the fuzzer run by itself
    step "fuzz $name" "$fuzzer" -seed=1 -runs=20000 -max_total_time=60 -timeout=25 -artifact_prefix="$work/" \
        "$work/corpus-$name" "tests/fuzz/corpus/$name"
done

if [ -z "$quick" ]; then
    bash tests/vm/run.sh >"$work/vm" 2>"$work/vm.err" || tail -40 "$work/vm.err"
    while read -r line; do
        case $line in
        "ok "*) echo "$line" && count ok "vm" ;;
        "not ok "*) count not "vm: ${line#not ok }" ;;
        "skip "*) count skip "vm: ${line#skip }" ;;
        esac
    done <"$work/vm"
    grep -q '^ok ' "$work/vm" || count not "vm: the machine ran no case"
fi

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
