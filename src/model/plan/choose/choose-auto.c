/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * choose-auto - the first choice, which makes a pin
 */
#include "model/plan/choose/choose-auto.h"

#include "model/finding/reason.h"
#include "model/plan/choose/choose-accel.h"
#include "model/plan/choose/evidence.h"
#include "model/plan/choose/pin.h"

/* What NVIDIA's hook is told to give, beside what the lines name. */
static void add_hooked(struct chooser *x, struct gpu_list *named) {
        const char *unknown;
        struct gpu_list gpus = nvidia_hook_gpus(x->a, x->in->facts,
                                                &x->in->survey->nvidia_hook, &unknown);

        for (size_t i = 0; i < gpus.n; i++)
                gpu_list_add(x->a, named, gpus.items[i]);
        if (unknown)
                chooser_miss(x, unknown, WHY_BY_HOOK);
}

/* Which of several the lines mean is only worth asking them when they can be believed. */
static void take_named(struct chooser *x, const struct gpu_list *named,
                       const struct gpu_list *usable) {
        struct ambiguity of = { .gpus = *usable };
        bool against = false;

        if (x->in->sightings && usable->n > 1)
                of.why = evidence_doubt(x, named, &against);
        for (size_t i = 0; i < named->n && !against; i++)
                chooser_take(x, named->items[i]);
        if (!of.why)
                return;
        for (size_t i = 0; i < named->n; i++)
                gpu_list_add(x->a, &of.gpus, named->items[i]);
        of.all = evidence_all(x->in, named, usable);
        chooser_undecided(x, &of);
}

/* Why the lines do not tell: they name several GPUs, all of them, what is not there, or none. */
static const char *why_not_told(struct chooser *x) {
        const struct survey *s = x->in->survey;
        const char *wide = NULL, *gone = NULL;
        struct gpu_list named = { 0 };

        for (size_t i = 1; i < s->n_lines; i++) {
                const struct devline *d = &s->lines[i];
                const struct gpu *g = devline_gpu(x->in->facts, d);

                if (g)
                        gpu_list_add(x->a, &named, g);
                else if (d->type == DEVLINE_WHOLE || devline_is_wide(x->in->facts, d))
                        wide = wide ? wide : bytes_dup(x->a, x->in->conf->lines[i].text);
                else if (d->at && d->at->kind == SOURCE_NOTHING && devline_kinds(x->in->facts, d))
                        gone = gone ? gone : d->source;
        }
        if (named.n > 1)
                return arena_printf(x->a, WHY_LINES_SEVERAL, gpu_list_text(x->a, &named));
        if (wide)
                return arena_printf(x->a, WHY_LINES_WIDE, wide);
        return gone ? arena_printf(x->a, WHY_LINES_GONE, gone) : WHY_LINES_NONE;
}

/* On another node there is a pin, and lines that name another card are not left there. */
static void not_told(struct chooser *x, const struct gpu_list *usable) {
        struct ambiguity of = { .gpus = *usable };

        if (x->in->policy->n_pins > 0) {
                chooser_ambiguous(x, WHY_OTHER_NODE, "a GPU", usable);
                return;
        }
        of.why = why_not_told(x);
        of.all = evidence_all(x->in, &(struct gpu_list){ 0 }, usable);
        chooser_undecided(x, &of);
}

/* With one GPU the lines are not asked how old they are; choose_accel() asks that of accelerators. */
static void drop_accels(struct chooser *x, struct gpu_list *named) {
        struct gpu_list gpus = { 0 };

        for (size_t i = 0; i < named->n; i++)
                if (!gpu_node(named->items[i], NODE_ACCEL))
                        gpu_list_add(x->a, &gpus, named->items[i]);
        *named = gpus;
}

void choose_auto(struct chooser *x) {
        const struct plan_input *in = x->in;
        bool other_node = in->policy->n_pins > 0, accel = accel_is_only_kind(in);
        struct gpu_list usable = accel ? accel_list(x->a, in->facts) : chooser_usable(x),
                        named = { 0 };
        const char *missing = x->c->missing; /* by other selectors */

        if (!other_node)
                named.n = survey_named_gpus(x->a, in->facts, in->survey, &named.items);
        if (!other_node)
                add_hooked(x, &named);
        if (!accel && usable.n == 1 && accel_is_asked(x))
                drop_accels(x, &named);
        if (named.n > 0) {
                take_named(x, &named, &usable);
        } else if (x->c->missing != missing) {
                ;
        } else if (other_node && pin_choose_alike(x, &in->policy->pins[0])) {
                ;
        } else if (usable.n == 1) {
                chooser_take(x, usable.items[0]);
        } else if (usable.n == 0) {
                chooser_miss(x, "auto", accel ? WHY_NONE_ACCEL : WHY_NONE_RENDER);
        } else {
                not_told(x, &usable);
        }
}
