/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * preview - is this policy good for this container, before anything is written?
 *
 * The same functions in the same order as anchor_check(), with the container's
 * policy from memory instead of from its file.
 */
#include "cli/enrol/preview.h"

#include "anchor/judge.h"
#include "model/policy/memory.h"
#include "pve/mapping.h"

static void load_policy(struct check *k, struct bytes next) {
        struct settings s;
        struct findings host;

        anchor_policy(k->anchor, 0, &s);
        host = s.problems;
        s.problems = (struct findings){ .arena = k->arena };
        s.policy.present = true;
        s.policy.broken =
                false; /* a host default in doubt: the container's own gpu may settle it */
        settings_parse(&s, SETTINGS_CONTAINER, settings_name(k->arena, k->guest.vmid), next);
        s.policy.broken |= s.policy.doubt != NULL;
        k->policy = s.policy;
        k->findings = s.problems;
        for (size_t i = 0; i < host.n; i++)
                if (k->policy.doubt || host.items[i].code != FINDING_POLICY_BROKEN)
                        finding_add(&k->findings, host.items[i]);
        mapping_resolve(&k->anchor->pve, &k->policy);
}

/* The pin, and the container's gids as its lines tell them. */
static struct bytes remember(struct check *k, struct bytes next) {
        struct policy p = k->policy;
        bool repin = k->plan.choice.repin;

        if (repin)
                policy_set_pin(k->arena, &p, &k->plan.choice.pin);
        for (int i = 0; k->plan.userns && i < GID_GROUPS; i++)
                if (p.gid[i].set < 0 && k->plan.gids[i].known)
                        p.gid[i].known = k->plan.gids[i].inside;
        return policy_remember(k->arena, next, repin ? k->anchor->pve.node : NULL, &p);
}

int preview_make(struct anchor *an, const struct guest *g, struct bytes next, struct check *ret) {
        struct check *k = ret;
        struct drift unused;
        int r;

        *k = (struct check){
                .anchor = an,
                .arena = an->pve.arena,
                .guest = *g,
                .findings = { .arena = an->pve.arena },
                .new_policy = next,
                .new_conf = g->conf,
                .new_config = g->config,
        };
        if (!an->pve.node)
                return GUEST_E_NOT_MOUNTED;
        load_policy(k, next);
        r = anchor_facts(an);
        if (r < 0)
                return r;
        if (k->policy.broken) {
                k->left_alone = true;
                return 0;
        }
        r = anchor_plan(k, &unused);
        if (r == 0 && !k->left_alone)
                k->new_policy = remember(k, next);
        return r;
}
