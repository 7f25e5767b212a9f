/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * choose-auto - the pin, and the first choice that makes one
 *
 * An address alone is not enough (a new NVMe drive shifts PCI bus numbers and
 * another card may sit there now), ids alone are not either (two identical
 * cards). A pin has both, and is followed only where one reading is left.
 */
#include "model/plan/chooser.h"

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
                homeless += pci_ids_equal(&list[i].ids, &like->ids) &&
                            !pinned_here(facts, &list[i]);
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
        size_t homeless = count_homeless(x->facts, pin->gpus, pin->n_gpus, p), candidates = 0;

        if (!pci_ids_known(&p->ids) ||
            count_homeless(x->facts, pin->twins, pin->n_twins, p) > 0)
                return NULL;
        for (size_t i = 0; i < x->facts->n_gpus; i++) {
                const struct gpu *g = &x->facts->gpus[i];

                if (!pci_ids_equal(&p->ids, &g->ids) || is_at(pin->gpus, pin->n_gpus, g) ||
                    is_at(pin->twins, pin->n_twins, g))
                        continue;
                candidates++;
                if (!free_gpu && !gpu_list_has(&x->c->gpus, g))
                        free_gpu = g;
        }
        return candidates == homeless ? free_gpu : NULL;
}

void choose_twins(struct chooser *x) {
        struct pin *pin = &x->c->pin;

        for (size_t i = 0; i < x->facts->n_gpus; i++) {
                const struct gpu *g = &x->facts->gpus[i];
                bool alike = false;

                for (size_t j = 0; j < pin->n_gpus; j++)
                        alike |= pci_ids_known(&g->ids) &&
                                 pci_ids_equal(&pin->gpus[j].ids, &g->ids);
                if (alike && !is_at(pin->gpus, pin->n_gpus, g))
                        *ARENA_PUSH(x->a, pin->twins, pin->n_twins) = pin_of(x->a, g);
        }
}

static void choose_pinned(struct chooser *x, const struct pin *pin) {
        struct choice *c = x->c;

        c->pin.node = pin->node;
        for (size_t i = 0; i < pin->n_gpus; i++) {
                const struct pin_gpu *p = &pin->gpus[i];
                const struct gpu *g = NULL;
                const char *ids = pci_ids_model(x->a, &p->ids);

                if (pinned_here(x->facts, p))
                        g = facts_find_gpu(x->facts, p->address);
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

/* Another node chose @pin: its addresses mean nothing here, its ids do. */
static bool choose_alike(struct chooser *x, const struct pin *pin) {
        for (size_t i = 0; i < pin->n_gpus; i++) {
                const struct pin_gpu *p = &pin->gpus[i];
                size_t alike = 0, wanted = 0;

                for (size_t j = 0; j < pin->n_gpus; j++)
                        wanted += pci_ids_same_model(&pin->gpus[j].ids, &p->ids);
                for (size_t j = 0; j < x->facts->n_gpus; j++)
                        alike += pci_ids_same_model(&p->ids, &x->facts->gpus[j].ids);
                if (!pci_ids_known(&p->ids) || alike != wanted)
                        return false;
        }
        for (size_t i = 0; i < pin->n_gpus; i++)
                for (size_t j = 0; j < x->facts->n_gpus; j++)
                        if (pci_ids_same_model(&pin->gpus[i].ids, &x->facts->gpus[j].ids))
                                chooser_take_or_held(x, &x->facts->gpus[j],
                                                     x->facts->gpus[j].address);
        return true;
}

/* Whether nothing but an NPU is meant, which has no render node. */
static bool only_accel(const struct policy *p, const struct survey *s) {
        uint32_t kinds = p->devices_set ? p->devices : s->given ? s->given : s->allowed;

        return kinds == NODE_BIT(NODE_ACCEL);
}

static struct gpu_list accels(struct chooser *x) {
        struct gpu_list accels = { 0 };

        for (size_t i = 0; i < x->facts->n_gpus; i++)
                if (gpu_node(&x->facts->gpus[i], NODE_ACCEL))
                        gpu_list_add(x->a, &accels, &x->facts->gpus[i]);
        return accels;
}

static void choose_first(struct chooser *x, const struct policy *p, const struct survey *s) {
        struct gpu_list usable = only_accel(p, s) ? accels(x) : chooser_usable(x), named = { 0 };

        if (p->n_pins == 0)
                named.n = survey_named_gpus(x->a, x->facts, s, &named.items);
        if (named.n > 0) {
                for (size_t i = 0; i < named.n; i++)
                        chooser_take(x, named.items[i]);
        } else if (p->n_pins > 0 && choose_alike(x, &p->pins[0])) {
                ;
        } else if (usable.n == 1) {
                chooser_take(x, usable.items[0]);
        } else if (usable.n == 0) {
                chooser_miss(x, "auto",
                             only_accel(p, s) ? "none has an accel node"
                                              : "none has a render node");
        } else {
                const char *why =
                        p->n_pins > 0
                                ? "chosen on another cluster node, and this one has no single match"
                                : "the container's lines do not tell which GPU is meant";

                chooser_ambiguous(x, why, "a GPU", &usable);
        }
}

void choose_auto(struct chooser *x, const struct policy *p, const char *node,
                 const struct survey *s) {
        const struct pin *pin = policy_pin(p, node);
        struct choice *c = x->c;

        if (pin) {
                choose_pinned(x, pin);
                return;
        }
        choose_first(x, p, s);
        if (c->gpus.n == 0)
                return;
        c->pin.node = node;
        c->repin = true;
        for (size_t i = 0; i < c->gpus.n; i++) {
                *ARENA_PUSH(x->a, c->pin.gpus, c->pin.n_gpus) = pin_of(x->a, c->gpus.items[i]);
                finding_add(x->f, (struct finding){ .code = FINDING_GPU_PINNED,
                                                    .gpu = c->gpus.items[i]->address,
                                                    .what = gpu_describe(x->a, c->gpus.items[i]),
                                                    .where = node });
        }
}
