/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * inventory - every node looked at, in the words of finding.def
 *
 * A plan judges the nodes that one container shall get; here are all of the
 * host, whether or not anybody wants them.
 */
#include "render/inventory.h"

#include "model/finding/reason.h"
#include "model/plan/plan.h"

static void check_state(struct inventory *inv, const struct node *n) {
        if (n->state == NODE_CHAR)
                return;
        finding_add(&inv->problems, plan_node_problem(inv->problems.arena, n));
}

static void check_owner(struct inventory *inv, const struct node *n) {
        const struct host_group *g = &inv->facts->groups[gid_group_of(n->kind)];
        struct arena *a = inv->problems.arena;

        if (n->state != NODE_CHAR || !node_kind_has_group(n->kind) ||
            (n->gid == g->gid && g->present))
                return;
        if (n->gid == 0 && (n->mode & 06) != 06)
                finding_add(&inv->problems,
                            (struct finding){ .code = FINDING_NODE_GROUP_ROOT,
                                              .what = n->path,
                                              .old = arena_printf(a, "%04o", n->mode),
                                              .new = WHY_ROOT_GROUP });
        else if (n->gid != 0 && g->present)
                finding_add(&inv->problems,
                            (struct finding){ .code = FINDING_NODE_GROUP_WRONG,
                                              .what = n->path,
                                              .old = arena_printf(a, "%u", n->gid),
                                              .new = facts_gid_text(a, inv->facts, g->gid) });
}

static void check_nodes(struct inventory *inv, const struct node *nodes, size_t n) {
        for (size_t i = 0; i < n; i++) {
                check_state(inv, &nodes[i]);
                check_owner(inv, &nodes[i]);
        }
}

void inventory_check(struct inventory *inv) {
        for (size_t i = 0; i < inv->facts->n_gpus; i++) {
                const struct gpu *g = &inv->facts->gpus[i];

                if (g->n_nodes == 0)
                        finding_add(&inv->problems,
                                    (struct finding){ .code = g->driver ? FINDING_GPU_HELD
                                                                        : FINDING_GPU_NO_DRIVER,
                                                      .gpu = g->address,
                                                      .what = g->driver });
                check_nodes(inv, g->nodes, g->n_nodes);
        }
        check_nodes(inv, inv->facts->shared, inv->facts->n_shared);
        if (inv->usage)
                usage_check(inv->usage, &inv->problems);
        facts_name(inv->facts, &inv->problems);
}

const char *inventory_users(struct arena *a, const struct inventory *inv, const struct gpu *gpu) {
        const char *names = usage_names(a, inv->usage, gpu);

        if (!inv->usage->partial)
                return names;
        return *names ? arena_printf(a, "%s,?", names) : "?";
}

const char *inventory_codes(struct arena *a, const struct inventory *inv, const struct gpu *gpu,
                            const struct node *node) {
        bool seen[FINDING_CODES] = { 0 };
        struct strbuf b = { .arena = a };

        for (size_t i = 0; i < inv->problems.n; i++) {
                const struct finding *f = &inv->problems.items[i];

                if (seen[f->code])
                        continue;
                seen[f->code] = node ? f->what && streq(f->what, node->path)
                                     : gpu && f->gpu && streq(f->gpu, gpu->address);
                if (seen[f->code])
                        strbuf_printf(&b, "%s%s", b.len > 0 ? "," : "",
                                      finding_kinds[f->code].code);
        }
        return strbuf_str(&b);
}

const char *inventory_owner(struct arena *a, const struct inventory *inv, const struct node *node) {
        const char *user = node->uid == 0 ? "root" : arena_printf(a, "%u", node->uid);
        const char *group = facts_group_name(inv->facts, node->gid);

        return group ? arena_printf(a, "%s:%s", user, group)
                     : arena_printf(a, "%s:%u", user, node->gid);
}
