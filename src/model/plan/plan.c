/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * plan - what a plan says of a node, a line, a group
 */
#include "model/plan/plan.h"

#include "model/finding/reason.h"

void planner_miss(struct planner *x, const char *what) {
        x->p->incomplete = true;
        x->p->missing = missing_add(x->a, x->p->missing, what);
}

/* The options with which nvidia-modprobe(1) makes a node. */
static const char *modprobe_options(struct arena *a, const struct node *n) {
        const struct family *f = node_family(n);
        bool card = f == &families[FAMILY_NVIDIA];

        if (f == &families[FAMILY_NVIDIA_MODESET])
                return WHY_MODPROBE_MODESET;
        if (f == &families[FAMILY_NVIDIA_CAPS])
                return WHY_MODPROBE_CAPS;
        return card || f == &families[FAMILY_NVIDIA_CTL]
                       ? arena_printf(a, WHY_MODPROBE_CARD, card ? n->number.minor : 0)
                       : WHY_MODPROBE_UVM;
}

struct finding plan_node_problem(struct arena *a, const struct node *n) {
        struct finding item = { .what = n->path, .new = devnum_mknod(a, n->number) };

        if (n->state == NODE_ABSENT) {
                bool nvidia = n->kind == NODE_NVIDIA;

                item.code = nvidia ? FINDING_NVIDIA_ABSENT : FINDING_NODE_ABSENT;
                item.old = nvidia ? modprobe_options(a, n) : NULL;
        } else {
                item.code = n->kind == NODE_NVIDIA ? FINDING_NVIDIA_FAKE : FINDING_NODE_FAKE;
                item.old = n->state == NODE_FAKE ? WHY_NOT_CHARACTER : WHY_OTHER_NUMBER;
        }
        return item;
}

struct finding plan_node_late(struct arena *a, const struct node *n) {
        return (struct finding){
                .code = FINDING_NODE_LATE,
                .what = n->path,
                .new = n->kind == NODE_NVIDIA
                               ? arena_printf(a, WHY_LATE_NVIDIA, modprobe_options(a, n))
                               : WHY_LATE_OTHER,
        };
}

/* Chosen, or a node of it is given with those: the lone NPU of a host. */
static bool gives_gpu(const struct plan *p, const struct gpu *g) {
        for (size_t i = 0; g && i < p->n_nodes; i++)
                if (p->nodes[i].gpu == g)
                        return true;
        return gpu_list_has(&p->choice.gpus, g);
}

/* What the plan leaves as the owner wrote it is none. */
static bool hook_is_right(struct arena *a, const struct plan *p, const struct plan_input *in) {
        const struct nvidia_hook *h = &in->survey->nvidia_hook;
        const char *unknown;
        struct gpu_list gpus = nvidia_hook_gpus(a, in->facts, h, &unknown);

        for (size_t i = 0; p->hook_value && i < gpus.n; i++)
                if (!gives_gpu(p, gpus.items[i]))
                        return false;
        return true;
}

bool plan_lines_are_right(struct arena *a, const struct plan *p, const struct plan_input *in,
                          size_t *ret_line) {
        if (!hook_is_right(a, p, in)) {
                *ret_line = in->survey->nvidia_hook.env;
                return false;
        }
        for (size_t i = 1; i < in->survey->n_lines; i++) {
                const struct devline *d = &in->survey->lines[i];
                const struct gpu *g = devline_gpu(in->facts, d);
                const struct family *rule;
                bool right = false;

                if (in->conf->lines[i].parked)
                        continue;
                /* behind a user namespace the cgroup restricts nothing: what counts is what is
                 * bound; a rule of cgroup v1 nowhere */
                if (d->type == DEVLINE_ALLOW && (in->survey->userns || d->legacy))
                        continue;
                rule = devline_rule_family(in->facts, d);
                if (rule && rule->shared) /* all of nvidia-caps is no other GPU */
                        continue;
                if (!g && devline_is_wide(in->facts, d) && devline_kinds(in->facts, d))
                        right = in->facts->n_gpus == 0 ||
                                (in->facts->n_gpus == 1 && gives_gpu(p, &in->facts->gpus[0]));
                else if (!g)
                        continue;
                if (!right && !gives_gpu(p, g)) {
                        *ret_line = i;
                        return false;
                }
        }
        return true;
}

bool plan_has_driver(const struct plan *p, const char *name) {
        for (size_t i = 0; i < p->choice.gpus.n; i++) {
                const char *driver = p->choice.gpus.items[i]->driver;

                if (driver && streq(driver, name))
                        return true;
        }
        return false;
}

bool plan_has_node(const struct plan *p, const struct node *n) {
        for (size_t i = 0; i < p->n_nodes; i++)
                if (p->nodes[i].node == n)
                        return true;
        return false;
}

bool plan_has_kind(const struct plan *p, enum node_kind kind) {
        for (size_t i = 0; i < p->n_nodes; i++)
                if (p->nodes[i].node->kind == kind)
                        return true;
        return false;
}

const struct plan_gid *plan_gid_of(const struct plan *p, const struct node *n) {
        const struct plan_gid *video = &p->gids[GID_VIDEO], *render = &p->gids[GID_RENDER];

        if (render->host_present && n->gid == render->host)
                return render;
        if (video->host_present && n->gid == video->host)
                return video;
        return &p->gids[gid_group_of(n->kind)];
}

static bool uses_group(const struct plan *p, const struct plan_gid *g) {
        for (size_t i = 0; i < p->n_nodes; i++)
                if (p->nodes[i].required && p->nodes[i].node->gid != 0 &&
                    !idmap_is_own(&p->map_now, p->nodes[i].node->gid) &&
                    plan_gid_of(p, p->nodes[i].node) == g)
                        return true;
        return false;
}

/* What the container says of itself is no more than that until a hole is made by it. */
static bool is_hearsay(const struct plan *p, const struct plan_gid *g,
                       const struct policy_gid *was) {
        for (size_t i = 0; i < p->n_pairs; i++)
                if (p->pairs[i].inside == g->inside)
                        return false;
        return was->known < 0 && (int64_t)g->inside == was->learned;
}

/* A number of users' groups does not tell whose hole it is, once the group has another one. */
static int64_t hole_to_remember(const struct plan *p, const struct plan_gid *g) {
        uint32_t outside;

        return g->host_present && g->host >= FIRST_USER_GID &&
                               idmap_lookup(&p->map, g->inside, &outside) && outside == g->host
                       ? (int64_t)outside
                       : GID_AUTO;
}

void plan_remember_gids(const struct plan *p, struct policy *policy) {
        for (int i = 0; p->userns && i < GID_GROUPS; i++) {
                const struct plan_gid *g = &p->gids[i];

                policy->gid[i].hole = hole_to_remember(p, g);
                if (policy->gid[i].set >= 0 || is_hearsay(p, g, &policy->gid[i]))
                        continue;
                if (g->known)
                        policy->gid[i].known = g->inside;
                else if (uses_group(p, g))
                        policy->gid[i].guessed = g->inside;
        }
}
