/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * cgroup - layer 2, the container's device cgroup
 *
 * Under Proxmox an unprivileged container has "devices.allow = a": its lines open nothing
 * and close nothing, what keeps another GPU out is which nodes are bound. For a privileged
 * one they are the gate.
 */
#include "model/doctor/container.h"

static bool is_chosen(const struct doctor_guest *g, const struct gpu *gpu) {
        const struct gpu_list *chosen = &g->plan->choice.gpus;

        return chosen->n == 0 || gpu_list_has(chosen, gpu);
}

static const struct node *covered_node(const struct facts *f, const struct devline *d,
                                       const struct gpu **ret_gpu) {
        *ret_gpu = NULL;
        for (size_t i = 0; i < f->n_gpus; i++)
                for (size_t j = 0; j < f->gpus[i].n_nodes; j++)
                        if (devline_covers(d, &f->gpus[i].nodes[j])) {
                                *ret_gpu = &f->gpus[i];
                                return &f->gpus[i].nodes[j];
                        }
        for (size_t i = 0; i < f->n_shared; i++)
                if (devline_covers(d, &f->shared[i]))
                        return &f->shared[i];
        return NULL;
}

static void check_rule(struct doctor_report *r, const struct doctor_guest *g, size_t line) {
        const struct devline *d = &g->survey->lines[line];
        struct bytes value = g->conf->lines[line].value;
        struct arena *a = r->arena;
        const char *text = arena_strndup(a, value.data, value.len), *what;
        const struct gpu *gpu;
        const struct node *n = covered_node(g->facts, d, &gpu);
        struct doctor_item item = { .check = DOCTOR_DEVICE_LINE,
                                    .subject = doctor_where(a, g, line) };
        bool gate = !g->plan->userns;

        if (d->any_major || devline_is_wide(g->facts, d)) {
                what = "opens every GPU of the host";
                item.verdict = gate ? DOCTOR_WARNING : DOCTOR_OK;
        } else if (!n) {
                what = "is the number of no device of this host";
                item.verdict = DOCTOR_WARNING;
        } else if (gpu && !is_chosen(g, gpu)) {
                what = arena_printf(a, "is %s of another GPU, %s", n->path, gpu->address);
                item.verdict = gate ? DOCTOR_WARNING : DOCTOR_OK;
        } else {
                what = n->path;
        }
        if (gate && d->legacy) {
                what = "is cgroup v1's spelling, which cgroup v2 does not read";
                item.verdict = DOCTOR_WARNING;
        }
        item.evidence = arena_printf(a, "%s: %s", text, what);
        if (d->any_major && item.verdict != DOCTOR_OK) /* no GPU's line, so not gpuanchor's */
                item.mend =
                        arena_printf(a, "sed -i '%zud' %s", g->conf->lines[line].number, g->path);
        else if (item.verdict != DOCTOR_OK)
                doctor_mend_lines(a, g, &item);
        doctor_add(r, item);
}

static bool is_allowed(const struct doctor_guest *g, const struct node *n) {
        for (size_t i = 1; i < g->survey->n_lines; i++) {
                const struct devline *d = &g->survey->lines[i];

                if (d->type == DEVLINE_ALLOW && !d->broken && !d->legacy && d->device_type != 'b' &&
                    (d->any_major ||
                     (d->number.major == n->number.major &&
                      (d->any_minor || d->number.minor == n->number.minor))))
                        return true;
        }
        return false;
}

static void check_gate(struct doctor_report *r, const struct doctor_guest *g,
                       const struct doctor_given *given, size_t n) {
        struct arena *a = r->arena;

        for (size_t i = 0; i < n && !g->plan->userns; i++) {
                const struct node *node = given[i].node;

                if (!node || given[i].d->type != DEVLINE_MOUNT || is_allowed(g, node))
                        continue;
                doctor_add_lines(r, g,
                                 (struct doctor_item){ .check = DOCTOR_DEVICE_GATE,
                                                       .verdict = DOCTOR_FAILED,
                                                       .subject = node->path,
                                                       .evidence = arena_printf(
                                                               a,
                                                               "no line allows %s, so that "
                                                               "nobody in the container may open "
                                                               "it (EPERM)",
                                                               devnum_text(a, node->number)) });
        }
        if (!doctor_has(r, DOCTOR_DEVICE_GATE))
                doctor_add(r,
                           (struct doctor_item){
                                   .check = DOCTOR_DEVICE_GATE,
                                   .verdict = DOCTOR_OK,
                                   .evidence = g->plan->userns
                                                       ? "nothing: an unprivileged container may "
                                                         "open every device that it is given a "
                                                         "node of"
                                                       : "every line: a privileged container may "
                                                         "open nothing else" });
}

void doctor_check_cgroup(struct doctor_report *r, const struct doctor_guest *g) {
        struct doctor_given *given;
        size_t n = doctor_given(r->arena, g, &given);

        for (size_t i = 1; i < g->survey->n_lines; i++) {
                const struct devline *d = &g->survey->lines[i];

                if (d->type == DEVLINE_ALLOW && !d->broken && d->device_type != 'b' &&
                    (d->any_major || devline_kinds(g->facts, d, g->survey->given)))
                        check_rule(r, g, i);
        }
        check_gate(r, g, given, n);
}
