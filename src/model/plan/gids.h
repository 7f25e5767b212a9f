/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * gids - the container's side of video and render
 */
#include "model/plan/planner.h"

/** gids_find() - fill gids, map_now, has_map, map_broken of the plan from policy, lines, memory */
void gids_find(struct planner *x);
