/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * gids - the container's side of video and render
 */
#include "model/plan/plan.h"

/** gids_find() - fill gids, map_now, has_map, map_broken of the plan from policy, lines, memory */
void gids_find(struct planner *x);

/**
 * gids_is_taken() - whether a container gid is a group of the host already
 *
 * By a hole, or as one of several ids that lead to the host's own. It is not known what for, unless
 * the plan knows the hole as one of video or render.
 */
bool gids_is_taken(const struct idmap *map, uint32_t inside);

/** gids_lines_take() - the same by the id map lines of a container file */
bool gids_lines_take(struct arena *a, const struct pctconf *conf, uint32_t inside);
