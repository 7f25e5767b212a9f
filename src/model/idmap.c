/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * idmap - parse, prove, heal and punch
 *
 * The map of a container is a few long ranges with holes: single ids that are a
 * group of the host. What makes this more than arithmetic is other people's
 * behaviour. LXC and Proxmox read the same line with different number parsers.
 * The kernel takes a map whole or not at all, and the container then does not
 * start. newgidmap refuses every host id that nobody delegated, so that an id
 * that is healed must go back to a long range and never on behind a neighbour's
 * hole, which would be one more group of the host.
 *
 * Hence two words below. A range is an extent of two ids or more; only ranges
 * say where an id belongs, and only ranges take a neighbour in. A hole is one
 * container id of ours. One-id extents are never joined with each other: their
 * length is what the next run recognises them by.
 */
#include "model/idmap.h"

#define NOWHERE (-1)             /* in place of a host id: none, or none that may be had */
#define LAST_ID (UINT32_MAX - 1) /* (gid_t)-1 is no group; the kernel refuses to map it */

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
        struct idmap map, frame;
        struct hole *holes;
        size_t n_holes;
};

/* What idmap_prove() was given. */
struct claim {
        const struct idmap *before, *after;
        const uint32_t *ours;
        size_t n_ours;
        const struct id_pair *wants;
        size_t n_wants;
};

static uint64_t end_of(const struct extent *e) {
        return (uint64_t)e->inside + e->count;
}

static int64_t offset_of(const struct extent *e) {
        return (int64_t)e->outside - (int64_t)e->inside;
}

static bool continues(const struct extent *left, const struct extent *right) {
        return end_of(left) == right->inside && offset_of(left) == offset_of(right);
}

static bool overlap(uint64_t x, uint64_t x_count, uint64_t y, uint64_t y_count) {
        return x < y + y_count && y < x + x_count;
}

static bool is_listed(uint32_t id, const uint32_t *ids, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (ids[i] == id)
                        return true;
        return false;
}

/*
 * LXC reads numbers with strtoul(…, 0), Proxmox as Perl does: 044 is 36 to one
 * and 44 to the other. Only what means the same to both is a number.
 */
static enum idmap_problem parse_id(struct bytes word, uint32_t *ret) {
        if (word.len == 0 || (word.len > 1 && word.data[0] == '0'))
                return IDMAP_E_SYNTAX;
        for (size_t i = 0; i < word.len; i++)
                if (word.data[i] < '0' || word.data[i] > '9')
                        return IDMAP_E_SYNTAX;
        return parse_u32(word, ret) ? IDMAP_OK : IDMAP_E_OVERFLOW;
}

static bool extent_fits(const struct extent *e) {
        return e->count > 0 && end_of(e) - 1 <= LAST_ID &&
               (uint64_t)e->outside + e->count - 1 <= LAST_ID;
}

/* g 0 100000 65536 */
enum idmap_problem idmap_parse_line(struct bytes value, char *ret_type, struct extent *ret) {
        struct bytes type = bytes_word(&value);
        enum idmap_problem p;
        uint32_t n[3];

        if (type.len != 1 || (type.data[0] != 'u' && type.data[0] != 'g'))
                return IDMAP_E_SYNTAX;
        for (size_t i = 0; i < ELEMENTS(n); i++) {
                p = parse_id(bytes_word(&value), &n[i]);
                if (p)
                        return p;
        }
        if (bytes_word(&value).len > 0)
                return IDMAP_E_SYNTAX;
        if (!extent_fits(&(struct extent){ n[0], n[1], n[2] }))
                return IDMAP_E_OVERFLOW;

        *ret_type = type.data[0];
        *ret = (struct extent){ n[0], n[1], n[2] };
        return IDMAP_OK;
}

static size_t text_length(const struct idmap *map) {
        size_t len = 0;

        for (size_t i = 0; i < map->n_extents; i++) {
                const struct extent *e = &map->extents[i];

                len += (size_t)snprintf(NULL, 0, "%u %u %u\n", e->inside, e->outside, e->count);
        }
        return len;
}

enum idmap_problem idmap_check(const struct idmap *map) {
        if (map->n_extents > IDMAP_MAX_EXTENTS)
                return IDMAP_E_TOO_LONG;
        for (size_t i = 0; i < map->n_extents; i++) {
                const struct extent *x = &map->extents[i];

                if (!extent_fits(x))
                        return IDMAP_E_OVERFLOW;
                for (size_t j = 0; j < i; j++) {
                        const struct extent *y = &map->extents[j];

                        if (overlap(x->inside, x->count, y->inside, y->count))
                                return IDMAP_E_INSIDE_TWICE;
                        if (overlap(x->outside, x->count, y->outside, y->count))
                                return IDMAP_E_OUTSIDE_TWICE;
                }
        }
        return text_length(map) > IDMAP_MAX_TEXT ? IDMAP_E_TOO_LONG : IDMAP_OK;
}

static const struct extent *extent_at(const struct idmap *map, uint32_t inside) {
        for (size_t i = 0; i < map->n_extents; i++)
                if (overlap(map->extents[i].inside, map->extents[i].count, inside, 1))
                        return &map->extents[i];
        return NULL;
}

static const struct extent *extent_at_outside(const struct idmap *map, uint32_t outside) {
        for (size_t i = 0; i < map->n_extents; i++)
                if (overlap(map->extents[i].outside, map->extents[i].count, outside, 1))
                        return &map->extents[i];
        return NULL;
}

bool idmap_lookup(const struct idmap *map, uint32_t inside, uint32_t *ret) {
        const struct extent *e = extent_at(map, inside);

        if (!e)
                return false;
        *ret = e->outside + (inside - e->inside);
        return true;
}

bool idmap_lookup_outside(const struct idmap *map, uint32_t outside, uint32_t *ret) {
        const struct extent *e = extent_at_outside(map, outside);

        if (!e)
                return false;
        *ret = e->inside + (outside - e->outside);
        return true;
}

/* Whether @map has every container id from @from up to, not including, @to. */
static bool is_gapless(const struct idmap *map, uint64_t from, uint64_t to) {
        uint64_t n = 0;

        for (size_t i = 0; i < map->n_extents; i++) {
                uint64_t start = map->extents[i].inside, end = end_of(&map->extents[i]);

                if (start < to && from < end)
                        n += (end < to ? end : to) - (start > from ? start : from);
        }
        return n == to - from;
}

/* The host id to which the next range on the left leads, if no gap of @map lies between. */
static int64_t from_left(const struct idmap *ranges, const struct idmap *map, uint32_t inside) {
        const struct extent *best = NULL;
        uint64_t host;

        for (size_t i = 0; i < ranges->n_extents; i++) {
                const struct extent *e = &ranges->extents[i];

                if (e->count > 1 && e->inside < inside && (!best || e->inside > best->inside))
                        best = e;
        }
        if (!best || !is_gapless(map, best->inside, inside))
                return NOWHERE;
        host = (uint64_t)best->outside + (inside - best->inside);
        return host <= LAST_ID ? (int64_t)host : NOWHERE;
}

/* The same from the right, where counting down may end at host id 0: never hand that out. */
static int64_t from_right(const struct idmap *ranges, const struct idmap *map, uint32_t inside) {
        const struct extent *best = NULL;

        for (size_t i = 0; i < ranges->n_extents; i++) {
                const struct extent *e = &ranges->extents[i];

                if (e->count > 1 && e->inside > inside && (!best || e->inside < best->inside))
                        best = e;
        }
        if (!best || !is_gapless(map, inside, best->inside))
                return NOWHERE;
        if (best->outside <= best->inside - inside)
                return NOWHERE;
        return best->outside - (best->inside - inside);
}

bool idmap_is_hole(const struct idmap *map, uint32_t inside) {
        const struct extent *e = extent_at(map, inside);

        return e && e->count == 1 && from_left(map, map, inside) != e->outside &&
               from_right(map, map, inside) != e->outside;
}

/* For extents, and for pieces, which begin with one. */
static int by_inside(const void *x, const void *y) {
        const struct extent *a = x, *b = y;

        return a->inside < b->inside ? -1 : a->inside > b->inside;
}

/* A copy of @map in order of container ids, so that its order does not decide who heals first. */
static struct idmap sorted(struct arena *a, const struct idmap *map) {
        struct idmap copy = { arena_alloc(a, map->n_extents * sizeof(struct extent)),
                              map->n_extents };

        if (map->n_extents > 0) {
                memcpy(copy.extents, map->extents, map->n_extents * sizeof(struct extent));
                qsort(copy.extents, copy.n_extents, sizeof(struct extent), by_inside);
        }
        return copy;
}

static enum idmap_problem add_wish(struct punch *p, const struct id_pair *w) {
        if (w->outside == 0)
                return IDMAP_E_ROOT;
        if (w->outside > LAST_ID)
                return IDMAP_E_OVERFLOW;
        if (!extent_at(&p->map, w->inside))
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

/* One piece of the old map that no wish touches: a hole of ours, or part of the frame. */
static void add_piece(struct punch *p, struct extent e, const uint32_t *ours, size_t n_ours) {
        if (e.count == 1 && is_listed(e.inside, ours, n_ours))
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

static void take_apart(struct punch *p, const uint32_t *ours, size_t n_ours) {
        for (size_t i = 0; i < p->map.n_extents; i++) {
                const struct extent *e = &p->map.extents[i];
                uint64_t at = e->inside;

                while (at < end_of(e)) {
                        uint64_t stop = next_wish(p, at, end_of(e));
                        uint32_t skip = (uint32_t)(at - e->inside);

                        add_piece(p,
                                  (struct extent){ (uint32_t)at, e->outside + skip,
                                                   (uint32_t)(stop - at) },
                                  ours, n_ours);
                        at = stop + 1;
                }
        }
        for (size_t i = 0; i < p->n_holes; i++) {
                p->holes[i].left = from_left(&p->frame, &p->map, p->holes[i].inside);
                p->holes[i].right = from_right(&p->frame, &p->map, p->holes[i].inside);
        }
}

static struct hole *holder_of(const struct punch *p, int64_t host) {
        for (size_t i = 0; i < p->n_holes; i++)
                if (p->holes[i].now == host)
                        return &p->holes[i];
        return NULL;
}

static bool frame_has(const struct punch *p, int64_t host) {
        return extent_at_outside(&p->frame, (uint32_t)host);
}

/*
 * Find a host id for @h, if need be one that another hole can leave for one of
 * its own choices. Tried this way round and round, a place is found whenever
 * there is one for everybody, so that a refusal is never for want of trying.
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
                join(&x[i], &x[i - 1], continues(&x[i - 1].e, &x[i].e));
        for (size_t i = n; i-- > 1;)
                join(&x[i - 1], &x[i], continues(&x[i - 1].e, &x[i].e));

        for (size_t i = 0; i < n; i++) {
                struct extent *last = map.n_extents ? &map.extents[map.n_extents - 1] : NULL;

                if (last && x[i - 1].joined && x[i].joined && continues(last, &x[i].e))
                        last->count += x[i].e.count;
                else
                        *ARENA_PUSH(p->a, map.extents, map.n_extents) = x[i].e;
        }
        *ret = map;
}

enum idmap_problem idmap_punch(struct arena *a, const struct idmap *map, const uint32_t *ours,
                               size_t n_ours, const struct id_pair *wants, size_t n_wants,
                               struct idmap *ret) {
        struct punch p = { .a = a };
        enum idmap_problem problem = idmap_check(map);
        struct idmap result;

        if (problem)
                return problem;
        p.map = sorted(a, map);
        for (size_t i = 0; i < n_wants; i++) {
                problem = add_wish(&p, &wants[i]);
                if (problem)
                        return problem;
        }

        take_apart(&p, ours, n_ours);
        problem = evict(&p);
        if (problem)
                return problem;
        heal(&p);
        put_together(&p, &result);

        problem = idmap_prove(map, &result, ours, n_ours, wants, n_wants);
        if (problem)
                return problem;
        *ret = result;
        return IDMAP_OK;
}

static bool is_wished(const struct claim *c, uint32_t inside) {
        for (size_t i = 0; i < c->n_wants; i++)
                if (c->wants[i].inside == inside)
                        return true;
        return false;
}

/* Whether @inside was a one-id extent of ours, or is what the wishes around it leave of @e. */
static bool is_healable(const struct claim *c, const struct extent *e, uint32_t inside) {
        bool first = inside == e->inside, last = inside == end_of(e) - 1;

        return is_listed(inside, c->ours, c->n_ours) && (first || is_wished(c, inside - 1)) &&
               (last || is_wished(c, inside + 1));
}

/* Whether @host is where some range, with no gap in between, would put @inside. */
static bool is_of_a_range(const struct idmap *map, uint32_t inside, uint32_t host) {
        for (size_t i = 0; i < map->n_extents; i++) {
                const struct extent *e = &map->extents[i];
                uint64_t from = e->inside < inside ? e->inside : inside;
                uint64_t to = end_of(e) > inside ? end_of(e) : inside;

                if (e->count > 1 && (int64_t)host - (int64_t)inside == offset_of(e) &&
                    is_gapless(map, from, to))
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

/* Whether every id of @e, an extent of the old map, is as it was or had leave to change. */
static bool is_kept(const struct claim *c, const struct extent *e) {
        uint64_t at = e->inside;

        while (at < end_of(e)) {
                const struct extent *now = extent_at(c->after, (uint32_t)at);
                uint32_t id = (uint32_t)at;

                if (!now)
                        return false;
                if (offset_of(now) == offset_of(e)) {
                        at = end_of(now);
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
        for (size_t i = 0; i < c->n_wants; i++) {
                uint32_t host;

                if (c->wants[i].outside == 0)
                        return IDMAP_E_ROOT;
                if (!idmap_lookup(c->after, c->wants[i].inside, &host) ||
                    host != c->wants[i].outside)
                        return IDMAP_E_NOT_PROVED;
        }
        return IDMAP_OK;
}

enum idmap_problem idmap_prove(const struct idmap *before, const struct idmap *after,
                               const uint32_t *ours, size_t n_ours, const struct id_pair *wants,
                               size_t n_wants) {
        const struct claim c = { before, after, ours, n_ours, wants, n_wants };
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

/* @map sorted and joined wherever that says the same, one-id extents too. */
static struct idmap flatten(struct arena *a, const struct idmap *map) {
        struct idmap flat = sorted(a, map);
        size_t n = 0;

        for (size_t i = 0; i < flat.n_extents; i++) {
                if (n > 0 && continues(&flat.extents[n - 1], &flat.extents[i]))
                        flat.extents[n - 1].count += flat.extents[i].count;
                else
                        flat.extents[n++] = flat.extents[i];
        }
        flat.n_extents = n;
        return flat;
}

bool idmap_equal(struct arena *a, const struct idmap *x, const struct idmap *y) {
        struct idmap fx = flatten(a, x), fy = flatten(a, y);

        if (fx.n_extents != fy.n_extents)
                return false;
        for (size_t i = 0; i < fx.n_extents; i++)
                if (fx.extents[i].inside != fy.extents[i].inside ||
                    fx.extents[i].outside != fy.extents[i].outside ||
                    fx.extents[i].count != fy.extents[i].count)
                        return false;
        return true;
}

const char *idmap_problem_text(enum idmap_problem p) {
        static const char *const texts[] = {
                [IDMAP_OK] = "the id map is right",
                [IDMAP_E_SYNTAX] = "not of the form \"g INSIDE OUTSIDE COUNT\"",
                [IDMAP_E_OVERFLOW] = "a range has no ids or goes beyond 32 bits",
                [IDMAP_E_INSIDE_TWICE] = "a container id is mapped twice",
                [IDMAP_E_OUTSIDE_TWICE] = "a host id is mapped twice",
                [IDMAP_E_NOT_MAPPED] = "a wanted container id is outside the map",
                [IDMAP_E_CONFLICT] = "two wishes name the same container id or the same host id",
                [IDMAP_E_ROOT] = "a wish names host id 0",
                [IDMAP_E_TOO_LONG] = "the id map is longer than the kernel or LXC takes",
                [IDMAP_E_NOT_PROVED] = "the new id map could not be proved right",
        };

        if ((size_t)p >= ELEMENTS(texts))
                return "unknown problem";
        return texts[p];
}
