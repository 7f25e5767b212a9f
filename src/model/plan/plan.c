/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * plan - which nodes, in which form
 *
 * Where the policy is silent a container keeps what it has: the kinds of node
 * that its lines give, each in the form (bind mount or devN) that it has today.
 * A file that is right already must come out of here unchanged.
 */
#include "model/plan/gids.h"

#include "model/plan/choose/choose.h"

#define DRM_KINDS (NODE_BIT(NODE_CARD) | NODE_BIT(NODE_RENDER))

static bool has_driver(const struct choice *c, const char *driver) {
        for (size_t i = 0; i < c->gpus.n; i++)
                if (c->gpus.items[i]->driver && streq(c->gpus.items[i]->driver, driver))
                        return true;
        return false;
}

/* A display engine beside the GPU that renders for it need not render itself. */
static bool any_usable(const struct choice *c) {
        for (size_t i = 0; i < c->gpus.n; i++)
                if (gpu_is_usable(c->gpus.items[i]))
                        return true;
        return false;
}

/* devices = of the policy, else what the container has, else card and render */
static uint32_t find_devices(const struct plan_input *in, const struct choice *c) {
        uint32_t kinds = 0;

        if (in->policy->devices_set)
                return in->policy->devices;
        if (in->survey->given)
                return in->survey->given;
        if (in->survey->allowed)
                return in->survey->allowed;
        for (size_t i = 0; i < c->gpus.n; i++)
                for (size_t j = 0; j < c->gpus.items[i]->n_nodes; j++)
                        kinds |= NODE_BIT(c->gpus.items[i]->nodes[j].kind);
        return (kinds & DRM_KINDS) || kinds == 0
                       ? DRM_KINDS | (has_driver(c, "nvidia") ? NODE_BIT(NODE_NVIDIA) : 0)
                       : kinds;
}

/*
 * A node keeps the form of its own line, then of its kind's lines, then of the file's.
 * Remembered lines count where nothing in the file answers.
 */
static enum method find_form(const struct plan_input *in, struct findings *f,
                             const struct node *n) {
        const struct survey *s = in->survey;
        struct input_forms own = input_forms(in, n);
        bool dev = own.dev, mount = own.mount;

        /* Proxmox's autodev hook fails with EEXIST on these */
        if (dev && mount)
                finding_add(f, (struct finding){ .code = FINDING_TARGET_TWICE,
                                                 .what = n->path,
                                                 .where = in->name });
        if (in->policy->method != METHOD_AUTO)
                return in->policy->method;
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

static void add_missing(struct arena *a, struct plan *p, const char *what) {
        p->incomplete = true;
        p->missing = missing_add(a, p->missing, what);
}

struct finding plan_node_problem(struct arena *a, const struct node *n) {
        return (struct finding){
                .code = n->state != NODE_ABSENT  ? FINDING_NODE_FAKE
                        : n->kind == NODE_NVIDIA ? FINDING_NVIDIA_ABSENT
                                                 : FINDING_NODE_ABSENT,
                .what = n->path,
                .old = n->state == NODE_ABSENT ? NULL
                       : n->state == NODE_FAKE ? "not a character device"
                                               : "a device of another number",
                .new = devnum_mknod(a, n->number),
        };
}

/* Whether @n is really there to be given; else say what is in its place. */
static bool node_is_there(struct arena *a, struct findings *f, struct plan *p,
                          const struct node *n) {
        if (n->state == NODE_CHAR)
                return true;
        finding_add(f, plan_node_problem(a, n));
        add_missing(a, p, n->path);
        return false;
}

static void add_node(struct arena *a, const struct plan_input *in, struct findings *f,
                     struct plan *p, const struct gpu *g, const struct node *n, bool required) {
        for (size_t i = 0; i < p->n_nodes; i++)
                if (p->nodes[i].node == n)
                        return;
        if (n->state != NODE_CHAR && !required)
                return;
        if (!node_is_there(a, f, p, n))
                return;
        *ARENA_PUSH(a, p->nodes, p->n_nodes) = (struct plan_node){
                .node = n, .gpu = g, .form = find_form(in, f, n), .required = required
        };
}

static void check_group(struct arena *a, const struct plan_input *in, struct findings *f,
                        const struct node *n) {
        const struct host_group *g = &in->facts->groups[gid_group_of(n->kind)];

        if (n->kind == NODE_NVIDIA || !g->present || n->gid == g->gid || n->gid == 0 ||
            n->gid == in->facts->groups[GID_VIDEO].gid ||
            n->gid == in->facts->groups[GID_RENDER].gid)
                return;
        finding_add(f, (struct finding){ .code = FINDING_NODE_GROUP_WRONG,
                                         .what = n->path,
                                         .old = arena_printf(a, "%u", n->gid),
                                         .new = arena_printf(a, "%s is %u",
                                                             gid_group_name(gid_group_of(n->kind)),
                                                             g->gid) });
}

/*
 * Whether a container that has several GPUs is to have this node too. An iGPU's
 * render node beside an NVIDIA card's own nodes is common, and that card's DRM
 * nodes are then not missing: there are fewer lines than GPUs.
 */
static bool is_wanted(const struct plan_input *in, const struct plan *p, const struct gpu *g,
                      const struct node *n) {
        const struct choice *c = &p->choice;
        struct line_count lines;
        size_t gpus = c->pin.n_gpus > c->gpus.n ? c->pin.n_gpus - c->gpus.n : 0;

        if (!(p->devices & NODE_BIT(n->kind)))
                return false;
        if (in->policy->devices_set || !(NODE_BIT(n->kind) & DRM_KINDS) ||
            !gpu_node(g, NODE_NVIDIA) || !(in->survey->given & NODE_BIT(NODE_NVIDIA)))
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
                struct input_forms own = input_forms(in, n);

                return own.dev || own.mount;
        }
        return lines.there + lines.parked >= gpus;
}

static void add_gpu_nodes(struct arena *a, const struct plan_input *in, struct findings *f,
                          struct plan *p, const struct gpu *g) {
        size_t before = p->n_nodes;
        bool any = false;

        for (size_t i = 0; i < g->n_nodes; i++) {
                const struct node *n = &g->nodes[i];

                if (is_wanted(in, p, g, n)) {
                        any = true;
                        add_node(a, in, f, p, g, n, true);
                }
        }
        for (size_t i = before; i < p->n_nodes; i++)
                check_group(a, in, f, p->nodes[i].node);
        if ((p->devices & NODE_BIT(NODE_RENDER)) && gpu_node(g, NODE_CARD) &&
            !any_usable(&p->choice))
                finding_add(f, (struct finding){ .code = FINDING_GPU_NO_NODE,
                                                 .gpu = g->address,
                                                 .what = "render" });
        /* kfd and a lone NPU are nodes of their own, and are looked for after this */
        if (!any && (p->devices & ~(NODE_BIT(NODE_KFD) | NODE_BIT(NODE_ACCEL))) &&
            !(g->n_nodes == 1 && g->nodes[0].kind == NODE_ACCEL))
                add_missing(a, p, arena_printf(a, "a node of %s", g->address));
}

/* Lines of the same GPUs that may stay although nothing adds them: "c 226:0" beside a render node.
 */
static void add_tolerated(struct arena *a, const struct plan_input *in, struct findings *f,
                          struct plan *p) {
        if (in->policy->devices_set)
                return;
        for (size_t i = 0; i < p->choice.gpus.n; i++) {
                const struct gpu *g = p->choice.gpus.items[i];

                for (size_t j = 0; j < g->n_nodes; j++)
                        if (in->survey->allowed & NODE_BIT(g->nodes[j].kind))
                                add_node(a, in, f, p, g, &g->nodes[j], false);
        }
}

/* kfd and the NVIDIA control nodes: one for all GPUs of the driver. */
static void add_shared(struct arena *a, const struct plan_input *in, struct findings *f,
                       struct plan *p) {
        for (size_t i = 0; i < in->facts->n_shared; i++) {
                const struct node *n = &in->facts->shared[i];
                bool named = !in->policy->devices_set && in->survey->nvidia_named;

                if (!(p->devices & NODE_BIT(n->kind)) ||
                    !has_driver(&p->choice, n->kind == NODE_KFD ? "amdgpu" : "nvidia"))
                        continue;
                if (n->kind == NODE_NVIDIA && named) {
                        /* of NVIDIA's many a container keeps those that it has */
                        add_node(a, in, f, p, NULL, n, input_names(in, n));
                } else {
                        /* nvidia-caps hand out the partitioning of the card: only to who has them
                         */
                        add_node(a, in, f, p, NULL, n,
                                 n->kind == NODE_KFD ||
                                         (n->state == NODE_CHAR &&
                                          !str_has_prefix(n->path, "/dev/nvidia-caps/")));
                }
        }
}

/* An NPU has an address of its own; with a GPU chosen it is meant when it is the only one. */
static void add_lone_accel(struct arena *a, const struct plan_input *in, struct findings *f,
                           struct plan *p) {
        const struct gpu *only = NULL;
        size_t n = 0;

        if (!(p->devices & NODE_BIT(NODE_ACCEL)) || p->choice.gpus.n == 0)
                return;
        for (size_t i = 0; i < p->n_nodes; i++)
                if (p->nodes[i].node->kind == NODE_ACCEL)
                        return;
        for (size_t i = 0; i < in->facts->n_gpus; i++)
                if (gpu_node(&in->facts->gpus[i], NODE_ACCEL)) {
                        only = &in->facts->gpus[i];
                        n++;
                }
        if (n == 1) {
                add_node(a, in, f, p, only, gpu_node(only, NODE_ACCEL), true);
                return;
        }
        p->incomplete = true;
        if (!p->choice.missing)
                finding_add(f, (struct finding){ .code = FINDING_GPU_NO_NODE,
                                                 .gpu = p->choice.gpus.items[0]->address,
                                                 .what = "accel" });
}

static void check_kfd(struct findings *f, struct plan *p) {
        if (!(p->devices & NODE_BIT(NODE_KFD)) || p->choice.gpus.n == 0)
                return;
        for (size_t i = 0; i < p->n_nodes; i++)
                if (p->nodes[i].node->kind == NODE_KFD)
                        return;
        finding_add(f, (struct finding){ .code = FINDING_GPU_NO_NODE,
                                         .gpu = p->choice.gpus.items[0]->address,
                                         .what = "kfd" });
        p->incomplete = true;
}

void plan_make(struct arena *a, const struct plan_input *in, struct findings *f, struct plan *ret) {
        struct plan p = { .userns = in->survey->userns };

        choose_gpus(a, in, f, &p.choice);
        if (p.choice.missing)
                add_missing(a, &p, p.choice.missing);
        p.devices = find_devices(in, &p.choice);
        for (size_t i = 0; i < p.choice.gpus.n; i++)
                add_gpu_nodes(a, in, f, &p, p.choice.gpus.items[i]);
        add_lone_accel(a, in, f, &p);
        add_shared(a, in, f, &p);
        check_kfd(f, &p);
        add_tolerated(a, in, f, &p);
        if (in->survey->there.as_dev && in->survey->there.as_mount)
                finding_add(f, (struct finding){ .code = FINDING_METHOD_MIXED,
                                                 .what = input_form(in) == METHOD_DEV
                                                                 ? "devN"
                                                                 : "lxc.mount.entry",
                                                 .where = in->name });
        gids_find(a, in, f, &p);
        gids_map(a, in, f, &p);
        *ret = p;
}

bool plan_lines_are_right(const struct plan *p, const struct plan_input *in, size_t *ret_line) {
        for (size_t i = 1; i < in->survey->n_lines; i++) {
                const struct devline *d = &in->survey->lines[i];
                const struct gpu *g = devline_gpu(in->facts, d);
                bool right = false;

                if (in->conf->lines[i].parked)
                        continue;
                /* behind a user namespace the cgroup restricts nothing: what counts is what is
                 * bound */
                if (d->type == DEVLINE_ALLOW && in->survey->userns)
                        continue;
                if (!g && devline_is_wide(in->facts, d) && devline_kinds(in->facts, d, p->devices))
                        right = in->facts->n_gpus <= 1;
                else if (!g)
                        continue;
                if (!right && !gpu_list_has(&p->choice.gpus, g)) {
                        *ret_line = i;
                        return false;
                }
        }
        return true;
}
