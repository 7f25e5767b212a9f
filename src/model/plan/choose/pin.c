/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * pin - the pinned cards, tracked through the changes of the host
 */
#include "model/plan/choose/pin.h"

#include "model/finding/reason.h"

/* What the host remembers; where there is nothing, the host as it is now. */
static struct host_memory memory_of(struct chooser *x) {
        struct host_memory m = { .history = { .id = "-" } };
        struct card_set now;

        if (x->in->memory)
                return *x->in->memory;
        now = facts_cards(x->a, x->in->facts);
        history_advance(x->a, &m.history, &now);
        return m;
}

/* A pin of the first version has the address of a virtual function instead of its card's. */
static struct card complete(const struct facts *f, const struct card *pinned) {
        const struct gpu *g = pinned->port ? NULL : facts_find_gpu(f, pinned->address);

        return g && g->physfn && pci_ids_equal(&g->ids, &pinned->ids) ? gpu_card(f, g) : *pinned;
}

static void add_neighbours(struct arena *a, struct pinned *p, const struct card *list, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (pci_ids_known(&p->card.ids) && pci_ids_equal(&list[i].ids, &p->card.ids) &&
                    !streq(list[i].address, p->card.address))
                        *ARENA_PUSH(a, p->neighbours, p->n_neighbours) = list[i];
}

struct pinned pin_by_itself(struct arena *a, const struct facts *f, const struct pin *pin,
                            size_t i) {
        struct pinned p = { .card = complete(f, &pin->gpus[i]),
                            .state = track_state_of(pin->gpus[i].state) };

        p.card.state = NULL;
        add_neighbours(a, &p, pin->gpus, pin->n_gpus);
        add_neighbours(a, &p, pin->twins, pin->n_twins);
        return p;
}

/* As the last look left it, unless the policy says something else by now. */
static struct pinned pinned_of(struct chooser *x, const struct host_memory *m,
                               const struct pin *pin, size_t i) {
        struct pinned p;

        for (size_t j = 0; j < m->n_pins; j++) {
                struct card source = m->pins[j].source;

                source.by = pin->gpus[i].by;
                if (m->pins[j].pinned.owner != x->in->vmid || !card_same(&source, &pin->gpus[i]))
                        continue;
                p = m->pins[j].pinned;
                p.card.by = source.by;
                return p;
        }
        p = pin_by_itself(x->a, x->in->facts, pin, i);
        p.owner = x->in->vmid;
        return p;
}

static void keep(struct chooser *x, const struct card *source, const struct pinned *p) {
        struct kept_pin *kept = ARENA_PUSH(x->a, x->c->kept, x->c->n_kept);

        *kept = (struct kept_pin){ *source, *p };
        kept->source.none = kept->pinned.card.none = 0;
}

static bool is_card_of(const struct card *list, size_t n, const struct card *c) {
        for (size_t i = 0; i < n; i++)
                if (card_same(&list[i], c))
                        return true;
        return false;
}

/* The equal cards that are here and not meant. */
static void find_twins(struct chooser *x) {
        struct card_set all = facts_cards(x->a, x->in->facts);
        struct pin *pin = &x->c->pin;

        pin->twins = NULL;
        pin->n_twins = 0;
        for (size_t i = 0; i < all.n; i++) {
                bool equal = false, own = false;

                for (size_t j = 0; j < pin->n_gpus; j++) {
                        equal |= pci_ids_known(&all.cards[i].ids) &&
                                 pci_ids_equal(&pin->gpus[j].ids, &all.cards[i].ids);
                        own |= streq(pin->gpus[j].address, all.cards[i].address);
                }
                if (!equal || own)
                        continue;
                all.cards[i].none = 0;
                *ARENA_PUSH(x->a, pin->twins, pin->n_twins) = all.cards[i];
        }
}

static bool pins_differ(const struct pin *a, const struct pin *b) {
        bool differ = a->n_gpus != b->n_gpus || a->n_twins != b->n_twins;

        for (size_t i = 0; i < a->n_gpus && !differ; i++)
                differ = !card_same(&a->gpus[i], &b->gpus[i]);
        for (size_t i = 0; i < a->n_twins && !differ; i++)
                differ = !is_card_of(b->twins, b->n_twins, &a->twins[i]);
        return differ;
}

static struct gpu_list equal_gpus(struct chooser *x, const struct card *c) {
        struct gpu_list list = { 0 };

        for (size_t i = 0; i < x->in->facts->n_gpus; i++)
                if (pci_ids_equal(&x->in->facts->gpus[i].ids, &c->ids))
                        gpu_list_add(x->a, &list, &x->in->facts->gpus[i]);
        return list;
}

/* Why @p is wanted. */
static const char *wanted_as(struct chooser *x, const struct card *p) {
        const struct pin *pin = policy_pin(x->in->policy, x->in->node);
        const char *ids = pci_ids_model(x->a, &p->ids);

        if (!pin_is_accel(p))
                return arena_printf(x->a, WHY_PINNED, ids);
        for (size_t i = 0; pin && i < pin->n_gpus; i++)
                if (pin_is_accel(&pin->gpus[i]))
                        return arena_printf(x->a, WHY_PINNED_ACCEL, ids);
        return arena_printf(x->a, WHY_SIGHTED_ACCEL, ids);
}

/* Say what became of @p, and take it. */
static void take_tracked(struct chooser *x, const struct card *p, const struct track *t) {
        const struct gpu *g =
                t->card ? facts_gpu_of(x->in->facts, t->card, t->next.card.function) : NULL;
        const char *ids = pci_ids_model(x->a, &p->ids);
        const char *pinned = wanted_as(x, p);
        struct gpu_list equal;

        if (t->result == TRACK_AMBIGUOUS || t->result == TRACK_CONFLICT) {
                equal = equal_gpus(x, p);
                chooser_ambiguous(x,
                                  t->result == TRACK_CONFLICT
                                          ? arena_printf(x->a, WHY_PIN_CONFLICT, p->address)
                                          : arena_printf(x->a, WHY_PIN_AMBIGUOUS, ids, p->address),
                                  p->address, &equal);
        } else if (!t->card) {
                chooser_miss(x, p->address, pinned);
        } else if (t->result == TRACK_REPLACED ||
                   card_compare_serials(p, &t->next.card) == SERIAL_OTHER) {
                /* perhaps at the start of another container already, which did not report it */
                finding_add(x->f, (struct finding){ .code = FINDING_GPU_REPLACED,
                                                    .gpu = t->card->address,
                                                    .what = ids });
        } else if (!streq(t->next.card.address, p->address) &&
                   p->function == t->next.card.function) {
                finding_add(x->f, (struct finding){ .code = FINDING_GPU_MOVED,
                                                    .gpu = t->card->address,
                                                    .what = ids,
                                                    .old = p->address,
                                                    .new = t->next.card.address });
        }
        if (t->card && !g) /* the card is there without this function */
                chooser_miss(x, p->address, pinned);
        if (g)
                chooser_take_or_held(x, g, p->address);
}

void pin_choose(struct chooser *x, const struct pin *pin) {
        struct host_memory m = memory_of(x);
        size_t n_others = 0;
        struct pinned *pins = arena_alloc(x->a, (m.n_pins + pin->n_gpus) * sizeof(*pins));
        struct track *tracks = arena_alloc(x->a, (m.n_pins + pin->n_gpus) * sizeof(*tracks));
        struct pin *next = &x->c->pin;

        for (size_t i = 0; i < m.n_pins; i++)
                if (m.pins[i].pinned.owner != x->in->vmid)
                        pins[n_others++] = m.pins[i].pinned;
        for (size_t i = 0; i < pin->n_gpus; i++)
                pins[n_others + i] = pinned_of(x, &m, pin, i);
        track_pins(&(struct tracking){ .arena = x->a,
                                       .history = &m.history,
                                       .pins = pins,
                                       .n_pins = n_others + pin->n_gpus,
                                       .partial = m.partial,
                                       .is_taken = x->in->is_taken,
                                       .user = x->in->user },
                   tracks);
        for (size_t i = 0, n = 0; i < m.n_pins; i++)
                if (m.pins[i].pinned.owner != x->in->vmid)
                        keep(x, &m.pins[i].source, &tracks[n++].next);
        for (size_t i = 0; i < pin->n_gpus; i++) {
                const struct track *t = &tracks[n_others + i];
                struct card *c = ARENA_PUSH(x->a, next->gpus, next->n_gpus);

                take_tracked(x, &pin->gpus[i], t);
                *c = history_believed(&m.history, t->card ? t->next.card : pin->gpus[i]);
                c->none = 0;
                c->state = t->next.state == TRACK_HERE ? NULL : track_state_name(t->next.state);
                keep(x, c, &t->next);
        }
}

void pin_choose_sighted(struct chooser *x, const struct sighting *s) {
        struct host_memory m = memory_of(x);
        struct track *tracks = sighting_tracks(x->a, &m, s);
        struct pin *pin = &x->c->pin;

        for (size_t i = 0; i < s->named.n; i++) {
                const struct card *named = &s->named.cards[i];
                struct track *t = &tracks[i];
                struct card *c;

                if (!pin_is_accel(named))
                        continue;
                if (t->result == TRACK_REPLACED)
                        *t = (struct track){ .result = TRACK_MISSING };
                take_tracked(x, named, t);
                c = ARENA_PUSH(x->a, pin->gpus, pin->n_gpus);
                *c = history_believed(&m.history, t->card ? t->next.card : *named);
                c->none = 0;
                c->state = t->card ? NULL
                                   : track_state_name(t->result == TRACK_MISSING ? TRACK_MISSING
                                                                                 : TRACK_AMBIGUOUS);
        }
}

bool pin_choose_alike(struct chooser *x, const struct pin *pin) {
        for (size_t i = 0; i < pin->n_gpus; i++) {
                const struct card *p = &pin->gpus[i];
                size_t alike = 0, wanted = 0;

                for (size_t j = 0; j < pin->n_gpus; j++)
                        wanted += pci_ids_same_model(&pin->gpus[j].ids, &p->ids);
                for (size_t j = 0; j < x->in->facts->n_gpus; j++)
                        alike += pci_ids_same_model(&p->ids, &x->in->facts->gpus[j].ids);
                if (!pci_ids_known(&p->ids) || alike != wanted)
                        return false;
        }
        for (size_t j = 0; j < x->in->facts->n_gpus; j++)
                for (size_t i = 0; i < pin->n_gpus; i++) {
                        struct card c = gpu_card(x->in->facts, &x->in->facts->gpus[j]);

                        if (pci_ids_same_model(&pin->gpus[i].ids, &c.ids) && x->in->is_taken &&
                            x->in->is_taken(x->in->user, &c))
                                return false;
                }
        for (size_t i = 0; i < pin->n_gpus; i++)
                for (size_t j = 0; j < x->in->facts->n_gpus; j++)
                        if (pci_ids_same_model(&pin->gpus[i].ids, &x->in->facts->gpus[j].ids))
                                chooser_take_or_held(x, &x->in->facts->gpus[j],
                                                     x->in->facts->gpus[j].address);
        return true;
}

bool pin_is_accel(const struct card *c) {
        return c->by && streq(c->by, CHOSEN_BY_ACCEL);
}

void pin_add(struct chooser *x, const struct gpu_list *chosen, const char *by) {
        struct host_memory m = memory_of(x); /* a serial number that two cards have is none */
        struct pin *pin = &x->c->pin;

        for (size_t i = 0; i < chosen->n; i++) {
                const struct gpu *g = chosen->items[i];
                struct card *card = ARENA_PUSH(x->a, pin->gpus, pin->n_gpus);

                *card = history_believed(&m.history, gpu_card(x->in->facts, g));
                card->none = 0;
                card->by = by;
                if (!by) /* else it is what the owner has written */
                        finding_add(x->f, (struct finding){ .code = FINDING_GPU_PINNED,
                                                            .gpu = g->address,
                                                            .what = gpu_describe(x->a, g),
                                                            .new = g->pci ? WHY_SELECT_PCI
                                                                          : WHY_SELECT_PLATFORM,
                                                            .where = x->in->node });
        }
}

void pin_finish(struct chooser *x, const struct pin *before) {
        struct host_memory m = memory_of(x);
        size_t n_followed = x->c->n_followed;
        struct pin *pin = &x->c->pin;

        pin->node = x->in->node;
        if (x->c->missing && n_followed > 0) { /* the neighbours of then are what tells it later */
                pin->twins = before->twins;
                pin->n_twins = before->n_twins;
        } else {
                find_twins(x);
        }
        for (size_t i = n_followed; i < pin->n_gpus; i++) {
                struct pinned p = { .owner = x->in->vmid,
                                    .card = pin->gpus[i],
                                    .history = m.history.id,
                                    .set = history_last(&m.history),
                                    .state = track_state_of(pin->gpus[i].state) };

                p.card.state = NULL;
                add_neighbours(x->a, &p, pin->gpus, pin->n_gpus);
                add_neighbours(x->a, &p, pin->twins, pin->n_twins);
                keep(x, &pin->gpus[i], &p);
        }
        /* what a selector of before had chosen goes when another one has chosen */
        x->c->repin = (pin->n_gpus > 0 || x->c->gpus.n > 0) && pins_differ(pin, before);
}
