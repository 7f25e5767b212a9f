/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * start-stage - what a look and a start do, in memory
 *
 * Container file, policy and what the host remembers are texts, read and written each time as
 * src/anchor does it with files.
 */
#include "model/plan/plan.h"

#define STAGE_NODE "pve1"

struct stage_container {
        uint32_t vmid;
        struct bytes conf, policy;
        struct findings said;     /* of the last start */
        enum track_result result; /* of the last start; one GPU is pinned */
};

struct stage {
        struct facts facts;
        const char *id;           /* of a history that begins */
        struct bytes cards, pins, sightings; /* texts; empty: none */
        struct stage_container **containers;
        size_t n_containers;
};

/** stage_look() - root's look: cards are remembered and pins followed; @forget: old sets go then */
void stage_look(struct arena *a, struct stage *s, bool forget);

/** stage_see() - root's look at @c, which no start has managed yet: what its lines name today */
void stage_see(struct arena *a, struct stage *s, struct stage_container *c);

/** stage_start() - the hook's start of @c */
void stage_start(struct arena *a, struct stage *s, struct stage_container *c);

/** stage_disable() - @c has no policy any more, and the host forgets its pins */
void stage_disable(struct arena *a, struct stage *s, struct stage_container *c);
