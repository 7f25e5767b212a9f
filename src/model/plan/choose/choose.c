/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * choose - from a policy to GPUs
 */
#include "model/plan/choose/choose.h"

#include "model/finding/reason.h"
#include "model/gpu/pci-address.h"
#include "model/plan/choose/choose-accel.h"
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

static void say_broken(struct chooser *x, const struct gpu_sel *s) {
        finding_add(x->f, (struct finding){ .code = FINDING_MAPPING_BROKEN,
                                            .what = s->name,
                                            .old = s->problem });
}

static void choose_mapped(struct chooser *x, const struct gpu_sel *s) {
        const struct gpu *g = mapped_gpu(x, s);

        if (s->unread && !policy_pin(x->in->policy, x->in->node)) {
                chooser_undecided(
                        x, &(struct ambiguity){ .gpus = chooser_usable(x), .why = s->problem });
        } else if (s->problem) {
                say_broken(x, s);
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
                choose_auto(x);
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

/* That this node has not chosen by it and another one has: addresses mean nothing here. */
static const struct pin *pin_of_other_node(struct chooser *x, const struct gpu_sel *s) {
        const struct policy *p = x->in->policy;
        const char *key = selector_key(x->a, s);

        for (size_t i = 0; s->kind == SEL_PCI && i < p->n_pins; i++)
                for (size_t j = 0; j < p->pins[i].n_gpus; j++) {
                        const struct card *c = &p->pins[i].gpus[j];

                        if (c->by && streq(c->by, key)) {
                                struct pin *one = arena_alloc(x->a, sizeof(*one));

                                *one = (struct pin){ .gpus = &p->pins[i].gpus[j], .n_gpus = 1 };
                                return one;
                        }
                }
        return NULL;
}

static bool pin_has(struct chooser *x, const struct pin *pin, const struct gpu_sel *s) {
        for (size_t i = 0; i < pin->n_gpus; i++)
                if (selector_made(x->a, s, pin->gpus[i].by))
                        return true;
        return false;
}

/* By a selector that has no pin yet: what it means now is what it means from now on. */
static void choose_and_pin(struct chooser *x, const struct gpu_sel *s) {
        const struct pin *other = pin_of_other_node(x, s);
        struct gpu_list before = x->c->gpus, chosen;

        x->c->gpus = (struct gpu_list){ 0 };
        if (!other)
                choose_selected(x, s);
        else if (!pin_choose_alike(x, other))
                chooser_ambiguous(x, WHY_OTHER_NODE, s->name, &(struct gpu_list){ 0 });
        chosen = x->c->gpus;
        x->c->gpus = before;
        for (size_t i = 0; i < chosen.n; i++)
                chooser_take(x, chosen.items[i]);
        if (s->kind != SEL_ALL && !x->c->undecided)
                pin_add(x, &chosen, selector_key(x->a, s));
}

/* Whether a selector that has no pin yet names an accelerator: then it is that one. */
static bool is_accel_named(struct chooser *x, const struct pin *before) {
        const struct policy *p = x->in->policy;

        for (size_t i = 0; i < p->n_gpus; i++) {
                struct findings quiet = { .arena = x->a };
                struct choice c = { 0 };
                struct chooser trial = { x->a, x->in, &quiet, &c };

                if (p->gpus[i].kind == SEL_ALL || pin_has(x, before, &p->gpus[i]))
                        continue;
                choose_and_pin(&trial, &p->gpus[i]);
                if (accel_is_among(&c.gpus))
                        return true;
        }
        return false;
}

/*
 * Whether what chose @c is still wanted; another wish voids a pin. The accelerator that was the only
 * one is meant until the policy names one.
 */
static bool is_still_wanted(struct chooser *x, const struct pin *before, const struct card *c) {
        const struct policy *p = x->in->policy;

        if (pin_is_accel(c))
                return accel_is_wanted(x->in) && !is_accel_named(x, before);
        for (size_t i = 0; i < p->n_gpus; i++)
                if (p->gpus[i].kind != SEL_ALL && selector_made(x->a, &p->gpus[i], c->by))
                        return true;
        return false;
}

static struct pin still_wanted(struct chooser *x, const struct pin *before) {
        struct pin pin = *before;

        pin.gpus = NULL;
        pin.n_gpus = 0;
        for (size_t i = 0; i < before->n_gpus; i++)
                if (is_still_wanted(x, before, &before->gpus[i]))
                        *ARENA_PUSH(x->a, pin.gpus, pin.n_gpus) = before->gpus[i];
        return pin;
}

/* A command that chooses another one for what is missing keeps what is here. */
static void say_how(const struct choice *c, const struct findings *said, struct findings *f) {
        for (size_t i = 0; i < said->n; i++) {
                struct finding item = said->items[i];
                const char *how = chooser_beside(f->arena, &c->gpus, WHY_SELECTOR_ANY);

                if (item.code == FINDING_GPU_MISSING)
                        item.new = how;
                else if (item.code == FINDING_GPU_AMBIGUOUS)
                        item.old = how;
                finding_add(f, item);
        }
}

void choose_gpus(struct arena *a, const struct plan_input *in, struct findings *f,
                 struct choice *ret) {
        const struct pin *before = policy_pin(in->policy, in->node);
        struct choice c = { 0 };
        struct findings said = { .arena = a };
        struct chooser x = { a, in, &said, &c };
        const struct policy *p = in->policy;
        struct pin wanted = still_wanted(&x, before ? before : &(struct pin){ 0 });

        pin_choose(&x, &wanted);
        c.followed = wanted.gpus;
        c.n_followed = c.pin.n_gpus;
        for (size_t i = 0; i < p->n_gpus; i++)
                if (p->gpus[i].kind == SEL_ALL || !pin_has(&x, &wanted, &p->gpus[i]))
                        choose_and_pin(&x, &p->gpus[i]);
                else if (p->gpus[i].unread)
                        say_broken(&x, &p->gpus[i]);
        choose_accel(&x);
        pin_finish(&x, before ? before : &(struct pin){ 0 });
        say_how(&c, &said, f);
        *ret = c;
}
