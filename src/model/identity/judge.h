/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * judge - where a card is after one change of the host
 */
#include "model/identity/history.h"

enum track_result {
        TRACK_HERE,     /* where it was */
        TRACK_MOVED,    /* at another port */
        TRACK_REPLACED, /* another card in its place, which this host had never seen */
        TRACK_MISSING,
        TRACK_AMBIGUOUS, /* equal cards may have changed places */
        TRACK_CONFLICT,  /* pins of different cards lead to one card */
};

/** struct place - where a pin's card is in one set */
struct place {
        enum track_result state; /* HERE, MISSING or AMBIGUOUS */
        struct card card;        /* as it was seen last; the port that it is expected at */
        bool moved, replaced;
};

/** struct step - the equal cards of one model before and after a change */
struct step {
        struct card_set before, after;
        const struct history *history;
        uint32_t number; /* of the set after it */
        bool partial;    /* not all pins or sets are known: the rows that need them say nothing */
};

/** struct judged - what a step says of a pin */
struct judged {
        struct place place;
        bool if_free; /* @place, unless @claimed is somebody else's: then @otherwise */
        struct card claimed;
        enum track_result otherwise;
};

/**
 * step_judge() - what becomes of @p in step @s
 * @s: its sets hold cards of this model alone
 */
struct judged step_judge(const struct step *s, const struct place *p);

/** place_lost() - @p, with the card known no more: @state is MISSING or AMBIGUOUS */
struct place place_lost(const struct place *p, enum track_result state);
