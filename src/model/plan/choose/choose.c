/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * choose - from a policy to GPUs
 */
#include "model/plan/choose/choose.h"

#include "model/finding/reason.h"
#include "model/gpu/pci-address.h"
#include "model/plan/choose/choose-auto.h"
#include "model/plan/choose/pin.h"

/* id: and driver: - one match, or the one that #n names */
static void choose_matching(struct chooser *x, const struct gpu_sel *s) {
        struct gpu_list found = { 0 };

        for (size_t i = 0; i < x->in->facts->n_gpus; i++) {
                const struct gpu *g = &x->in->facts->gpus[i];

                if (s->kind == SEL_ID
                            ? pci_ids_known(&g->ids) && pci_ids_same_model(&g->ids, &s->ids)
                            : g->driver && streq(g->driver, s->name))
                        gpu_list_add(x->a, &found, g);
        }
        if (s->nth > 0 && s->nth <= found.n)
                chooser_take_or_held(x, found.items[s->nth - 1], s->text);
        else if (found.n == 1 && s->nth == 0)
                chooser_take_or_held(x, found.items[0], s->text);
        else if (found.n > 1 && s->nth == 0)
                chooser_ambiguous(x, arena_printf(x->a, WHY_SELECTOR_SEVERAL, s->text, found.n),
                                  s->text, &found);
        else
                chooser_miss(x, s->text, WHY_BY_POLICY);
}

static const struct gpu *mapped_gpu(struct chooser *x, const struct gpu_sel *s) {
        for (size_t i = 0; i < s->n_paths; i++)
                for (size_t j = 0; j < x->in->facts->n_gpus; j++) {
                        const struct gpu *g = &x->in->facts->gpus[j];

                        if (g->pci && pci_path_has(s->paths[i], g->address) &&
                            pci_ids_same_model(&g->ids, &s->ids))
                                return g;
                }
        return NULL;
}

static void choose_mapped(struct chooser *x, const struct gpu_sel *s) {
        const struct gpu *g = mapped_gpu(x, s);

        if (s->problem) {
                finding_add(x->f, (struct finding){ .code = FINDING_MAPPING_BROKEN,
                                                    .what = s->name,
                                                    .old = s->problem });
                chooser_lack(x, s->text);
        } else if (!g) {
                chooser_miss(x, s->text, WHY_MAPPING_NONE);
        } else {
                chooser_take_or_held(x, g, s->text);
        }
}

static void choose_all(struct chooser *x, const struct gpu_sel *s) {
        struct gpu_list all = chooser_usable(x);

        for (size_t i = 0; i < all.n; i++)
                chooser_take(x, all.items[i]);
        if (all.n == 0)
                chooser_miss(x, s->text, WHY_NO_RENDER_GPU);
}

static void choose_selected(struct chooser *x, const struct gpu_sel *s) {
        const struct gpu *g;

        switch (s->kind) {
        case SEL_AUTO:
                break;
        case SEL_ALL:
                choose_all(x, s);
                break;
        case SEL_PCI:
        case SEL_PLATFORM:
                g = facts_find_gpu(x->in->facts, s->name);
                if (g)
                        chooser_take_or_held(x, g, s->text);
                else
                        chooser_miss(x, s->name, WHY_BY_POLICY);
                break;
        case SEL_ID:
        case SEL_DRIVER:
                choose_matching(x, s);
                break;
        case SEL_MAPPING:
                choose_mapped(x, s);
                break;
        }
}

void choose_gpus(struct arena *a, const struct plan_input *in, struct findings *f,
                 struct choice *ret) {
        struct choice c = { 0 };
        struct chooser x = { a, in, f, &c };
        const struct policy *p = in->policy;

        for (size_t i = 0; i < p->n_gpus; i++) {
                if (p->gpus[i].kind == SEL_AUTO)
                        choose_auto(&x);
                else
                        choose_selected(&x, &p->gpus[i]);
        }
        *ret = c;
}
