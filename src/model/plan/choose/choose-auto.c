/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * choose-auto - the first choice, which makes a pin
 */
#include "model/plan/choose/choose-auto.h"

#include "model/finding/reason.h"
#include "model/plan/choose/pin.h"

/* Whether nothing but an NPU is meant, which has no render node. */
static bool only_accel(const struct plan_input *in) {
        uint32_t kinds = in->policy->devices_set ? in->policy->devices
                         : in->survey->given     ? in->survey->given
                                                 : in->survey->allowed;

        return kinds == NODE_BIT(NODE_ACCEL);
}

static struct gpu_list accels(struct chooser *x) {
        struct gpu_list accels = { 0 };

        for (size_t i = 0; i < x->in->facts->n_gpus; i++)
                if (gpu_node(&x->in->facts->gpus[i], NODE_ACCEL))
                        gpu_list_add(x->a, &accels, &x->in->facts->gpus[i]);
        return accels;
}

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

void choose_auto(struct chooser *x) {
        const struct plan_input *in = x->in;
        bool other_node = in->policy->n_pins > 0, accel = only_accel(in);
        struct gpu_list usable = accel ? accels(x) : chooser_usable(x), named = { 0 };
        const char *missing = x->c->missing; /* by other selectors */

        if (!other_node)
                named.n = survey_named_gpus(x->a, in->facts, in->survey, &named.items);
        if (!other_node)
                add_hooked(x, &named);
        if (named.n > 0) {
                for (size_t i = 0; i < named.n; i++)
                        chooser_take(x, named.items[i]);
        } else if (x->c->missing != missing) {
                ;
        } else if (other_node && pin_choose_alike(x, &in->policy->pins[0])) {
                ;
        } else if (usable.n == 1) {
                chooser_take(x, usable.items[0]);
        } else if (usable.n == 0) {
                chooser_miss(x, "auto", accel ? WHY_NONE_ACCEL : WHY_NONE_RENDER);
        } else {
                const char *why = other_node ? WHY_OTHER_NODE : WHY_LINES_DO_NOT_TELL;

                chooser_ambiguous(x, why, "a GPU", &usable);
        }
}
