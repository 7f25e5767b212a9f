/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * plan - what the next start would change, and why
 *
 * Takes no lock and writes nothing: the answer may be old by the time it is
 * read, and the start works it out anew anyway.
 */
#include "anchor/exclusive.h"
#include "anchor/status.h"
#include "cli/plan-output.h"
#include "cli/precondition.h"

static int run(struct cli *c) {
        struct check k;
        uint32_t vmid;
        int r;

        if (!target_vmid(c, &vmid))
                return EXIT_TROUBLE;
        r = anchor_check(&c->host, vmid, NULL, &k);
        if (r != 0)
                return target_problem(c, vmid, r);
        if (!anchor_runs(&c->host, vmid))
                exclusive_judge(&k);
        if (!k.left_alone)
                plan_find_files(&k, false);
        return show_plan(c, &k);
}

const struct verb verb_plan = {
        .name = "plan",
        .args = "VMID",
        .summary = "show what the next start would change, and why",
        .example = "gpuanchor plan 101",
        .about = "Findings with what to do about them, then the differences of the container\n"
                 "file, of the configuration that LXC reads and of the policy file. Changes\n"
                 "nothing.\n",
        .exits = { "nothing would change and nothing is wrong",
                   "something would change, or is to be looked at",
                   "no such container, or it cannot be read" },
        .options = OPT_BIT(OPT_JSON),
        .min_args = 1,
        .max_args = 1,
        .run = run,
};
