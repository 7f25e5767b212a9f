/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* facts - small questions that more than one room asks */
#include "model/gpu/facts.h"

const struct family *node_family(const struct node *n) {
        return family_of_path(bytes_of(n->path));
}

const struct node *gpu_node(const struct gpu *g, enum node_kind kind) {
        for (size_t i = 0; i < g->n_nodes; i++)
                if (g->nodes[i].kind == kind)
                        return &g->nodes[i];
        return NULL;
}

bool gpu_is_usable(const struct gpu *g) {
        return gpu_node(g, NODE_RENDER) || gpu_node(g, NODE_NVIDIA);
}

const struct gpu *facts_find_gpu(const struct facts *f, const char *address) {
        for (size_t i = 0; i < f->n_gpus; i++)
                if (streq(f->gpus[i].address, address))
                        return &f->gpus[i];
        return NULL;
}

void facts_name(const struct facts *f, struct findings *list) {
        for (size_t i = 0; i < list->n; i++) {
                struct finding *item = &list->items[i];
                const struct gpu *g = item->gpu ? facts_find_gpu(f, item->gpu) : NULL;

                if (g && !item->name)
                        item->name = g->name;
        }
}

const char *facts_group_name(const struct facts *f, uint32_t gid) {
        for (int i = 0; i < GID_GROUPS; i++)
                if (gid != 0 && f->groups[i].present && gid == f->groups[i].gid)
                        return gid_group_name(i);
        return gid == 0 ? "root" : NULL;
}

const char *facts_gid_text(struct arena *a, const struct facts *f, uint32_t gid) {
        const char *name = facts_group_name(f, gid);

        return name ? arena_printf(a, "%u (%s)", gid, name) : arena_printf(a, "%u", gid);
}

const char *facts_major_name(const struct facts *f, uint32_t major) {
        for (size_t i = 0; i < f->n_majors; i++)
                if (f->majors[i].major == major)
                        return f->majors[i].name;
        return NULL;
}

bool facts_major_of(const struct facts *f, const char *name, uint32_t *ret_major) {
        for (size_t i = 0; i < f->n_majors; i++)
                if (streq(f->majors[i].name, name)) {
                        *ret_major = f->majors[i].major;
                        return true;
                }
        return false;
}

const struct gpu *node_card(const struct facts *f, const struct node *n) {
        return n->card ? facts_find_gpu(f, n->card) : NULL;
}

const struct node *facts_node(const struct facts *f, struct devnum number,
                              const struct gpu **ret_gpu) {
        *ret_gpu = NULL;
        for (size_t i = 0; i < f->n_gpus; i++)
                for (size_t j = 0; j < f->gpus[i].n_nodes; j++)
                        if (devnum_equal(f->gpus[i].nodes[j].number, number)) {
                                *ret_gpu = &f->gpus[i];
                                return &f->gpus[i].nodes[j];
                        }
        for (size_t i = 0; i < f->n_shared; i++)
                if (devnum_equal(f->shared[i].number, number)) {
                        *ret_gpu = node_card(f, &f->shared[i]);
                        return &f->shared[i];
                }
        return NULL;
}

const struct family *facts_family(const struct facts *f, struct devnum number) {
        const struct gpu *gpu;
        const struct node *n = facts_node(f, number, &gpu);

        return n ? node_family(n)
                 : family_of_number(facts_major_name(f, number.major), number);
}

bool facts_has_gid(const struct facts *f, uint32_t gid) {
        bool known = facts_group_name(f, gid) != NULL;

        for (size_t i = 0; i < f->n_gids && !known; i++)
                known = f->gids[i] == gid;
        for (size_t i = 0; i < f->n_gpus && !known; i++)
                for (size_t j = 0; j < f->gpus[i].n_nodes; j++)
                        known |= f->gpus[i].nodes[j].gid == gid;
        return known;
}

bool subids_delegated(const struct subid_range *ranges, size_t n, uint32_t start, uint32_t count) {
        uint64_t at = start, end = (uint64_t)start + count;

        for (size_t i = 0; at < end && i < n;) {
                uint64_t last = (uint64_t)ranges[i].start + ranges[i].count;

                if (ranges[i].start <= at && last > at) {
                        at = last;
                        i = 0; /* an earlier line may hold what follows */
                } else {
                        i++;
                }
        }
        return at >= end;
}

bool facts_subgid_delegated(const struct facts *f, uint32_t gid) {
        return subids_delegated(f->subgids, f->n_subgids, gid, 1);
}
