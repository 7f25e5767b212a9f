/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * planner - a plan while it is made
 */
#include "model/plan/plan.h"

struct planner {
        struct arena *a;
        const struct plan_input *in;
        struct findings *f;
        struct plan *p;
};

/** planner_miss() - @what is wanted and is not there now */
void planner_miss(struct planner *x, const char *what);
