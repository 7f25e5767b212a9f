/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * chooser - take a GPU, or say why not
 */
#include "model/plan/choose/chooser.h"

#include "model/finding/reason.h"

void chooser_take(struct chooser *x, const struct gpu *g) {
        gpu_list_add(x->a, &x->c->gpus, g);
}

void chooser_lack(struct chooser *x, const char *what) {
        x->c->missing = missing_add(x->a, x->c->missing, what);
}

void chooser_ambiguous(struct chooser *x, const char *why, const char *what,
                       const struct gpu_list *of) {
        finding_add(x->f, (struct finding){ .code = FINDING_GPU_AMBIGUOUS,
                                            .what = why,
                                            .new = of->n > 0 ? gpu_list_selectors(x->a, of)
                                                             : WHY_NO_CHOICE });
        if (x->c->ambiguity.gpus.n == 0)
                x->c->ambiguity = (struct ambiguity){ .gpus = *of, .why = why };
        chooser_lack(x, what);
}

void chooser_undecided(struct chooser *x, const struct ambiguity *of) {
        struct strbuf commands = { .arena = x->a };

        for (size_t i = 0; i < of->gpus.n; i++)
                strbuf_printf(&commands, WHY_ENABLE_GPU, i > 0 ? WHY_OR : "", x->in->vmid,
                              gpu_selector(x->a, of->gpus.items[i]),
                              gpu_choice(x->a, of->gpus.items[i]));
        if (of->all)
                strbuf_printf(&commands, WHY_ENABLE_GPU, WHY_OR, x->in->vmid, "all",
                              WHY_ALL_AS_NOW);
        finding_add(x->f, (struct finding){ .code = FINDING_GPU_UNDECIDED,
                                            .what = of->why,
                                            .new = strbuf_str(&commands) });
        x->c->ambiguity = *of;
        x->c->undecided = true;
}

const char *chooser_beside(struct arena *a, const struct gpu_list *gpus, const char *other) {
        struct strbuf own = { .arena = a };

        for (size_t i = 0; i < gpus->n; i++)
                strbuf_printf(&own, "%s%s", i > 0 ? " " : "", gpu_selector(a, gpus->items[i]));
        return gpus->n > 0 ? arena_printf(a, WHY_SELECT_BESIDE, strbuf_str(&own), other) : other;
}

struct gpu_list chooser_usable(struct chooser *x) {
        struct gpu_list usable = { 0 };

        for (size_t i = 0; i < x->in->facts->n_gpus; i++)
                /* vgem and its like are no hardware and have no driver */
                if (gpu_is_usable(&x->in->facts->gpus[i]) &&
                    (x->in->facts->gpus[i].pci || x->in->facts->gpus[i].driver))
                        gpu_list_add(x->a, &usable, &x->in->facts->gpus[i]);
        return usable;
}

/* A GPU that is there but has nothing to give: vfio-pci, or no driver at all. */
static bool gpu_is_held(struct chooser *x, const struct gpu *g, const char *wanted_as) {
        if (g->n_nodes > 0)
                return false;
        finding_add(x->f,
                    (struct finding){ .code = g->driver ? FINDING_GPU_HELD : FINDING_GPU_NO_DRIVER,
                                      .gpu = g->address,
                                      .what = g->driver });
        chooser_lack(x, wanted_as);
        return true;
}

void chooser_take_or_held(struct chooser *x, const struct gpu *g, const char *wanted_as) {
        if (!gpu_is_held(x, g, wanted_as))
                chooser_take(x, g);
}

void chooser_miss(struct chooser *x, const char *address, const char *what) {
        finding_add(x->f,
                    (struct finding){ .code = FINDING_GPU_MISSING, .gpu = address, .what = what });
        chooser_lack(x, address);
}
