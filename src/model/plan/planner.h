/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * planner - a plan while it is made
 */
#include "model/plan/plan.h"

#define FIRST_USER_GID 1000 /* Debian: below are system groups, where render is */
#define DEBIAN_VIDEO_GID 44 /* static in Debian and Ubuntu, base-passwd */
#define LAST_STATIC_GID 100 /* "users"; render is allocated behind it */

struct planner {
        struct arena *a;
        const struct plan_input *in;
        struct findings *f;
        struct plan *p;
};

/** planner_miss() - @what is wanted and is not there now */
void planner_miss(struct planner *x, const char *what);
