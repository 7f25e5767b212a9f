/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* test-ledger - what is told, what is not told again, and how much of it at once */
#include "model/watch/pace.h"
#include "model/watch/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct finding gone = {
        .code = FINDING_GPU_GONE, .gpu = "0000:01:00.0", .what = "x", .new = "y"
};
static const struct finding stale = {
        .code = FINDING_CONTAINER_STALE, .vmid = 101, .what = "1 change", .where = "101.conf"
};
static const struct finding worse = {
        .code = FINDING_CONTAINER_STALE, .vmid = 101, .what = "2 changes", .where = "101.conf"
};
static const struct finding refused = {
        .code = FINDING_CONTAINER_REFUSED, .vmid = 101, .what = "its GPU is not there"
};
static const struct finding wrong = {
        .code = FINDING_CONTAINER_WRONG_GPU, .vmid = 102, .what = "/dev/dri/card0", .old = "226:0"
};
static const struct finding renumbered = {
        .code = FINDING_GPU_RENUMBERED, .gpu = "0000:01:00.0", .old = "a", .new = "b"
};

struct run {
        struct arena arena;
        struct ledger open;
        struct ledger_news news;
};

static void look(struct run *r, const struct finding *const *items, size_t n, bool blind) {
        struct findings now = { .arena = &r->arena };

        for (size_t i = 0; i < n; i++)
                finding_add(&now, *items[i]);
        ledger_compare(&r->open, &now, blind, &r->news);
        r->open = r->news.next;
}

#define LOOK(r, ...)                                                                               \
        look((r), (const struct finding *const[]){ __VA_ARGS__ },                                  \
             sizeof((const struct finding *const[]){ __VA_ARGS__ }) / sizeof(void *), false)

static void told_once_and_resolved_once(void **state) {
        struct run r = { 0 };

        LOOK(&r, &gone, &wrong);
        assert_int_equal(r.news.fresh.n, 2);
        assert_int_equal(r.news.fresh.items[0].code,
                         FINDING_CONTAINER_WRONG_GPU); /* the worst first */
        LOOK(&r, &gone, &wrong);
        assert_int_equal(r.news.fresh.n + r.news.resolved.n, 0);
        LOOK(&r, &gone);
        assert_int_equal(r.news.fresh.n, 0);
        assert_int_equal(r.news.resolved.n, 1);
        assert_int_equal(r.news.resolved.items[0].vmid, 102);
        LOOK(&r, &gone);
        assert_int_equal(r.news.resolved.n, 0);
        arena_done(&r.arena);
}

/* What the next start would do is one subject: a stale file that no start corrects is still stale. */
static void refused_is_not_resolved(void **state) {
        struct run r = { 0 };

        LOOK(&r, &stale);
        LOOK(&r, &refused);
        assert_int_equal(r.news.fresh.n, 1);
        assert_int_equal(r.news.resolved.n, 0);
        LOOK(&r, &stale);
        assert_int_equal(r.news.fresh.n, 1);
        assert_int_equal(r.news.resolved.n, 0);
        look(&r, NULL, 0, false);
        assert_int_equal(r.news.resolved.n, 1);
        arena_done(&r.arena);
}

static void changed_is_told_and_not_resolved(void **state) {
        struct run r = { 0 };

        LOOK(&r, &stale);
        LOOK(&r, &worse);
        assert_int_equal(r.news.fresh.n, 1);
        assert_string_equal(r.news.fresh.items[0].what, "2 changes");
        assert_int_equal(r.news.resolved.n, 0);
        assert_int_equal(r.open.n_open, 1);
        arena_done(&r.arena);
}

static void events_are_told_and_never_open(void **state) {
        struct run r = { 0 };

        LOOK(&r, &renumbered);
        assert_int_equal(r.news.fresh.n, 1);
        assert_int_equal(r.open.n_open, 0);
        look(&r, NULL, 0, false);
        assert_int_equal(r.news.resolved.n, 0);
        arena_done(&r.arena);
}

/* /etc/pve went away: nobody knows anything about containers, so nothing is resolved. */
static void blind_keeps_what_it_cannot_see(void **state) {
        struct run r = { 0 };

        LOOK(&r, &gone, &stale, &wrong);
        look(&r, NULL, 0, true);
        assert_int_equal(r.news.resolved.n, 1);
        assert_int_equal(r.news.resolved.items[0].code, FINDING_GPU_GONE);
        assert_int_equal(r.open.n_open, 2);
        look(&r, NULL, 0, false);
        assert_int_equal(r.news.resolved.n, 2);
        arena_done(&r.arena);
}

static void unreadable_container_keeps_its_own(void **state) {
        const struct finding unread = { .code = FINDING_READ_FAILED,
                                        .vmid = 101,
                                        .where = "101.conf" };
        struct run r = { 0 };

        LOOK(&r, &stale, &wrong);
        LOOK(&r, &unread);
        assert_int_equal(r.news.fresh.n, 1);
        assert_int_equal(r.news.resolved.n, 1);
        assert_int_equal(r.news.resolved.items[0].vmid, 102);
        LOOK(&r, &stale);
        assert_int_equal(r.news.fresh.n, 0);
        assert_int_equal(r.news.resolved.items[0].code, FINDING_READ_FAILED);
        arena_done(&r.arena);
}

static void text_comes_back(void **state) {
        const struct finding odd = { .code = FINDING_READ_FAILED,
                                     .severity = SEV_INFO,
                                     .vmid = 7,
                                     .old = "-",
                                     .new = "",
                                     .what = "a\tb\\c\nd",
                                     .where = "\xff" };
        struct run r = { 0 };
        struct ledger back;

        LOOK(&r, &gone, &stale, &odd);
        assert_true(ledger_read(&r.arena, ledger_write(&r.arena, &r.open), &back));
        assert_int_equal(back.n_open, 3);
        for (size_t i = 0; i < 3; i++)
                assert_true(finding_equal(&back.open[i], &r.open.open[i]));
        r.open = back;
        LOOK(&r, &gone, &stale, &odd); /* as after a restart of the service */
        assert_int_equal(r.news.fresh.n + r.news.resolved.n, 0);
        arena_done(&r.arena);
}

static void damaged_state_is_refused(void **state) {
        struct arena a = { 0 };
        struct watch_state s = { 0 }, back;
        struct finding open[] = { gone, stale };
        struct bytes text;

        s.ledger = (struct ledger){ open, 2 };
        text = watch_state_write(&a, &s);
        assert_true(watch_state_read(&a, text, &back));
        assert_int_equal(back.ledger.n_open, 2);
        for (size_t n = 0; n < text.len; n++)
                assert_false(watch_state_read(&a, (struct bytes){ text.data, n }, &back));
        for (size_t i = 0; i < text.len; i++)
                for (int bit = 0; bit < 8; bit++) {
                        struct arena scratch = { 0 };
                        char *copy = arena_strndup(&scratch, text.data, text.len);

                        copy[i] = (char)(copy[i] ^ (1 << bit));
                        (void)watch_state_read(&scratch, (struct bytes){ copy, text.len }, &back);
                        arena_done(&scratch);
                }
        arena_done(&a);
}

/* A newer version was here before a downgrade: its finding is not ours, the others are. */
static void unknown_code_is_left_out(void **state) {
        struct arena a = { 0 };
        struct ledger l;

        assert_true(ledger_read(&a,
                                BYTES("gpuanchor-ledger 1\nnews-of-2030\t0\t0\t-\t-\t-\t-\t-\n"
                                      "gpu-gone\t0\t0\tx\t-\t-\t-\t-\nend\n"),
                                &l));
        assert_int_equal(l.n_open, 1);
        assert_false(ledger_read(&a, BYTES("gpuanchor-ledger 2\nend\n"), &l));
        assert_false(ledger_read(&a, BYTES("gpuanchor-ledger 1\nend\nmore\n"), &l));
        assert_false(ledger_read(&a, BYTES("gpuanchor-ledger 1\ngpu-gone\t0\t0\nend\n"), &l));
        arena_done(&a);
}

static void one_look_after_a_quiet_moment(void **state) {
        struct pace p = { 0 };

        pace_event(&p, 100 * PACE_SECOND, PACE_SECOND, 10 * PACE_SECOND);
        assert_int_equal(p.due, 101 * PACE_SECOND);
        pace_event(&p, 100 * PACE_SECOND + 900000, PACE_SECOND, 10 * PACE_SECOND);
        assert_int_equal(p.due, 101 * PACE_SECOND + 900000);
        pace_looked(&p);
        assert_false(p.pending);
        pace_event(&p, 200 * PACE_SECOND, PACE_SECOND, 10 * PACE_SECOND);
        assert_int_equal(p.first, 200 * PACE_SECOND);
}

static void a_stream_does_not_put_it_off_for_ever(void **state) {
        struct pace p = { 0 };

        for (uint64_t t = 0; t < 60 * PACE_SECOND; t += PACE_SECOND / 2) {
                pace_event(&p, 1000 * PACE_SECOND + t, PACE_SECOND, 10 * PACE_SECOND);
                assert_true(p.due <= 1010 * PACE_SECOND);
        }
        assert_int_equal(p.due, 1010 * PACE_SECOND);
}

static void too_much_becomes_a_summary(void **state) {
        struct pace_limit l = { 0 };
        unsigned sent = 0;

        for (int i = 0; i < 100; i++)
                sent += pace_allow(&l, PACE_SECOND, 30);
        assert_int_equal(sent, 30);
        assert_int_equal(pace_summary(&l, PACE_SECOND), 70);
        assert_int_equal(pace_summary(&l, PACE_SECOND), 0);
        assert_false(pace_allow(&l, 30 * PACE_SECOND, 30));
        assert_int_equal(pace_summary(&l, 30 * PACE_SECOND), 0); /* one a minute */
        assert_int_equal(pace_summary(&l, 62 * PACE_SECOND), 1);
        assert_true(pace_allow(&l, 62 * PACE_SECOND, 30));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(told_once_and_resolved_once),
                cmocka_unit_test(refused_is_not_resolved),
                cmocka_unit_test(changed_is_told_and_not_resolved),
                cmocka_unit_test(events_are_told_and_never_open),
                cmocka_unit_test(blind_keeps_what_it_cannot_see),
                cmocka_unit_test(unreadable_container_keeps_its_own),
                cmocka_unit_test(text_comes_back),
                cmocka_unit_test(damaged_state_is_refused),
                cmocka_unit_test(unknown_code_is_left_out),
                cmocka_unit_test(one_look_after_a_quiet_moment),
                cmocka_unit_test(a_stream_does_not_put_it_off_for_ever),
                cmocka_unit_test(too_much_becomes_a_summary),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
