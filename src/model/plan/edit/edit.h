/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * edit - from a plan to the edits of both files
 *
 * Compares what a plan wants with the lines that are there and changes as
 * little as possible: a right line stays byte for byte, a stale one is
 * corrected in its place, what is left over goes, what is missing comes behind
 * its like.
 */
#include "model/plan/edit/editor.h"

/** struct edit - a plan, and the files that shall follow it */
struct edit {
        const struct plan_input *in; /* of the plan */
        const struct plan *plan;     /* not failed */
        struct pctconf *conf;   /* the container file, the same model that @in->conf points to */
        struct pctconf *config; /* the generated configuration, NULL when there is none */
        const struct survey *config_survey; /* of @config */
};

/**
 * edit_apply() - edit the container file and the generated configuration
 * @a:   arena
 * @e:   what to edit
 * @f:   gets one finding per line changed, added or removed, and the reasons
 * @ret: what to remember
 *
 * Both files say the same afterwards; applying twice changes nothing the second time.
 */
void edit_apply(struct arena *a, const struct edit *e, struct findings *f,
                struct edit_memory *ret);
