/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * permission - layer 1, file permission as the container meets it
 *
 * A bound node keeps the host's owner and is seen through the id map: a gid that has no
 * hole shows as nogroup, and root of the container gets EACCES like everybody else. A node
 * of a devN line is a private one whose owner the line names.
 */
#include "model/doctor/container.h"
#include "base/number.h"
#include "model/plan/gids.h"

/* The uid side; the gid side is in the plan. */
static void read_uids(struct arena *a, const struct doctor_guest *g, struct idmap *ret) {
        for (size_t i = 1; i < g->survey->n_lines; i++) {
                struct extent e;
                char type;

                if (g->survey->lines[i].type == DEVLINE_IDMAP &&
                    idmap_parse_line(g->conf->lines[i].value, &type, &e) == IDMAP_OK && type == 'u')
                        *ARENA_PUSH(a, ret->extents, ret->n_extents) = e;
        }
        if (!g->plan->has_map)
                *ARENA_PUSH(a, ret->extents, ret->n_extents) = idmap_default();
}

static const struct finding *find(const struct doctor_guest *g, enum finding_code code) {
        for (size_t i = 0; i < g->findings->n; i++)
                if (g->findings->items[i].code == code)
                        return &g->findings->items[i];
        return NULL;
}

/* Why the kernel or LXC would not take the map; NULL when they would. */
static const char *map_problem(struct arena *a, const struct doctor_guest *g,
                               const struct idmap *uids) {
        enum idmap_problem problem = idmap_check(&g->plan->map_now);

        if (g->plan->map_broken)
                return "a line of it cannot be understood";
        if (problem != IDMAP_OK)
                return arena_printf(a, "gids: %s", idmap_problem_text(problem));
        problem = idmap_check(uids);
        if (problem != IDMAP_OK)
                return arena_printf(a, "uids: %s", idmap_problem_text(problem));
        if (g->plan->map_now.n_extents == 0)
                return "it has no g line, and one line of a map replaces all of the default";
        if (uids->n_extents == 0)
                return "it has no u line, and one line of a map replaces all of the default";
        return NULL;
}

static void check_idmap(struct doctor_report *r, const struct doctor_guest *g,
                        const struct idmap *uids) {
        struct arena *a = r->arena;
        const struct finding *odd = find(g, FINDING_IDMAP_ODD),
                             *bad = find(g, FINDING_IDMAP_BROKEN);
        const char *problem = map_problem(a, g, uids);
        struct doctor_item item = { .check = DOCTOR_IDMAP };
        struct extent base = idmap_default();

        if (problem || bad) {
                item.verdict = DOCTOR_FAILED;
                item.evidence = problem;
                item.finding = bad;
                item.advice = arena_printf(a, "correct the lxc.idmap lines of %s", g->path);
                if (uids->n_extents == 0 && !g->plan->map_broken && !bad)
                        item.mend = arena_printf(a,
                                                 "sed -i '0,/^lxc.idmap/s/^lxc.idmap/lxc.idmap: "
                                                 "%s\\n&/' %s",
                                                 idmap_line(a, 'u', &base), g->path);
        } else if (odd) {
                item.verdict = DOCTOR_WARNING;
                item.finding = odd;
        } else {
                item.evidence = g->plan->has_map
                                        ? arena_printf(a, "%zu ranges of gids, each id once",
                                                       g->plan->map_now.n_extents)
                                        : "the default one, 100000 and up, in which no gid of the "
                                          "host is";
        }
        doctor_add(r, item);
}

/* A hole that gpuanchor would move is judged by the nodes that need it. */
static bool will_go(const struct doctor_guest *g, const struct extent *e) {
        uint32_t outside;

        return !g->left_alone && e->count == 1 &&
               idmap_lookup(&g->plan->map, e->inside, &outside) && outside != e->outside;
}

/* Ranges that root may not map; of the base range the host's checks have told. */
static void check_delegated(struct doctor_report *r, const struct idmap *map,
                            const struct subid_range *ranges, size_t n, const char *kind) {
        for (size_t i = 0; i < map->n_extents; i++) {
                const struct extent *e = &map->extents[i];
                char letter = kind[3];

                if (doctor_is_base(e->outside, e->count) ||
                    doctor_ids_delegated(ranges, n, e->outside, e->count))
                        continue;
                doctor_add(r, (struct doctor_item){
                                      .check = DOCTOR_DELEGATED,
                                      .verdict = DOCTOR_FAILED,
                                      .subject = idmap_line(r->arena, letter, e),
                                      .evidence = arena_printf(
                                              r->arena,
                                              "/etc/%.6s does not let root map host %cid %u%s: "
                                              "the start fails",
                                              kind, letter, e->outside,
                                              e->count > 1 ? " and what follows" : ""),
                                      .mend = arena_printf(r->arena, "usermod --add-%s %u-%u root",
                                                           kind, e->outside,
                                                           e->outside + (e->count - 1)) });
        }
}

/* The gid side of the map as it is, without the holes that will go. */
static struct idmap staying(struct arena *a, const struct doctor_guest *g) {
        struct idmap map = { 0 };

        for (size_t i = 0; i < g->plan->map_now.n_extents; i++)
                if (!will_go(g, &g->plan->map_now.extents[i]))
                        *ARENA_PUSH(a, map.extents, map.n_extents) = g->plan->map_now.extents[i];
        return map;
}

/* The map as a whole, for a container in a user namespace. */
static void check_map(struct doctor_report *r, const struct doctor_guest *g,
                      const struct idmap *uids) {
        struct idmap gids = staying(r->arena, g);

        check_idmap(r, g, uids);
        if (idmap_check(&gids) == IDMAP_OK)
                check_delegated(r, &gids, g->facts->subgids, g->facts->n_subgids, "subgids");
        if (idmap_check(uids) == IDMAP_OK)
                check_delegated(r, uids, g->subuids, g->n_subuids, "subuids");
        if (!doctor_has(r, DOCTOR_DELEGATED))
                doctor_add(r, (struct doctor_item){ .check = DOCTOR_DELEGATED,
                                                    .verdict = DOCTOR_OK,
                                                    .evidence = "every host id of the map" });
}

static const char *group_inside(struct arena *a, const struct plan *p, uint32_t gid) {
        for (size_t i = 0; i < GID_GROUPS; i++)
                if (p->gids[i].inside == gid && (p->gids[i].known || p->gids[i].in_map))
                        return p->gids[i].name;
        return gid == 0 ? "root" : arena_printf(a, "%u", gid);
}

/* A node whose group the host has wrong: mended there, the container sees it rightly. */
static bool host_is_wrong(const struct doctor_guest *g, const struct node *n) {
        const struct host_group *group = &g->facts->groups[gid_group_of(n->kind)];
        uint32_t inside;

        if (n->gid == 0)
                return true;
        return n->kind != NODE_NVIDIA && group->present && n->gid != group->gid &&
               idmap_lookup_outside(&g->plan->map_now, group->gid, &inside);
}

static const char *why_nogroup(struct arena *a, const struct doctor_guest *g,
                               const struct node *n) {
        const struct plan_gid *group = gids_of_node(g->plan, n);
        uint32_t outside;

        if (group->in_map && idmap_lookup(&g->plan->map_now, group->map_inside, &outside))
                return arena_printf(a,
                                    "the node belongs to host gid %u, but the id map makes "
                                    "container gid %u (%s) host gid %u",
                                    n->gid, group->map_inside, group->name, outside);
        return arena_printf(a, "host gid %u of the node is not in the id map", n->gid);
}

static void check_bound(struct doctor_report *r, const struct doctor_guest *g,
                        const struct doctor_given *given, const struct idmap *uids) {
        const struct node *n = given->node;
        struct arena *a = r->arena;
        struct doctor_item item = { .check = DOCTOR_OWNER, .subject = n->path };
        uint32_t uid, gid;
        bool user = idmap_lookup_outside(uids, n->uid, &uid);
        bool group = idmap_lookup_outside(&g->plan->map_now, n->gid, &gid);
        const char *seen = arena_printf(a, "%s:%s",
                                        !user      ? "nobody"
                                        : uid == 0 ? "root"
                                                   : arena_printf(a, "%u", uid),
                                        group ? group_inside(a, g->plan, gid) : "nogroup");

        if (group) {
                item.evidence =
                        arena_printf(a, "%s, container gid %u is host gid %u", seen, gid, n->gid);
        } else if ((n->mode & 06) == 06) {
                item.evidence =
                        arena_printf(a, "%s, and mode %04o lets everybody in", seen, n->mode);
        } else if (host_is_wrong(g, n)) {
                item.verdict = DOCTOR_SKIPPED;
                item.evidence = arena_printf(a,
                                             "%s now, because its group on the host is wrong (gid "
                                             "%u): see the host",
                                             seen, n->gid);
        } else {
                item.verdict = DOCTOR_FAILED;
                item.evidence = arena_printf(a, "%s: %s", seen, why_nogroup(a, g, n));
                doctor_mend_lines(a, g, &item);
        }
        doctor_add(r, item);
}

/* ",uid=0,mode=0666": what devN says of the mode, 0660 as Proxmox has it */
static bool dev_is_for_all(const struct devline *d) {
        const char *mode = strstr(d->rest, ",mode=");

        return mode && strlen(mode) >= 10 && strchr("67", mode[9]);
}

/* NVIDIA's driver gives its nodes to everybody, and none of them to a group. */
static void mend_private(struct arena *a, const struct doctor_guest *g,
                         const struct doctor_given *given, struct doctor_item *item) {
        const struct devline *d = given->d;
        const struct plan_gid *group = gids_of_node(g->plan, given->node);
        const char *value = given->node->path;

        if (given->node->kind == NODE_NVIDIA)
                value = strstr(d->rest, ",mode=")
                                ? NULL
                                : arena_printf(a, "%s%s,mode=0666", value, d->rest);
        else
                value = group->known ? devline_dev_value(a, value, group->inside, d->rest) : NULL;
        if (value)
                item->mend = arena_printf(a, "pct set %u --dev%u %s", g->vmid, d->index,
                                          doctor_shell_word(a, value));
        else
                item->advice = arena_printf(a,
                                            "add the gid of its group in the container: "
                                            "dev%u: %s,gid=GID",
                                            d->index, given->node->path);
}

static void check_private(struct doctor_report *r, const struct doctor_guest *g,
                          const struct doctor_given *given) {
        const struct devline *d = given->d;
        struct arena *a = r->arena;
        uint32_t gid = 0;
        struct doctor_item item = { .check = DOCTOR_OWNER, .subject = given->node->path };
        bool for_root = !parse_u32(d->gid, &gid) && !strstr(d->rest, ",uid=") && !dev_is_for_all(d);

        item.evidence = arena_printf(a, "%s:%s%s, a node of its own",
                                     strstr(d->rest, ",uid=") ? "uid of the line" : "root",
                                     group_inside(a, g->plan, gid),
                                     dev_is_for_all(d) ? " for everybody" : "");
        if (for_root) {
                item.verdict = DOCTOR_WARNING;
                item.evidence = "root:root 0660: only the container's root may open it";
                mend_private(a, g, given, &item);
        }
        doctor_add(r, item);
}

static void check_host_owner(struct doctor_report *r, const struct node *n) {
        doctor_add(r, (struct doctor_item){
                              .check = DOCTOR_OWNER,
                              .subject = n->path,
                              .evidence = arena_printf(r->arena,
                                                       "the host's own numbers, %u:%u %04o: the "
                                                       "container's group must have gid %u",
                                                       n->uid, n->gid, n->mode, n->gid) });
}

static void check_owner(struct doctor_report *r, const struct doctor_guest *g,
                        const struct doctor_given *given, const struct idmap *uids) {
        bool real = given->node->state == NODE_CHAR;

        if (given->d->broken)
                return; /* see syntax */
        if (!real || (given->d->type == DEVLINE_MOUNT && g->plan->userns && g->plan->map_broken))
                doctor_add(r, (struct doctor_item){ .check = DOCTOR_OWNER,
                                                    .verdict = DOCTOR_SKIPPED,
                                                    .subject = given->node->path,
                                                    .evidence = real ? "see idmap" : "see node" });
        else if (given->d->type == DEVLINE_DEV)
                check_private(r, g, given);
        else if (g->plan->userns)
                check_bound(r, g, given, uids);
        else
                check_host_owner(r, given->node);
}

void doctor_check_file(struct doctor_report *r, const struct doctor_guest *g) {
        struct doctor_given *given;
        struct idmap uids = { 0 };
        size_t n = doctor_given(r->arena, g, &given);

        if (g->plan->userns) {
                read_uids(r->arena, g, &uids);
                check_map(r, g, &uids);
        } else {
                doctor_add(r, (struct doctor_item){ .check = DOCTOR_IDMAP,
                                                    .verdict = DOCTOR_OK,
                                                    .evidence = "privileged: no id map, its root "
                                                                "is the host's" });
        }
        for (size_t i = 0; i < n; i++)
                if (given[i].node)
                        check_owner(r, g, &given[i], &uids);
}
