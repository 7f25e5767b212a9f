/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * container - what the lines of a container give it, and how they are corrected
 *
 * Most who ask have a container that is not managed yet, whose lines came from a guide.
 */
#include "model/doctor/container.h"

static const struct node *find_node(const struct facts *f, const struct devline *d,
                                    const struct gpu **ret_gpu) {
        *ret_gpu = devline_gpu(f, d);
        for (size_t i = 0; *ret_gpu && i < (*ret_gpu)->n_nodes; i++) {
                const struct node *n = &(*ret_gpu)->nodes[i];

                if (d->path.scope == PATH_ADDRESS ? n->kind == d->path.kind
                                                  : bytes_equal(d->path.clean, bytes_of(n->path)))
                        return n;
        }
        for (size_t i = 0; i < f->n_shared; i++)
                if (bytes_equal(d->path.clean, bytes_of(f->shared[i].path)))
                        return &f->shared[i];
        return NULL;
}

size_t doctor_given(struct arena *a, const struct doctor_guest *g, struct doctor_given **ret) {
        struct doctor_given *given = NULL;
        size_t n = 0;

        for (size_t i = 1; i < g->survey->n_lines; i++) {
                const struct devline *d = &g->survey->lines[i];
                struct doctor_given *item;

                if (d->type != DEVLINE_MOUNT && d->type != DEVLINE_DEV)
                        continue;
                item = ARENA_PUSH(a, given, n);
                *item = (struct doctor_given){ .line = i, .d = d };
                item->node = find_node(g->facts, d, &item->gpu);
        }
        *ret = given;
        return n;
}

const char *doctor_where(struct arena *a, const struct doctor_guest *g, size_t line) {
        return arena_printf(a, "%s:%zu", g->name, g->conf->lines[line].number);
}

/* The one GPU whose render node the lines name: most likely the one that is meant. */
static const struct gpu *likely_gpu(struct arena *a, const struct doctor_guest *g) {
        const struct gpu *likely = NULL;
        struct doctor_given *given;
        size_t n = doctor_given(a, g, &given);

        for (size_t i = 0; i < n; i++) {
                if (!given[i].gpu || !given[i].node || given[i].node->kind != NODE_RENDER)
                        continue;
                if (likely && likely != given[i].gpu)
                        return NULL;
                likely = given[i].gpu;
        }
        return likely;
}

static const char *command(struct arena *a, const struct doctor_guest *g) {
        const struct gpu *likely;

        if (choice_is_settled(&g->plan->choice))
                return g->managed ? arena_printf(a, "gpuanchor apply %u", g->vmid)
                                  : arena_printf(a, "gpuanchor enable %u; gpuanchor apply %u",
                                                 g->vmid, g->vmid);
        likely = likely_gpu(a, g);
        return likely ? arena_printf(a, "gpuanchor enable %u --gpu %s; gpuanchor apply %u", g->vmid,
                                     doctor_shell_word(a, gpu_selector(a, likely)), g->vmid)
                      : NULL;
}

void doctor_mend_lines(struct arena *a, const struct doctor_guest *g, struct doctor_item *item) {
        if (!g->left_alone)
                item->mend = command(a, g);
        if (!item->mend)
                item->advice = g->left_alone ? "see policy and idmap" : "see choice";
}

void doctor_add_lines(struct doctor_report *r, const struct doctor_guest *g,
                      struct doctor_item item) {
        doctor_mend_lines(r->arena, g, &item);
        doctor_add(r, item);
}
