/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * pace - when to look, and how much to say
 *
 * Clocks are given, never read; all times are microseconds of one clock that
 * does not go back.
 */
#include "base/bytes.h"

#define PACE_SECOND UINT64_C(1000000)

/** struct pace - events that came, and the look that they ask for; zero is: none came */
struct pace {
        bool pending;
        uint64_t first; /* event since the last look */
        uint64_t due;   /* when to look */
};

/**
 * pace_event() - something happened at @now
 * @quiet: look when nothing happened for so long
 * @most:  ... but not later than this after the first event
 */
void pace_event(struct pace *p, uint64_t now, uint64_t quiet, uint64_t most);

/** pace_looked() - a look begins: what comes from now on asks for another one */
void pace_looked(struct pace *p);

/** struct pace_limit - messages of the present minute; zero is: none sent yet */
struct pace_limit {
        uint64_t start;
        uint32_t sent;
        uint32_t held; /* not sent, and not counted in a summary yet */
        bool summed;   /* the summary of this minute was sent */
};

/** pace_allow() - whether a message may go out at @now; else it is counted as held back */
bool pace_allow(struct pace_limit *l, uint64_t now, uint32_t per_minute);

/** pace_summary() - how many held messages a summary is to name now, 0: send none */
uint32_t pace_summary(struct pace_limit *l, uint64_t now);
