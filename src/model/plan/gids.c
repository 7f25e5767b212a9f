/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * gids - pin the container's side, derive the host's
 *
 * Inside the container nothing moves: the hole keeps its container gid and gets
 * the host gid of today. Which hole is render's must be found although its host
 * gid may be years old, so memory comes before the numbers, and numbers before
 * the shape of the map.
 */
#include "model/plan/gids.h"

#include "base/number.h"

#define FIRST_USER_GID 1000 /* Debian: below are system groups, where render is */
#define DEBIAN_VIDEO_GID 44 /* static in Debian and Ubuntu, base-passwd */
#define LAST_STATIC_GID 100 /* "users"; render is allocated behind it */

static void read_map(struct arena *a, const struct plan_input *in, struct findings *f,
                     struct plan *p) {
        for (size_t i = 1; i < in->survey->n_lines; i++) {
                struct extent e;
                char type;
                enum idmap_problem problem;

                if (in->survey->lines[i].type != DEVLINE_IDMAP)
                        continue;
                p->has_map = true;
                problem = idmap_parse_line(in->conf->lines[i].value, &type, &e);
                if (problem != IDMAP_OK) {
                        p->map_broken = true;
                        finding_add(f, (struct finding){
                                               .code = FINDING_LINE_BROKEN,
                                               .what = idmap_problem_text(problem),
                                               .where = arena_printf(a, "%s:%zu", in->name,
                                                                     in->conf->lines[i].number) });
                } else if (type == 'g') {
                        *ARENA_PUSH(a, p->map_now.extents, p->map_now.n_extents) = e;
                }
        }
        if (!p->has_map && p->userns)
                *ARENA_PUSH(a, p->map_now.extents, p->map_now.n_extents) = idmap_default();
}

static bool is_hole_of(const struct plan *p, int64_t inside) {
        return inside >= 0 && idmap_is_hole(&p->map_now, (uint32_t)inside);
}

static void set_hole(struct plan_gid *g, uint32_t inside) {
        g->in_map = true;
        g->map_inside = inside;
}

/* A hole whose container gid we remember, or whose host gid is the group's today. */
static void find_sure_hole(const struct plan *p, struct plan_gid *g,
                           const struct policy_gid *policy) {
        uint32_t inside;

        if (is_hole_of(p, policy->known))
                set_hole(g, (uint32_t)policy->known);
        else if (g->host_present && idmap_lookup_outside(&p->map_now, g->host, &inside) &&
                 idmap_is_hole(&p->map_now, inside))
                set_hole(g, inside);
        else if (is_hole_of(p, policy->guessed))
                set_hole(g, (uint32_t)policy->guessed);
}

/*
 * The host's render gid moved before we ever saw this container: its hole is the
 * one system gid that is left when video's is taken away. Two are a guess.
 */
static void find_left_over_hole(const struct plan *p, struct plan_gid *video,
                                struct plan_gid *render) {
        size_t left = 0;
        uint32_t inside = 0;

        if (!video->in_map && idmap_is_hole(&p->map_now, DEBIAN_VIDEO_GID) &&
            !(render->in_map && render->map_inside == DEBIAN_VIDEO_GID))
                set_hole(video, DEBIAN_VIDEO_GID);
        if (render->in_map)
                return;
        for (size_t i = 0; i < p->map_now.n_extents; i++) {
                const struct extent *e = &p->map_now.extents[i];

                if (e->count != 1 || e->outside >= FIRST_USER_GID ||
                    e->outside <= LAST_STATIC_GID || !idmap_is_hole(&p->map_now, e->inside) ||
                    (video->in_map && video->map_inside == e->inside))
                        continue;
                left++;
                inside = e->inside;
        }
        if (left == 1)
                set_hole(render, inside);
}

/* One container gid for both groups has one hole, and it is whose host gid it maps to now. */
static void part_holes(const struct plan *p, struct plan_gid *video, struct plan_gid *render) {
        uint32_t outside;

        if (!video->in_map || !render->in_map || video->map_inside != render->map_inside)
                return;
        if (video->host_present && idmap_lookup(&p->map_now, video->map_inside, &outside) &&
            outside == video->host)
                render->in_map = false;
        else
                video->in_map = false;
}

/* gid= of the devN line that gives a card node, for video, or a render node */
static bool dev_line_gid(const struct plan_input *in, enum gid_group group, uint32_t *ret) {
        uint32_t kinds = group == GID_VIDEO ? NODE_BIT(NODE_CARD) : NODE_BIT(NODE_RENDER);

        for (size_t i = 1; i < in->survey->n_lines; i++) {
                const struct devline *d = &in->survey->lines[i];

                if (d->type == DEVLINE_DEV && d->gid.len > 0 && d->path.scope != PATH_FOLDER &&
                    (devline_kinds(in->facts, d, 0) & kinds) && parse_u32(d->gid, ret))
                        return true;
        }
        return false;
}

/* The container's root writes the group file that we learn from: his 70000 must not stop a start.
 */
static bool can_be_mapped(const struct plan *p, uint32_t inside) {
        uint32_t outside;

        return !p->userns || p->map_broken || idmap_lookup(&p->map_now, inside, &outside);
}

static void find_inside(const struct plan_input *in, struct plan *p, enum gid_group group) {
        const struct policy_gid *policy = &in->policy->gid[group];
        struct plan_gid *g = &p->gids[group];
        bool guess_in_map = g->in_map && (int64_t)g->map_inside == policy->guessed;

        g->known = true;
        if (policy->set >= 0)
                g->inside = (uint32_t)policy->set;
        else if (g->in_map && !guess_in_map)
                g->inside = g->map_inside;
        else if (dev_line_gid(in, group, &g->inside) && (int64_t)g->inside != policy->guessed)
                ;
        else if (policy->known >= 0 && can_be_mapped(p, (uint32_t)policy->known))
                g->inside = (uint32_t)policy->known;
        else /* a guess stays what it was until something better is known */
                g->inside = policy->guessed >= 0 ? (uint32_t)policy->guessed : g->host,
                g->known = false;
}

void gids_find(struct arena *a, const struct plan_input *in, struct findings *f, struct plan *p) {
        struct plan_gid *video = &p->gids[GID_VIDEO], *render = &p->gids[GID_RENDER];

        for (int i = 0; i < GID_GROUPS; i++)
                p->gids[i] = (struct plan_gid){ .name = gid_group_name(i),
                                                .host_present = in->facts->groups[i].present,
                                                .host = in->facts->groups[i].gid };
        read_map(a, in, f, p);
        if (p->has_map && !p->map_broken && idmap_check(&p->map_now) == IDMAP_OK) {
                for (int i = 0; i < GID_GROUPS; i++)
                        find_sure_hole(p, &p->gids[i], &in->policy->gid[i]);
                find_left_over_hole(p, video, render);
                part_holes(p, video, render);
        }
        for (int i = 0; i < GID_GROUPS; i++)
                find_inside(in, p, i);
}

const struct plan_gid *gids_of_node(const struct plan *p, const struct node *n) {
        const struct plan_gid *video = &p->gids[GID_VIDEO], *render = &p->gids[GID_RENDER];

        if (render->host_present && n->gid == render->host)
                return render;
        if (video->host_present && n->gid == video->host)
                return video;
        return &p->gids[gid_group_of(n->kind)];
}

static bool uses_group(const struct plan *p, const struct plan_gid *g) {
        for (size_t i = 0; i < p->n_nodes; i++)
                if (p->nodes[i].required && p->nodes[i].node->gid != 0 &&
                    gids_of_node(p, p->nodes[i].node) == g)
                        return true;
        return false;
}

void gids_remember(const struct plan *p, struct policy *policy) {
        for (int i = 0; p->userns && i < GID_GROUPS; i++) {
                const struct plan_gid *g = &p->gids[i];

                if (policy->gid[i].set >= 0)
                        continue;
                if (g->known)
                        policy->gid[i].known = g->inside;
                else if (uses_group(p, g))
                        policy->gid[i].guessed = g->inside;
        }
}

static void add_pair(struct arena *a, struct findings *f, struct plan *p, uint32_t inside,
                     uint32_t outside) {
        for (size_t i = 0; i < p->n_pairs; i++) {
                struct id_pair *q = &p->pairs[i];

                if (q->inside != inside && q->outside != outside)
                        continue;
                if (q->inside == inside && q->outside == outside)
                        return;
                finding_add(f, (struct finding){ .code = FINDING_GID_CONFLICT,
                                                 .what = arena_printf(a, "%u", inside),
                                                 .old = arena_printf(a, "%u", outside),
                                                 .new = arena_printf(a, "%u", q->outside) });
                return;
        }
        *ARENA_PUSH(a, p->pairs, p->n_pairs) = (struct id_pair){ inside, outside };
}

static bool has_pair(const struct plan *p, uint32_t inside, uint32_t outside) {
        for (size_t i = 0; i < p->n_pairs; i++)
                if (p->pairs[i].inside == inside || p->pairs[i].outside == outside)
                        return true;
        return false;
}

static bool maps_inside(const struct plan *p, uint32_t inside) {
        for (size_t i = 0; i < p->n_pairs; i++)
                if (p->pairs[i].inside == inside)
                        return true;
        return false;
}

/* The node itself tells the host gid: groupmod does not change nodes that exist. */
static void add_node_pair(struct arena *a, struct findings *f, struct plan *p,
                          const struct plan_node *pn) {
        const struct plan_gid *g = gids_of_node(p, pn->node);

        if (pn->form != METHOD_IDMAP || !pn->required)
                return;
        if (pn->node->gid == 0) {
                if ((pn->node->mode & 0006) != 0006)
                        finding_add(f, (struct finding){
                                               .code = FINDING_NODE_GROUP_ROOT,
                                               .what = pn->node->path,
                                               .old = arena_printf(a, "%04o", pn->node->mode) });
                return;
        }
        /* before any group's gid is known the node's own number is the better guess */
        add_pair(a, f, p, g->known || g->host_present ? g->inside : pn->node->gid, pn->node->gid);
}

/* Told only of a map that will be written. */
static void report_guesses(struct arena *a, struct findings *f, const struct plan *p) {
        for (size_t i = p->n_nodes; i-- > 0;) {
                const struct plan_node *pn = &p->nodes[i];
                const struct plan_gid *g = gids_of_node(p, pn->node);

                if (pn->form == METHOD_IDMAP && pn->required && pn->node->gid != 0 && !g->known &&
                    !g->in_map)
                        finding_add(f, (struct finding){ .code = FINDING_GID_GUESSED,
                                                         .what = g->name,
                                                         .new = arena_printf(a, "%u", g->inside) });
        }
}

static void report_holes(struct arena *a, struct findings *f, const struct plan *p,
                         const struct idmap_change *change) {
        for (size_t i = 0; i < p->n_pairs; i++) {
                uint32_t before;
                const struct id_pair *q = &p->pairs[i];

                if (!idmap_lookup(&p->map_now, q->inside, &before) || before == q->outside)
                        continue;
                finding_add(f, (struct finding){ .code = idmap_is_hole(&p->map_now, q->inside)
                                                                 ? FINDING_HOLE_CHANGED
                                                                 : FINDING_HOLE_ADDED,
                                                 .what = arena_printf(a, "%u", q->inside),
                                                 .old = arena_printf(a, "%u", before),
                                                 .new = arena_printf(a, "%u", q->outside) });
        }
        for (size_t i = 0; i < change->n_ours; i++) {
                uint32_t id = change->ours[i], before, after;

                if (idmap_lookup(&p->map_now, id, &before) && idmap_lookup(&p->map, id, &after) &&
                    before != after && !idmap_is_hole(&p->map, id))
                        finding_add(f, (struct finding){ .code = FINDING_HOLE_HEALED,
                                                         .what = arena_printf(a, "%u", id),
                                                         .old = arena_printf(a, "%u", before) });
        }
}

static void map_failed(const struct plan_input *in, struct findings *f, struct plan *p,
                       const char *what) {
        p->failed = true;
        p->map = p->map_now;
        finding_add(f, (struct finding){
                               .code = FINDING_IDMAP_BROKEN, .what = what, .where = in->name });
}

/* Ids that a full map of 65536 would have and this one has not, as in half-edited files. */
static void report_odd(struct arena *a, const struct plan_input *in, struct findings *f,
                       const struct plan *p) {
        uint64_t count = 0;

        for (size_t i = 0; i < p->map_now.n_extents; i++)
                count += p->map_now.extents[i].count;
        if (p->has_map && count < 65536)
                finding_add(f, (struct finding){
                                       .code = FINDING_IDMAP_ODD,
                                       .what = arena_printf(a, "%llu gids are mapped, not 65536",
                                                            (unsigned long long)count),
                                       .where = in->name });
}

void gids_map(struct arena *a, const struct plan_input *in, struct findings *f, struct plan *p) {
        uint32_t ours[2 * GID_GROUPS];
        size_t n_ours = 0;
        struct idmap_change change;
        enum idmap_problem problem;

        if (!p->userns)
                return;
        for (size_t i = p->n_nodes; i-- > 0;) /* render before card: it is what programs open */
                add_node_pair(a, f, p, &p->nodes[i]);
        for (size_t i = GID_GROUPS; i-- > 0;) {
                const struct plan_gid *g = &p->gids[i];

                if (!g->in_map)
                        continue;
                if (g->map_inside != g->inside)
                        ours[n_ours++] = g->map_inside;
                if (in->convert == METHOD_DEV && !maps_inside(p, g->inside)) {
                        if (g->map_inside == g->inside)
                                ours[n_ours++] = g->inside;
                        continue;
                }
                if (g->host_present && g->host != 0 && !has_pair(p, g->inside, g->host))
                        add_pair(a, f, p, g->inside, g->host);
                /* a group that this host lacks: the number is another's or nobody's, and
                 * without a delegation of it the container would not start */
                if (!g->host_present && g->map_inside == g->inside && !maps_inside(p, g->inside))
                        ours[n_ours++] = g->map_inside;
        }
        if (p->n_pairs == 0 && n_ours == 0) {
                p->map = p->map_now;
                return;
        }
        if (p->map_broken) {
                map_failed(in, f, p, "a line cannot be parsed");
                return;
        }
        report_odd(a, in, f, p);
        change = (struct idmap_change){ ours, n_ours, p->pairs, p->n_pairs };
        problem = idmap_punch(a, &p->map_now, &change, &p->map);
        if (problem != IDMAP_OK) {
                map_failed(in, f, p, idmap_problem_text(problem));
                return;
        }
        report_guesses(a, f, p);
        report_holes(a, f, p, &change);
}
