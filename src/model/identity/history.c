/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * history - advancing it, and the text that it is kept as
 *
 *     history 1 3d1f0a6e9c5b4a52
 *     serial amd 1a2b3c4d5e6f7081 3
 *     shared pci 00-00-00-00-ff-ff-ff-01 5
 *     set 3
 *     card 0000:c1:00.0 1002:150e 1f66:0031 pci0000:00/08.1/00.0 amd=1a2b3c4d5e6f7081
 */
#include "model/identity/history.h"

#include "base/number.h"

uint32_t history_last(const struct history *h) {
        return h->n > 0 ? h->first + (uint32_t)h->n - 1 : 0;
}

const struct card_set *history_set(const struct history *h, uint32_t number) {
        return h->n > 0 && number >= h->first && number - h->first < h->n
                       ? &h->sets[number - h->first]
                       : NULL;
}

static struct seen_serial *find_serial(const struct history *h, enum serial_kind kind,
                                       const char *value) {
        for (size_t i = 0; i < h->n_seen; i++)
                if (h->seen[i].kind == kind && streq(h->seen[i].value, value))
                        return &h->seen[i];
        return NULL;
}

bool history_knew(const struct history *h, const struct card *c, uint32_t number) {
        for (size_t kind = 0; kind < SERIAL_KINDS; kind++) {
                const struct seen_serial *s =
                        c->serials[kind] ? find_serial(h, kind, c->serials[kind]) : NULL;

                if (s && s->set < number)
                        return true;
        }
        return false;
}

bool history_has(const struct history *h, enum serial_kind kind, const char *serial) {
        return find_serial(h, kind, serial);
}

void history_know(struct arena *a, struct history *h, enum serial_kind kind, const char *serial) {
        if (serial_is_plausible(serial))
                *ARENA_PUSH(a, h->seen, h->n_seen) =
                        (struct seen_serial){ kind, arena_strdup(a, serial), 0, false };
}

struct card history_believed(const struct history *h, struct card c) {
        for (size_t kind = 0; kind < SERIAL_KINDS; kind++) {
                const struct seen_serial *s =
                        c.serials[kind] ? find_serial(h, kind, c.serials[kind]) : NULL;

                if (!c.serials[kind] || (serial_is_plausible(c.serials[kind]) && !(s && s->shared)))
                        continue;
                c.serials[kind] = NULL;
                c.none |= c.kept & SERIAL_BIT(kind) ? 0 : SERIAL_BIT(kind);
                c.kept &= ~SERIAL_BIT(kind);
        }
        return c;
}

/* ---- advance ---- */

/* The same place: by port, or where one of the two has none, by address. */
static const struct card *same_place(const struct card_set *set, const struct card *c) {
        for (size_t i = 0; i < set->n; i++) {
                const struct card *o = &set->cards[i];

                if (o->port && c->port ? streq(o->port, c->port) : streq(o->address, c->address))
                        return o;
        }
        return NULL;
}

static bool set_has_serial(const struct card_set *set, enum serial_kind kind, const char *value) {
        for (size_t i = 0; i < set->n; i++)
                if (set->cards[i].serials[kind] && streq(set->cards[i].serials[kind], value))
                        return true;
        return false;
}

static void see(struct arena *a, struct history *h, const struct card_set *now, uint32_t number) {
        for (size_t i = 0; i < now->n; i++)
                for (size_t kind = 0; kind < SERIAL_KINDS; kind++) {
                        const char *value = now->cards[i].serials[kind];
                        struct seen_serial *s = value ? find_serial(h, kind, value) : NULL;

                        if (!value || !serial_is_plausible(value))
                                continue;
                        if (!s) {
                                s = ARENA_PUSH(a, h->seen, h->n_seen);
                                *s = (struct seen_serial){ kind, arena_strdup(a, value), number,
                                                           false };
                        }
                        for (size_t j = 0; j < i; j++)
                                s->shared |= now->cards[j].serials[kind] &&
                                             streq(now->cards[j].serials[kind], value);
                }
}

/* A serial that cannot be read now is still the card's, unless another card shows it. */
static void keep_serials(struct card *c, const struct card *before, const struct card_set *now) {
        if (!pci_ids_equal(&before->ids, &c->ids) ||
            card_compare_serials(before, c) == SERIAL_OTHER)
                return;
        for (size_t kind = 0; kind < SERIAL_KINDS; kind++) {
                if (c->serials[kind] || (c->none & SERIAL_BIT(kind)) || !before->serials[kind] ||
                    set_has_serial(now, kind, before->serials[kind]))
                        continue;
                c->serials[kind] = before->serials[kind];
                c->kept |= SERIAL_BIT(kind);
        }
}

static struct card card_copy(struct arena *a, const struct card *c) {
        struct card copy = *c;

        copy.address = arena_strdup(a, c->address);
        copy.port = c->port ? arena_strdup(a, c->port) : NULL;
        for (size_t kind = 0; kind < SERIAL_KINDS; kind++)
                copy.serials[kind] = c->serials[kind] ? arena_strdup(a, c->serials[kind]) : NULL;
        return copy;
}

static bool same_text(const char *a, const char *b) {
        return a && b ? streq(a, b) : a == b;
}

/* Whether @c shows what @before showed: same model, no serial lost, exchanged or new. */
static bool continues(const struct card *before, const struct card *c) {
        for (size_t kind = 0; kind < SERIAL_KINDS; kind++)
                if (!same_text(before->serials[kind], c->serials[kind]))
                        return false;
        return pci_ids_equal(&before->ids, &c->ids);
}

bool history_advance(struct arena *a, struct history *h, const struct card_set *now) {
        struct card_set next = { 0 }, *last = h->n > 0 ? &h->sets[h->n - 1] : NULL;
        size_t seen = h->n_seen, shared = 0;
        bool same = last && last->n == now->n, changed = false;

        for (size_t i = 0; i < h->n_seen; i++)
                shared += h->seen[i].shared;
        see(a, h, now, history_last(h) + 1);
        for (size_t i = 0; i < now->n; i++) {
                const struct card *before = last ? same_place(last, &now->cards[i]) : NULL;
                struct card *c = ARENA_PUSH(a, next.cards, next.n);

                *c = card_copy(a, &now->cards[i]);
                *c = history_believed(h, *c);
                if (before) {
                        struct card known = history_believed(h, *before);

                        keep_serials(c, &known, now);
                        same = same && continues(&known, c);
                        changed |= !continues(before, c) || !streq(before->address, c->address) ||
                                   !before->port != !c->port || before->kept != c->kept ||
                                   before->none != c->none;
                } else {
                        same = false;
                }
        }
        for (size_t i = 0; i < h->n_seen; i++) {
                shared -= h->seen[i].shared;
                if (same && h->seen[i].set > history_last(h))
                        h->seen[i].set = history_last(h);
        }
        if (same) {
                *last = next;
                return changed || seen != h->n_seen || shared != 0;
        }
        if (h->n == HISTORY_SETS_MAX) {
                memmove(h->sets, h->sets + 1, (h->n - 1) * sizeof(*h->sets));
                h->sets[h->n - 1] = next;
                h->first++;
                return true;
        }
        h->first = h->first ? h->first : 1;
        *ARENA_PUSH(a, h->sets, h->n) = next;
        return true;
}

/* ---- text ---- */

struct bytes history_write(struct arena *a, const struct history *h) {
        struct strbuf b = { .arena = a };

        strbuf_printf(&b, "history 1 %s\n", h->id);
        for (size_t i = 0; i < h->n_seen; i++)
                strbuf_printf(&b, "%s %s %s %u\n", h->seen[i].shared ? "shared" : "serial",
                              serial_kind_name(h->seen[i].kind), h->seen[i].value, h->seen[i].set);
        for (size_t i = 0; i < h->n; i++) {
                strbuf_printf(&b, "set %u\n", h->first + (uint32_t)i);
                for (size_t j = 0; j < h->sets[i].n; j++) {
                        strbuf_adds(&b, "card ");
                        card_write(a, &b, &h->sets[i].cards[j]);
                        strbuf_adds(&b, "\n");
                }
        }
        return strbuf_bytes(&b);
}

static const char *word_str(struct arena *a, struct bytes *rest) {
        struct bytes word = bytes_word(rest);

        return word.len > 0 ? bytes_dup(a, word) : NULL;
}

/* serial amd 1a2b3c4d5e6f7081 3 */
static bool parse_seen(struct arena *a, struct bytes rest, bool shared, struct history *h) {
        struct seen_serial s = { .shared = shared };
        bool good = serial_kind_parse(bytes_word(&rest), &s.kind);

        s.value = word_str(a, &rest);
        if (!good || !s.value || !parse_u32(bytes_word(&rest), &s.set))
                return false;
        *ARENA_PUSH(a, h->seen, h->n_seen) = s;
        return true;
}

static bool parse_line(struct arena *a, struct bytes line, struct history *h) {
        struct bytes key = bytes_word(&line);
        uint32_t number;

        if (bytes_equal(key, BYTES("serial")) || bytes_equal(key, BYTES("shared")))
                return parse_seen(a, line, bytes_equal(key, BYTES("shared")), h);
        if (bytes_equal(key, BYTES("set"))) {
                if (!parse_u32(bytes_trim(line), &number) || number == 0 ||
                    (h->n > 0 && number != history_last(h) + 1) || h->n == HISTORY_SETS_MAX)
                        return false;
                h->first = h->n > 0 ? h->first : number;
                *ARENA_PUSH(a, h->sets, h->n) = (struct card_set){ 0 };
                return true;
        }
        if (bytes_equal(key, BYTES("card")) && h->n > 0) {
                struct card_set *set = &h->sets[h->n - 1];

                return card_parse(a, line, ARENA_PUSH(a, set->cards, set->n));
        }
        return false;
}

bool history_read(struct arena *a, struct bytes text, struct history *ret) {
        struct history h = { 0 };
        struct bytes head = bytes_cut(&text, '\n');

        if (!bytes_equal(bytes_word(&head), BYTES("history")) ||
            !bytes_equal(bytes_word(&head), BYTES("1")) || !(h.id = word_str(a, &head)))
                return false;
        while (text.len > 0)
                if (!parse_line(a, bytes_cut(&text, '\n'), &h))
                        return false;
        *ret = h;
        return true;
}
