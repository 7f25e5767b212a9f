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

#define RENDER_KINDS (NODE_BIT(NODE_RENDER) | NODE_BIT(NODE_KFD) | NODE_BIT(NODE_ACCEL))

static void read_map(struct planner *x) {
        const struct plan_input *in = x->in;
        struct plan *p = x->p;

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
                        finding_add(x->f, (struct finding){ .code = FINDING_LINE_BROKEN,
                                                            .what = idmap_problem_text(problem),
                                                            .where = arena_printf(
                                                                    x->a, "%s:%zu", in->name,
                                                                    in->conf->lines[i].number) });
                } else if (type == 'g') {
                        *ARENA_PUSH(x->a, p->map_now.extents, p->map_now.n_extents) = e;
                }
        }
        if (!p->has_map && p->userns)
                *ARENA_PUSH(x->a, p->map_now.extents, p->map_now.n_extents) = idmap_default();
}

static bool is_hole_of(const struct plan *p, int64_t inside) {
        return inside >= 0 && idmap_is_hole(&p->map_now, (uint32_t)inside);
}

/* A hole of this container gid leads to what may have been a system group of the host's. */
static bool is_system_hole_of(const struct plan *p, int64_t inside) {
        uint32_t outside;

        return is_hole_of(p, inside) && idmap_lookup(&p->map_now, (uint32_t)inside, &outside) &&
               outside < FIRST_USER_GID;
}

/* The one that led to the host's group when that had a user's number. */
static bool is_remembered_hole_of(const struct plan *p, int64_t inside, int64_t hole) {
        uint32_t outside;

        return is_hole_of(p, inside) && idmap_lookup(&p->map_now, (uint32_t)inside, &outside) &&
               (int64_t)outside == hole;
}

static void set_hole(struct plan_gid *g, uint32_t inside) {
        g->in_map = true;
        g->map_inside = inside;
}

/* gid= of the devN line that gives a card node, for video, or a render node */
static bool dev_line_gid(const struct plan_input *in, enum gid_group group, uint32_t *ret) {
        uint32_t kinds = group == GID_VIDEO ? NODE_BIT(NODE_CARD) : NODE_BIT(NODE_RENDER);

        for (size_t i = 1; i < in->survey->n_lines; i++) {
                const struct devline *d = &in->survey->lines[i];

                if (d->type == DEVLINE_DEV && d->gid.len > 0 && d->path.scope != PATH_FOLDER &&
                    (devline_kinds(in->facts, d) & kinds) && parse_u32(d->gid, ret))
                        return true;
        }
        return false;
}

/* A hole whose container gid we remember, whose host gid is the group's today, or whose container
 * gid a devN line has. */
static void find_sure_hole(const struct planner *x, enum gid_group group) {
        const struct policy_gid *policy = &x->in->policy->gid[group];
        const struct plan *p = x->p;
        struct plan_gid *g = &x->p->gids[group];
        uint32_t inside;

        if (is_system_hole_of(p, policy->known) ||
            is_remembered_hole_of(p, policy->known, policy->hole))
                set_hole(g, (uint32_t)policy->known);
        else if (is_remembered_hole_of(p, policy->set, policy->hole))
                set_hole(g, (uint32_t)policy->set);
        else if (g->host_present && idmap_lookup_outside(&p->map_now, g->host, &inside) &&
                 idmap_is_hole(&p->map_now, inside))
                set_hole(g, inside);
        else if (dev_line_gid(x->in, group, &inside) && is_system_hole_of(p, inside))
                set_hole(g, inside);
        else if (is_system_hole_of(p, policy->guessed) ||
                 is_remembered_hole_of(p, policy->guessed, policy->hole))
                set_hole(g, (uint32_t)policy->guessed);
}

/*
 * The host's render gid moved before we ever saw this container, which has nodes bound: its hole
 * is the one system gid that is left when video's is taken away. Two are a guess, and where
 * something is known of the container's gid already it is no evidence at all. Nor is it where no
 * node of that group is to be given: the hole may be for anything. The container's root is neither
 * group, and what leads to a user of the host was never a system group.
 */
static void find_left_over_hole(struct planner *x) {
        const struct policy_gid *policy = &x->in->policy->gid[GID_RENDER];
        struct plan *p = x->p;
        struct plan_gid *video = &p->gids[GID_VIDEO], *render = &p->gids[GID_RENDER];
        size_t left = 0;
        uint32_t inside = 0;

        if (!video->in_map && is_system_hole_of(p, DEBIAN_VIDEO_GID) &&
            !(render->in_map && render->map_inside == DEBIAN_VIDEO_GID))
                set_hole(video, DEBIAN_VIDEO_GID);
        if (render->in_map || policy->known >= 0 || policy->learned >= 0 ||
            !x->in->survey->there.as_mount || !(p->devices & RENDER_KINDS))
                return;
        for (size_t i = 0; i < p->map_now.n_extents; i++) {
                const struct extent *e = &p->map_now.extents[i];

                if (e->count != 1 || e->inside == 0 || e->outside >= FIRST_USER_GID ||
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
static void part_holes(struct plan *p) {
        struct plan_gid *video = &p->gids[GID_VIDEO], *render = &p->gids[GID_RENDER];
        uint32_t outside;

        if (!video->in_map || !render->in_map || video->map_inside != render->map_inside)
                return;
        if (video->host_present && idmap_lookup(&p->map_now, video->map_inside, &outside) &&
            outside == video->host)
                render->in_map = false;
        else
                video->in_map = false;
}

/* It was read from the container's group file, which may say 70000: a start must not fail by it. */
static bool can_be_mapped(const struct plan *p, uint32_t inside) {
        uint32_t outside;

        return !p->userns || p->map_broken || idmap_lookup(&p->map_now, inside, &outside);
}

static void find_inside(struct planner *x, enum gid_group group) {
        const struct policy_gid *policy = &x->in->policy->gid[group];
        struct plan_gid *g = &x->p->gids[group];
        bool guess_in_map = g->in_map && (int64_t)g->map_inside == policy->guessed;

        g->known = true;
        if (policy->set >= 0)
                g->inside = (uint32_t)policy->set;
        else if (g->in_map && !guess_in_map)
                g->inside = g->map_inside;
        else if (dev_line_gid(x->in, group, &g->inside) && (int64_t)g->inside != policy->guessed)
                ;
        else if (policy->known >= 0 && can_be_mapped(x->p, (uint32_t)policy->known))
                g->inside = (uint32_t)policy->known;
        else if (policy->learned >= 0 && can_be_mapped(x->p, (uint32_t)policy->learned))
                g->inside = (uint32_t)policy->learned;
        else /* a guess stays what it was until something better is known */
                g->inside = policy->guessed >= 0 ? (uint32_t)policy->guessed : g->host,
                g->known = false;
}

void gids_find(struct planner *x) {
        const struct host_group *host = x->in->facts->groups;
        struct plan *p = x->p;

        for (int i = 0; i < GID_GROUPS; i++)
                p->gids[i] = (struct plan_gid){ .name = gid_group_name(i),
                                                .host_present = host[i].present,
                                                .host = host[i].gid };
        read_map(x);
        if (p->has_map && !p->map_broken && idmap_check(&p->map_now) == IDMAP_OK) {
                for (int i = 0; i < GID_GROUPS; i++)
                        find_sure_hole(x, i);
                find_left_over_hole(x);
                part_holes(p);
        }
        for (int i = 0; i < GID_GROUPS; i++)
                find_inside(x, i);
}

bool gids_is_taken(const struct idmap *map, uint32_t inside) {
        const struct extent *e = idmap_extent_at(map, inside);

        return e && (e->outside < FIRST_SUBGID || idmap_is_hole(map, inside));
}

bool gids_lines_take(struct arena *a, const struct pctconf *conf, uint32_t inside) {
        struct idmap map = { 0 };

        for (size_t i = 1; i < conf->n_lines; i++) {
                struct extent e;
                char type;

                if (bytes_equal(conf->lines[i].key, BYTES("lxc.idmap")) &&
                    idmap_parse_line(conf->lines[i].value, &type, &e) == IDMAP_OK && type == 'g')
                        *ARENA_PUSH(a, map.extents, map.n_extents) = e;
        }
        return gids_is_taken(&map, inside);
}
