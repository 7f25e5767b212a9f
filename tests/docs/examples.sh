#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# examples.sh GPUANCHOR - conf/examples: what can be checked without Proxmox
#
# Each file is taken by the program that it is for, where Debian has that, and speaks of metrics,
# MESSAGE_IDs, verbs and options that exist. Policies are loaded by
# tests/unit/test-conf.c. Prints a line for each, in the form of TAP.
set -u
export LC_ALL=C.UTF-8 # Ansible wants UTF-8
unset GPUANCHOR_ROOT

gpuanchor=$(realpath "${1:?usage: examples.sh GPUANCHOR}")
cd "$(dirname "$0")/../../conf/examples" || exit 1
tests=$(realpath ../../tests)
work=$(mktemp -d "${TMPDIR:-/tmp}/examples.XXXXXX")
trap 'rm -rf "$work"' EXIT
n=0

ok() { n=$((n + 1)) && echo "ok $n - $1"; }
skip() { n=$((n + 1)) && echo "ok $n - $1 # SKIP $2"; }
try() { # NAME COMMAND...
    name=$1 && shift
    if "$@" >"$work/log" 2>&1; then
        ok "$name"
    else
        sed 's/^/# /' "$work/log"
        n=$((n + 1)) && echo "not ok $n - $name"
    fi
}
has() { command -v "$1" >/dev/null; }

# ---- units: systemd takes them; a program that is not installed here is no fault of theirs

units() {
    mkdir "$work/units" && cp ./*/*.service ./*/*.timer "$work/units/"
    for unit in "$work"/units/*; do
        SYSTEMD_UNIT_PATH=$work/units: systemd-analyze verify --man=no "$unit" 2>&1 |
            grep -F "$(basename "$unit")" | grep -v 'is not executable: No such file'
    done >"$work/problems"
    cat "$work/problems"
    [ ! -s "$work/problems" ] || return 1
    for timer in "$work"/units/*.timer; do # each has its service
        [ -e "${timer%.timer}.service" ] || return 1
    done
}
if has systemd-analyze; then try "units" units; else skip "units" "no systemd-analyze: apt install systemd"; fi

# ---- Prometheus: the rules, and their metrics against real ones

metrics() {
    sh "$tests/mkhost.sh" "$tests/fixtures/hosts/guide.host" "$work/host" &&
        cp "$tests/fixtures/guide-101.conf" "$work/host/etc/pve/lxc/101.conf" || return 1
    sed -i 's/226:1 /226:7 /' "$work/host/etc/pve/lxc/101.conf" # so that there is a finding
    GPUANCHOR_ROOT=$work/host "$gpuanchor" status --prometheus >"$work/metrics"
    [ $? = 1 ] || return 1
    grep -o 'gpuanchor_[a-z_]*' prometheus/gpuanchor.rules.yml | sort -u >"$work/named"
    while read -r metric; do
        grep -q "^${metric}[ {]" "$work/metrics" || { echo "no metric $metric" && return 1; }
    done <"$work/named"
    grep -o 'gpuanchor_[a-z_]*{[^}]*}' prometheus/gpuanchor.rules.yml | grep -o '[a-z]*[!=]*=' |
        tr -d '=!' | sort -u >"$work/named"
    while read -r label; do
        grep -q "[{,]$label=\"" "$work/metrics" || { echo "no label $label" && return 1; }
    done <"$work/named"
    grep -o 'code!*="[^"]*"' prometheus/gpuanchor.rules.yml | cut -d'"' -f2 >"$work/named"
    [ -s "$work/named" ] || return 1
    while read -r code; do
        grep -q "\"$code\"" "$tests/../src/model/finding/finding.def" || { echo "no finding $code" && return 1; }
    done <"$work/named"
}
if [ "$(id -u)" = 0 ]; then try "Prometheus: metrics of the rules" metrics; else skip "Prometheus: metrics of the rules" "needs root"; fi
if has promtool; then
    try "Prometheus: promtool check rules" promtool check rules prometheus/gpuanchor.rules.yml
    [ ! -s "$work/metrics" ] || try "Prometheus: promtool check metrics" promtool check metrics <"$work/metrics"
    # does the worst of them fire?
    sed "s|RULES|$PWD/prometheus/gpuanchor.rules.yml|" >"$work/alerts.yml" <<'EOT'
rule_files: [RULES]
tests:
  - interval: 1m
    input_series:
      - series: gpuanchor_finding{code="container-wrong-gpu",severity="error",vmid="101",instance="pve1"}
        values: "0 1 1 1"
      - series: gpuanchor_watcher_running{instance="pve1"}
        values: 1x30
    alert_rule_test:
      - eval_time: 0m
        alertname: ContainerHasAnotherGpu
      - eval_time: 2m
        alertname: ContainerHasAnotherGpu
        exp_alerts:
          - exp_labels: {code: container-wrong-gpu, severity: error, vmid: "101", instance: pve1}
            exp_annotations:
              summary: "container 101 on pve1 holds a GPU that is not its own: gpuanchor status 101"
      - eval_time: 30m
        alertname: GpuanchorNotWatching
EOT
    try "Prometheus: promtool test rules" promtool test rules "$work/alerts.yml"
else
    skip "Prometheus: promtool" "no promtool: apt install prometheus, which also starts a server"
fi

# ---- Ansible and Terraform

export ANSIBLE_LOCAL_TEMP="$work/ansible" ANSIBLE_HOME="$work/ansible"
if has ansible-playbook; then
    try "Ansible: --syntax-check" ansible-playbook --syntax-check -i pve1, ansible/gpu-container.yml
else
    skip "Ansible: --syntax-check" "no ansible-playbook: apt install ansible-core"
fi
if has tofu; then
    try "Terraform: fmt" tofu fmt -check -diff terraform
elif has terraform; then
    try "Terraform: fmt" terraform fmt -check -diff terraform
else
    skip "Terraform: fmt" "neither terraform nor tofu, and Debian has no reader of HCL"
fi

commands() { # every gpuanchor command that an example names
    # shellcheck disable=SC2016 # a backquote
    grep -rhoE '(`|-c .)gpuanchor [a-z]+[^`;,>]*' . | sed "s/^[^g]*//" | sort -u >"$work/commands"
    sed -n 's/.*argv: \[gpuanchor, \([a-z]*\), \(--[a-z-]*\).*/gpuanchor \1 \2/p' ansible/*.yml >>"$work/commands"
    [ "$(wc -l <"$work/commands")" -ge 4 ] || return 1
    cat "$work/commands"
    while read -r _ verb rest; do
        "$gpuanchor" "$verb" --help >"$work/help" 2>&1 || { echo "no verb $verb" && return 1; }
        for option in $(echo "$rest" | grep -oE -e '--[a-z-]+'); do
            grep -qE -e "$option( |\$)" "$work/help" || { echo "$verb has no $option" && return 1; }
        done
    done <"$work/commands"
    grep -rhoE '\b[0-9a-f]{32}\b' . >"$work/named"
    while read -r id; do
        grep -q "\"$id\"" "$tests/../src/model/finding/finding.def" || { echo "no MESSAGE_ID $id" && return 1; }
    done <"$work/named"
}
try "commands and MESSAGE_IDs in the examples exist" commands

echo "1..$n"
