/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * follow - which nodes leave a running container and which come in
 *
 * Identities, not wishes: it keeps the cards that its last start gave it, under the names and
 * numbers that they have now. What it has by another way is not touched.
 */
#include "model/idmap/idmap.h"
#include "model/live/given.h"
#include "model/live/held.h"

enum follow_kind {
        FOLLOW_REVOKE, /* the node at @path, of @number, leaves */
        FOLLOW_GIVE,   /* the node @number comes in at @path */
};

struct follow_step {
        enum follow_kind kind;
        const char *path;     /* inside */
        struct devnum number;
        const char *gpu;      /* address, "-": shared; of REVOKE whose the number is now */
        bool bound;           /* GIVE: the host's node at @source is mounted; else one is made: */
        const char *source;
        uint32_t mode;        /* GIVE */
        int64_t uid, gid;     /* GIVE: as the container counts them; -1: nobody */

        bool done;            /* set by who carries it out, or it was before, and not recorded */
        const char *why;      /* not done: why; NULL: it was not come to */
};

struct follow_input {
        const struct facts *facts;
        const struct record *record;
        const struct held *held; /* looked at just now */
        struct gpu_list gpus;    /* of the record, where they are now */
        const struct node *const *shared; /* nodes that GPUs share and that the container shall have */
        size_t n_shared;
        const struct idmap *gids; /* in force inside */
        /* whether udev has given @n its group; a node that has none yet comes later */
        bool (*is_ready)(void *user, const struct node *n);
        void *user;
        bool revoke_only; /* running = revoke */
};

struct follow {
        struct follow_step *steps; /* all that leave first */
        size_t n;
        bool wait; /* for udev */
};

/**
 * follow_plan() - what is to be done
 * @a:   arena of the result
 * @ret: no step where all is right
 *
 * A node is wrong that stands where the record has one, or has a number that the record has, and
 * is not the recorded card's. Right is one with the number of the card's node, alive, with the
 * group that it had. Where the host's group of a bound node has another number now, which the
 * container's id map, that cannot change while it runs, does not have, one of its own is made.
 */
void follow_plan(struct arena *a, const struct follow_input *in, struct follow *ret);

/**
 * follow_record() - the record as it is with the steps that are done
 *
 * A node that left stays in it, without a number: its owner and mode are to be known when its card
 * is back.
 */
struct record follow_record(struct arena *a, const struct follow_input *in, const struct follow *f);

/** follow_learn() - keep in @r how the nodes look that were never looked at; whether it changed */
bool follow_learn(const struct held *h, struct record *r);
