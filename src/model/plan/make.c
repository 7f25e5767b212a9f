/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * make - the steps of a plan
 */
#include "model/plan/make.h"

#include "model/plan/choose/choose.h"
#include "model/plan/gids.h"
#include "model/plan/holes.h"
#include "model/plan/hook.h"
#include "model/plan/nodes.h"

void plan_make(struct arena *a, const struct plan_input *in, struct findings *f, struct plan *ret) {
        struct plan p = { .userns = in->survey->userns };
        struct planner x = { a, in, f, &p };

        choose_gpus(a, in, f, &p.choice);
        if (p.choice.missing)
                planner_miss(&x, p.choice.missing);
        nodes_find(&x);
        hook_plan(&x);
        if (in->survey->there.as_dev && in->survey->there.as_mount)
                finding_add(f, (struct finding){ .code = FINDING_METHOD_MIXED,
                                                 .what = input_form(in) == METHOD_DEV
                                                                 ? "devN"
                                                                 : "lxc.mount.entry",
                                                 .where = in->name });
        gids_find(&x);
        holes_find(&x);
        holes_check(&x);
        *ret = p;
}
