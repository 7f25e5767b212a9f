/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * chooser - a choice while it is made
 */
#include "model/finding/finding.h"
#include "model/plan/choose/choice.h"
#include "model/plan/choose/input.h"

struct chooser {
        struct arena *a;
        const struct plan_input *in;
        struct findings *f;
        struct choice *c;
};

/** chooser_take() - @g is chosen, once, in the order of addresses */
void chooser_take(struct chooser *x, const struct gpu *g);

/** chooser_take_or_held() - take @g unless it has nothing to give; @wanted_as names it then */
void chooser_take_or_held(struct chooser *x, const struct gpu *g, const char *wanted_as);

/** chooser_lack() - what @what stands for is wanted and not given; a finding says why */
void chooser_lack(struct chooser *x, const char *what);

/** chooser_miss() - the GPU at @address, wanted because of @what, is not there */
void chooser_miss(struct chooser *x, const char *address, const char *what);

/** chooser_ambiguous() - more than one reading is left: say which, take none */
void chooser_ambiguous(struct chooser *x, const char *why, const char *what,
                       const struct gpu_list *of);

/**
 * chooser_undecided() - nothing is pinned and the lines do not say which GPU is meant
 * @of: the choices
 */
void chooser_undecided(struct chooser *x, const struct ambiguity *of);

/** chooser_beside() - what a selector @other has to be written as, so that @gpus stay chosen, too */
const char *chooser_beside(struct arena *a, const struct gpu_list *gpus, const char *other);

/** chooser_usable() - the GPUs with a render node */
struct gpu_list chooser_usable(struct chooser *x);
