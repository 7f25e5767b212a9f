/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * fuzz-memory - any bytes as one of the files in which gpuanchor remembers
 *
 * The records of a start and of a look in /run/gpuanchor, the host's cards, pins, lines and majors in
 * /var/lib/gpuanchor/host, the watcher's state, and what the nodes of a cluster publish. What is read and written again is read as the
 * same: one text comes out, whatever went in. A damaged one leaves nothing behind, and what is
 * believed of any other can be used: cards are followed, news are made from it.
 */
#include "fuzz/slice.h"
#include "model/gpu/majors.h"
#include "model/identity/sighting.h"
#include "model/live/given.h"
#include "model/live/held.h"
#include "model/plan/choose/choose.h"
#include "model/watch/published.h"
#include "model/watch/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition, const char *what, struct bytes once, struct bytes twice) {
        if (condition)
                return;
        fprintf(stderr, "broken: %s\n%.*s\n----\n%.*s\n", what, (int)once.len, once.data,
                (int)twice.len, twice.data);
        abort();
}

static void require_same(const char *what, struct bytes once, struct bytes twice) {
        require(bytes_equal(once, twice), what, once, twice);
}

static void check_record(struct arena *a, struct bytes text) {
        struct record r = { 0 }, again = { 0 };
        struct bytes once;

        record_parse(a, text, &r);
        require(r.n_nodes <= text.len && r.n_cards <= text.len, "more than bytes", text, text);
        once = record_text(a, &r);
        record_parse(a, once, &again);
        require_same("a record", once, record_text(a, &again));
        require(again.n_nodes == r.n_nodes && again.n_cards == r.n_cards, "a node or card is lost",
                text, once);
}

static void check_held(struct arena *a, struct bytes text) {
        struct held h = { 0 }, again = { 0 };
        struct bytes once;

        held_read(a, text, &h);
        require(h.n_nodes <= text.len && h.n_refused <= text.len, "more than bytes", text, text);
        once = held_write(a, &h);
        held_read(a, once, &again);
        require_same("what is held", once, held_write(a, &again));
        require(again.n_nodes == h.n_nodes && again.n_refused == h.n_refused && again.gate == h.gate,
                "a node or number is lost", text, once);
}

static struct card_set two_cards(struct arena *a) {
        struct card_set set = { arena_alloc(a, 2 * sizeof(struct card)), 2 };

        for (int i = 0; i < 2; i++)
                set.cards[i] = (struct card){ .ids = { 0x1002, 0x73ff, 0, 0 },
                                              .address = i ? "0000:02:00.0" : "0000:01:00.0",
                                              .port = i ? "pci0000:00/02.0/00.0" : "pci0000:00/01.0/00.0" };
        return set;
}

static void check_history(struct arena *a, struct bytes text) {
        struct history h = { 0 }, again = { 0 };
        struct card_set now = two_cards(a);
        struct bytes once;

        if (!history_read(a, text, &h)) {
                require(h.n == 0 && !h.id, "a damaged history is used", text, text);
                return;
        }
        once = history_write(a, &h);
        require(history_read(a, once, &again), "a history cannot be read again", text, once);
        require_same("a history", once, history_write(a, &again));
        (void)history_advance(a, &h, &now);
        require(h.n <= HISTORY_SETS_MAX && h.n > 0, "sets without end", text, text);
        require(!history_advance(a, &h, &now), "the same cards are news", once, history_write(a, &h));
        once = history_write(a, &h);
        require(history_read(a, once, &again), "a history that went on cannot be read", text, once);
        require_same("a history that went on", once, history_write(a, &again));
}

static void check_pins(struct arena *a, struct bytes text) {
        struct host_memory m = { 0 }, again = { 0 };
        struct bytes once;

        if (!pins_read(a, text, &m)) {
                require(m.n_pins == 0, "damaged pins are used", text, text);
                return;
        }
        once = pins_write(a, &m);
        require(pins_read(a, once, &again) && again.n_pins == m.n_pins, "a pin is lost", text, once);
        require_same("the pins", once, pins_write(a, &again));
        host_memory_forget(a, &again, 101);
        for (size_t i = 0; i < again.n_pins; i++)
                require(again.pins[i].pinned.owner != 101, "a pin is not forgotten", text, once);
}

static void check_sightings(struct arena *a, struct bytes text) {
        struct sighting mine = { .vmid = 101, .digest = "0123456789abcdef", .set = 1 };
        struct sightings s = { 0 }, again = { 0 };
        struct bytes once;

        if (!sightings_read(a, text, "09b9afe880ff03a7", &s)) {
                require(s.n == 0, "damaged sightings are used", text, text);
                return;
        }
        sightings_put(a, &s, &mine);
        once = sightings_write(a, &s, "09b9afe880ff03a7");
        require(sightings_read(a, once, "09b9afe880ff03a7", &again) && again.n == s.n &&
                        sightings_find(&again, 101),
                "a sighting is lost", text, once);
        require_same("the sightings", once, sightings_write(a, &again, "09b9afe880ff03a7"));
        sightings_drop(&again, 101);
        require(!sightings_find(&again, 101), "a sighting is not dropped", text, once);
}

static void check_majors(struct arena *a, struct bytes text) {
        struct majors list = { 0 }, again = { 0 };
        struct bytes once, rest = text;

        while (rest.len > 0)
                (void)majors_parse(a, bytes_cut(&rest, '\n'), &list);
        once = rest = majors_write(a, "", &list);
        while (rest.len > 0)
                require(majors_parse(a, bytes_cut(&rest, '\n'), &again), "a major is lost", text, once);
        require_same("the majors", once, majors_write(a, "", &again));
}

static void check_state(struct arena *a, struct bytes text) {
        struct facts nothing = { 0 };
        struct findings changes = { .arena = a };
        struct watch_state s = { 0 }, again = { 0 };
        struct ledger_news news;
        struct baseline next;
        struct bytes once;

        if (!watch_state_read(a, text, &s)) {
                require(s.ledger.n_open == 0 && s.baseline.n_gpus == 0, "a damaged state is used", text,
                        text);
                return;
        }
        once = watch_state_write(a, &s);
        require(watch_state_read(a, once, &again), "a state cannot be read again", text, once);
        require_same("the watcher's state", once, watch_state_write(a, &again));
        baseline_compare(&s.baseline, &nothing, &changes);
        baseline_next(a, &s.baseline, &nothing, &next);
        require(next.n_gpus <= s.baseline.n_gpus, "a GPU from nothing", text, once);
        ledger_compare(&s.ledger, &changes, false, &news);
        require(news.resolved.n <= s.ledger.n_open, "more is over than was open", text, once);
}

/* As status --cluster asks for a container that is not there: by its policy alone. */
static void check_published(struct arena *a, struct bytes text) {
        struct published p = { 0 }, again = { 0 };
        struct findings ignored = { .arena = a };
        struct survey survey = { 0 };
        struct pctconf none = { 0 };
        struct policy policy;
        struct choice choice;
        struct bytes once;

        if (!published_read(a, text, &p)) {
                require(p.facts.n_gpus == 0 && p.n_mappings == 0, "half of a node is used", text, text);
                return;
        }
        require(p.facts.n_gpus <= text.len && p.n_mappings <= text.len, "more than bytes", text, text);
        once = published_write(a, &p);
        require(published_read(a, once, &again) && again.facts.n_gpus == p.facts.n_gpus &&
                        again.n_mappings == p.n_mappings,
                "a GPU or mapping is lost", text, once);
        require_same("what a node publishes", once, published_write(a, &again));
        policy_init(a, &policy);
        choose_gpus(a,
                    &(struct plan_input){ .facts = &p.facts,
                                          .vmid = 101,
                                          .policy = &policy,
                                          .node = "pve2",
                                          .name = "",
                                          .conf = &none,
                                          .survey = &survey },
                    &ignored, &choice);
        require(choice.gpus.n <= p.facts.n_gpus, "more GPUs than there are", text, once);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static void (*const checks[])(struct arena *, struct bytes) = {
                check_record, check_held, check_history, check_pins, check_sightings, check_majors,
                check_state,  check_published,
        };
        static struct arena a;
        struct bytes text = { (const char *)data, size };
        size_t one = slice_of(text, ELEMENTS(checks));

        for (size_t i = 0; i < ELEMENTS(checks); i++) {
                if (!slice_has(one, i))
                        continue;
                checks[i](&a, text);
                arena_reset(&a);
        }
        return 0;
}
