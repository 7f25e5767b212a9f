#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# test-alert.sh GPUANCHOR - mail to root about what gpuanchor status finds
#
# gpuanchor is the real one on a folder; sendmail is a stand-in that receives, or does not.
# shellcheck disable=SC2317 # the cases are called by name
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
STATE=$work/state
mkdir "$work/bin"
ln -s "$gpuanchor" "$work/bin/gpuanchor"
printf '#!/bin/sh\n[ ! -e "%s/down" ] || exit 1\n{ cat; echo .; } >>"%s/sent"\n' "$work" "$work" >"$work/bin/sendmail"
chmod +x "$work/bin/sendmail"

fresh() {
    rm -rf "$H" "$STATE" "$work/sent" "$work/down"
    mkdir "$STATE"
    sh "$tests/mkhost.sh" "$tests/fixtures/hosts/guide.host" "$H"
    mkdir -p "$H/etc/pve/nodes/pve1/lxc" "$H/etc/pve/gpuanchor"
    ln -sfn nodes/pve1 "$H/etc/pve/local" && ln -sfn nodes/pve1/lxc "$H/etc/pve/lxc"
    for vmid in 101 102; do
        { cat "$tests/fixtures/guide-101.conf"; echo 'hookscript: local:snippets/gpuanchor-hook'; } >"$H/etc/pve/lxc/$vmid.conf"
    done
    mkdir -p "$H/var/lib/vz/snippets"
    install -m 755 /dev/null "$H/var/lib/vz/snippets/gpuanchor-hook"
}
alert() { GPUANCHOR_PATH="$work/bin:$PATH" STATE_DIRECTORY="$STATE" sh "$tests/../systemd/gpuanchor-alert" >"$work/out" 2>"$work/err"; }
mails() { grep -c '^To: root$' "$work/sent" 2>/dev/null; }
an_hour_later() { touch -d '-61 minutes' "$STATE/last"; }
sent() { grep -qF -e "$1" "$work/sent" || { cat "$work/sent" >&2; fail "not mailed: $1"; }; }
# an error of container $1, and its end
breaks() { chmod -x "$H/var/lib/vz/snippets/gpuanchor-hook"; }
mended() { chmod +x "$H/var/lib/vz/snippets/gpuanchor-hook"; }

case_all_is_well() {
    alert || fail "exit status"
    [ ! -e "$work/sent" ] || fail "mailed without a reason"
}

case_new_once_and_resolved() {
    breaks
    alert || fail "exit status"
    sent "Subject: gpuanchor on $(uname -n): 2 new, 0 resolved"
    sent '101: '
    sent '  -> '
    an_hour_later
    alert && [ "$(mails)" = 1 ] || fail "the same is mailed again"
    mended
    alert && [ "$(mails)" = 2 ] || fail "not mailed that it is over"
    sent '0 new, 2 resolved'
    sent 'resolved: 101: '
    sent '0 open in all'
}

# One of two of a kind is over, or has other numbers: the kind is not resolved.
case_other_numbers() {
    dev() { sed -i "s,^dev0.*,dev0: /dev/dri/renderD$1\,gid=110," "$H/etc/pve/lxc/101.conf"; }
    sed -i '1i dev0:' "$H/etc/pve/lxc/101.conf"
    dev 130
    alert && sent '101: warning: 101.conf: the next start fails: there is no /dev/dri/renderD130'
    an_hour_later
    dev 131
    alert && [ "$(mails)" = 2 ] || fail "other numbers are not mailed"
    sent renderD131
    ! grep -q ^resolved: "$work/sent" || fail "it is called resolved"
    an_hour_later
    sed -i /^dev0/d "$H/etc/pve/lxc/101.conf"
    alert && [ "$(mails)" = 3 ] || fail "not mailed that it is over"
    sent 'resolved: 101: warning: 101.conf: the next start fails'
}

# A start that fails, and then is refused, is one matter.
case_fails_then_is_refused() {
    sed -i '1i dev0: /dev/dri/renderD130,gid=110' "$H/etc/pve/lxc/101.conf"
    alert && sent '101: warning: 101.conf: the next start fails'
    an_hour_later
    printf '[container]\ngpu = pci:0000:99:00.0\nmissing = refuse\n' >"$H/etc/pve/gpuanchor/101.conf"
    alert && sent '101: warning: the next start is refused'
    ! grep -q ^resolved: "$work/sent" || { cat "$work/sent" >&2; fail "it is called resolved"; }
}

# What was wrong with a container that another node has now is not known to be over.
case_moved_away() {
    breaks
    alert && sent '102: '
    an_hour_later
    mkdir -p "$H/etc/pve/nodes/pve2/lxc"
    mv "$H/etc/pve/lxc/102.conf" "$H/etc/pve/nodes/pve2/lxc/"
    alert && [ "$(mails)" = 1 ] || { cat "$work/sent" >&2; fail "mailed"; }
    mended
    alert && [ "$(mails)" = 2 ] || fail "not mailed that it is over for the other one"
    sent '0 new, 1 resolved'
    ! grep -q 'resolved: 102' "$work/sent" || fail "it is called resolved"
    # it comes back, as it was
    breaks
    mv "$H/etc/pve/nodes/pve2/lxc/102.conf" "$H/etc/pve/lxc/"
    an_hour_later
    alert && [ "$(mails)" = 3 ] || fail "not mailed again"
    sent '2 new, 0 resolved'
}

# A file that cannot be read tells nothing of what was wrong.
case_unreadable() {
    breaks
    alert
    an_hour_later
    mv "$H/etc/pve/lxc/102.conf" "$work/102.conf"
    mkdir "$H/etc/pve/lxc/102.conf"
    alert && sent '102: error: ' && sent 'cannot be read'
    ! grep -q ^resolved: "$work/sent" || { cat "$work/sent" >&2; fail "it is called resolved"; }
    an_hour_later
    rmdir "$H/etc/pve/lxc/102.conf"
    mv "$work/102.conf" "$H/etc/pve/lxc/102.conf"
    mended
    alert
    sent 'resolved: 102: error: its hookscript'
    sent '0 open in all'
}

# A clock that was ahead is back: no year of silence.
case_clock_was_ahead() {
    breaks
    alert
    mended
    touch -d '+1 year' "$STATE/last"
    alert && [ "$(mails)" = 2 ] || fail "silent"
}

case_one_mail_an_hour() {
    breaks
    alert
    mended
    alert && [ "$(mails)" = 1 ] || fail "two mails within an hour"
    breaks
    an_hour_later
    alert && [ "$(mails)" = 1 ] || fail "what was over within the hour is mailed"
    mended
    alert && [ "$(mails)" = 2 ] || fail "what waited for the hour is forgotten"
}

case_no_mail_system() {
    breaks
    touch "$work/down"
    ! alert || fail "exit status"
    grep -q 'sent later' "$work/err" || fail "not said"
    rm "$work/down"
    alert && [ "$(mails)" = 1 ] || fail "forgotten"
    mv "$work/bin/sendmail" "$work/sendmail"
    rm -r "$STATE" && mkdir "$STATE"
    if PATH="$work/bin:/usr/bin:/bin" command -v sendmail >/dev/null; then # this machine has one
        mv "$work/sendmail" "$work/bin/sendmail" && return
    fi
    ! GPUANCHOR_PATH="$work/bin:/usr/bin:/bin" STATE_DIRECTORY="$STATE" sh "$tests/../systemd/gpuanchor-alert" 2>"$work/err" ||
        fail "exit status"
    grep -q 'there is no sendmail' "$work/err" || fail "not said"
    mv "$work/sendmail" "$work/bin/sendmail"
}

# One that hands the mail on and does not end: no mail every five minutes.
case_mail_system_hangs() {
    breaks
    cp "$work/bin/sendmail" "$work/sendmail"
    echo 'sleep 1000' >>"$work/bin/sendmail"
    printf '#!/bin/sh\nshift 3\nexec /usr/bin/timeout 1 "$@"\n' >"$work/bin/timeout"
    chmod +x "$work/bin/timeout"
    for _ in 1 2 3; do
        alert
    done
    [ "$(mails)" = 1 ] || fail "$(mails) mails within an hour"
    rm "$work/bin/timeout"
    mv "$work/sendmail" "$work/bin/sendmail"
    an_hour_later
    alert && [ "$(mails)" = 2 ] || fail "whether it arrived is not known, and it is not sent again"
}

case_status_fails() {
    breaks
    alert
    rm -r "$H/etc/pve"
    an_hour_later
    ! alert || fail "exit status"
    [ "$(mails)" = 1 ] || { cat "$work/sent" >&2; fail "what cannot be looked at is called resolved"; }
}

cases ${2+"$2"}
