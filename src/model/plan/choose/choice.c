/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * choice - what a choice has come to
 */
#include "model/plan/choose/choice.h"

bool choice_is_settled(const struct choice *c) {
        return c->gpus.n > 0 && !c->missing && !c->undecided;
}

const char *missing_add(struct arena *a, const char *missing, const char *what) {
        return missing ? arena_printf(a, "%s, %s", missing, what) : what;
}
