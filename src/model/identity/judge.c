/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * judge - the decision table for one card and one change
 *
 * First by serial numbers, then by ports, as long as cards only came or only went. What an
 * answer may not rest on: an address, where the port is known.
 */
#include "model/identity/judge.h"

/* How long the beginning is that the ports of all these cards share, up to a "/". */
static size_t common_prefix(const struct card_set *set) {
        size_t len = strlen(set->cards[0].port);

        for (size_t i = 0; i < set->n; i++) {
                size_t same = 0;

                while (same < len && set->cards[i].port[same] == set->cards[0].port[same])
                        same++;
                len = same;
        }
        while (len > 0 && set->cards[0].port[len - 1] != '/')
                len--;
        return len;
}

/* By a serial number of @known: @now shows another one, or that it has none. */
static bool is_other(const struct card *known, const struct card *now) {
        for (size_t kind = 0; kind < SERIAL_KINDS; kind++)
                if (known->serials[kind] && (now->none & SERIAL_BIT(kind)))
                        return true;
        return card_compare_serials(known, now) == SERIAL_OTHER;
}

/*
 * This host knows a serial number of @now, or a pin that of a neighbour, and @before, which would
 * be the same card, did not show it: @now came from elsewhere, at this change or while no serial
 * number could be read.
 */
static bool was_exchanged(const struct step *s, const struct card *before, const struct card *now) {
        size_t at = 0;

        return !(before && card_compare_serials(before, now) == SERIAL_EQUAL) &&
               (history_knew(s->history, now, s->number) ||
                card_set_find_serial(&s->before, now, &at) > 0);
}

/*
 * The root bus was renumbered, or the dock that has all of these cards is plugged in
 * elsewhere: the ports differ in what they share and in nothing else.
 *
 * Return: the card of @p after it, NULL when it was no such change.
 */
static const struct card *shifted(const struct step *s, const struct place *p) {
        const struct card *own = NULL;
        size_t before, after, at = 0;

        if (s->before.n != s->after.n || s->before.n < 2 || !card_set_has_ports(&s->before) ||
            !card_set_has_ports(&s->after))
                return NULL;
        before = common_prefix(&s->before);
        after = common_prefix(&s->after);
        for (size_t i = 0; i < s->before.n; i++) {
                const struct card *match = NULL;

                for (size_t j = 0; j < s->after.n; j++)
                        if (streq(s->before.cards[i].port + before, s->after.cards[j].port + after))
                                match = &s->after.cards[j];
                if (!match || is_other(&s->before.cards[i], match) ||
                    was_exchanged(s, &s->before.cards[i], match) ||
                    (card_set_find_serial(&s->before, match, &at) > 0 && at != i))
                        return NULL;
                if (card_is_at(&s->before.cards[i], p->card.port))
                        own = match;
        }
        return own && !is_other(&p->card, own) ? own : NULL;
}

/* The card as it is now, with the serials that were read of it. */
static struct card merge(const struct card *known, const struct card *now) {
        struct card c = *now;

        c.function = known->function;
        c.by = known->by;
        for (size_t kind = 0; kind < SERIAL_KINDS; kind++)
                if ((now->kept & SERIAL_BIT(kind)) || !c.serials[kind])
                        c.serials[kind] = known->serials[kind];
        c.kept = c.none = 0;
        return c;
}

static struct place found(const struct place *p, const struct card *now) {
        struct place next = { .state = TRACK_HERE, .card = merge(&p->card, now) };

        next.moved = p->moved || !card_is_at(now, p->card.port);
        next.replaced = p->replaced;
        return next;
}

struct place place_lost(const struct place *p, enum track_result state) {
        struct place next = *p;

        next.state = state;
        return next;
}

static struct judged surely(struct place place) {
        return (struct judged){ .place = place };
}

static struct judged if_free(struct place place, const struct card *claimed,
                             enum track_result otherwise) {
        return (struct judged){
                .place = place, .if_free = true, .claimed = *claimed, .otherwise = otherwise
        };
}

static bool lost_and_gained(const struct step *s) {
        return card_set_gone(&s->before, &s->after) > 0 && card_set_gone(&s->after, &s->before) > 0;
}

/* A card that sat elsewhere and never showed what serial number it has: it may show it here now. */
static bool may_be_a_spare(const struct step *s, const struct place *p) {
        for (size_t i = 0; i < s->before.n; i++) {
                const struct card *c = &s->before.cards[i];

                if (!card_is_at(c, p->card.port) && !card_has_serial(c) && !c->none)
                        return true;
        }
        return false;
}

/* Rows 6 and 7: all serials are known, and none is this card's. */
static struct judged judge_replaced(const struct step *s, const struct place *p) {
        const struct card *at = card_set_at(&s->after, p->card.port);
        struct place next;

        if (!at || s->partial || p->state == TRACK_AMBIGUOUS || !card_has_serial(at) ||
            history_knew(s->history, at, s->number) || may_be_a_spare(s, p))
                return surely(place_lost(p, TRACK_MISSING));
        next = (struct place){ .state = TRACK_HERE, .card = *at, .replaced = true };
        next.card.function = p->card.function;
        next.card.by = p->card.by;
        next.card.kept = next.card.none = 0;
        return if_free(next, at, TRACK_MISSING);
}

/* Rows 9 and 10: cards only came or only went, so the port tells. */
static struct judged judge_port(const struct step *s, const struct place *p) {
        const struct card *at = card_set_at(&s->after, p->card.port);

        if (!at || is_other(&p->card, at))
                return surely(place_lost(p, TRACK_MISSING));
        if (was_exchanged(s, card_set_at(&s->before, at->port), at))
                return surely(place_lost(p, TRACK_AMBIGUOUS));
        return surely(found(p, at));
}

/* Rows 9 to 13: by ports. */
static struct judged judge_ports(const struct step *s, const struct place *p) {
        const struct card *at = card_set_at(&s->after, p->card.port);
        struct card only;

        if (p->state == TRACK_AMBIGUOUS)
                return surely(*p);
        if (!lost_and_gained(s))
                return judge_port(s, p);
        if (s->partial)
                return surely(place_lost(p, TRACK_AMBIGUOUS));
        /* row 12: one card before, one now */
        only = s->before.n == 1 ? card_shown(s->before.cards[0]) : (struct card){ 0 };
        if (s->after.n == 1 && card_is_at(&only, p->card.port) &&
            !was_exchanged(s, &only, &s->after.cards[0]))
                return if_free(found(p, &s->after.cards[0]), &s->after.cards[0], TRACK_AMBIGUOUS);
        at = shifted(s, p);
        if (at)
                return surely(found(p, at));
        return surely(place_lost(p, TRACK_AMBIGUOUS));
}

/* Rows 14 and 15: a pin of the first version, which knows addresses only. */
static struct judged judge_addresses(const struct step *s, const struct place *p) {
        const struct card *at = NULL;
        size_t known = 0;

        for (size_t i = 0; i < s->after.n; i++) {
                for (size_t j = 0; j < s->before.n; j++)
                        known += streq(s->after.cards[i].address, s->before.cards[j].address);
                if (streq(s->after.cards[i].address, p->card.address))
                        at = &s->after.cards[i];
        }
        if (at && known == s->after.n && s->after.n == s->before.n)
                return surely(found(p, at));
        if (s->after.n == 0)
                return surely(place_lost(p, TRACK_MISSING));
        if (s->after.n == 1 && s->before.n == 1 && !s->partial)
                return if_free(found(p, &s->after.cards[0]), &s->after.cards[0], TRACK_AMBIGUOUS);
        return surely(place_lost(p, TRACK_AMBIGUOUS));
}

/* One step of one pin: rows 4 to 15. */
struct judged step_judge(const struct step *s, const struct place *p) {
        bool all_other = true;
        size_t at = 0, n = card_set_find_serial(&s->after, &p->card, &at);

        if (n == 1)
                return surely(found(p, &s->after.cards[at]));
        /* what was at its port while it was missing is another one, wherever that goes */
        if (p->state == TRACK_MISSING && card_set_at(&s->before, p->card.port))
                return surely(*p);
        for (size_t i = 0; i < s->after.n; i++) {
                struct card shown = card_shown(s->after.cards[i]);

                all_other &= is_other(&p->card, &shown);
        }
        if (card_has_serial(&p->card) && all_other && s->after.n > 0)
                return judge_replaced(s, p);
        if (!p->card.port)
                return judge_addresses(s, p);
        return judge_ports(s, p);
}
