/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * anchor-doctor - gather what the checks of doctor need to know
 *
 * The verdicts are made in src/model/doctor-*.c. Nothing is written and no lock is taken;
 * what only root can read is asked for and, when refused, told as skipped.
 */
#include "anchor-doctor.h"

#include "anchor-status.h"
#include "host/probe.h"
#include "render/inventory.h"

static void look_at_nodes(struct doctor *d) {
        struct inventory inv = { .facts = &d->facts, .problems = { .arena = d->arena } };

        inventory_check(&inv);
        for (size_t i = 0; i < inv.problems.n; i++)
                doctor_add(&d->report, (struct doctor_item){ .check = DOCTOR_NODE,
                                                             .verdict = DOCTOR_FAILED,
                                                             .finding = &inv.problems.items[i] });
}

static void look_at_host(struct doctor *d) {
        struct doctor_report *r = &d->report;

        if (d->facts.n_gpus == 0)
                doctor_add(r, (struct doctor_item){ .check = DOCTOR_GPU,
                                                    .verdict = DOCTOR_FAILED,
                                                    .evidence = "this host has no GPU" });
        for (size_t i = 0; i < d->facts.n_gpus; i++)
                doctor_add(r, (struct doctor_item){
                                      .check = DOCTOR_GPU,
                                      .verdict = DOCTOR_OK,
                                      .subject = d->facts.gpus[i].address,
                                      .evidence = gpu_describe(d->arena, &d->facts.gpus[i]) });
        look_at_nodes(d);
}

int anchor_doctor(struct arena *a, const char *root, uint32_t vmid, struct doctor *ret) {
        struct doctor *d = ret;
        int r;

        *d = (struct doctor){ .arena = a, .root = root, .vmid = vmid, .report = { .arena = a } };
        r = probe_facts(a, root, &d->facts);
        if (r < 0)
                return r;
        d->node = pve_node(a, root);
        if (vmid) {
                r = anchor_check_with(a, root, vmid, &d->facts, &d->check);
                if (r != 0)
                        return r;
                d->running = anchor_runs(a, root, vmid);
        }
        look_at_host(d);
        if (vmid)
                anchor_doctor_inside(d);
        return 0;
}
