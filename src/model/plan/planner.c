/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * planner - what a plan lacks
 */
#include "model/plan/planner.h"

void planner_miss(struct planner *x, const char *what) {
        x->p->incomplete = true;
        x->p->missing = missing_add(x->a, x->p->missing, what);
}
