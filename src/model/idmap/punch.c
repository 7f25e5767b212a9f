/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * punch - heal our old holes, punch the wanted ones
 *
 * newgidmap refuses every host id that is not delegated in /etc/subgid, so an id that is
 * healed must go back to a long range and never on behind a neighbour's hole,
 * which would be one more group of the host.
 *
 * Hence two words below. A range is an extent of two ids or more; only ranges
 * say where an id belongs, and only ranges take a neighbour in. A hole is one
 * container id that may be healed. One-id extents are never joined with each other: their
 * length is what the next run recognises them by.
 */
#include "model/idmap/idmap.h"

struct hole {
        uint32_t inside;
        bool wanted;              /* by a wish: @now is given */
        bool visited;             /* by place() */
        int64_t old, left, right; /* host ids to choose from */
        int64_t now;
};

/* A map taken apart: what stays where it is, and the single ids that move. */
struct punch {
        struct arena *a;
        const struct idmap_change *change;
        struct idmap map, frame;
        struct hole *holes;
        size_t n_holes;
};

static enum idmap_problem add_wish(struct punch *p, const struct id_pair *w) {
        if (w->outside == 0)
                return IDMAP_E_ROOT;
        if (w->outside > LAST_ID)
                return IDMAP_E_OVERFLOW;
        if (!idmap_extent_at(&p->map, w->inside))
                return IDMAP_E_NOT_MAPPED;
        for (size_t i = 0; i < p->n_holes; i++) {
                bool same_inside = p->holes[i].inside == w->inside;
                bool same_outside = p->holes[i].now == w->outside;

                if (same_inside != same_outside)
                        return IDMAP_E_CONFLICT;
                if (same_inside)
                        return IDMAP_OK;
        }
        if (p->n_holes == IDMAP_MAX_EXTENTS)
                return IDMAP_E_TOO_LONG;
        *ARENA_PUSH(p->a, p->holes, p->n_holes) = (struct hole){
                .inside = w->inside,
                .wanted = true,
                .old = NOWHERE,
                .now = w->outside,
        };
        return IDMAP_OK;
}

/* One piece of the old map that no wish touches: a hole to heal, or part of the frame. */
static void add_piece(struct punch *p, struct extent e) {
        if (e.count == 1 && idmap_change_heals(p->change, e.inside))
                *ARENA_PUSH(p->a, p->holes, p->n_holes) = (struct hole){
                        .inside = e.inside,
                        .old = e.outside,
                        .now = e.outside,
                };
        else if (e.count > 0)
                *ARENA_PUSH(p->a, p->frame.extents, p->frame.n_extents) = e;
}

static uint64_t next_wish(const struct punch *p, uint64_t from, uint64_t end) {
        for (size_t i = 0; i < p->n_holes; i++)
                if (p->holes[i].wanted && p->holes[i].inside >= from && p->holes[i].inside < end)
                        end = p->holes[i].inside;
        return end;
}

static void take_apart(struct punch *p) {
        for (size_t i = 0; i < p->map.n_extents; i++) {
                const struct extent *e = &p->map.extents[i];
                uint64_t at = e->inside;

                while (at < extent_end(e)) {
                        uint64_t stop = next_wish(p, at, extent_end(e));
                        uint32_t skip = (uint32_t)(at - e->inside);

                        add_piece(p, (struct extent){ (uint32_t)at, e->outside + skip,
                                                      (uint32_t)(stop - at) });
                        at = stop + 1;
                }
        }
        for (size_t i = 0; i < p->n_holes; i++) {
                p->holes[i].left = idmap_from_left(&p->frame, &p->map, p->holes[i].inside);
                p->holes[i].right = idmap_from_right(&p->frame, &p->map, p->holes[i].inside);
        }
}

static struct hole *holder_of(const struct punch *p, int64_t host) {
        for (size_t i = 0; i < p->n_holes; i++)
                if (p->holes[i].now == host)
                        return &p->holes[i];
        return NULL;
}

static bool frame_has(const struct punch *p, int64_t host) {
        return idmap_extent_at_outside(&p->frame, (uint32_t)host);
}

/*
 * Find a host id for @h, if need be one that another hole can leave for one of its own choices.
 * The search follows such chains to their end: it fails only if no assignment of all holes exists.
 */
static bool place(struct punch *p, struct hole *h) {
        const int64_t choices[] = { h->left, h->right, h->old };

        if (h->wanted || h->visited)
                return false;
        h->visited = true;
        for (size_t i = 0; i < ELEMENTS(choices); i++) {
                struct hole *holder;

                if (choices[i] == NOWHERE || frame_has(p, choices[i]))
                        continue;
                holder = holder_of(p, choices[i]);
                if (!holder || place(p, holder)) {
                        h->now = choices[i];
                        return true;
                }
        }
        return false;
}

/* Give way to the wishes: a host id that one of them names may be in use. */
static enum idmap_problem evict(struct punch *p) {
        for (size_t i = 0; i < p->n_holes; i++)
                if (p->holes[i].wanted && frame_has(p, p->holes[i].now))
                        return IDMAP_E_OUTSIDE_TWICE;
        for (size_t i = 0; i < p->n_holes; i++) {
                struct hole *h = &p->holes[i];

                if (h->wanted || !holder_of(p, h->now)->wanted)
                        continue;
                h->now = NOWHERE;
                for (size_t j = 0; j < p->n_holes; j++)
                        p->holes[j].visited = false;
                if (!place(p, h))
                        return IDMAP_E_OUTSIDE_TWICE;
        }
        return IDMAP_OK;
}

/* Where healing would put @h as things are, NOWHERE if neither side can have it. */
static int64_t home_of(const struct punch *p, const struct hole *h) {
        const int64_t choices[] = { h->left, h->right };

        for (size_t i = 0; i < ELEMENTS(choices); i++) {
                const struct hole *holder;

                if (choices[i] == NOWHERE || frame_has(p, choices[i]))
                        continue;
                holder = holder_of(p, choices[i]);
                if (!holder || holder == h)
                        return choices[i];
        }
        return NOWHERE;
}

/* One that goes home may free the home of another, but none ever leaves its first choice. */
static void heal(struct punch *p) {
        bool moved;

        do {
                moved = false;
                for (size_t i = 0; i < p->n_holes; i++) {
                        struct hole *h = &p->holes[i];
                        int64_t home = home_of(p, h);

                        if (h->wanted || home == NOWHERE || home == h->now)
                                continue;
                        h->now = home;
                        moved = true;
                }
        } while (moved);
}

/* A line of the result. @joined: part of a range, or of what a range has taken in. */
struct piece {
        struct extent e;
        bool may_join, joined;
};

static int by_inside(const void *x, const void *y) {
        const struct piece *a = x, *b = y;

        return a->e.inside < b->e.inside ? -1 : a->e.inside > b->e.inside;
}

static struct piece *line_up(const struct punch *p, size_t *ret_n) {
        size_t n = 0;
        struct piece *pieces = NULL;

        for (size_t i = 0; i < p->frame.n_extents; i++)
                *ARENA_PUSH(p->a, pieces, n) = (struct piece){
                        .e = p->frame.extents[i],
                        .may_join = true,
                        .joined = p->frame.extents[i].count > 1,
                };
        for (size_t i = 0; i < p->n_holes; i++)
                *ARENA_PUSH(p->a, pieces, n) = (struct piece){
                        .e = { p->holes[i].inside, (uint32_t)p->holes[i].now, 1 },
                        .may_join = p->holes[i].now == home_of(p, &p->holes[i]),
                };
        if (n > 0)
                qsort(pieces, n, sizeof(*pieces), by_inside);
        *ret_n = n;
        return pieces;
}

static void join(struct piece *piece, const struct piece *neighbour, bool continuing) {
        if (piece->may_join && neighbour->joined && continuing)
                piece->joined = true;
}

static void put_together(const struct punch *p, struct idmap *ret) {
        struct idmap map = { NULL, 0 };
        size_t n;
        struct piece *x = line_up(p, &n);

        for (size_t i = 1; i < n; i++)
                join(&x[i], &x[i - 1], extent_continues(&x[i - 1].e, &x[i].e));
        for (size_t i = n; i-- > 1;)
                join(&x[i - 1], &x[i], extent_continues(&x[i - 1].e, &x[i].e));

        for (size_t i = 0; i < n; i++) {
                struct extent *last = map.n_extents ? &map.extents[map.n_extents - 1] : NULL;

                if (last && x[i - 1].joined && x[i].joined && extent_continues(last, &x[i].e))
                        last->count += x[i].e.count;
                else
                        *ARENA_PUSH(p->a, map.extents, map.n_extents) = x[i].e;
        }
        *ret = map;
}

enum idmap_problem idmap_punch(struct arena *a, const struct idmap *map,
                               const struct idmap_change *change, struct idmap *ret) {
        struct punch p = { .a = a, .change = change };
        enum idmap_problem problem = idmap_check(map);
        struct idmap result;

        if (problem)
                return problem;
        p.map = idmap_sorted(a, map);
        for (size_t i = 0; i < change->n_wants; i++) {
                problem = add_wish(&p, &change->wants[i]);
                if (problem)
                        return problem;
        }

        take_apart(&p);
        problem = evict(&p);
        if (problem)
                return problem;
        heal(&p);
        put_together(&p, &result);

        problem = idmap_prove(map, &result, change);
        if (problem)
                return problem;
        *ret = result;
        return IDMAP_OK;
}
