/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * permission - layer 1, file permission as seen in the container
 *
 * A bound node has the host's owner, mapped by the id map: a gid that the map does not have is
 * nogroup, and opening the node fails with EACCES even for root in the container. For a devN line
 * Proxmox creates a node whose owner the line gives.
 */
#include "model/doctor/container.h"

#include "base/number.h"
#include "model/conf/application.h"

static const struct finding *find(const struct doctor_guest *g, enum finding_code code) {
        for (size_t i = 0; i < g->findings->n; i++)
                if (g->findings->items[i].code == code)
                        return &g->findings->items[i];
        return NULL;
}

/* Why the kernel or LXC refuses the map; OUTCOME_NONE when they accept it. */
static enum doctor_outcome map_problem(const struct doctor_guest *g, const struct idmap *uids,
                                       const char **ret_what) {
        enum idmap_problem gids_problem = idmap_check(&g->plan->map_now);
        enum idmap_problem uids_problem = idmap_check(uids);

        *ret_what = idmap_problem_text(gids_problem != IDMAP_OK ? gids_problem : uids_problem);
        if (g->plan->map_broken)
                return OUTCOME_IDMAP_UNREADABLE;
        if (gids_problem != IDMAP_OK)
                return OUTCOME_IDMAP_BAD_GIDS;
        if (uids_problem != IDMAP_OK)
                return OUTCOME_IDMAP_BAD_UIDS;
        if (g->plan->map_now.n_extents == 0)
                return OUTCOME_IDMAP_NO_GIDS;
        return uids->n_extents == 0 ? OUTCOME_IDMAP_NO_UIDS : OUTCOME_NONE;
}

/* The first line of the map, and the one for uids that the file lacks. */
static struct doctor_edit add_uids(struct arena *a, const struct doctor_guest *g) {
        struct extent base = idmap_default();

        for (size_t i = 1; i < g->survey->n_lines; i++)
                if (g->survey->lines[i].type == DEVLINE_IDMAP)
                        return (struct doctor_edit){ i, idmap_line(a, 'u', &base) };
        return (struct doctor_edit){ 0 };
}

static void check_idmap(struct doctor_report *r, const struct doctor_guest *g,
                        const struct idmap *uids) {
        const struct finding *odd = find(g, FINDING_IDMAP_ODD),
                             *bad = find(g, FINDING_IDMAP_BROKEN);
        struct doctor_item item = { .where = g->path, .finding = bad };

        item.outcome = map_problem(g, uids, &item.what);
        if (item.outcome == OUTCOME_IDMAP_NO_UIDS && !bad) {
                item.remedy = REMEDY_FIX;
                item.edit = add_uids(r->arena, g);
        } else if (item.outcome == OUTCOME_NONE && bad) {
                item.outcome = OUTCOME_IDMAP_NOT_PROVED;
        } else if (item.outcome == OUTCOME_NONE && odd) {
                item.outcome = OUTCOME_IDMAP_ODD;
                item.finding = odd;
        } else if (item.outcome == OUTCOME_NONE) {
                item.outcome = g->plan->has_map ? OUTCOME_IDMAP_RIGHT : OUTCOME_IDMAP_DEFAULT;
                item.what = arena_printf(r->arena, "%zu", g->plan->map_now.n_extents);
        }
        doctor_add(r, item);
}

/* A hole that gpuanchor would move: the check of the nodes that need it reports it. */
static bool will_go(const struct doctor_guest *g, const struct extent *e) {
        uint32_t outside;

        return !g->left_alone && e->count == 1 &&
               idmap_lookup(&g->plan->map, e->inside, &outside) && outside != e->outside;
}

/* A side of the id map, and what root may map of it. */
struct map_side {
        const char *name; /* "uid", "gid" */
        const struct idmap *map;
        const struct subid_range *ranges;
        size_t n_ranges;
};

/* Ranges that root may not map; the base range is checked by subuid and subgid. */
static void check_delegated(struct doctor_report *r, const struct doctor_guest *g,
                            const struct map_side *side) {
        struct arena *a = r->arena;

        for (size_t i = 0; i < side->map->n_extents; i++) {
                const struct extent *e = &side->map->extents[i];
                struct doctor_item item;

                if (doctor_is_base(e->outside, e->count) || map_is_too_long(e) ||
                    subids_delegated(side->ranges, side->n_ranges, e->outside, e->count))
                        continue;
                item = (struct doctor_item){
                        .outcome = e->count > 1 ? OUTCOME_DELEGATED_NOT_RANGE
                                                : OUTCOME_DELEGATED_NOT_ONE,
                        .subject = idmap_line(a, *side->name, e),
                        .what = side->name,
                        .old = arena_printf(a, "%u", e->outside),
                        .new = arena_printf(a, "%u", e->outside + (e->count - 1)),
                };
                item.where = item.old;
                if (*side->name == 'g' && e->count == 1) {
                        item.where = facts_gid_text(a, g->facts, e->outside);
                        doctor_judge_hole(g, e, &item);
                }
                doctor_add(r, item);
        }
}

/* The gids of the map as it is, without the holes that gpuanchor would move. */
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

        map_check_lines(r, g);
        if (!doctor_has(r, DOCTOR_IDMAP))
                check_idmap(r, g, uids);
        if (idmap_check(&gids) == IDMAP_OK)
                check_delegated(r, g, &(struct map_side){ "gid", &gids, g->facts->subgids,
                                                          g->facts->n_subgids });
        if (idmap_check(uids) == IDMAP_OK)
                check_delegated(r, g, &(struct map_side){ "uid", uids, g->subuids, g->n_subuids });
        doctor_add_if_silent(r, OUTCOME_DELEGATED_ALL);
}

/* A node whose group is wrong on the host: corrected there, it is right in the container. */
static bool host_is_wrong(const struct doctor_guest *g, const struct node *n) {
        const struct host_group *group = &g->facts->groups[gid_group_of(n->kind)];
        uint32_t inside;

        if (n->gid == 0)
                return true;
        return node_kind_has_group(n->kind) && group->present && n->gid != group->gid &&
               idmap_lookup_outside(&g->plan->map_now, group->gid, &inside);
}

/* Why the node's group is nogroup: the map lacks its gid, or its group's hole has another one. */
static enum doctor_outcome why_nogroup(struct arena *a, const struct doctor_guest *g,
                                       const struct node *n, struct doctor_item *item) {
        const struct plan_gid *group = plan_gid_of(g->plan, n);
        uint32_t outside;

        if (!group->in_map || !idmap_lookup(&g->plan->map_now, group->map_inside, &outside))
                return OUTCOME_OWNER_NOT_MAPPED;
        item->where = arena_printf(a, "%u (%s)", group->map_inside, group->name);
        item->new = arena_printf(a, "%u", outside);
        return OUTCOME_OWNER_MAPPED_ELSEWHERE;
}

/* Its mode says it all; the driver's own of nvidia-caps are root's, or everyone's to read. */
static bool by_mode(const struct node *n, enum doctor_outcome *ret) {
        if ((n->mode & 06) == 06)
                *ret = OUTCOME_OWNER_OPEN;
        else if (n->gid == 0 && node_family(n) == &families[FAMILY_NVIDIA_CAPS])
                *ret = n->mode & 04 ? OUTCOME_OWNER_OPEN_READ : OUTCOME_OWNER_HOSTS_ROOT;
        else
                return false;
        return true;
}

static void check_bound(struct doctor_report *r, const struct doctor_guest *g,
                        const struct doctor_given *given, const struct idmap *uids) {
        const struct node *n = given->node;
        struct arena *a = r->arena;
        struct doctor_item item = { .subject = n->path, .old = arena_printf(a, "%u", n->gid) };
        const struct plan_gid *hosts = plan_gid_of(g->plan, n);
        uint32_t uid, gid;
        bool user = idmap_lookup_outside(uids, n->uid, &uid);
        bool group = idmap_lookup_outside(&g->plan->map_now, n->gid, &gid);

        item.what = arena_printf(a, "%s:%s",
                                 !user      ? "nobody"
                                 : uid == 0 ? "root"
                                            : arena_printf(a, "%u", uid),
                                 !group     ? "nogroup"
                                 : gid == 0 ? "root"
                                            : arena_printf(a, "%u", gid));
        if (group) {
                item.outcome = OUTCOME_OWNER_MAPPED;
                /* the host's name: whether the container has such a group is not known here */
                if (hosts->host_present && hosts->host == n->gid)
                        item.old = arena_printf(a, "%u (%s)", n->gid, hosts->name);
                item.new = arena_printf(a, "%u", gid);
        } else if (by_mode(n, &item.outcome)) {
                item.old = arena_printf(a, "%04o", n->mode);
        } else if (host_is_wrong(g, n)) {
                item.outcome = OUTCOME_OWNER_HOST_WRONG;
        } else {
                item.outcome = why_nogroup(a, g, n, &item);
                doctor_correct_lines(g, &item);
                /* a start adds no hole: it was not asked for, or its container gid has another one */
                if (g->managed && !idmap_lookup_outside(&g->plan->map, n->gid, &gid))
                        item.remedy = g->plan->narrowed ? REMEDY_ENABLE_APPLY : REMEDY_SEE_POLICY;
        }
        doctor_add(r, item);
}

/* "0" of ",uid=" in ",uid=0,mode=0666"; NULL when the line does not have it */
static const char *dev_option(struct arena *a, const struct devline *d, const char *option) {
        const char *at = strstr(d->rest, option);
        struct bytes rest = bytes_of(at ? at + strlen(option) : ""), value = bytes_cut(&rest, ',');

        return at ? arena_strndup(a, value.data, value.len) : NULL;
}

/* ",uid=0,mode=0666": what devN says of the mode, 0660 as Proxmox has it */
static bool dev_is_for_all(const struct devline *d) {
        const char *mode = strstr(d->rest, ",mode=");

        return mode && strlen(mode) >= 10 && strchr("67", mode[9]);
}

/* The line's value with another mode, and its other options. */
static const char *value_with_mode(struct arena *a, const struct devline *d, int64_t gid,
                                   unsigned mode) {
        const char *at = strstr(d->rest, ",mode=");
        size_t n = at ? (size_t)(at - d->rest) : strlen(d->rest);

        return devline_dev_value(a, d->source, gid,
                                 arena_printf(a, "%.*s,mode=%04o%s", (int)n, d->rest, mode,
                                              at ? at + strlen(",mode=0660") : ""));
}

/*
 * The value that the devN line has to have; NULL when the gid of its group is not known. A node of
 * NVIDIA's driver has no group: that lets every user open it.
 */
static const char *opened_dev_value(struct arena *a, const struct doctor_guest *g,
                                    const struct doctor_given *given) {
        const struct devline *d = given->d;
        const struct plan_gid *group = plan_gid_of(g->plan, given->node);
        const char *path = given->node->path;

        if (!node_kind_has_group(given->node->kind))
                return value_with_mode(a, d, GID_AUTO, given->node->mode);
        return group->known ? devline_dev_value(a, path, group->inside, d->rest) : NULL;
}

/* NVIDIA's nodes belong to no group: a capability's is root's on the host, too. */
static bool is_as_on_host(struct arena *a, const struct doctor_given *given) {
        const char *mode = arena_printf(a, ",mode=%04o", given->node->mode);

        return !node_kind_has_group(given->node->kind) &&
               (!(given->node->mode & 04) || strstr(given->d->rest, mode));
}

static void check_private(struct doctor_report *r, const struct doctor_guest *g,
                          const struct doctor_given *given) {
        const struct devline *d = given->d;
        struct arena *a = r->arena;
        const char *uid = dev_option(a, d, ",uid=");
        uint32_t gid = 0;
        bool has_gid = parse_u32(d->gid, &gid);
        struct doctor_item item = { .outcome = dev_is_for_all(d) ? OUTCOME_OWNER_PRIVATE_OPEN
                                                                 : OUTCOME_OWNER_PRIVATE,
                                    .subject = given->node->path };

        if (has_gid || uid || dev_is_for_all(d) || is_as_on_host(a, given) || g->survey->application) {
                /* what that number is called in the container is not known here */
                item.what = arena_printf(a, "%s:%s", uid ? uid : "root",
                                         gid ? arena_printf(a, "%u", gid) : "root");
        } else {
                const char *value = opened_dev_value(a, g, given);

                item.outcome =
                        value ? OUTCOME_OWNER_PRIVATE_ROOT : OUTCOME_OWNER_PRIVATE_ROOT_UNKNOWN;
                item.old = arena_printf(a, "%u", d->index);
                item.arg = value ? doctor_shell_word(a, value) : NULL;
        }
        doctor_add(r, item);
}

static void check_host_owner(struct doctor_report *r, const struct node *n) {
        doctor_add(r, (struct doctor_item){
                              .outcome = (n->mode & 06) == 06 ? OUTCOME_OWNER_PRIVILEGED_OPEN
                                                              : OUTCOME_OWNER_PRIVILEGED,
                              .subject = n->path,
                              .what = arena_printf(r->arena, "%u:%u %04o", n->uid, n->gid, n->mode),
                              .new = arena_printf(r->arena, "%u", n->gid) });
}

static void check_owner(struct doctor_report *r, const struct doctor_guest *g,
                        const struct doctor_given *given, const struct idmap *uids) {
        bool real = given->node->state == NODE_CHAR;

        if (given->d->broken)
                return; /* see syntax */
        if (!real || (given->d->type == DEVLINE_MOUNT && g->plan->userns && g->plan->map_broken))
                doctor_add(r, (struct doctor_item){ .check = DOCTOR_OWNER,
                                                    .outcome = real ? OUTCOME_OWNER_SEE_IDMAP
                                                                    : OUTCOME_SEE_NODE,
                                                    .subject = given->node->path });
        else if (given->d->type == DEVLINE_DEV)
                check_private(r, g, given);
        else if (g->plan->userns)
                check_bound(r, g, given, uids);
        else
                check_host_owner(r, given->node);
}

/* ---- init that is the application ---- */

/* A private node; root of the container may open those whatever their mode. */
static enum doctor_outcome judge_private(const struct init_ids *init, uint32_t uid, uint32_t gid,
                                         const char *mode) {
        bool owner = strchr("67", mode[1]), group = strchr("67", mode[2]);

        if (strchr("67", mode[3]))
                return OUTCOME_APPLICATION_ALL;
        if (init->uid == 0 || (init->uid == uid && owner) || (init->gid == gid && group))
                return OUTCOME_APPLICATION_INIT;
        return init_has_group(init, gid) && group ? OUTCOME_APPLICATION_GROUPS
                                                : OUTCOME_APPLICATION_REFUSED;
}

static void check_application_dev(struct doctor_report *r, const struct devline *d,
                                  const struct init_ids *init, struct doctor_item *item) {
        struct arena *a = r->arena;
        const char *own = dev_option(a, d, ",uid="), *mode = dev_option(a, d, ",mode=");
        uint32_t uid = 0, gid = 0;
        bool has_gid = parse_u32(d->gid, &gid);

        if (own)
                (void)parse_u32(bytes_of(own), &uid);
        mode = mode && strlen(mode) == 4 ? mode : "0660";
        item->outcome = judge_private(init, uid, gid, mode);
        item->new = arena_printf(a, "%u:%u %s", uid, gid, mode);
        item->old = arena_printf(a, "%u", d->index);
        item->arg = doctor_shell_word(a, value_with_mode(a, d, has_gid ? (int64_t)gid : GID_AUTO, 0666));
}

/* A bound node: its owner is the host's, whom root of the container is not. */
static enum doctor_outcome judge_bound(const struct doctor_guest *g, const struct node *n,
                                       const struct init_ids *init) {
        uint32_t gid = n->gid;

        if (g->plan->userns && !idmap_lookup_outside(&g->plan->map_now, n->gid, &gid))
                gid = UINT32_MAX;
        if ((n->mode & 06) == 06)
                return OUTCOME_APPLICATION_ALL;
        if ((!g->plan->userns && init->uid == 0) || gid == init->gid)
                return OUTCOME_APPLICATION_INIT;
        return OUTCOME_APPLICATION_BOUND;
}

static void check_application(struct doctor_report *r, const struct doctor_guest *g,
                              const struct doctor_given *given) {
        struct init_ids init = conf_init_ids(g->conf);
        const struct node *n = given->node;
        struct doctor_item item = { .subject = n->path,
                                    .what = arena_printf(r->arena, "%u:%u", init.uid, init.gid),
                                    .new = arena_printf(r->arena, "%u:%u %04o", n->uid, n->gid,
                                                        n->mode) };

        if (given->d->broken || n->state != NODE_CHAR)
                return; /* see syntax, node */
        if (given->d->type == DEVLINE_DEV)
                check_application_dev(r, given->d, &init, &item);
        else
                item.outcome = judge_bound(g, n, &init);
        doctor_add(r, item);
}

void doctor_check_file(struct doctor_report *r, const struct doctor_guest *g) {
        struct doctor_given *given;
        struct idmap uids = { 0 };
        size_t n = doctor_given(r->arena, g, &given);

        if (g->plan->userns) {
                doctor_read_uids(r->arena, g, &uids);
                check_map(r, g, &uids);
        } else {
                doctor_add(r, (struct doctor_item){ .outcome = OUTCOME_IDMAP_PRIVILEGED });
        }
        for (size_t i = 0; i < n; i++)
                if (given[i].node)
                        check_owner(r, g, &given[i], &uids);
        for (size_t i = 0; g->survey->application && i < n; i++)
                if (given[i].node)
                        check_application(r, g, &given[i]);
}
