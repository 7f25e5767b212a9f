/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* regroup - holes come and go, files on the disk stay */
#include "model/plan/moved-gids.h"

static void consider(struct arena *a, const struct plan *p, uint32_t inside, struct regroup **list,
                     size_t *n) {
        struct regroup r = { .inside = inside };

        if (!idmap_lookup(&p->map_now, inside, &r.before) ||
            !idmap_lookup(&p->map, inside, &r.after) || r.before == r.after)
                return;
        for (size_t i = 0; i < *n; i++)
                if ((*list)[i].inside == inside)
                        return;
        *ARENA_PUSH(a, *list, *n) = r;
}

size_t regroup_find(struct arena *a, const struct plan *p, struct regroup **ret) {
        struct regroup *list = NULL;
        size_t n = 0;

        for (size_t i = 0; i < GID_GROUPS; i++) {
                if (p->gids[i].in_map)
                        consider(a, p, p->gids[i].map_inside, &list, &n);
                consider(a, p, p->gids[i].inside, &list, &n);
        }
        for (size_t i = 0; i < p->n_pairs; i++)
                consider(a, p, p->pairs[i].inside, &list, &n);
        *ret = list;
        return n;
}
