/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * holes - which container gids are a group of the host, and what becomes of those that were
 */
#include "model/plan/holes.h"

#include "model/plan/gids.h"

#include "model/finding/reason.h"

static const char *number(struct planner *x, uint32_t id) {
        return arena_printf(x->a, "%u", id);
}

/* A hole that is of neither group was made by the owner for something else, and stays. */
static bool is_owners(const struct planner *x, uint32_t inside, uint32_t outside) {
        const struct plan *p = x->p;
        uint32_t now;

        for (int i = 0; i < GID_GROUPS; i++)
                if ((p->gids[i].in_map && p->gids[i].map_inside == inside) ||
                    x->in->policy->gid[i].set == inside)
                        return false;
        return gids_is_taken(&p->map_now, inside) && idmap_lookup(&p->map_now, inside, &now) &&
               now != outside;
}

static const char *host_gid(struct planner *x, uint32_t gid) {
        return facts_gid_text(x->a, x->in->facts, gid);
}

static void add_pair(struct planner *x, uint32_t inside, uint32_t outside) {
        struct plan *p = x->p;

        for (size_t i = 0; i < p->n_pairs; i++) {
                struct id_pair *q = &p->pairs[i];

                if (q->inside != inside && q->outside != outside)
                        continue;
                if (q->inside == inside && q->outside == outside)
                        return;
                finding_add(x->f, (struct finding){ .code = FINDING_GID_CONFLICT,
                                                    .what = number(x, inside),
                                                    .old = host_gid(x, outside),
                                                    .new = host_gid(x, q->outside) });
                return;
        }
        if (is_owners(x, inside, outside)) {
                finding_add(x->f, (struct finding){ .code = FINDING_GID_TAKEN,
                                                    .what = number(x, inside),
                                                    .new = host_gid(x, outside) });
                return;
        }
        *ARENA_PUSH(x->a, p->pairs, p->n_pairs) = (struct id_pair){ inside, outside };
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

/* Those of nvidia-caps are made for root, or for everyone to read: nobody opens them to write. */
static void report_root(struct planner *x, const struct node *n) {
        if ((n->mode & 0006) == 0006 || node_family(n) == &families[FAMILY_NVIDIA_CAPS])
                return;
        finding_add(x->f, (struct finding){ .code = FINDING_NODE_GROUP_ROOT,
                                            .what = n->path,
                                            .old = arena_printf(x->a, "%04o", n->mode),
                                            .new = n->kind == NODE_NVIDIA ? WHY_ROOT_NVIDIA
                                                                          : WHY_ROOT_GROUP });
}

/*
 * What only a folder or a rule gave is not given more than before by a start: there was no hole, and
 * none was asked for. Once there are lines for each node the policy remembers where they came from.
 */
static bool is_narrowed(struct planner *x, const struct node *n) {
        const struct survey *s = x->in->survey;
        const struct policy *policy = x->in->policy;
        enum gid_group group = gid_group_of(n->kind);
        const struct policy_gid *g = &policy->gid[group];
        bool folder = (s->folders | s->allowed) & DRM_KINDS & NODE_BIT(n->kind);
        bool narrowed;

        if (x->p->gids[group].in_map || g->set != GID_AUTO)
                return false;
        for (int kind = 0; kind < NODE_KINDS && !policy->narrowed; kind++)
                if ((s->nodes & NODE_BIT(kind)) && gid_group_of(kind) == group)
                        folder = false; /* its hole is for this one, too */
        narrowed = policy->narrowed ? (policy->narrowed & NODE_BIT(n->kind)) != 0
                                    : folder && g->known == GID_AUTO && g->guessed == GID_AUTO;
        x->p->gids[group].asked |= narrowed && x->in->asked;
        return narrowed && !x->in->asked;
}

/* The host gid is that of the node itself: groupmod does not change nodes that exist. */
static void add_node_pair(struct planner *x, const struct plan_node *pn) {
        const struct plan_gid *g = plan_gid_of(x->p, pn->node);

        if (!pn->bound && (pn->form != METHOD_IDMAP || !pn->required))
                return;
        if (pn->node->gid == 0) {
                report_root(x, pn->node);
                return;
        }
        if (idmap_is_own(&x->p->map_now, pn->node->gid))
                return; /* check_group() says that the host's node has not its group */
        if (is_narrowed(x, pn->node)) {
                x->p->narrowed |= NODE_BIT(pn->node->kind);
                if (pn->node->mode & 0006)
                        return;
                finding_add(x->f, (struct finding){ .code = FINDING_HOLE_NOT_ASKED,
                                                    .what = pn->node->path,
                                                    .new = number(x, x->in->vmid) });
                return;
        }
        /* before any group's gid is known the node's own number is the better guess */
        add_pair(x, g->known || g->host_present ? g->inside : pn->node->gid, pn->node->gid);
}

/* Only where the map will be written. */
static void report_guesses(struct planner *x) {
        const struct plan *p = x->p;

        for (size_t i = p->n_nodes; i-- > 0;) {
                const struct plan_node *pn = &p->nodes[i];
                const struct plan_gid *g = plan_gid_of(p, pn->node);

                if ((pn->bound || (pn->form == METHOD_IDMAP && pn->required)) &&
                    pn->node->gid != 0 && !g->known && !g->in_map &&
                    !(p->narrowed & NODE_BIT(pn->node->kind)))
                        finding_add(x->f, (struct finding){ .code = FINDING_GID_GUESSED,
                                                            .what = g->name,
                                                            .new = number(x, g->inside) });
        }
}

static void report_holes(struct planner *x, const struct idmap_change *change) {
        const struct plan *p = x->p;

        for (size_t i = 0; i < p->n_pairs; i++) {
                uint32_t before;
                const struct id_pair *q = &p->pairs[i];

                if (!idmap_lookup(&p->map_now, q->inside, &before) || before == q->outside)
                        continue;
                finding_add(x->f, (struct finding){ .code = idmap_is_hole(&p->map_now, q->inside)
                                                                    ? FINDING_HOLE_CHANGED
                                                                    : FINDING_HOLE_ADDED,
                                                    .what = number(x, q->inside),
                                                    .old = number(x, before),
                                                    .new = host_gid(x, q->outside) });
        }
        for (size_t i = 0; i < change->n_healable; i++) {
                uint32_t id = change->healable[i], before, after;

                if (idmap_lookup(&p->map_now, id, &before) && idmap_lookup(&p->map, id, &after) &&
                    before != after && !idmap_is_hole(&p->map, id))
                        finding_add(x->f, (struct finding){ .code = FINDING_HOLE_HEALED,
                                                            .what = number(x, id),
                                                            .old = host_gid(x, before) });
        }
}

static void map_failed(struct planner *x, const char *what) {
        x->p->failed = true;
        x->p->map = x->p->map_now;
        finding_add(x->f, (struct finding){ .code = FINDING_IDMAP_BROKEN,
                                            .what = what,
                                            .where = x->in->name });
}

/* Ids that a full map has and this one has not, as in half-edited files. */
static void report_odd(struct planner *x) {
        const struct plan *p = x->p;
        uint32_t full = idmap_default().count;
        uint64_t count = 0;

        for (size_t i = 0; i < p->map_now.n_extents; i++)
                count += p->map_now.extents[i].count;
        if (p->has_map && count < full)
                finding_add(x->f,
                            (struct finding){ .code = FINDING_IDMAP_ODD,
                                              .what = arena_printf(x->a, WHY_IDMAP_SHORT,
                                                                   (unsigned long long)count, full),
                                              .where = x->in->name });
}

static bool will_be_delegated(const struct plan *p, const struct extent *e) {
        for (size_t i = 0; e->count == 1 && i < p->n_pairs; i++)
                if (p->pairs[i].outside == e->outside)
                        return true;
        return false;
}

/* What newgidmap refuses in the map as it shall be. That of all containers is a matter of the host. */
void holes_check(struct planner *x) {
        const struct plan *p = x->p;
        const struct facts *f = x->in->facts;
        struct extent base = idmap_default();

        for (size_t i = 0; p->has_map && !p->failed && i < p->map.n_extents; i++) {
                const struct extent *e = &p->map.extents[i];
                uint64_t end = (uint64_t)e->outside + e->count;

                if ((e->outside >= base.outside && end <= base.outside + (uint64_t)base.count) ||
                    will_be_delegated(p, e) ||
                    subids_delegated(f->subgids, f->n_subgids, e->outside, e->count))
                        continue;
                finding_add(x->f, (struct finding){ .code = FINDING_IDMAP_REFUSED,
                                                    .where = x->in->name,
                                                    .old = idmap_line(x->a, 'g', e) });
        }
}

void holes_find(struct planner *x) {
        struct plan *p = x->p;
        uint32_t healable[2 * GID_GROUPS];
        size_t n_healable = 0;
        struct idmap_change change;
        enum idmap_problem problem;

        if (!p->userns)
                return;
        for (size_t i = p->n_nodes; i-- > 0;) /* render before card: it is what programs open */
                add_node_pair(x, &p->nodes[i]);
        for (size_t i = GID_GROUPS; i-- > 0;) {
                const struct plan_gid *g = &p->gids[i];

                if (!g->in_map)
                        continue;
                if (g->map_inside != g->inside)
                        healable[n_healable++] = g->map_inside;
                if (x->in->convert == METHOD_DEV && !maps_inside(p, g->inside)) {
                        if (g->map_inside == g->inside)
                                healable[n_healable++] = g->inside;
                        continue;
                }
                if (g->host_present && g->host != 0 && !has_pair(p, g->inside, g->host))
                        add_pair(x, g->inside, g->host);
                /* this host lacks the group: its number is another group's or none's, and
                 * without a delegation of it the container would not start */
                if (!g->host_present && g->map_inside == g->inside && !maps_inside(p, g->inside))
                        healable[n_healable++] = g->map_inside;
        }
        if (p->n_pairs == 0 && n_healable == 0) {
                p->map = p->map_now;
                return;
        }
        if (p->map_broken) {
                map_failed(x, WHY_IDMAP_LINE);
                return;
        }
        report_odd(x);
        change = (struct idmap_change){ healable, n_healable, p->pairs, p->n_pairs };
        problem = idmap_punch(x->a, &p->map_now, &change, &p->map);
        if (problem != IDMAP_OK) {
                map_failed(x, idmap_problem_text(problem));
                return;
        }
        report_guesses(x);
        report_holes(x, &change);
}

uint32_t holes_kinds(const struct plan_input *in) {
        const struct host_group *video = &in->facts->groups[GID_VIDEO];
        uint32_t kinds = 0;

        for (size_t i = 1; i < in->survey->n_lines; i++) {
                struct extent x;
                char type;

                if (in->survey->lines[i].type != DEVLINE_IDMAP ||
                    idmap_parse_line(in->conf->lines[i].value, &type, &x) != IDMAP_OK ||
                    type != 'g' || x.count != 1)
                        continue;
                if (video->present ? x.outside == video->gid : x.outside == DEBIAN_VIDEO_GID)
                        kinds |= NODE_BIT(NODE_CARD);
                else if (x.outside > LAST_STATIC_GID && x.outside < FIRST_USER_GID)
                        kinds |= NODE_BIT(NODE_RENDER);
        }
        return kinds;
}
