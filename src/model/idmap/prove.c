/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * prove - whether a new id map differs from the old one as it was asked to, and in nothing else
 *
 * Nothing is written that has not passed here. Apart from punch.c on
 * purpose: what is wrong there must not be wrong here in the same way.
 */
#include "model/idmap/idmap.h"

/* What idmap_prove() was given. */
struct claim {
        const struct idmap *before, *after;
        const struct idmap_change *change;
};

static bool is_wished(const struct claim *c, uint32_t inside) {
        for (size_t i = 0; i < c->change->n_wants; i++)
                if (c->change->wants[i].inside == inside)
                        return true;
        return false;
}

/* Whether @inside was a healable one-id extent, or is what the wishes around it leave of @e. */
static bool is_healable(const struct claim *c, const struct extent *e, uint32_t inside) {
        bool first = inside == e->inside, last = inside == extent_end(e) - 1;

        return idmap_change_heals(c->change, inside) && (first || is_wished(c, inside - 1)) &&
               (last || is_wished(c, inside + 1));
}

/* Whether @host is where some range, with no gap in between, would put @inside. */
static bool is_of_a_range(const struct idmap *map, uint32_t inside, uint32_t host) {
        for (size_t i = 0; i < map->n_extents; i++) {
                const struct extent *e = &map->extents[i];
                uint64_t from = e->inside < inside ? e->inside : inside;
                uint64_t to = extent_end(e) > inside ? extent_end(e) : inside;

                if (e->count > 1 && (int64_t)host - (int64_t)inside == extent_offset(e) &&
                    idmap_is_gapless(map, from, to))
                        return true;
        }
        return false;
}

/* Whether @inside, an id of the old map's extent @e, may have become @host. */
static bool may_become(const struct claim *c, const struct extent *e, uint32_t inside,
                       uint32_t host) {
        if (is_wished(c, inside))
                return true;
        return host != 0 && is_healable(c, e, inside) && is_of_a_range(c->before, inside, host);
}

/* Whether every id of @e, an extent of the old map, is as it was or may have changed. */
static bool is_kept(const struct claim *c, const struct extent *e) {
        uint64_t at = e->inside;

        while (at < extent_end(e)) {
                const struct extent *now = idmap_extent_at(c->after, (uint32_t)at);
                uint32_t id = (uint32_t)at;

                if (!now)
                        return false;
                if (extent_offset(now) == extent_offset(e)) {
                        at = extent_end(now);
                        continue;
                }
                if (!may_become(c, e, id, now->outside + (id - now->inside)))
                        return false;
                at++;
        }
        return true;
}

static uint64_t count_ids(const struct idmap *map) {
        uint64_t n = 0;

        for (size_t i = 0; i < map->n_extents; i++)
                n += map->extents[i].count;
        return n;
}

static enum idmap_problem prove_wishes(const struct claim *c) {
        for (size_t i = 0; i < c->change->n_wants; i++) {
                uint32_t host;

                if (c->change->wants[i].outside == 0)
                        return IDMAP_E_ROOT;
                if (!idmap_lookup(c->after, c->change->wants[i].inside, &host) ||
                    host != c->change->wants[i].outside)
                        return IDMAP_E_NOT_PROVED;
        }
        return IDMAP_OK;
}

enum idmap_problem idmap_prove(const struct idmap *before, const struct idmap *after,
                               const struct idmap_change *change) {
        const struct claim c = { before, after, change };
        enum idmap_problem p = idmap_check(before);

        if (!p)
                p = idmap_check(after);
        if (!p)
                p = prove_wishes(&c);
        if (p)
                return p;
        /* every old id is still there, and there are as many: so there is no other */
        if (count_ids(before) != count_ids(after))
                return IDMAP_E_NOT_PROVED;
        for (size_t i = 0; i < before->n_extents; i++)
                if (!is_kept(&c, &before->extents[i]))
                        return IDMAP_E_NOT_PROVED;
        return IDMAP_OK;
}
