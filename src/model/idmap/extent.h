/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * extent - the pieces of an id map, and the ranges beside an id
 *
 * A range is an extent of two ids or more. Only ranges say where an id belongs.
 */
#include "base/bytes.h"

#define NOWHERE (-1)             /* in place of a host id: none, or none that may be had */
#define LAST_ID (UINT32_MAX - 1) /* (gid_t)-1 is no group; the kernel refuses to map it */

/** struct extent - container ids @inside.. are host ids @outside.., @count of them */
struct extent {
        uint32_t inside, outside, count;
};

struct idmap {
        struct extent *extents;
        size_t n_extents;
};

static inline uint64_t extent_end(const struct extent *e) {
        return (uint64_t)e->inside + e->count;
}

static inline int64_t extent_offset(const struct extent *e) {
        return (int64_t)e->outside - (int64_t)e->inside;
}

static inline bool extent_continues(const struct extent *left, const struct extent *right) {
        return extent_end(left) == right->inside && extent_offset(left) == extent_offset(right);
}

/** extent_fits() - whether it has ids, and they are ids on both sides */
bool extent_fits(const struct extent *e);

/** ids_overlap() - whether @x_count ids from @x and @y_count ids from @y have one in common */
bool ids_overlap(uint64_t x, uint64_t x_count, uint64_t y, uint64_t y_count);

/** idmap_extent_at() - the extent that maps container id @inside, or NULL */
const struct extent *idmap_extent_at(const struct idmap *map, uint32_t inside);

/** idmap_extent_at_outside() - the extent that maps something to host id @outside, or NULL */
const struct extent *idmap_extent_at_outside(const struct idmap *map, uint32_t outside);

/** idmap_is_gapless() - whether @map has every container id from @from up to, not including, @to */
bool idmap_is_gapless(const struct idmap *map, uint64_t from, uint64_t to);

/**
 * idmap_from_left() - where the next range on the left of @inside would put it
 * @ranges: map whose ranges are asked
 * @map:    map that must have no gap in between
 *
 * Return: a host id, or NOWHERE.
 */
int64_t idmap_from_left(const struct idmap *ranges, const struct idmap *map, uint32_t inside);

/** idmap_from_right() - the same from the right; never host id 0 */
int64_t idmap_from_right(const struct idmap *ranges, const struct idmap *map, uint32_t inside);

/** idmap_sorted() - a copy in order of container ids: the file's order must not decide who heals
 * first */
struct idmap idmap_sorted(struct arena *a, const struct idmap *map);
