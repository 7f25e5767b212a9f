/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* follow - the record, and where its cards are now, against what is inside */
#include "model/live/follow.h"

struct following {
        struct arena *a;
        const struct follow_input *in;
        struct follow *f;
        struct follow_step *wanted; /* the nodes that shall be inside */
        size_t n_wanted;
};

/* ---- what shall be inside ---- */

/* By its name, else by the number that it had. */
static const struct family *recorded_family(const struct facts *f, const struct record_node *r) {
        const struct family *family = family_of_path(bytes_of(r->path));

        return family ? family : facts_family(f, r->number);
}

static const char *recorded_address(const struct follow_input *in, const struct gpu *g) {
        const struct record *r = in->record;
        struct card now = gpu_card(in->facts, g);

        for (size_t i = 0; i < r->n_cards; i++)
                if (card_is_recorded(&r->cards[i], &now))
                        return r->cards[i].address;
        return g->address;
}

static const struct record_node *recorded_like(const struct follow_input *in, const char *gpu,
                                               const struct node *n) {
        const struct record *r = in->record;
        const struct record_node *like = NULL;

        for (size_t i = 0; i < r->n_nodes; i++) {
                const struct family *f = recorded_family(in->facts, &r->nodes[i]);

                if (f != node_family(n))
                        continue;
                if (streq(r->nodes[i].gpu, gpu))
                        return &r->nodes[i];
                like = r->nodes[i].seen ? &r->nodes[i] : like;
        }
        return like; /* of another card: the same owner */
}

/* Its own name, unless a line of the container gave the recorded one another. */
static const char *path_of(const struct record_node *r, const char *gpu, const struct node *n) {
        return r && streq(r->gpu, gpu) && !family_of_path(bytes_of(r->path)) ? r->path : n->path;
}

static bool maps_to(const struct follow_input *in, int64_t inside, uint32_t host) {
        uint32_t now;

        return inside < 0 || (idmap_lookup(in->gids, (uint32_t)inside, &now) && now == host);
}

static const struct held_node *held_at(const struct held *h, const char *path) {
        for (size_t i = 0; i < h->n_nodes; i++)
                if (streq(h->nodes[i].path, path))
                        return &h->nodes[i];
        return NULL;
}

/*
 * A record of the first version has no owner and no form: the node that is in the container tells
 * them, as long as it is there. A bound node has the host's owner, and none of its own once the
 * host has removed it (devtmpfs: root:root, mode 0).
 */
static bool learn_as_held(const struct held_node *h, struct record_node *r) {
        if (!h || (h->gid < 0 && !h->bound))
                return false;
        r->seen = true;
        r->bound = h->bound;
        r->mode = h->bound ? 0660 : h->mode;
        r->uid = h->bound || h->uid < 0 ? 0 : h->uid;
        r->gid = h->bound ? -1 : h->gid;
        return true;
}

static int64_t inner_gid(const struct follow_input *in, uint32_t host) {
        uint32_t id;

        return idmap_lookup_outside(in->gids, host, &id) ? (int64_t)id : -1;
}

static void want(struct following *w, const struct node *n, const char *gpu_now,
                 const char *gpu_then) {
        const struct follow_input *in = w->in;
        const struct record_node *recorded = recorded_like(in, gpu_then, n);
        struct record_node like = recorded ? *recorded : (struct record_node){ 0 };
        enum gid_group group = node_family(n)->group;
        struct follow_step s = {
                .kind = FOLLOW_GIVE,
                .path = path_of(recorded, gpu_then, n),
                .number = n->number,
                .gpu = gpu_now,
                .source = n->path,
                .mode = 0660,
                .gid = group == GID_NONE ? 0 : (int64_t)in->record->gids[group],
                .bound = in->record->form != METHOD_DEV,
        };

        if (group == GID_NONE)
                s.mode = 0666;
        if (in->record->kinds == 0 && !like.seen &&
            !(recorded && learn_as_held(held_at(in->held, recorded->path), &like)))
                return;
        if (like.seen) {
                s.mode = like.mode;
                s.uid = like.uid;
                s.gid = like.bound && like.gid < 0 ? inner_gid(in, n->gid) : like.gid;
                s.bound = like.bound;
        }
        s.bound &= maps_to(in, s.gid, n->gid);
        *ARENA_PUSH(w->a, w->wanted, w->n_wanted) = s;
}

static void want_if_ready(struct following *w, const struct node *n, const char *now,
                          const char *then) {
        if (n->state != NODE_CHAR)
                return;
        if (w->in->is_ready(w->in->user, n))
                want(w, n, now, then);
        else
                w->f->wait = true;
}

/* A record of an older version says it by its nodes alone. */
static uint32_t recorded_kinds(const struct follow_input *in) {
        uint32_t kinds = in->record->kinds;

        for (size_t i = 0; in->record->kinds == 0 && i < in->record->n_nodes; i++) {
                const struct family *f = recorded_family(in->facts, &in->record->nodes[i]);

                kinds |= f ? NODE_BIT(f->kind) : 0;
        }
        return kinds;
}

static void want_all(struct following *w) {
        const struct follow_input *in = w->in;
        uint32_t kinds = recorded_kinds(in);

        for (size_t i = 0; i < in->gpus.n; i++) {
                const struct gpu *g = in->gpus.items[i];
                const char *then = recorded_address(in, g);

                for (size_t j = 0; j < g->n_nodes; j++)
                        if (kinds & NODE_BIT(g->nodes[j].kind))
                                want_if_ready(w, &g->nodes[j], g->address, then);
        }
        for (size_t i = 0; i < in->n_shared; i++) { /* that of a MIG instance is of a card */
                const struct gpu *g = node_card(in->facts, in->shared[i]);

                want_if_ready(w, in->shared[i], g ? g->address : "-",
                              g ? recorded_address(in, g) : "-");
        }
}

/* ---- what is inside ---- */

static const struct follow_step *wanted_at(const struct following *w, const char *path) {
        for (size_t i = 0; i < w->n_wanted; i++)
                if (streq(w->wanted[i].path, path))
                        return &w->wanted[i];
        return NULL;
}

static bool is_right(const struct held_node *h, const struct follow_step *s) {
        return devnum_equal(h->number, s->number) && streq(h->gpu, s->gpu) &&
               (s->gid < 0 || h->gid == s->gid);
}

static bool is_recorded(const struct record *r, const struct held_node *h) {
        for (size_t i = 0; i < r->n_nodes; i++)
                if (streq(r->nodes[i].path, h->path) || devnum_equal(r->nodes[i].number, h->number))
                        return true;
        return false;
}

static bool is_own(const struct follow_input *in, const struct held_node *h) {
        for (size_t i = 0; i < in->gpus.n; i++)
                if (streq(in->gpus.items[i]->address, h->gpu))
                        return true;
        for (size_t i = 0; i < in->n_shared; i++)
                if (streq(h->gpu, "-") && devnum_equal(in->shared[i]->number, h->number))
                        return true;
        return false;
}

static void take_out(struct following *w, const struct held_node *h) {
        *ARENA_PUSH(w->a, w->f->steps, w->f->n) = (struct follow_step){
                .kind = FOLLOW_REVOKE, .path = h->path, .number = h->number, .gpu = h->gpu
        };
}

static bool is_wrong(const struct following *w, const struct held_node *h) {
        const struct follow_step *s = wanted_at(w, h->path);

        if (h->added || !is_recorded(w->in->record, h)) /* it came by another way */
                return false;
        if (is_own(w->in, h))
                return s && !is_right(h, s) && !w->in->revoke_only;
        return true;
}

static void revoke_wrong(struct following *w) {
        const struct held *held = w->in->held;

        for (size_t i = 0; i < held->n_nodes; i++)
                if (is_wrong(w, &held->nodes[i]))
                        take_out(w, &held->nodes[i]);
}

static const char *then_of(const struct follow_input *in, const struct follow_step *s) {
        for (size_t i = 0; i < in->gpus.n; i++)
                if (streq(in->gpus.items[i]->address, s->gpu))
                        return recorded_address(in, in->gpus.items[i]);
        return s->gpu;
}

/* A node of that card and family as it was: its number is another's by now, or no one's. */
static bool is_of_before(const struct follow_input *in, const struct record_node *r,
                         const struct follow_step *s) {
        return streq(r->gpu, then_of(in, s)) &&
               recorded_family(in->facts, r) == facts_family(in->facts, s->number) &&
               !streq(held_identity(in->facts, r->number), s->gpu);
}

/* The record still has one of before: who gave this one was killed. */
static bool is_unrecorded(const struct follow_input *in, const struct follow_step *s) {
        const struct record *r = in->record;
        bool stale = false;

        for (size_t i = 0; i < r->n_nodes; i++) {
                if (streq(r->nodes[i].path, s->path) && devnum_equal(r->nodes[i].number, s->number))
                        return false;
                stale |= is_of_before(in, &r->nodes[i], s);
        }
        return stale;
}

/* Where another node stands that came by another way, none comes in. */
static void give_missing(struct following *w) {
        for (size_t i = 0; i < w->n_wanted; i++) {
                const struct held_node *h = held_at(w->in->held, w->wanted[i].path);
                struct follow_step s = w->wanted[i];

                s.done = h && is_right(h, &s) && is_unrecorded(w->in, &s);
                if (s.done || !h || is_wrong(w, h))
                        *ARENA_PUSH(w->a, w->f->steps, w->f->n) = s;
        }
}

void follow_plan(struct arena *a, const struct follow_input *in, struct follow *ret) {
        struct following w = { .a = a, .in = in, .f = ret };

        *ret = (struct follow){ 0 };
        want_all(&w);
        revoke_wrong(&w);
        if (!in->revoke_only)
                give_missing(&w);
}

/* ---- the record ---- */

static void put_card(const struct follow_input *in, struct record *r) {
        for (size_t i = 0; i < in->gpus.n; i++) {
                struct card now = gpu_card(in->facts, in->gpus.items[i]);

                for (size_t k = 0; k < r->n_cards; k++)
                        if (card_is_recorded(&r->cards[k], &now))
                                r->cards[k] = now;
        }
}

static void put_given(struct arena *a, const struct follow_input *in, const struct follow_step *s,
                      struct record *r) {
        size_t n = 0;

        for (size_t i = 0; i < r->n_nodes; i++) {
                const struct record_node *old = &r->nodes[i];

                if (!streq(old->path, s->path) && !is_of_before(in, old, s))
                        r->nodes[n++] = *old;
        }
        r->n_nodes = n;
        *ARENA_PUSH(a, r->nodes, r->n_nodes) =
                (struct record_node){ s->path,  s->number, s->gpu, true,
                                      s->bound, s->mode,   s->uid, s->gid };
}

static void note_taken_out(const struct follow_input *in, const struct follow_step *s,
                           struct record *r) {
        for (size_t i = 0; i < r->n_nodes; i++) {
                struct record_node *n = &r->nodes[i];

                if (!streq(n->path, s->path))
                        continue;
                n->number = (struct devnum){ 0 };
                if (r->kinds == 0 && !n->seen)
                        (void)learn_as_held(held_at(in->held, n->path), n);
        }
}

struct record follow_record(struct arena *a, const struct follow_input *in,
                            const struct follow *f) {
        struct record r = *in->record;

        r.nodes = NULL;
        r.n_nodes = 0;
        for (size_t i = 0; i < in->record->n_nodes; i++)
                *ARENA_PUSH(a, r.nodes, r.n_nodes) = in->record->nodes[i];
        for (size_t i = 0; i < f->n; i++) {
                const struct follow_step *s = &f->steps[i];

                if (s->done && s->kind == FOLLOW_REVOKE)
                        note_taken_out(in, s, &r);
                else if (s->done)
                        put_given(a, in, s, &r);
        }
        put_card(in, &r);
        return r;
}

bool follow_learn(const struct held *h, struct record *r) {
        bool any = false;

        for (size_t i = 0; i < r->n_nodes; i++) {
                struct record_node *n = &r->nodes[i];
                const struct held_node *is = held_at(h, n->path);

                if (n->seen || !is || !devnum_equal(is->number, n->number) ||
                    streq(is->gpu, "none"))
                        continue;
                n->seen = any = true;
                n->bound = is->bound;
                n->mode = is->mode;
                n->uid = is->uid;
                n->gid = is->gid;
        }
        return any;
}
