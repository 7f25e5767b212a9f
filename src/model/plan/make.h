/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * make - one function from facts, policy and the container's present file to nodes and id map;
 * hook, CLI and daemon all call it
 */
#include "model/plan/plan.h"

/**
 * plan_make() - decide what the container shall have
 * @a:   arena of the result
 * @in:  all inputs; must live as long as the plan
 * @f:   gets what the operator should know
 * @ret: the plan
 */
void plan_make(struct arena *a, const struct plan_input *in, struct findings *f, struct plan *ret);
