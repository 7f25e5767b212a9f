/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * preview - is this policy good for this container, before anything is written?
 *
 * The same functions in the same order as anchor_check(), with the container's
 * policy from memory instead of from its file.
 */
#include "cli/enrol/preview.h"

#include "anchor/judge.h"
#include "host/probe/probe.h"
#include "model/policy/memory.h"
#include "pve/mapping.h"
#include "pve/settings.h"

static int load_policy(struct arena *a, const char *root, struct check *k, struct bytes next) {
        struct findings host = { .arena = a };
        uint32_t vmid = k->guest.vmid;
        int r;

        r = settings_load(a, root, 0, &k->policy, &host);
        if (r < 0)
                return r;
        k->policy.present = true;
        k->policy.broken =
                false; /* a host default in doubt: the container's own gpu may settle it */
        settings_parse(a, next, SETTINGS_CONTAINER, settings_path(a, "", vmid), &k->policy,
                       &k->findings);
        k->policy.broken |= k->policy.doubt != NULL;
        for (size_t i = 0; i < host.n; i++)
                if (k->policy.doubt || host.items[i].code != FINDING_POLICY_BROKEN)
                        finding_add(&k->findings, host.items[i]);
        mapping_resolve(a, root, k->node, &k->policy);
        return 0;
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
        return policy_remember(k->arena, next, repin ? k->node : NULL, &p);
}

int preview_make(struct arena *a, const char *root, const struct guest *g, struct bytes file,
                 struct bytes next, struct check *ret) {
        struct check *k = ret;
        struct drift unused;
        int r;

        *k = (struct check){
                .arena = a,
                .root = root,
                .node = pve_node(a, root),
                .guest = *g,
                .findings = { .arena = a },
                .new_policy = next,
                .new_conf = g->conf,
                .new_config = g->config,
        };
        if (!k->node)
                return GUEST_E_NOT_MOUNTED;
        r = load_policy(a, root, k, next);
        k->policy.file = file;
        if (r == 0)
                r = probe_facts(a, root, &k->facts);
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
