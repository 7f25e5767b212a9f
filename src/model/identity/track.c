/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * track - all pins, set after set
 *
 * In each step every pin is judged by itself first; then those that claim a card which
 * belongs to another pin's card lose it again.
 */
#include "model/identity/track.h"

/** struct follower - one pin on its way through the sets */
struct follower {
        const struct pinned *pin;
        bool active;
        uint32_t number;    /* of the set that it has come to */
        size_t card_number; /* the same for pins of one card */
        bool certain;       /* its card was seen when it began: two such numbers are two cards */
        struct place place;
        struct judged next;
        bool owned; /* what it would be given if it were free belongs to another pin */
};

struct follow {
        const struct tracking *t;
        struct follower *followers; /* one for each pin */
        size_t n_cards;
        uint32_t number; /* of the set that is stepped to */
};

/* Without PCI ids nothing says that two devices are of one model. */
static bool is_equal_card(const struct card *c, const struct card *like) {
        return pci_ids_known(&like->ids) ? pci_ids_equal(&c->ids, &like->ids)
                                         : streq(c->address, like->address);
}

/* The cards of @set, which may be NULL, of the model of @like. */
static struct card_set equal_cards(const struct tracking *t, const struct card_set *set,
                                   const struct card *like) {
        struct card_set equal = { 0 };

        for (size_t i = 0; set && i < set->n; i++)
                if (is_equal_card(&set->cards[i], like))
                        *ARENA_PUSH(t->arena, equal.cards, equal.n) =
                                history_believed(t->history, set->cards[i]);
        return equal;
}

/* ---- all pins, set after set ---- */

static bool same_card(const struct card *a, const struct card *b) {
        enum serial_match serials = card_compare_serials(a, b);

        if (serials != SERIAL_UNKNOWN)
                return serials == SERIAL_EQUAL;
        return a->port && b->port ? streq(a->port, b->port) : streq(a->address, b->address);
}

static bool has_set(const struct follow *f, const struct pinned *pin) {
        return pin->history && streq(pin->history, f->t->history->id) &&
               history_set(f->t->history, pin->set);
}

/* Its set was dropped from the history: what happened since then is not known. */
static bool is_too_old(const struct follow *f, const struct pinned *pin) {
        return pin->set > 0 && pin->history && streq(pin->history, f->t->history->id) &&
               !has_set(f, pin);
}

/* The equal cards that were there when @x was seen last. */
static void find_before(const struct follow *f, const struct follower *x, struct step *s) {
        const struct pinned *pin = x->pin;

        if (pin->card.port && has_set(f, pin)) {
                uint32_t number = pin->set < f->number ? f->number - 1 : f->number;

                s->before = equal_cards(f->t, history_set(f->t->history, number), &pin->card);
                return;
        }
        for (size_t i = 0; i < pin->n_neighbours; i++)
                *ARENA_PUSH(f->t->arena, s->before.cards, s->before.n) =
                        history_believed(f->t->history, pin->neighbours[i]);
        *ARENA_PUSH(f->t->arena, s->before.cards, s->before.n) =
                history_believed(f->t->history, pin->card);
}

/* Where pins made at different times are, is compared at the time of the later one. */
static void join(struct follow *f, struct follower *x) {
        struct step s = { 0 };

        x->active = true;
        x->place = (struct place){ .state = is_too_old(f, x->pin) ? TRACK_AMBIGUOUS : x->pin->state,
                                   .card = history_believed(f->t->history, x->pin->card) };
        x->card_number = f->n_cards++;
        find_before(f, x, &s);
        x->certain = x->place.state == TRACK_HERE &&
                     (!x->place.card.port || card_set_at(&s.before, x->place.card.port));
        /* one that is lost may be another card than the one that is at its port now */
        for (size_t i = 0; x->place.state == TRACK_HERE && i < f->t->n_pins; i++) {
                const struct follower *o = &f->followers[i];

                if (o != x && o->active && o->place.state == TRACK_HERE &&
                    same_card(&o->place.card, &x->place.card)) {
                        x->card_number = o->card_number;
                        return;
                }
        }
}

/* The card of another pin is there, or may be: it is nowhere else, and no serial number differs. */
static bool may_be_at(const struct follower *o, const struct card *c) {
        if (o->next.place.state == TRACK_HERE)
                return streq(o->next.place.card.address, c->address);
        return is_equal_card(c, &o->pin->card) &&
               card_compare_serials(&o->next.place.card, c) != SERIAL_OTHER;
}

static bool is_owned(const struct follow *f, const struct follower *x) {
        for (size_t i = 0; i < f->t->n_pins; i++) {
                const struct follower *o = &f->followers[i];

                if (o->active && o->card_number != x->card_number && may_be_at(o, &x->next.claimed))
                        return true;
        }
        return f->t->is_taken && f->t->is_taken(f->t->user, &x->next.claimed);
}

/* Judge the followers that take part and are not there yet, all of them before one is believed. */
static void step_all(struct follow *f) {
        const struct card_set *now = history_set(f->t->history, f->number);

        for (size_t i = 0; i < f->t->n_pins; i++) {
                struct follower *x = &f->followers[i];
                struct step s = { .history = f->t->history,
                                  .number = f->number,
                                  .partial = f->t->partial };

                if (!x->active || x->number == f->number)
                        continue;
                find_before(f, x, &s);
                s.after = equal_cards(f->t, now, &x->pin->card);
                x->next = step_judge(&s, &x->place);
        }
        for (size_t i = 0; i < f->t->n_pins; i++) {
                struct follower *x = &f->followers[i];

                if (!x->active || x->number == f->number)
                        continue;
                x->owned = x->next.if_free && is_owned(f, x);
        }
        for (size_t i = 0; i < f->t->n_pins; i++) {
                struct follower *x = &f->followers[i];

                if (!x->active || x->number == f->number)
                        continue;
                x->number = f->number;
                if (x->owned)
                        x->next.place = place_lost(&x->place, x->next.otherwise);
                x->place = x->next.place;
        }
}

static const struct card *card_now(const struct follow *f, const struct place *p) {
        const struct card_set *set = history_set(f->t->history, history_last(f->t->history));

        for (size_t i = 0; p->state == TRACK_HERE && i < set->n; i++)
                if (streq(set->cards[i].address, p->card.address))
                        return &set->cards[i];
        return NULL;
}

static struct pinned remember(const struct follow *f, const struct follower *x,
                              const struct card *now) {
        struct pinned next = *x->pin;

        next.card = x->place.card;
        next.state = x->place.state;
        next.history = f->t->history->id;
        next.set = history_last(f->t->history);
        if (now) {
                struct card_set equal =
                        equal_cards(f->t, history_set(f->t->history, next.set), now);

                next.neighbours = equal.cards;
                next.n_neighbours = equal.n;
                for (size_t i = 0; i < equal.n; i++)
                        if (streq(equal.cards[i].address, now->address)) {
                                card_set_take_out(&equal, i);
                                next.n_neighbours = equal.n;
                                break;
                        }
        }
        return next;
}

static bool are_different(const struct follow *f, const struct follower *x,
                          const struct follower *y) {
        struct card a = history_believed(f->t->history, x->pin->card);
        struct card b = history_believed(f->t->history, y->pin->card);

        return card_compare_serials(&a, &b) == SERIAL_OTHER ||
               (x->certain && y->certain && x->card_number != y->card_number);
}

/* Their pins know one serial number, of which one is older than the card's last move. */
static bool are_of_one_card(const struct follower *x, const struct follower *y) {
        return card_compare_serials(&x->place.card, &y->place.card) == SERIAL_EQUAL;
}

static void answer(const struct follow *f, struct track *ret) {
        for (size_t i = 0; i < f->t->n_pins; i++) {
                const struct place *p = &f->followers[i].place;

                ret[i].card = card_now(f, p);
                ret[i].result = p->state != TRACK_HERE ? p->state
                                : p->replaced          ? TRACK_REPLACED
                                : p->moved             ? TRACK_MOVED
                                                       : TRACK_HERE;
                ret[i].next = remember(f, &f->followers[i], ret[i].card);
        }
        for (size_t i = 0; i < f->t->n_pins; i++)
                for (size_t j = 0; j < i; j++) {
                        const struct follower *x = &f->followers[i], *y = &f->followers[j];

                        if (!ret[i].card || !ret[j].card)
                                continue;
                        if (ret[i].card == ret[j].card && are_different(f, x, y))
                                ret[i].result = ret[j].result = TRACK_CONFLICT;
                        if (ret[i].card != ret[j].card && are_of_one_card(x, y))
                                ret[i].result = ret[j].result = TRACK_AMBIGUOUS;
                }
        for (size_t i = 0; i < f->t->n_pins; i++)
                if (ret[i].card && ret[i].result >= TRACK_AMBIGUOUS) {
                        ret[i].card = NULL;
                        ret[i].next = remember(f, &f->followers[i], NULL);
                        ret[i].next.card = f->t->pins[i].card;
                        ret[i].next.state = TRACK_AMBIGUOUS;
                }
}

void track_pins(const struct tracking *t, struct track *ret) {
        struct follow f = { .t = t };
        uint32_t last = history_last(t->history), first = last;

        f.followers = arena_alloc(t->arena, (t->n_pins + 1) * sizeof(*f.followers));
        for (size_t i = 0; i < t->n_pins; i++) {
                f.followers[i].pin = &t->pins[i];
                if (has_set(&f, &t->pins[i]) && t->pins[i].set < first)
                        first = t->pins[i].set;
        }
        for (f.number = first + 1; f.number <= last; f.number++) {
                for (size_t i = 0; i < t->n_pins; i++)
                        if (has_set(&f, &t->pins[i]) && t->pins[i].set == f.number - 1)
                                join(&f, &f.followers[i]);
                step_all(&f);
        }
        f.number = last;
        for (size_t i = 0; i < t->n_pins; i++)
                if (!f.followers[i].active)
                        join(&f, &f.followers[i]);
        step_all(&f);
        answer(&f, ret);
}
