/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * devices - which kinds of node
 *
 * Where the policy is silent: what the container's lines give, else the holes of its id map,
 * else card and render.
 */
#include "model/plan/devices.h"

#include "model/plan/holes.h"

static void tell_lost(const struct planner *x, size_t line) {
        finding_add(x->f, (struct finding){ .code = FINDING_SOURCE_GONE,
                                            .where = arena_printf(x->a, "%s:%zu", x->in->name,
                                                                  x->in->conf->lines[line].number),
                                            .old = x->in->survey->lines[line].source });
}

static uint32_t kinds_of(const struct gpu *g) {
        uint32_t kinds = 0;

        for (size_t i = 0; i < g->n_nodes; i++)
                kinds |= NODE_BIT(g->nodes[i].kind);
        return kinds;
}

static uint32_t own_kinds(const struct choice *c) {
        uint32_t kinds = 0;

        for (size_t i = 0; i < c->gpus.n; i++)
                kinds |= kinds_of(c->gpus.items[i]);
        return kinds;
}

/*
 * Lines of kinds that other GPUs of the host have, and none of the chosen ones, go: then it is a
 * container without lines, now as later. What no GPU has is late, and says nothing.
 */
static bool are_others(const struct planner *x, uint32_t kinds) {
        uint32_t own = own_kinds(&x->p->choice), all = 0;

        for (size_t i = 0; i < ELEMENTS(families); i++)
                if (families[i].shared && plan_has_driver(x->p, families[i].driver))
                        own |= NODE_BIT(families[i].kind);
        for (size_t i = 0; i < x->in->facts->n_gpus; i++)
                all |= kinds_of(&x->in->facts->gpus[i]);
        for (size_t i = 0; i < x->in->facts->n_shared; i++)
                all |= NODE_BIT(x->in->facts->shared[i].kind);
        return own && kinds && !(kinds & own) && !(kinds & ~all);
}

/* What a container without lines gets: card and render, of a GPU without these all that it has */
static uint32_t default_kinds(const struct planner *x) {
        uint32_t kinds = own_kinds(&x->p->choice);

        if (kinds && !(kinds & DRM_KINDS))
                return kinds;
        return DRM_KINDS |
               (plan_has_driver(x->p, families[FAMILY_NVIDIA].driver) ? NODE_BIT(NODE_NVIDIA) : 0);
}

/*
 * What of a whole folder the container could use although no smaller line says so: behind an id map
 * what a hole is for, in a privileged container what a rule allows.
 */
static uint32_t usable_of_folders(const struct plan_input *in) {
        const struct survey *s = in->survey;

        return s->folders & DRM_KINDS & (s->userns ? holes_kinds(in) : s->allowed);
}

uint32_t devices_find(const struct planner *x) {
        const struct plan_input *in = x->in;
        uint32_t kinds = 0;

        if (in->policy->devices_set)
                return in->policy->devices;
        kinds = in->survey->given ? in->survey->given | usable_of_folders(in) : in->survey->allowed;
        if (in->survey->nvidia_hook.gives)
                kinds |= NODE_BIT(NODE_NVIDIA);
        if (in->survey->open && holes_kinds(in))
                return (kinds & ~DRM_KINDS) | holes_kinds(in);
        if (are_others(x, kinds))
                return kinds | default_kinds(x);
        if (kinds)
                return kinds;
        if (in->survey->lost) {
                tell_lost(x, in->survey->lost);
                return 0;
        }
        return default_kinds(x);
}
