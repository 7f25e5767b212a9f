/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * host-memory - cards of the facts, and the text of the pins
 *
 *     pin 101 12 here 0000:c1:00.0 1002:150e 1f66:0031 pci0000:00/08.1/00.0
 *     from 0000:c0:00.0 1002:150e 1f66:0031 pci0000:00/08.1/00.0
 *     near 0000:c4:00.0 1002:150e 1f66:0031 pci0000:00/08.2/00.0
 */
#include "model/identity/host-memory.h"

#include "base/number.h"

static const char *const state_names[] = {
        [TRACK_HERE] = "here",
        [TRACK_MISSING] = "missing",
        [TRACK_AMBIGUOUS] = "ambiguous",
};

const char *track_state_name(enum track_result state) {
        return state_names[state];
}

enum track_result track_state_of(const char *name) {
        enum track_result state = TRACK_HERE;

        for (size_t i = 0; name && i < ELEMENTS(state_names); i++)
                if (state_names[i] && streq(name, state_names[i]))
                        state = (enum track_result)i;
        return state;
}

static uint32_t function_number(const struct facts *f, const struct gpu *g) {
        uint32_t n = 1;

        if (g->function)
                return g->function;
        for (const struct gpu *o = f->gpus; o < g; o++)
                n += o->physfn && streq(o->physfn, g->physfn);
        return n;
}

struct card gpu_card(const struct facts *f, const struct gpu *g) {
        const struct gpu *whole = g->physfn ? facts_find_gpu(f, g->physfn) : NULL;
        struct card c = { 0 };

        if (whole)
                c.function = function_number(f, g);
        else
                whole = g;
        c.ids = whole->ids;
        c.address = whole->address;
        c.port = whole->port;
        c.none = whole->none;
        memcpy(c.serials, whole->serials, sizeof(c.serials));
        return c;
}

struct card_set facts_cards(struct arena *a, const struct facts *f) {
        struct card_set set = { 0 };

        for (size_t i = 0; i < f->n_gpus; i++) {
                struct card c = gpu_card(f, &f->gpus[i]);

                if (c.function == 0)
                        *ARENA_PUSH(a, set.cards, set.n) = c;
        }
        return set;
}

const struct gpu *facts_gpu_of(const struct facts *f, const struct card *now, uint32_t function) {
        for (size_t i = 0; i < f->n_gpus; i++) {
                struct card c = gpu_card(f, &f->gpus[i]);

                if (streq(c.address, now->address) && c.function == function)
                        return &f->gpus[i];
        }
        return NULL;
}

static bool same_text(const char *a, const char *b) {
        return a && b ? streq(a, b) : a == b;
}

bool card_same(const struct card *a, const struct card *b) {
        for (size_t kind = 0; kind < SERIAL_KINDS; kind++)
                if (!same_text(a->serials[kind], b->serials[kind]))
                        return false;
        return pci_ids_equal(&a->ids, &b->ids) && streq(a->address, b->address) &&
               same_text(a->port, b->port) && a->function == b->function &&
               same_text(a->by, b->by) && same_text(a->state, b->state);
}

bool host_memory_has_pin(const struct host_memory *m, uint32_t owner) {
        for (size_t i = 0; i < m->n_pins; i++)
                if (m->pins[i].pinned.owner == owner)
                        return true;
        return false;
}

void host_memory_forget(struct arena *a, struct host_memory *m, uint32_t owner) {
        struct kept_pin *pins = NULL;
        size_t n = 0;

        for (size_t i = 0; i < m->n_pins; i++)
                if (m->pins[i].pinned.owner != owner)
                        *ARENA_PUSH(a, pins, n) = m->pins[i];
        m->pins = pins;
        m->n_pins = n;
}

/* A pin whose card is here shows it at its port. */
static bool is_shown_there(const struct kept_pin *k, enum serial_kind kind,
                           const struct card_set *now) {
        const struct card *at = card_set_at(now, k->pinned.card.port);

        return k->pinned.state == TRACK_HERE && at && at->serials[kind] &&
               streq(at->serials[kind], k->pinned.card.serials[kind]);
}

void host_memory_know_pins(struct arena *a, struct host_memory *m, const struct card_set *now) {
        for (size_t i = 0; i < m->n_pins; i++)
                for (enum serial_kind kind = 0; kind < SERIAL_KINDS; kind++) {
                        const char *serial = m->pins[i].pinned.card.serials[kind];

                        if (serial && !history_has(&m->history, kind, serial) &&
                            !is_shown_there(&m->pins[i], kind, now))
                                history_know(a, &m->history, kind, serial);
                }
}

void pins_unfollowed(struct host_memory *m) {
        for (size_t i = 0; i < m->n_pins; i++)
                m->pins[i].pinned.history = NULL;
}

static void write_line(struct strbuf *b, const char *key, const struct card *c) {
        strbuf_printf(b, "%s ", key);
        card_write(b->arena, b, c);
        strbuf_adds(b, "\n");
}

struct bytes pins_write(struct arena *a, const struct host_memory *m) {
        struct strbuf b = { .arena = a };

        for (size_t i = 0; i < m->n_pins; i++) {
                const struct pinned *p = &m->pins[i].pinned;

                write_line(&b,
                           arena_printf(a, "pin %u %u %s", p->owner, p->set, state_names[p->state]),
                           &p->card);
                write_line(&b, "from", &m->pins[i].source);
                for (size_t j = 0; j < p->n_neighbours; j++)
                        write_line(&b, "near", &p->neighbours[j]);
        }
        return bytes_of(strbuf_str(&b)); /* a list without pins is a list */
}

/* 101 12 here 0000:c1:00.0 1002:150e ... */
static bool parse_pin(struct arena *a, struct bytes rest, struct pinned *p) {
        struct bytes state;

        if (!parse_u32(bytes_word(&rest), &p->owner) || !parse_u32(bytes_word(&rest), &p->set))
                return false;
        state = bytes_word(&rest);
        for (size_t i = 0; i < ELEMENTS(state_names); i++)
                if (state_names[i] && bytes_equal(state, bytes_of(state_names[i]))) {
                        p->state = (enum track_result)i;
                        return card_parse(a, rest, &p->card);
                }
        return false;
}

bool pins_read(struct arena *a, struct bytes text, struct host_memory *m) {
        struct kept_pin *pins = NULL, *last = NULL;
        size_t n = 0;
        bool good = true;

        while (good && text.len > 0) {
                struct bytes line = bytes_cut(&text, '\n'), key = bytes_word(&line);

                if (bytes_equal(key, BYTES("pin"))) {
                        last = ARENA_PUSH(a, pins, n);
                        last->pinned.history = m->history.id;
                        good = parse_pin(a, line, &last->pinned);
                } else if (last && bytes_equal(key, BYTES("from"))) {
                        good = card_parse(a, line, &last->source);
                } else if (last && bytes_equal(key, BYTES("near"))) {
                        struct pinned *p = &last->pinned;

                        good = card_parse(a, line, ARENA_PUSH(a, p->neighbours, p->n_neighbours));
                } else {
                        good = false;
                }
        }
        for (size_t i = 0; i < n; i++)
                good = good && pins[i].source.address;
        if (good) {
                m->pins = pins;
                m->n_pins = n;
        }
        return good;
}
