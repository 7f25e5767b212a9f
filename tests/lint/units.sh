#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# units.sh BUILD - systemd takes the units, and the watcher's sandbox is as tight as it was
set -eu
export LC_ALL=C
unset GPUANCHOR_ROOT

cd "$(dirname "$0")/../.."
build=$1
failed=0

bad() { echo "units: $*" >&2 && failed=1; }
value() { sed -n "s|^$2=||p" "$build/systemd/$1"; }

command -v systemd-analyze >/dev/null || { echo "units: no systemd-analyze"; exit 77; }
for unit in gpuanchord.service gpuanchor-boot.service gpuanchor-look.service gpuanchor-alert.service; do
    # a command or man page that is not installed here is no fault of the unit
    problems=$(systemd-analyze verify --man=no "$build/systemd/$unit" 2>&1 | grep -F "$unit" |
        grep -v 'is not executable: No such file' || :)
    [ -z "$problems" ] || bad "$problems"
done
systemd-analyze security --offline=true --threshold=11 "$build/systemd/gpuanchord.service" >/dev/null ||
    bad "gpuanchord.service: exposure is over 1.1"

# systemd owns the watcher's folder and makes it a link; root's backups must lie elsewhere
state=/var/lib/$(value gpuanchord.service StateDirectory)
grep -qF "#define WATCH_STATE_FOLDER \"$state\"" src/model/watch/state.h ||
    bad "gpuanchord.service: StateDirectory is not where the code keeps its state"
if grep -rnF "$state/" src/pve hooks; then
    bad "somebody else writes to $state"
fi

# whoever asks, and however often, is not turned away; a look that is asked for while one runs comes after it
for unit in gpuanchor-look.service.in gpuanchor-look.path; do
    grep -qx StartLimitIntervalSec=0 "systemd/$unit" || bad "$unit: a start limit would end it"
done
! grep -E "^(RestrictSUIDSGID|ProtectClock|PrivateDevices|DevicePolicy|DeviceAllow)=" systemd/gpuanchor-look.service.in ||
    bad "gpuanchor-look.service: openat2() or mknod() is refused"
flag=$(sed -n 's/^PathExists=//p' systemd/gpuanchor-look.path)
grep -qF "#define FLAG \"$flag\"" src/host/live/ask.c || bad "gpuanchor-look.path: PathExists= is not where the code asks"
grep -q "^d ${flag%/*} 0770 root www-data " systemd/gpuanchor.tmpfiles || bad "gpuanchor.tmpfiles: no ${flag%/*}"
grep -qx "ReadWritePaths=-${flag%/*}" systemd/gpuanchord.service.in || bad "gpuanchord.service: cannot ask"
value gpuanchord.service SupplementaryGroups | grep -qw www-data || bad "gpuanchord.service: may not ask"
[ "$(value gpuanchor-look.service TimeoutStartSec)" -gt 60 ] || bad "gpuanchor-look.service: not bounded in time"

# never in the way of the host's boot
grep -q '^TimeoutStartSec=[1-9][0-9]\?$' "$build/systemd/gpuanchor-boot.service" ||
    bad "gpuanchor-boot.service: not bounded in time"
if grep -E '^(Wants|Requires|BindsTo|RequiredBy)=' "$build/systemd/gpuanchor-boot.service"; then
    bad "gpuanchor-boot.service: something hangs on it"
fi
for after in pve-guests.service pve-ha-lrm.service; do
    value gpuanchor-boot.service Before | grep -qw "$after" || bad "gpuanchor-boot.service: not before $after"
done
exit "$failed"
