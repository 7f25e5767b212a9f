/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * views - what more than one verb looks at
 */
#include "cli/views.h"

#include "anchor/cluster.h"
#include "anchor/status.h"
#include "anchor/usage.h"
#include "base/file.h"
#include "cli/output.h"
#include "host/mounts.h"
#include "model/watch/state.h"

int look_gpus(struct cli *c, struct inventory *ret) {
        struct usage *usage = arena_alloc(&c->arena, sizeof(*usage));
        struct inventory inv = { .facts = &c->host.facts,
                                 .node = c->host.pve.node,
                                 .usage = usage,
                                 .problems = { .arena = &c->arena } };
        int r;

        r = anchor_majors(&c->host);
        if (r < 0)
                return r;
        anchor_usage(&c->host, usage);
        inventory_check(&inv);
        *ret = inv;
        return 0;
}

/* Every service that runs has a control group; a host in a folder may have one, too. */
static bool is_watched(struct cli *c) {
        static const char *const places[] = { "/sys/fs/cgroup", CGROUPS_SYSTEMD };

        for (size_t i = 0; i < ELEMENTS(places); i++)
                if (access(arena_printf(&c->arena, "%s%s/system.slice/gpuanchord.service", c->root,
                                        places[i]),
                           F_OK) == 0)
                        return true;
        return false;
}

/* What the daemon knows; NULL when there is none, or it is not for us to read. */
static const struct baseline *load_baseline(struct cli *c) {
        const char *path =
                arena_printf(&c->arena, "%s" WATCH_STATE_FOLDER "/" WATCH_STATE_FILE, c->root);
        struct watch_state *s = arena_alloc(&c->arena, sizeof(*s));
        struct bytes text;

        if (file_read(&c->arena, path, WATCH_STATE_MAX, &text) < 0 ||
            !watch_state_read(&c->arena, text, s))
                return NULL;
        return &s->baseline;
}

int look_status(struct cli *c, struct status_view *ret) {
        struct host_status *st = arena_alloc(&c->arena, sizeof(*st));
        struct usage *usage = arena_alloc(&c->arena, sizeof(*usage));
        int r = anchor_status(&c->host, load_baseline(c), st);

        if (r < 0)
                return r;
        anchor_usage(&c->host, usage);
        usage_check(usage, &st->findings);
        facts_name(&st->facts, &st->findings);
        ret->usage = usage;
        ret->st = st;
        ret->version = GPUANCHOR_VERSION;
        ret->watched = is_watched(c);
        return 0;
}

/* ---- the cluster ---- */

static const char *mappings_of(struct arena *a, const struct published *p, const struct gpu *g) {
        struct strbuf b = { .arena = a };

        for (size_t i = 0; i < p->n_mappings; i++)
                if (streq(p->mappings[i].address, g->address))
                        strbuf_printf(&b, "%s%s", b.len ? " " : "", p->mappings[i].name);
        return b.len ? strbuf_str(&b) : "";
}

static void add_node(struct arena *a, const struct cluster_node *n, struct cluster_view *ret) {
        const struct facts *f = &n->inventory.facts;
        struct cluster_node_row row = { .node = n->name,
                                        .state = cluster_state_name(n->state),
                                        .problem = n->damaged      ? MSG_CLUSTER_DAMAGED
                                                   : !n->published ? MSG_CLUSTER_NOTHING
                                                                   : NULL,
                                        .age = n->age,
                                        .mappings = "" };

        for (size_t i = 0; i < f->n_gpus; i++) {
                row.gpu = &f->gpus[i];
                row.mappings = mappings_of(a, &n->inventory, row.gpu);
                *ARENA_PUSH(a, ret->nodes, ret->n_nodes) = row;
        }
        if (f->n_gpus == 0)
                *ARENA_PUSH(a, ret->nodes, ret->n_nodes) = row;
}

int look_cluster(struct cli *c, uint32_t only, struct cluster_view *ret) {
        struct cluster_view v = { .node = c->host.pve.node };
        struct cluster all;
        int r = anchor_cluster(&c->host, &all);

        if (r != 0)
                return r;
        for (size_t i = 0; i < all.n_nodes; i++)
                add_node(&c->arena, &all.nodes[i], &v);
        for (size_t i = 0; i < all.n_containers; i++)
                for (size_t j = 0; j < all.n_nodes; j++) {
                        const struct cluster_container *x = &all.containers[i];

                        if (only == 0 || only == x->vmid)
                                *ARENA_PUSH(&c->arena, v.finds, v.n_finds) =
                                        (struct cluster_finding_row){
                                                x->vmid,
                                                x->name,
                                                x->node,
                                                all.nodes[j].name,
                                                cluster_finds_name(x->finds[j]),
                                                x->gpus[j],
                                        };
                }
        *ret = v;
        return 0;
}
