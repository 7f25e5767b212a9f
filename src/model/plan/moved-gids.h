/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * moved-gids - the container gids that a plan maps elsewhere
 *
 * Files on the container's disk keep their host gid, so those of such a gid
 * have an unmapped group afterwards, nogroup in the container.
 */
#include "model/plan/plan.h"

struct moved_gid {
        uint32_t inside, before, after;
};

/** moved_gids_find() - those of a plan that is not failed; Return: their number */
size_t moved_gids_find(struct arena *a, const struct plan *p, struct moved_gid **ret);
