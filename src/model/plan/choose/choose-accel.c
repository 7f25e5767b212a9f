/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * choose-accel - the only one, chosen once
 */
#include "model/plan/choose/choose-accel.h"

#include "model/finding/reason.h"
#include "model/plan/choose/evidence.h"
#include "model/plan/choose/pin.h"

static uint32_t wanted_kinds(const struct plan_input *in) {
        return in->policy->devices_set ? in->policy->devices
               : in->survey->given     ? in->survey->given
                                       : in->survey->allowed;
}

bool accel_is_only_kind(const struct plan_input *in) {
        return wanted_kinds(in) == NODE_BIT(NODE_ACCEL);
}

bool accel_is_wanted(const struct plan_input *in) {
        return wanted_kinds(in) & NODE_BIT(NODE_ACCEL);
}

struct gpu_list accel_list(struct arena *a, const struct facts *f) {
        struct gpu_list all = { 0 };

        for (size_t i = 0; i < f->n_gpus; i++)
                if (gpu_node(&f->gpus[i], NODE_ACCEL))
                        gpu_list_add(a, &all, &f->gpus[i]);
        return all;
}

bool accel_is_among(const struct gpu_list *gpus) {
        for (size_t i = 0; i < gpus->n; i++)
                if (gpu_node(gpus->items[i], NODE_ACCEL))
                        return true;
        return false;
}

bool accel_is_away(const struct choice *c) {
        for (size_t i = 0; i < c->pin.n_gpus; i++)
                if (pin_is_accel(&c->pin.gpus[i]))
                        return !accel_is_among(&c->gpus);
        return false;
}

/* What another cluster node has chosen so; nothing when this one has no single match. */
static void choose_as_elsewhere(struct chooser *x) {
        const struct policy *p = x->in->policy;

        for (size_t i = 0; i < p->n_pins; i++)
                for (size_t j = 0; j < p->pins[i].n_gpus; j++)
                        if (pin_is_accel(&p->pins[i].gpus[j])) {
                                struct pin one = { .gpus = &p->pins[i].gpus[j], .n_gpus = 1 };

                                (void)pin_choose_alike(x, &one);
                                return;
                        }
}

static void announce(struct chooser *x, const struct gpu_list *gpus, const struct gpu *accel) {
        finding_add(x->f, (struct finding){ .code = FINDING_GPU_PINNED,
                                            .gpu = accel->address,
                                            .what = gpu_describe(x->a, accel),
                                            .new = chooser_beside(x->a, gpus,
                                                                  accel->pci ? WHY_SELECT_PCI
                                                                             : WHY_SELECT_PLATFORM),
                                            .where = x->in->node });
}

/* Its lines were those of another node before, and mean nothing here. */
static bool came_from_elsewhere(const struct plan_input *in) {
        for (size_t i = 0; i < in->policy->n_pins; i++)
                if (!streq(in->policy->pins[i].node, in->node))
                        return true;
        return false;
}

/* The file that may tell which one the lines named, and cannot be read. */
static const char *unread_sightings(struct chooser *x) {
        return came_from_elsewhere(x->in) || !x->in->sightings ? NULL : x->in->sightings->unread;
}

static const struct sighting *named_accel(struct chooser *x) {
        const struct sighting *s = came_from_elsewhere(x->in) ? NULL : evidence_sighting(x);

        for (size_t i = 0; s && i < s->named.n; i++)
                if (pin_is_accel(&s->named.cards[i]))
                        return s;
        return NULL;
}

bool accel_is_asked(struct chooser *x) {
        return named_accel(x) || unread_sightings(x);
}

void choose_accel(struct chooser *x) {
        struct choice *c = x->c;
        struct gpu_list chosen = c->gpus, all = accel_list(x->a, x->in->facts);
        const struct sighting *sighting;

        /* what is missing may be an accelerator */
        if (c->missing || c->undecided || chosen.n == 0 || !accel_is_wanted(x->in) ||
            accel_is_among(&chosen))
                return;
        c->unread = all.n > 0 ? unread_sightings(x) : NULL;
        if (c->unread)
                return;
        sighting = named_accel(x);
        if (sighting && sighting->came && all.n > 1) /* the number is of another host, or of before */
                return;
        c->gpus = (struct gpu_list){ 0 };
        if (sighting) {
                pin_choose_sighted(x, sighting);
        } else {
                choose_as_elsewhere(x);
                if (c->gpus.n == 0 && !c->missing && all.n == 1)
                        chooser_take(x, all.items[0]);
                pin_add(x, &c->gpus, CHOSEN_BY_ACCEL);
        }
        for (size_t i = 0; i < c->gpus.n; i++)
                announce(x, &chosen, c->gpus.items[i]);
        all = c->gpus;
        c->gpus = chosen;
        for (size_t i = 0; i < all.n; i++)
                chooser_take(x, all.items[i]);
}
