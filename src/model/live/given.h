/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * given - what a container was given at its last start, and where these cards are now
 */
#include "model/gpu/gpu-list.h"
#include "model/identity/host-memory.h"
#include "model/policy/policy.h"

struct record_node {
        const char *path;     /* inside */
        struct devnum number; /* then */
        const char *gpu;      /* address, "-" for a node that GPUs share */
        bool seen;            /* it was looked at in the container since, and: */
        bool bound;           /* it is the host's node; else one of the container's own */
        uint32_t mode;        /* permission bits */
        int64_t uid, gid;     /* as the container counts them; -1: not in its id map */
};

/** struct record - also of what was wanted and was not there */
struct record {
        struct record_node *nodes;
        size_t n_nodes;
        struct card *cards; /* none: a record of an older version, which has addresses only */
        size_t n_cards;
        uint32_t kinds;            /* NODE_BIT()s that it was to have of each card */
        enum method form;          /* of a node that it did not get then */
        uint32_t gids[GID_GROUPS]; /* the container's own */
};

/**
 * card_is_recorded() - whether a card of this boot is the recorded one
 *
 * Within one boot a card stays in its port, so the port tells where no serial number does.
 */
bool card_is_recorded(const struct card *recorded, const struct card *now);

/**
 * given_gpus() - the GPUs of this host that are the recorded cards
 */
void given_gpus(struct arena *a, const struct facts *f, const struct record *r,
                struct gpu_list *ret);

/** record_text() - as the text that record_parse() reads */
struct bytes record_text(struct arena *a, const struct record *r);

/** record_parse() - read the text back; lines that are none are left out */
void record_parse(struct arena *a, struct bytes text, struct record *ret);
