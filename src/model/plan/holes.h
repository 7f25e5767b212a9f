/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * holes - the id map that joins the container's gids to the host's
 */
#include "model/plan/plan.h"

/**
 * holes_find() - fill pairs and map of the plan: every hole that bound nodes need, old ones healed
 *
 * The plan is failed, with a finding, when the result cannot be proved.
 */
void holes_find(struct planner *x);

/** holes_check() - report ranges of the new map that root may not map: with them no start succeeds */
void holes_check(struct planner *x);

/** holes_kinds() - NODE_BIT()s that the holes of a file are for: video's is 44 for ever, render's a system gid */
uint32_t holes_kinds(const struct plan_input *in);
