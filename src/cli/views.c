/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * views - what more than one verb looks at
 */
#include "cli/views.h"

#include "anchor/status.h"
#include "anchor/usage.h"
#include "base/file.h"
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
        return access(arena_printf(&c->arena, "%s/sys/fs/cgroup/system.slice/gpuanchord.service",
                                   c->root),
                      F_OK) == 0;
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
