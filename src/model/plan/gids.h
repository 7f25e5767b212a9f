/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * gids - the container's side of video and render, and the id map that joins it
 * to the host's
 */
#include "model/plan/plan.h"

/** gids_find() - fill p->gids, p->map_now, p->has_map, p->map_broken from policy, lines, memory */
void gids_find(struct arena *a, const struct plan_input *in, struct findings *f, struct plan *p);

/**
 * gids_map() - fill p->pairs and p->map: every hole that bound nodes need, old ones healed
 *
 * Sets p->failed, with a finding, when the result cannot be proved.
 */
void gids_map(struct arena *a, const struct plan_input *in, struct findings *f, struct plan *p);

/** gids_remember() - the container gids that @policy is to remember of a plan */
void gids_remember(const struct plan *p, struct policy *policy);

/** gids_of_node() - the group whose gid @n has or ought to have */
const struct plan_gid *gids_of_node(const struct plan *p, const struct node *n);
