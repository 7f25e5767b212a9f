/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* all - every container that has GPU lines and no one who keeps them right */
#include "cli/enrol/all.h"

#include "anchor/check.h"
#include "cli/hwdb.h"
#include "cli/output.h"
#include "cli/precondition.h"

/* Whether @vmid has lines of a GPU and nobody who keeps them right. */
static bool is_to_enable(struct cli *c, uint32_t vmid, bool *ret_asks) {
        struct check k;
        bool found = false;

        if (guest_is_managed(&c->host.pve, vmid) || anchor_check(&c->host, vmid, NULL, &k) != 0 ||
            guest_is_template(&k.guest))
                return false;
        for (size_t i = 0; i < k.survey.n_lines; i++)
                found |= k.survey.lines[i].type == DEVLINE_MOUNT ||
                         k.survey.lines[i].type == DEVLINE_DEV;
        *ret_asks = !choice_is_settled(&k.plan.choice) && k.plan.choice.ambiguity.gpus.n > 0;
        return found;
}

/** struct tally - what would become of the containers */
struct tally {
        size_t found, ready, asks;
};

/* Whether settings were given, too, which the command has to repeat. */
static bool has_settings(const struct cli *c) {
        const unsigned plain = OPT_EVERYWHERE | OPT_BIT(OPT_ALL) | OPT_BIT(OPT_DRY_RUN);

        for (int i = 0; i < OPTS; i++)
                if (c->opt[i] && !(plain & OPT_BIT(i)))
                        return true;
        return false;
}

static void say_tally(struct cli *c, const struct tally *t) {
        size_t refused = t->found - t->ready - t->asks;

        cli_say(c, MSG_ENABLE_ALL_WOULD, t->ready, t->found, t->found == 1 ? "" : "s",
                t->asks > 0 ? arena_printf(&c->arena, MSG_ENABLE_ALL_ASKS, t->asks,
                                           t->asks == 1 ? "s" : "ve")
                            : "",
                refused > 0 ? arena_printf(&c->arena, MSG_ENABLE_ALL_REFUSED, refused) : "",
                t->ready == 0      ? ""
                : has_settings(c) ? MSG_ENABLE_ALL_SAME
                                   : MSG_ENABLE_ALL_DO);
}

int enable_all(struct cli *c, int (*enable_one)(struct cli *c, uint32_t vmid)) {
        uint32_t *vmids = NULL;
        size_t n = 0;
        struct tally t = { 0 };
        bool asks = false;
        int r = guest_list(&c->host.pve, &vmids, &n), status = EXIT_DONE;

        if (r != 0)
                return target_problem(c, 0, r);
        for (size_t i = 0; i < n; i++) {
                c->host = host_open(&c->arena, c->root);
                if (!is_to_enable(c, vmids[i], &asks))
                        continue;
                t.found++;
                r = enable_one(c, vmids[i]);
                if (r != EXIT_DONE)
                        status = EXIT_ATTENTION;
                t.ready += r != EXIT_TROUBLE;
                t.asks += r == EXIT_TROUBLE && asks;
        }
        if (t.found == 0)
                cli_say(c, MSG_ENABLE_ALL_NONE);
        else if (c->opt[OPT_DRY_RUN])
                say_tally(c, &t);
        return status;
}
