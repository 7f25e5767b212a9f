/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * moved-gids - holes come and go, files on the disk stay
 */
#include "model/plan/moved-gids.h"

/* Every container gid that may have a hole before or after; some twice. */
static size_t candidates(struct arena *a, const struct plan *p, uint32_t **ret) {
        uint32_t *ids = NULL;
        size_t n = 0;

        for (size_t i = 0; i < GID_GROUPS; i++) {
                if (p->gids[i].in_map)
                        *ARENA_PUSH(a, ids, n) = p->gids[i].map_inside;
                *ARENA_PUSH(a, ids, n) = p->gids[i].inside;
        }
        for (size_t i = 0; i < p->n_pairs; i++)
                *ARENA_PUSH(a, ids, n) = p->pairs[i].inside;
        *ret = ids;
        return n;
}

static bool is_listed(const struct moved_gid *list, size_t n, uint32_t inside) {
        for (size_t i = 0; i < n; i++)
                if (list[i].inside == inside)
                        return true;
        return false;
}

size_t moved_gids_find(struct arena *a, const struct plan *p, struct moved_gid **ret) {
        struct moved_gid *list = NULL;
        uint32_t *ids;
        size_t n = 0, n_ids = candidates(a, p, &ids);

        for (size_t i = 0; i < n_ids; i++) {
                struct moved_gid m = { .inside = ids[i] };

                if (idmap_lookup(&p->map_now, m.inside, &m.before) &&
                    idmap_lookup(&p->map, m.inside, &m.after) && m.before != m.after &&
                    !is_listed(list, n, m.inside))
                        *ARENA_PUSH(a, list, n) = m;
        }
        *ret = list;
        return n;
}
