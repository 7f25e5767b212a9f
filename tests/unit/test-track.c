/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * test-track - what random histories seldom come to: pins that contradict each other
 */
#include "model/identity/host-memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define PORT_1 "pci0000:00/01.1/00.0"
#define PORT_2 "pci0000:00/02.1/00.0"

enum { TWO = 2 };

static struct card card_at(const char *address, const char *port, const char *amd) {
        return (struct card){ .ids = { 0x1002, 0x7300, 0x1043, 1 },
                              .address = address,
                              .port = port,
                              .serials[SERIAL_AMD] = amd };
}

static struct history host_with(struct arena *a, struct card *cards, size_t n) {
        struct history h = { .id = "-" };

        history_advance(a, &h, &(struct card_set){ cards, n });
        return h;
}

static void track(struct arena *a, const struct history *h, const struct pinned *pins,
                  struct track *ret) {
        track_pins(&(struct tracking){ .arena = a, .history = h, .pins = pins, .n_pins = TWO },
                   ret);
}

/* Policies of different times, the host's memory is lost: one knows its port, one an address. */
static void test_two_pins_lead_to_one_card(void **state) {
        _cleanup_(arena_done) struct arena a = { 0 };
        struct card now = card_at("0000:02:00.0", PORT_1, NULL);
        struct history h = host_with(&a, &now, 1);
        struct pinned pins[] = { { .owner = 101, .card = card_at("0000:01:00.0", PORT_1, NULL) },
                                 { .owner = 102, .card = card_at("0000:02:00.0", NULL, NULL) } };
        struct track tracks[TWO], later;

        track(&a, &h, pins, tracks);
        for (int i = 0; i < TWO; i++) {
                assert_int_equal(tracks[i].result, TRACK_CONFLICT);
                assert_null(tracks[i].card);
        }
        /* that the other one is disabled tells nothing */
        track_pins(&(struct tracking){
                           .arena = &a, .history = &h, .pins = &tracks[0].next, .n_pins = 1 },
                   &later);
        assert_int_equal(later.result, TRACK_AMBIGUOUS);
        assert_null(later.card);
        (void)state;
}

/* One of the two policies is older than the card's last move, and the card does not show itself. */
static void test_one_serial_at_two_ports(void **state) {
        _cleanup_(arena_done) struct arena a = { 0 };
        struct card now[] = { card_at("0000:01:00.0", PORT_1, NULL),
                              card_at("0000:02:00.0", PORT_2, NULL) };
        struct history h = host_with(&a, now, TWO);
        struct pinned pins[] = {
                { .owner = 101, .card = card_at("0000:01:00.0", PORT_1, "1234567890abcdef") },
                { .owner = 102, .card = card_at("0000:02:00.0", PORT_2, "1234567890abcdef") },
        };
        struct track tracks[TWO];

        pins[0].neighbours = &now[1];
        pins[1].neighbours = &now[0];
        pins[0].n_neighbours = pins[1].n_neighbours = 1;
        track(&a, &h, pins, tracks);
        for (int i = 0; i < TWO; i++) {
                assert_int_equal(tracks[i].result, TRACK_AMBIGUOUS);
                assert_null(tracks[i].card);
                pins[i] = tracks[i].next;
        }
        now[1].serials[SERIAL_AMD] = "1234567890abcdef";
        history_advance(&a, &h, &(struct card_set){ now, TWO });
        track(&a, &h, pins, tracks);
        for (int i = 0; i < TWO; i++) {
                assert_non_null(tracks[i].card);
                assert_string_equal(tracks[i].card->address, "0000:02:00.0");
        }
        (void)state;
}

/* What a pin's own neighbours show is known of this host, though its memory is lost. */
static void test_a_neighbour_comes_to_the_port(void **state) {
        _cleanup_(arena_done) struct arena a = { 0 };
        struct card neighbour = card_at("0000:01:00.0", PORT_1, "1234567890abcdef");
        struct card now = card_at("0000:01:00.0", PORT_2, "1234567890abcdef");
        struct history h = host_with(&a, &now, 1);
        struct pinned pin = { .owner = 101,
                              .card = card_at("0000:02:00.0", PORT_2, NULL),
                              .neighbours = &neighbour,
                              .n_neighbours = 1 };
        struct track t;

        track_pins(&(struct tracking){ .arena = &a, .history = &h, .pins = &pin, .n_pins = 1 }, &t);
        assert_int_equal(t.result, TRACK_AMBIGUOUS);
        assert_null(t.card);
        (void)state;
}

/* The host's memory is lost, and the card of the pin that alone knows a serial number has moved. */
static void test_a_pin_knows_the_serial(void **state) {
        _cleanup_(arena_done) struct arena a = { 0 };
        struct card now = card_at("0000:02:00.0", PORT_2, "1234567890abcdef");
        struct card neighbour = card_at("0000:01:00.0", PORT_1, NULL);
        struct kept_pin kept[] = {
                { .pinned = { .owner = 101,
                              .card = card_at("0000:01:00.0", PORT_1, "1234567890abcdef") } },
                { .pinned = { .owner = 102,
                              .card = card_at("0000:02:00.0", PORT_2, NULL),
                              .neighbours = &neighbour,
                              .n_neighbours = 1 } },
        };
        struct host_memory m = { .history = { .id = "-" }, .pins = kept, .n_pins = TWO };
        struct pinned pins[] = { kept[0].pinned, kept[1].pinned };
        struct track tracks[TWO];

        host_memory_know_pins(&a, &m, &(struct card_set){ &now, 1 });
        history_advance(&a, &m.history, &(struct card_set){ &now, 1 });
        track(&a, &m.history, pins, tracks);
        assert_int_equal(tracks[0].result, TRACK_MOVED);
        assert_int_equal(tracks[1].result, TRACK_AMBIGUOUS);
        assert_null(tracks[1].card);
        (void)state;
}

/* The cards of then, the pin on the one at port 1, and the cards of now. */
static enum track_result replaced(struct card_set then, struct card_set now) {
        _cleanup_(arena_done) struct arena a = { 0 };
        struct history h = { .id = "-" };
        struct pinned pin = { .owner = 101, .card = then.cards[0], .history = "-", .set = 1 };
        struct track t;

        pin.card.none = 0; /* as pins are written */
        history_advance(&a, &h, &then);
        history_advance(&a, &h, &now);
        track_pins(&(struct tracking){ .arena = &a, .history = &h, .pins = &pin, .n_pins = 1 }, &t);
        return t.result;
}

/* A serial number that nobody saw is a new card's, or that of a spare that was not read. */
static void test_spare_takes_the_place(void **state) {
        struct card then[] = { card_at("0000:01:00.0", PORT_1, "1234567890abcdef"),
                               card_at("0000:02:00.0", PORT_2, NULL) };
        struct card now = card_at("0000:01:00.0", PORT_1, "fedcba0987654321");

        assert_int_equal(replaced((struct card_set){ then, 1 }, (struct card_set){ &now, 1 }),
                         TRACK_REPLACED);
        assert_int_equal(replaced((struct card_set){ then, TWO }, (struct card_set){ &now, 1 }),
                         TRACK_MISSING);
        then[1].none = SERIAL_BIT(SERIAL_AMD); /* it has none to show */
        assert_int_equal(replaced((struct card_set){ then, TWO }, (struct card_set){ &now, 1 }),
                         TRACK_REPLACED);
        (void)state;
}

/*
 * A card that showed that it has no serial number shows one: a newer driver reads it, or it is
 * another card. One that this host saw elsewhere is another one; else nobody can tell.
 */
static void test_first_serial_at_the_port(void **state) {
        struct card then[] = { card_at("0000:01:00.0", PORT_1, NULL),
                               card_at("0000:02:00.0", PORT_2, "1234567890abcdef") };
        struct card now = card_at("0000:01:00.0", PORT_1, "fedcba0987654321");

        then[0].none = SERIAL_BIT(SERIAL_AMD);
        assert_int_equal(replaced((struct card_set){ then, TWO }, (struct card_set){ &now, 1 }),
                         TRACK_HERE);
        now.serials[SERIAL_AMD] = "1234567890abcdef";
        assert_int_equal(replaced((struct card_set){ then, TWO }, (struct card_set){ &now, 1 }),
                         TRACK_AMBIGUOUS);
        (void)state;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_two_pins_lead_to_one_card),
                cmocka_unit_test(test_one_serial_at_two_ports),
                cmocka_unit_test(test_a_neighbour_comes_to_the_port),
                cmocka_unit_test(test_a_pin_knows_the_serial),
                cmocka_unit_test(test_spare_takes_the_place),
                cmocka_unit_test(test_first_serial_at_the_port),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
