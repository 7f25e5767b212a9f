/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * pin - follow a GPU that has moved, or not
 */
#include "model/plan/choose/pin.h"

static struct pin_gpu pin_of(struct arena *a, const struct gpu *g) {
        return (struct pin_gpu){ .address = arena_strdup(a, g->address), .ids = g->ids };
}

static bool pinned_here(const struct facts *facts, const struct pin_gpu *p) {
        const struct gpu *g = facts_find_gpu(facts, p->address);

        return g && pci_ids_equal(&p->ids, &g->ids);
}

static bool is_at(const struct pin_gpu *list, size_t n, const struct gpu *g) {
        for (size_t i = 0; i < n; i++)
                if (streq(list[i].address, g->address) && pci_ids_equal(&list[i].ids, &g->ids))
                        return true;
        return false;
}

static size_t count_homeless(const struct facts *facts, const struct pin_gpu *list, size_t n,
                             const struct pin_gpu *like) {
        size_t homeless = 0;

        for (size_t i = 0; i < n; i++)
                homeless +=
                        pci_ids_equal(&list[i].ids, &like->ids) && !pinned_here(facts, &list[i]);
        return homeless;
}

/*
 * GPUs with the ids of @p at an address where none was known. As many of them
 * as entries without their GPU means that all moved together; which is which
 * does not matter, they are alike and go to one container. A twin that was not
 * meant is no candidate, and one that left its place, too, makes it a guess.
 */
static const struct gpu *follow(struct chooser *x, const struct pin *pin, const struct pin_gpu *p) {
        const struct gpu *free_gpu = NULL;
        size_t homeless = count_homeless(x->in->facts, pin->gpus, pin->n_gpus, p), candidates = 0;

        if (!pci_ids_known(&p->ids) ||
            count_homeless(x->in->facts, pin->twins, pin->n_twins, p) > 0)
                return NULL;
        for (size_t i = 0; i < x->in->facts->n_gpus; i++) {
                const struct gpu *g = &x->in->facts->gpus[i];

                if (!pci_ids_equal(&p->ids, &g->ids) || is_at(pin->gpus, pin->n_gpus, g) ||
                    is_at(pin->twins, pin->n_twins, g))
                        continue;
                candidates++;
                if (!free_gpu && !gpu_list_has(&x->c->gpus, g))
                        free_gpu = g;
        }
        return candidates == homeless ? free_gpu : NULL;
}

void pin_twins(struct chooser *x) {
        struct pin *pin = &x->c->pin;

        for (size_t i = 0; i < x->in->facts->n_gpus; i++) {
                const struct gpu *g = &x->in->facts->gpus[i];
                bool alike = false;

                for (size_t j = 0; j < pin->n_gpus; j++)
                        alike |=
                                pci_ids_known(&g->ids) && pci_ids_equal(&pin->gpus[j].ids, &g->ids);
                if (alike && !is_at(pin->gpus, pin->n_gpus, g))
                        *ARENA_PUSH(x->a, pin->twins, pin->n_twins) = pin_of(x->a, g);
        }
}

void pin_choose(struct chooser *x, const struct pin *pin) {
        struct choice *c = x->c;

        c->pin.node = pin->node;
        for (size_t i = 0; i < pin->n_gpus; i++) {
                const struct pin_gpu *p = &pin->gpus[i];
                const struct gpu *g = NULL;
                const char *ids = pci_ids_model(x->a, &p->ids);

                if (pinned_here(x->in->facts, p))
                        g = facts_find_gpu(x->in->facts, p->address);
                else if ((g = follow(x, pin, p)))
                        finding_add(x->f, (struct finding){ .code = FINDING_GPU_MOVED,
                                                            .gpu = g->address,
                                                            .what = ids,
                                                            .old = p->address,
                                                            .new = g->address });
                *ARENA_PUSH(x->a, c->pin.gpus, c->pin.n_gpus) = g ? pin_of(x->a, g) : *p;
                if (!g) {
                        chooser_miss(x, p->address, arena_printf(x->a, "pinned %s", ids));
                        continue;
                }
                c->repin |= !streq(g->address, p->address);
                chooser_take_or_held(x, g, p->address);
        }
}

bool pin_choose_alike(struct chooser *x, const struct pin *pin) {
        for (size_t i = 0; i < pin->n_gpus; i++) {
                const struct pin_gpu *p = &pin->gpus[i];
                size_t alike = 0, wanted = 0;

                for (size_t j = 0; j < pin->n_gpus; j++)
                        wanted += pci_ids_same_model(&pin->gpus[j].ids, &p->ids);
                for (size_t j = 0; j < x->in->facts->n_gpus; j++)
                        alike += pci_ids_same_model(&p->ids, &x->in->facts->gpus[j].ids);
                if (!pci_ids_known(&p->ids) || alike != wanted)
                        return false;
        }
        for (size_t i = 0; i < pin->n_gpus; i++)
                for (size_t j = 0; j < x->in->facts->n_gpus; j++)
                        if (pci_ids_same_model(&pin->gpus[i].ids, &x->in->facts->gpus[j].ids))
                                chooser_take_or_held(x, &x->in->facts->gpus[j],
                                                     x->in->facts->gpus[j].address);
        return true;
}

void pin_make(struct chooser *x) {
        struct choice *c = x->c;

        c->pin.node = x->in->node;
        c->repin = true;
        for (size_t i = 0; i < c->gpus.n; i++) {
                const struct gpu *g = c->gpus.items[i];

                *ARENA_PUSH(x->a, c->pin.gpus, c->pin.n_gpus) = pin_of(x->a, g);
                finding_add(x->f, (struct finding){ .code = FINDING_GPU_PINNED,
                                                    .gpu = g->address,
                                                    .what = gpu_describe(x->a, g),
                                                    .where = x->in->node });
        }
}
