/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * track - where the cards that pins remember are now
 *
 * All pins of a cluster node are judged together, over all equal cards. A pin's card is
 * followed from the set of cards in which it was seen last through every later one
 * (model/identity/history.h): by its serial number, else by its port as long as cards only came
 * or only went. Where equal cards may have changed places and neither tells, the answer is
 * none, and stays none until a serial number tells or the owner chooses again.
 */
#include "model/identity/judge.h"

/** struct pinned - what a pin remembers of one card */
struct pinned {
        uint32_t owner;          /* VMID of the container */
        struct card card;        /* as it was when it was pinned, or last confirmed */
        struct card *neighbours; /* the other equal cards of that moment */
        size_t n_neighbours;
        const char *history; /* id of the history, and the number of the set; NULL: not known */
        uint32_t set;
        enum track_result state; /* HERE, MISSING or AMBIGUOUS in that set */
};

struct track {
        enum track_result result;
        const struct card *card; /* of the newest set; NULL when none is the answer */
        struct pinned next;      /* what to remember, so that the next judgement begins here */
};

/** struct tracking - one judgement over all pins of a node */
struct tracking {
        struct arena *arena;
        const struct history *history; /* advanced with what is here now */
        const struct pinned *pins;
        size_t n_pins;
        bool partial; /* not all pins of the node or the history could be read */
        /* whether a virtual machine of this node has the card; NULL: there is none */
        bool (*is_taken)(void *user, const struct card *c);
        void *user;
};

/**
 * track_pins() - judge them
 * @ret: one answer for each of @t->pins
 */
void track_pins(const struct tracking *t, struct track *ret);
