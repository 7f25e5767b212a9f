/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * nodes - which nodes, in which form
 *
 * Where the policy is silent a container keeps what it has: the kinds of node
 * that its lines give, each in the form (bind mount or devN) that it has today.
 * A file that is right already must come out of here unchanged.
 */
#include "model/plan/nodes.h"

#include "model/conf/application.h"
#include "model/finding/reason.h"
#include "model/plan/choose/choose-accel.h"
#include "model/plan/devices.h"
#include "model/ways/other-way.h"

/* A display engine beside the GPU that renders for it need not render itself. */
static bool any_usable(const struct planner *x) {
        const struct choice *c = &x->p->choice;

        for (size_t i = 0; i < c->gpus.n; i++)
                if (gpu_is_usable(c->gpus.items[i]))
                        return true;
        return false;
}

/*
 * A node keeps the form of its own line, in the file or remembered, then of its kind's lines,
 * then of the file's. Of these remembered ones count where nothing in the file answers.
 */
static enum method find_form(struct planner *x, const struct node *n) {
        const struct plan_input *in = x->in;
        const struct survey *s = in->survey;
        struct input_forms own = input_forms(in, n, false), then = input_forms(in, n, true);
        bool dev = own.dev, mount = own.mount;

        /* Proxmox's autodev hook fails with EEXIST on these */
        if (dev && mount)
                finding_add(x->f, (struct finding){ .code = FINDING_TARGET_TWICE,
                                                    .what = n->path,
                                                    .where = in->name });
        if (in->policy->method != METHOD_AUTO)
                return in->policy->method;
        if (!dev && !mount) {
                dev = then.dev;
                mount = then.mount;
        }
        if (!dev && !mount) {
                dev = s->there.as_dev & NODE_BIT(n->kind);
                mount = s->there.as_mount & NODE_BIT(n->kind);
        }
        if (!dev && !mount) {
                dev = s->parked.as_dev & NODE_BIT(n->kind);
                mount = s->parked.as_mount & NODE_BIT(n->kind);
        }
        return dev == mount ? input_form(in) : dev ? METHOD_DEV : METHOD_IDMAP;
}

/* Its lines stay, or are remembered: plan/edit/late.c. */
static void add_late(struct planner *x, const struct gpu *g, const struct node *n,
                     struct finding why) {
        struct plan *p = x->p;

        finding_add(x->f, why);
        planner_miss(x, n->path);
        if (n->state == NODE_ABSENT)
                *ARENA_PUSH(x->a, p->late, p->n_late) =
                        (struct plan_node){ .node = n, .gpu = g, .form = find_form(x, n) };
}

/* NVIDIA's hook runs in no container in which rules count. */
static bool needs_rule(const struct planner *x, const struct node *n) {
        const struct other_ways *ways = &x->in->survey->other_ways;

        return !x->p->userns && other_ways_make(ways, n) && !other_ways_allow(ways, n);
}

static void add_node(struct planner *x, const struct gpu *g, const struct node *n, bool required) {
        struct plan *p = x->p;
        bool hooked = required && input_is_hooked(x->in, n);

        if (plan_has_node(p, n))
                return;
        if (n->state == NODE_CHAR) {
                enum method form = find_form(x, n);

                *ARENA_PUSH(x->a, p->nodes, p->n_nodes) =
                        (struct plan_node){ .node = n,
                                            .gpu = g,
                                            .form = form,
                                            .required = required && !hooked,
                                            .hooked = hooked,
                                            .rule = hooked && needs_rule(x, n),
                                            .bound = hooked && p->userns &&
                                                     other_ways_mount(&x->in->survey->other_ways,
                                                                      n) };
        } else if (required && !hooked) {
                add_late(x, g, n, plan_node_problem(x->a, n));
        }
}

static void check_group(struct planner *x, const struct node *n) {
        const struct facts *facts = x->in->facts;
        const struct host_group *g = &facts->groups[gid_group_of(n->kind)];

        if (!node_kind_has_group(n->kind) || !g->present || n->gid == g->gid || n->gid == 0 ||
            n->gid == facts->groups[GID_VIDEO].gid || n->gid == facts->groups[GID_RENDER].gid)
                return;
        finding_add(x->f, (struct finding){ .code = FINDING_NODE_GROUP_WRONG,
                                            .what = n->path,
                                            .old = arena_printf(x->a, "%u", n->gid),
                                            .new = facts_gid_text(x->a, facts, g->gid) });
}

/*
 * Whether a container that has several GPUs is to have this node too. An iGPU's
 * render node beside an NVIDIA card's own nodes is common, and that card's DRM
 * nodes are then not missing: there are fewer lines than GPUs.
 */
static bool is_wanted(const struct planner *x, const struct gpu *g, const struct node *n) {
        const struct plan_input *in = x->in;
        const struct choice *c = &x->p->choice;
        struct line_count lines;
        size_t away = c->pin.n_gpus > c->gpus.n ? c->pin.n_gpus - c->gpus.n : 0;
        size_t gpus = away - (away > 0 && accel_is_away(c)); /* which is no GPU */

        if (!(x->p->devices & NODE_BIT(n->kind)) || input_is_elsewhere(in, n))
                return false;
        if (in->policy->devices_set || !(NODE_BIT(n->kind) & DRM_KINDS) ||
            !gpu_node(g, NODE_NVIDIA) ||
            !((in->survey->given & NODE_BIT(NODE_NVIDIA)) || in->survey->nvidia_hook.gives))
                return true;
        for (size_t i = 1; i < in->survey->n_lines; i++)
                if (in->survey->lines[i].type == DEVLINE_MOUNT &&
                    in->survey->lines[i].path.scope == PATH_FOLDER &&
                    (in->survey->lines[i].path.kinds & NODE_BIT(n->kind)))
                        return true;
        for (size_t i = 0; i < c->gpus.n; i++)
                gpus += gpu_node(c->gpus.items[i], n->kind) != NULL;
        lines = input_count(in, n->kind);
        if (lines.there > 0 && lines.parked > 0) { /* some GPU was away: whose lines are left? */
                struct input_forms own = input_forms(in, n, false);

                return own.dev || own.mount;
        }
        return lines.there + lines.parked >= gpus;
}

static bool is_accelerator(const struct gpu *g) {
        for (size_t i = 0; i < g->n_nodes; i++)
                if (g->nodes[i].kind != NODE_ACCEL)
                        return false;
        return g->n_nodes > 0;
}

static void add_gpu_nodes(struct planner *x, const struct gpu *g) {
        struct plan *p = x->p;
        size_t before = p->n_nodes;
        bool any = false;

        for (size_t i = 0; i < g->n_nodes; i++) {
                const struct node *n = &g->nodes[i];

                if (is_wanted(x, g, n)) {
                        any = true;
                        add_node(x, g, n, true);
                }
        }
        for (size_t i = before; i < p->n_nodes; i++)
                check_group(x, p->nodes[i].node);
        if ((p->devices & NODE_BIT(NODE_RENDER)) && gpu_node(g, NODE_CARD) && !any_usable(x))
                finding_add(x->f, (struct finding){ .code = FINDING_GPU_NO_NODE,
                                                    .gpu = g->address,
                                                    .what = "render" });
        /* kfd and a lone NPU are nodes of their own, and are looked for after this */
        if (!any && (p->devices & ~(NODE_BIT(NODE_KFD) | NODE_BIT(NODE_ACCEL))) &&
            !is_accelerator(g))
                planner_miss(x, arena_printf(x->a, WHY_NODE_OF, g->address));
}

/* Lines of the same GPUs that may stay although nothing adds them: "c 226:0" beside a render node.
 */
static void add_tolerated(struct planner *x) {
        const struct plan_input *in = x->in;
        struct plan *p = x->p;

        if (in->policy->devices_set)
                return;
        for (size_t i = 0; i < p->choice.gpus.n; i++) {
                const struct gpu *g = p->choice.gpus.items[i];

                for (size_t j = 0; j < g->n_nodes; j++)
                        if (in->survey->allowed & NODE_BIT(g->nodes[j].kind))
                                add_node(x, g, &g->nodes[j], false);
        }
}

static size_t count_gpus(const struct choice *c) {
        size_t n = 0;

        for (size_t i = 0; i < c->gpus.n; i++)
                n += !is_accelerator(c->gpus.items[i]);
        return n;
}

/* A line names the same MIG instance of another card: that of the one card which is given follows. */
static bool names_instance(const struct planner *x, const struct node *n) {
        const struct plan_input *in = x->in;

        for (size_t i = 1; count_gpus(&x->p->choice) == 1 && i < in->survey->n_lines; i++) {
                const struct gpu *g;
                const struct node *other = devline_node(in->facts, &in->survey->lines[i], &g);

                if (other && other->instance && streq(other->instance, n->instance))
                        return true;
        }
        return false;
}

/* kfd and the NVIDIA control nodes: one for all GPUs of the driver. */
static void add_shared(struct planner *x) {
        const struct plan_input *in = x->in;
        struct plan *p = x->p;

        for (size_t i = 0; i < in->facts->n_shared; i++) {
                const struct node *n = &in->facts->shared[i];
                bool named = !in->policy->devices_set && in->survey->nvidia_named;

                if (!(p->devices & NODE_BIT(n->kind)) ||
                    !plan_has_driver(x->p, node_family(n)->driver))
                        continue;
                if (n->card && !gpu_list_has(&p->choice.gpus, node_card(in->facts, n)))
                        continue;
                if (n->kind == NODE_NVIDIA && named) {
                        /* of NVIDIA's many a container keeps those that it has */
                        add_node(x, node_card(in->facts, n), n,
                                 input_names(in, n) || (n->card && names_instance(x, n)) ||
                                         other_ways_make(&in->survey->other_ways, n));
                } else if (!input_is_elsewhere(in, n)) {
                        /* nvidia-caps hand out the partitioning of the card: only to who has them
                         */
                        add_node(x, NULL, n,
                                 n->kind == NODE_KFD || input_names(in, n) ||
                                         (n->state == NODE_CHAR &&
                                          node_family(n) != &families[FAMILY_NVIDIA_CAPS]));
                }
        }
}

static bool is_listed(const struct planner *x, const char *path) {
        for (size_t i = 0; i < x->in->facts->n_shared; i++)
                if (streq(x->in->facts->shared[i].path, path))
                        return true;
        for (size_t i = 0; i < x->p->n_late; i++)
                if (streq(x->p->late[i].node->path, path))
                        return true;
        return false;
}

/* Nodes that a line names and the kernel does not know: a module that is not loaded yet. */
static void add_unknown(struct planner *x) {
        const struct survey *s = x->in->survey;

        for (size_t i = 1; i < s->n_lines; i++) {
                const struct gpu_path *path = &s->lines[i].path;
                struct node *n;

                if ((s->lines[i].type != DEVLINE_MOUNT && s->lines[i].type != DEVLINE_DEV) ||
                    path->scope != PATH_NODE || !path->family->shared ||
                    !(x->p->devices & NODE_BIT(path->kind)) ||
                    !plan_has_driver(x->p, path->family->driver) ||
                    is_listed(x, bytes_dup(x->a, path->clean)))
                        continue;
                n = arena_alloc(x->a, sizeof(*n));
                *n = (struct node){ .kind = path->kind,
                                    .path = bytes_dup(x->a, path->clean),
                                    .number = { path->family->major, path->family->minor, false } };
                add_late(x, NULL, n, plan_node_late(x->a, n));
        }
}

/* With nothing missing that was chosen, none could be: this host has none, or several. */
static void check_accel(struct planner *x) {
        struct plan *p = x->p;
        struct gpu_list all = accel_list(x->a, x->in->facts);

        if (!(p->devices & NODE_BIT(NODE_ACCEL)) || p->choice.gpus.n == 0 ||
            accel_is_among(&p->choice.gpus))
                return;
        p->incomplete = true;
        if (p->choice.missing)
                return;
        if (all.n > 1)
                finding_add(x->f, (struct finding){
                                          .code = FINDING_GPU_AMBIGUOUS,
                                          .what = arena_printf(x->a, WHY_SEVERAL_ACCEL, all.n),
                                          .old = chooser_beside(x->a, &p->choice.gpus,
                                                                WHY_SELECTOR_ANY),
                                          .new = gpu_list_selectors(x->a, &all) });
        else
                finding_add(x->f, (struct finding){ .code = FINDING_GPU_NO_NODE,
                                                    .gpu = p->choice.gpus.items[0]->address,
                                                    .what = "accel" });
}

/* Without it no program can use the card; a line that was meant for it may be misspelled. */
static void check_ctl(struct planner *x) {
        const struct family *ctl = &families[FAMILY_NVIDIA_CTL];
        const struct plan *p = x->p;
        bool card = false, given = false;

        for (size_t i = 0; i < p->n_nodes; i++) {
                const struct family *f = node_family(p->nodes[i].node);

                card |= p->nodes[i].required && f == &families[FAMILY_NVIDIA];
                given |= (p->nodes[i].required || p->nodes[i].hooked) && f == ctl;
        }
        for (size_t i = 0; i < p->n_late; i++)
                given |= node_family(p->late[i].node) == ctl;
        if (card && !given)
                finding_add(x->f, (struct finding){ .code = FINDING_NVIDIA_NO_CTL,
                                                    .what = ctl->path,
                                                    .where = x->in->name });
}

static void check_kfd(struct planner *x) {
        struct plan *p = x->p;

        if (!(p->devices & NODE_BIT(NODE_KFD)) || p->choice.gpus.n == 0 ||
            plan_has_kind(p, NODE_KFD) || is_listed(x, families[FAMILY_KFD].path))
                return;
        finding_add(x->f, (struct finding){ .code = FINDING_GPU_NO_NODE,
                                            .gpu = p->choice.gpus.items[0]->address,
                                            .what = "kfd" });
        p->incomplete = true;
}

static void check_application(struct planner *x) {
        const struct survey *s = x->in->survey;
        struct plan *p = x->p;

        if (!s->application || s->there.n_dev + s->there.n_mount > 0 ||
            s->parked.n_dev + s->parked.n_mount > 0)
                return;
        for (size_t i = 0; i < p->n_nodes; i++)
                p->opened |= p->nodes[i].required && p->nodes[i].form == METHOD_DEV;
        if (p->opened)
                finding_add(x->f, (struct finding){
                                          .code = FINDING_APPLICATION,
                                          .where = x->in->name,
                                          .what = bytes_dup(x->a, conf_application(x->in->conf)) });
}

void nodes_find(struct planner *x) {
        x->p->devices = devices_find(x);
        for (size_t i = 0; i < x->p->choice.gpus.n; i++)
                add_gpu_nodes(x, x->p->choice.gpus.items[i]);
        check_accel(x);
        add_shared(x);
        add_unknown(x);
        check_ctl(x);
        check_kfd(x);
        add_tolerated(x);
        check_application(x);
}
