/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * anchor-usage - every container and virtual machine of this node, asked for its GPUs
 *
 * A managed container is asked through the check that its start makes; of any
 * other one the lines are believed as they stand.
 */
#include "anchor/usage.h"

#include "anchor/check.h"
#include "pve/vm.h"

#include <errno.h>

struct looking {
        struct arena *arena; /* of the result */
        const char *root;
        const struct facts *facts;
        struct host_view view;
        struct usage *usage;
};

static void add_lines(struct looking *l, struct arena *scratch, const struct guest *g) {
        struct pctconf conf;
        struct survey s;

        pctconf_parse(scratch, PCTCONF_PVE, g->conf, &conf);
        survey_make(scratch, l->facts, &conf, &s);
        usage_add_lines(l->arena, l->facts, g->vmid, &s, l->usage);
}

static void add_container(struct looking *l, uint32_t vmid) {
        _cleanup_arena_ struct arena scratch = { 0 };
        struct check c;
        int r;

        if (guest_is_managed(&scratch, l->root, vmid)) {
                r = anchor_check_with(&scratch, l->root, vmid, &l->view, &c);
                if (r == 0 && !c.policy.broken)
                        usage_add_policy(l->arena, l->facts, vmid, &c.policy, l->view.node,
                                         &c.plan.choice, l->usage);
                else if (r == 0)
                        add_lines(l, &scratch, &c.guest);
        } else {
                r = guest_load(&scratch, l->root, vmid, &c.guest);
                if (r == 0)
                        add_lines(l, &scratch, &c.guest);
        }
        l->usage->partial |= r < 0;
}

static void add_vm(struct looking *l, uint32_t vmid) {
        struct hostpci *lines = NULL;
        size_t n = 0;
        int r = vm_hostpci(l->arena, l->root, l->view.node, vmid, &lines, &n);

        for (size_t i = 0; r == 0 && i < n; i++)
                usage_add_vm(l->arena, l->facts, vmid, &lines[i], l->usage);
        l->usage->partial |= r < 0 && r != -ENOENT; /* gone since the folder was read */
}

void anchor_usage(struct arena *a, const char *root, const struct facts *facts, struct usage *ret) {
        struct looking l = { .arena = a, .root = root, .facts = facts, .usage = ret };
        uint32_t *vmids = NULL;
        size_t n = 0;

        *ret = (struct usage){ 0 };
        anchor_view(a, root, facts, &l.view);
        if (!l.view.node)
                return;
        ret->partial |= guest_list(a, root, &vmids, &n) < 0;
        for (size_t i = 0; i < n; i++)
                add_container(&l, vmids[i]);
        vmids = NULL;
        n = 0;
        ret->partial |= vm_list(a, root, &vmids, &n) < 0;
        for (size_t i = 0; i < n; i++)
                add_vm(&l, vmids[i]);
}
