/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * status-running - what a running container has
 *
 * Read from what root's look left in /run/gpuanchor, and from what its last start noted there:
 * to look into a container needs rights that who asks here may not have.
 */
#include "anchor/status.h"

#include "model/finding/reason.h"
#include "model/live/held-judge.h"
#include "pve/record.h"

/* What a recorded node is now; NULL when it is what it was. */
static const char *what_it_is_now(struct arena *a, const struct facts *f,
                                  const struct record_node *r) {
        const struct gpu *g;
        const struct node *n = facts_node(f, r->number, &g);

        if (!n)
                return WHY_NO_DEVICE;
        if (g)
                return streq(g->address, r->gpu)
                               ? NULL
                               : arena_printf(a, WHY_NODE_OF_GPU, n->path, g->address);
        return streq(n->path, r->path) ? NULL : n->path;
}

static void look_at_record(struct check *c, struct findings *f) {
        check_given(c);
        for (size_t i = 0; c->recorded && i < c->given.n_nodes; i++) {
                const struct record_node *n = &c->given.nodes[i];
                const char *now = what_it_is_now(c->arena, &c->anchor->facts, n);
                const char *number = devnum_text(c->arena, n->number);
                bool shared = streq(n->gpu, "-");

                if (now == WHY_NO_DEVICE && c->plan.missing)
                        continue; /* said of the GPU; to start anew does not bring it back */
                if (now)
                        finding_add(f,
                                  (struct finding){ .code = FINDING_CONTAINER_WRONG_GPU,
                                                    .gpu = shared ? NULL : n->gpu,
                                                    .what = n->path,
                                                    .old = arena_printf(c->arena, "%s%s%s", number,
                                                                        shared ? "" : " of GPU ",
                                                                        shared ? "" : n->gpu),
                                                    .new = now });
        }
}

/*
 * What the last look of root found in it; where it has not looked, what its last start gave.
 * Return: false without a look.
 */
static bool look_at_held(struct check *c, struct findings *f) {
        struct held_judge j = { .facts = &c->anchor->facts,
                                .want = &c->planned,
                                .userns = c->survey.userns };
        struct held held = { 0 };

        if (held_load(&c->anchor->pve, c->guest.vmid, &held) != 0)
                return false;
        j.held = &held;
        check_given(c);
        if (c->recorded)
                given_gpus(c->arena, &c->anchor->facts, &c->given, &j.gpus);
        for (size_t i = 0; i < c->plan.choice.gpus.n; i++)
                gpu_list_add(c->arena, &j.gpus, c->plan.choice.gpus.items[i]);
        held_judge(&j, f);
        return true;
}

/* A bound node has the host's owner: udev's correction of it takes the node from who runs now. */
static void look_at_groups(struct check *c, struct findings *f) {
        const char *back = c->policy.running == RUNNING_FOLLOW
                                   ? WHY_LEAVES_FOLLOWS
                                   : arena_printf(c->arena, WHY_LEAVES_REBOOT, c->guest.vmid);

        for (size_t i = 1; i < c->config_survey.n_lines; i++) {
                const struct devline *d = &c->config_survey.lines[i];
                const struct host_group *g;
                const struct gpu *gpu;
                const struct node *n = devline_node(&c->anchor->facts, d, &gpu);

                if (d->type != DEVLINE_MOUNT || !n || n->state != NODE_CHAR || n->gid == 0 ||
                    !node_kind_has_group(n->kind))
                        continue;
                g = &c->anchor->facts.groups[gid_group_of(n->kind)];
                if (g->present && g->gid != n->gid)
                        finding_add(f,
                                  (struct finding){
                                          .code = FINDING_NODE_LEAVES,
                                          .what = n->path,
                                          .where = back,
                                          .old = arena_printf(c->arena, "%u", n->gid),
                                          .new = arena_printf(c->arena, "%u", g->gid) });
        }
}

/* What the last look of root found in it, against the module that is loaded now. */
static void look_at_libraries(struct check *c, struct findings *f) {
        const char *loaded = c->anchor->facts.nvidia_version;
        struct held held;

        if (!loaded || held_load(&c->anchor->pve, c->guest.vmid, &held) != 0)
                return;
        for (int i = 0; i < DRIVER_LIBRARIES; i++) {
                const struct driver_library *library = &held.libraries[i];

                if (library_judge(library, loaded) != VERDICT_DIFFERS || library->of_host)
                        continue;
                finding_add(f,
                          (struct finding){ .code = FINDING_CONTAINER_DRIVER_MISMATCH,
                                            .what = library->path,
                                            .old = library->version,
                                            .new = loaded });
                return;
        }
}

void anchor_status_running(struct check *c, struct findings *f) {
        if (!look_at_held(c, f))
                look_at_record(c, f);
        look_at_groups(c, f);
        look_at_libraries(c, f);
}
