/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * watch-state - what the daemon keeps from one look to the next, and over reboots
 */
#include "model/watch/baseline.h"
#include "model/watch/ledger.h"

/*
 * A folder of the daemon's own: systemd owns the folders of a DynamicUser= and
 * makes links of them, while root keeps backups in /var/lib/gpuanchor.
 */
#define WATCH_STATE_FOLDER "/var/lib/gpuanchord"
#define WATCH_STATE_FILE "state"
#define WATCH_STATE_MAX (8 * 1024 * 1024)

struct watch_state {
        struct baseline baseline;
        struct ledger ledger;
};

/** watch_state_write() - both as one text, so that one rename replaces both */
struct bytes watch_state_write(struct arena *a, const struct watch_state *s);

/** watch_state_read() - false when @text is no whole state; @ret is untouched then */
bool watch_state_read(struct arena *a, struct bytes text, struct watch_state *ret);
