/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/plan/plan.h"

/** struct regroup - a container gid that another host gid stands for after a plan */
struct regroup {
        uint32_t inside, before, after;
};

/**
 * regroup_find() - the container gids that a plan maps elsewhere
 * @p: plan, not failed
 *
 * Files on the container's disk keep their host gid, so those of such a gid
 * belong to nobody afterwards. Return: number of gids.
 */
size_t regroup_find(struct arena *a, const struct plan *p, struct regroup **ret);
