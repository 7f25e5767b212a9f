/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * extent - ids among the extents of a map
 */
#include "model/idmap/extent.h"

bool extent_fits(const struct extent *e) {
        return e->count > 0 && extent_end(e) - 1 <= LAST_ID &&
               (uint64_t)e->outside + e->count - 1 <= LAST_ID;
}

bool ids_overlap(uint64_t x, uint64_t x_count, uint64_t y, uint64_t y_count) {
        return x < y + y_count && y < x + x_count;
}

const struct extent *idmap_extent_at(const struct idmap *map, uint32_t inside) {
        for (size_t i = 0; i < map->n_extents; i++)
                if (ids_overlap(map->extents[i].inside, map->extents[i].count, inside, 1))
                        return &map->extents[i];
        return NULL;
}

const struct extent *idmap_extent_at_outside(const struct idmap *map, uint32_t outside) {
        for (size_t i = 0; i < map->n_extents; i++)
                if (ids_overlap(map->extents[i].outside, map->extents[i].count, outside, 1))
                        return &map->extents[i];
        return NULL;
}

bool idmap_is_gapless(const struct idmap *map, uint64_t from, uint64_t to) {
        uint64_t n = 0;

        for (size_t i = 0; i < map->n_extents; i++) {
                uint64_t start = map->extents[i].inside, end = extent_end(&map->extents[i]);

                if (start < to && from < end)
                        n += (end < to ? end : to) - (start > from ? start : from);
        }
        return n == to - from;
}

int64_t idmap_from_left(const struct idmap *ranges, const struct idmap *map, uint32_t inside) {
        const struct extent *best = NULL;
        uint64_t host;

        for (size_t i = 0; i < ranges->n_extents; i++) {
                const struct extent *e = &ranges->extents[i];

                if (e->count > 1 && e->inside < inside && (!best || e->inside > best->inside))
                        best = e;
        }
        if (!best || !idmap_is_gapless(map, best->inside, inside))
                return NOWHERE;
        host = (uint64_t)best->outside + (inside - best->inside);
        return host <= LAST_ID ? (int64_t)host : NOWHERE;
}

/* Counting down may end at host id 0, which is never given. */
int64_t idmap_from_right(const struct idmap *ranges, const struct idmap *map, uint32_t inside) {
        const struct extent *best = NULL;

        for (size_t i = 0; i < ranges->n_extents; i++) {
                const struct extent *e = &ranges->extents[i];

                if (e->count > 1 && e->inside > inside && (!best || e->inside < best->inside))
                        best = e;
        }
        if (!best || !idmap_is_gapless(map, inside, best->inside))
                return NOWHERE;
        if (best->outside <= best->inside - inside)
                return NOWHERE;
        return best->outside - (best->inside - inside);
}

static int by_inside(const void *x, const void *y) {
        const struct extent *a = x, *b = y;

        return a->inside < b->inside ? -1 : a->inside > b->inside;
}

struct idmap idmap_sorted(struct arena *a, const struct idmap *map) {
        struct idmap copy = { arena_alloc(a, map->n_extents * sizeof(struct extent)),
                              map->n_extents };

        if (map->n_extents > 0) {
                memcpy(copy.extents, map->extents, map->n_extents * sizeof(struct extent));
                qsort(copy.extents, copy.n_extents, sizeof(struct extent), by_inside);
        }
        return copy;
}
