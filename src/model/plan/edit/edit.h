/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * drift - from a plan to the edits of both files
 *
 * Compares what a plan wants with the lines that are there and changes as
 * little as possible: a right line stays byte for byte, a stale one is
 * corrected in its place, what is left over goes, what is missing comes behind
 * its like.
 */
#include "model/plan/plan.h"

struct drift {
        const char **parked; /* lines to remember: taken out because their GPU is away */
        size_t n_parked;
};

/**
 * drift_apply() - edit the container file and the generated configuration
 * @a:      arena
 * @in:     inputs of the plan; @in->conf is what is edited
 * @p:      plan, not failed
 * @conf:   the container file, the same model that @in->conf points to
 * @config: the generated configuration, NULL when there is none
 * @f:      gets one finding per line changed, added or removed, and the reasons
 * @ret:    what has to be remembered
 *
 * Both files say the same afterwards; applying twice changes nothing the second time.
 */
void drift_apply(struct arena *a, const struct plan_input *in, const struct plan *p,
                 struct pctconf *conf, struct pctconf *config, struct findings *f,
                 struct drift *ret);
