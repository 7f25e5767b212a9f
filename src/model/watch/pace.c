/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * pace - one look for a burst of events, one line for a flood of messages
 *
 * A GPU that comes or goes is dozens of events within a second, and a driver
 * that resets in a loop never stops: wait until it is quiet, but not for ever.
 */
#include "model/watch/pace.h"

void pace_event(struct pace *p, uint64_t now, uint64_t quiet, uint64_t most) {
        if (!p->pending)
                p->first = now;
        p->pending = true;
        p->due = now + quiet < p->first + most ? now + quiet : p->first + most;
}

void pace_looked(struct pace *p) {
        *p = (struct pace){ 0 };
}

static void turn_page(struct pace_limit *l, uint64_t now) {
        if (l->start != 0 && now - l->start < 60 * PACE_SECOND)
                return;
        l->start = now;
        l->sent = 0;
        l->summed = false;
}

bool pace_allow(struct pace_limit *l, uint64_t now, uint32_t per_minute) {
        turn_page(l, now);
        if (l->sent < per_minute) {
                l->sent++;
                return true;
        }
        l->held++;
        return false;
}

uint32_t pace_summary(struct pace_limit *l, uint64_t now) {
        uint32_t held;

        turn_page(l, now);
        if (l->held == 0 || l->summed)
                return 0;
        held = l->held;
        l->held = 0;
        l->summed = true;
        return held;
}
