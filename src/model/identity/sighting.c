/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * sighting - the list, and the text that it is kept as
 *
 *     lines 1 3d1f0a6e9c5b4a52
 *     seen 101 12 8b1a9953c4611296
 *     card 0000:c1:00.0 1002:150e 1f66:0031 pci0000:00/08.1/00.0
 *     came 102 12 a87ff679a2f3e71d
 *     gone 103
 */
#include "model/identity/sighting.h"

#include "base/number.h"

struct sighting *sightings_find(const struct sightings *s, uint32_t vmid) {
        for (size_t i = 0; i < s->n; i++)
                if (s->items[i].vmid == vmid)
                        return &s->items[i];
        return NULL;
}

void sightings_put(struct arena *a, struct sightings *s, const struct sighting *item) {
        struct sighting *there = sightings_find(s, item->vmid);

        if (!there)
                there = ARENA_PUSH(a, s->items, s->n);
        *there = *item;
}

void sightings_drop(struct sightings *s, uint32_t vmid) {
        size_t n = 0;

        for (size_t i = 0; i < s->n; i++)
                if (s->items[i].vmid != vmid)
                        s->items[n++] = s->items[i];
        s->n = n;
}

struct bytes sightings_write(struct arena *a, const struct sightings *s, const char *id) {
        struct strbuf b = { .arena = a };

        strbuf_printf(&b, "lines 1 %s\n", id);
        for (size_t i = 0; i < s->n; i++) {
                const struct sighting *x = &s->items[i];

                if (x->digest)
                        strbuf_printf(&b, "%s %u %u %s\n", x->came ? "came" : "seen", x->vmid,
                                      x->set, x->digest);
                else
                        strbuf_printf(&b, "gone %u\n", x->vmid);
                for (size_t j = 0; j < x->named.n; j++) {
                        strbuf_adds(&b, "card ");
                        card_write(a, &b, &x->named.cards[j]);
                        strbuf_adds(&b, "\n");
                }
        }
        return strbuf_bytes(&b);
}

static bool parse_line(struct arena *a, struct bytes line, struct sightings *s) {
        struct bytes key = bytes_word(&line);
        struct sighting x = { .came = bytes_equal(key, BYTES("came")) };
        struct card_set *named = s->n > 0 ? &s->items[s->n - 1].named : NULL;
        struct bytes digest;

        if (named && bytes_equal(key, BYTES("card")))
                return card_parse(a, line, ARENA_PUSH(a, named->cards, named->n));
        if (!BYTES_IN(key, "seen", "came", "gone") || !parse_u32(bytes_word(&line), &x.vmid))
                return false;
        if (!bytes_equal(key, BYTES("gone"))) {
                if (!parse_u32(bytes_word(&line), &x.set))
                        return false;
                digest = bytes_word(&line);
                if (digest.len == 0)
                        return false;
                x.digest = bytes_dup(a, digest);
        }
        *ARENA_PUSH(a, s->items, s->n) = x;
        return true;
}

bool sightings_read(struct arena *a, struct bytes text, const char *id, struct sightings *s) {
        struct sightings r = { .text = text };
        struct bytes head = bytes_cut(&text, '\n');
        bool good = bytes_equal(bytes_word(&head), BYTES("lines")) &&
                    bytes_equal(bytes_word(&head), BYTES("1")) &&
                    bytes_equal(bytes_word(&head), bytes_of(id)) &&
                    !bytes_contains_char(text, '\0');

        while (good && text.len > 0)
                good = parse_line(a, bytes_cut(&text, '\n'), &r);
        *s = good ? r : (struct sightings){ .text = r.text };
        return good;
}

struct track *sighting_tracks(struct arena *a, const struct host_memory *m,
                              const struct sighting *s) {
        size_t n = m->n_pins + s->named.n;
        struct pinned *pins = arena_alloc(a, (n + 1) * sizeof(*pins));
        struct track *tracks = arena_alloc(a, (n + 1) * sizeof(*tracks));

        for (size_t i = 0; i < m->n_pins; i++)
                pins[i] = m->pins[i].pinned;
        for (size_t i = m->n_pins; i < n; i++) {
                const struct card *c = &s->named.cards[i - m->n_pins];

                pins[i] = (struct pinned){ .owner = s->vmid,
                                           .card = *c,
                                           .history = m->history.id,
                                           .set = s->set,
                                           .state = track_state_of(c->state) };
                pins[i].card.state = NULL;
        }
        track_pins(&(struct tracking){ .arena = a,
                                       .history = &m->history,
                                       .pins = pins,
                                       .n_pins = n,
                                       .partial = m->partial,
                                       .is_taken = m->is_taken,
                                       .user = m->user },
                   tracks);
        return tracks + m->n_pins;
}

struct track *sighting_follow(struct arena *a, const struct host_memory *m,
                              const struct sighting *s) {
        struct track *tracks = sighting_tracks(a, m, s);

        for (size_t i = 0; i < s->named.n; i++)
                if (!tracks[i].card || tracks[i].result == TRACK_REPLACED)
                        return NULL;
        return tracks;
}

void sighting_refresh(struct arena *a, const struct host_memory *m, struct sighting *s) {
        struct track *tracks = sighting_tracks(a, m, s);

        for (size_t i = 0; i < s->named.n; i++) {
                enum track_result state = tracks[i].next.state;
                struct card *c = &s->named.cards[i];

                if (tracks[i].result == TRACK_REPLACED) /* it is not what the lines named */
                        state = TRACK_MISSING;
                if (state == TRACK_HERE)
                        *c = tracks[i].next.card;
                c->state = state == TRACK_HERE ? NULL : track_state_name(state);
        }
        s->set = history_last(&m->history);
}

void sightings_refresh(struct arena *a, const struct host_memory *m, struct sightings *s) {
        for (size_t i = 0; i < s->n; i++)
                if (!host_memory_has_pin(m, s->items[i].vmid))
                        sighting_refresh(a, m, &s->items[i]);
}
