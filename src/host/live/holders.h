/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * holders - who in a running container still has a node of before
 */
#include "host/live/holdings.h"

/** struct holder - a process, by what it is called in the container */
struct holder {
        const char *name;     /* of its program; the container's to choose */
        uint32_t pid;         /* in the container */
        const char *unit;     /* of its systemd: "jellyfin.service"; NULL: none, or an odd name */
        const char *path;     /* inside, of the node */
        struct devnum number;
        bool open;            /* it has the node open; else the node is in a mount namespace of its own */
};

struct holders {
        struct holder *items;
        size_t n; /* at most 16 */
};

/** struct holders_search - what is looked for */
struct holders_search {
        struct devnum *numbers;
        size_t n_numbers;
        struct holdings_search nodes; /* where, in a namespace that is not that of its init */
};

/**
 * holders_find() - processes that have one of these numbers open, or in another mount namespace
 * @ret: filled as they are found
 *
 * For a helper. All processes of the control group are asked, by the host's /proc. One process is
 * named for each namespace, and for each program and node.
 */
void holders_find(const struct inside *in, const struct holders_search *asked, struct holders *ret);
