/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * usage - every container and virtual machine of this node, asked for its GPUs
 *
 * Of a managed container what its start would give it counts, of any other one
 * its lines as they stand.
 */
#include "anchor/usage.h"

#include "anchor/check.h"
#include "pve/vm.h"

#include <errno.h>

static void add_gate(const struct anchor *an, uint32_t vmid, struct usage *u) {
        struct held held;

        if (held_load(&an->pve, vmid, &held) != 0 || held.gate == GATE_UNKNOWN)
                return;
        for (size_t i = 0; i < u->n; i++)
                if (u->users[i].kind == USER_CONTAINER && u->users[i].vmid == vmid)
                        u->users[i].gate = gate_name(held.gate);
}

static void add_one(struct anchor *an, uint32_t vmid, bool ways, struct usage *u) {
        _cleanup_arena_ struct arena scratch = { 0 };
        struct anchor one = anchor_for_one(an, &scratch);
        struct check c;
        int r = anchor_check(&one, vmid, NULL, &c);
        bool managed;

        u->partial |= r < 0;
        if (r != 0)
                return;
        managed = !ways && guest_is_managed(&one.pve, vmid) && !c.policy.broken;
        if (managed)
                usage_add_policy(u, vmid, &c.policy, &c.plan.choice);
        if (managed || ways)
                usage_add_ways(u, vmid, &c.survey);
        else
                usage_add_lines(u, vmid, &c.survey);
        add_gate(&one, vmid, u);
}

void anchor_usage_of(struct anchor *an, uint32_t vmid, struct usage *u) {
        add_one(an, vmid, false, u);
}

void anchor_usage_ways(struct anchor *an, uint32_t vmid, struct usage *u) {
        add_one(an, vmid, true, u);
}

void anchor_usage_of_vm(struct anchor *an, uint32_t vmid, struct usage *u) {
        struct hostpci *lines = NULL;
        size_t n = 0;
        int r = vm_hostpci(&an->pve, vmid, &lines, &n);

        for (size_t i = 0; r == 0 && i < n; i++)
                usage_add_vm(u, vmid, &lines[i]);
        u->partial |= r < 0 && r != -ENOENT; /* gone since the folder was read */
}

void anchor_usage(struct anchor *an, struct usage *ret) {
        uint32_t *vmids = NULL;
        size_t n = 0;

        *ret = (struct usage){ .arena = an->pve.arena, .facts = &an->facts };
        ret->partial = !an->pve.node;
        if (!an->pve.node)
                return;
        ret->partial |= anchor_majors(an) < 0;
        ret->partial |= guest_list(&an->pve, &vmids, &n) < 0;
        for (size_t i = 0; i < n; i++)
                anchor_usage_of(an, vmids[i], ret);
        vmids = NULL;
        n = 0;
        ret->partial |= vm_list(&an->pve, &vmids, &n) < 0;
        for (size_t i = 0; i < n; i++)
                anchor_usage_of_vm(an, vmids[i], ret);
}
