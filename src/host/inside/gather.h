/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* inside-probe - look into a running container */
#include "model/guest/inside-facts.h"

/** struct inside_want - a node that the container should have */
struct inside_want {
        const char *path;
        enum node_kind kind;
        struct devnum number;
};

struct inside_request {
        uint32_t vmid;
        unsigned pid; /* of its init */
        const struct inside_want *wants;
        size_t n_wants;
        uint32_t expected_gid[GID_GROUPS];    /* container gids by plan */
        const char **units;                   /* services to ask about, those of the policy first */
        size_t n_units, n_named;
};

/**
 * inside_probe() - gather all that can be known
 * @a:   arena of the result
 * @q:   what to look for
 * @ret: facts; what could not be found out says so
 *
 * Needs root. Runs programs of the container (vulkaninfo, vainfo, systemctl, journalctl),
 * each with a time limit: at worst, with all of them hanging, it takes a minute.
 *
 * Return: 0, negative errno when the container went away.
 */
int inside_probe(struct arena *a, const struct inside_request *q, struct inside_facts *ret);
