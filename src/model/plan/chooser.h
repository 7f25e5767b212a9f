/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * choose-chooser - a choice while it is made, for choose's own files
 */
#include "model/plan/choose.h"

struct chooser {
        struct arena *a;
        const struct facts *facts;
        struct findings *f;
        struct choice *c;
};

/** chooser_take() - @g is chosen, once, in the order of addresses */
void chooser_take(struct chooser *x, const struct gpu *g);

/** chooser_take_or_held() - take @g unless it has nothing to give; @wanted_as names it then */
void chooser_take_or_held(struct chooser *x, const struct gpu *g, const char *wanted_as);

/** chooser_miss() - the GPU at @address, wanted because of @what, is not there */
void chooser_miss(struct chooser *x, const char *address, const char *what);

/** chooser_ambiguous() - more than one reading is left: say which, take none */
void chooser_ambiguous(struct chooser *x, const char *why, const char *what,
                       const struct gpu_list *of);

/** chooser_usable() - the GPUs with a render node */
struct gpu_list chooser_usable(struct chooser *x);

/** choose_auto() - `gpu = auto`: by the pin, or for the first time */
void choose_auto(struct chooser *x, const struct policy *p, const char *node,
                 const struct survey *s);

/** choose_twins() - remember with a new pin which GPUs of the same ids are here and not meant */
void choose_twins(struct chooser *x);
