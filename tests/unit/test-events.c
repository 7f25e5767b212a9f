/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * test-events - device events by the thousand, and more than the queue holds
 *
 * Runs under umockdev's preload library, which puts a socket of its own in the
 * place of udev's netlink socket; without it the test is skipped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "host/watch.h"
#include "model/watch/pace.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <umockdev.h>

struct world {
        UMockdevTestbed *testbed;
        gchar *drm, *net;
        struct watch *watch;
};

static int set_up(void **state) {
        struct world *w = calloc(1, sizeof(*w));

        assert_non_null(w);
        w->testbed = umockdev_testbed_new();
        w->drm = umockdev_testbed_add_device(w->testbed, "drm", "card0", NULL, "dev", "226:0", NULL,
                                             "DEVNAME", "dri/card0", NULL);
        w->net = umockdev_testbed_add_device(w->testbed, "net", "eth7", NULL, NULL, NULL);
        assert_int_equal(watch_open(&w->watch), 0);
        *state = w;
        return 0;
}

static int tear_down(void **state) {
        struct world *w = *state;

        watch_close(w->watch);
        g_free(w->drm);
        g_free(w->net);
        g_object_unref(w->testbed);
        free(w);
        return 0;
}

static bool is_readable(struct world *w, int timeout_ms) {
        struct pollfd p = { .fd = watch_fd(w->watch, WATCH_DEVICES), .events = POLLIN };

        return poll(&p, 1, timeout_ms) == 1 && (p.revents & POLLIN);
}

/* Both sources get each event here: udev's own part is not played. */
static bool drain(struct world *w) {
        (void)watch_drain(w->watch, WATCH_KERNEL);
        return watch_drain(w->watch, WATCH_DEVICES);
}

static void a_card_is_of_interest(void **state) {
        struct world *w = *state;

        assert_false(drain(w));
        umockdev_testbed_uevent(w->testbed, w->drm, "change");
        assert_true(is_readable(w, 5000));
        assert_true(watch_drain(w->watch, WATCH_KERNEL));
        assert_true(drain(w));
        assert_false(watch_drain(w->watch, WATCH_KERNEL));
        assert_false(drain(w));
        assert_false(is_readable(w, 0));
}

static void ten_thousand_events_are_one_look(void **state) {
        struct world *w = *state;
        struct pace p = { 0 };
        unsigned looks = 0;
        uint64_t now = PACE_SECOND;

        for (unsigned i = 0; i < 10000; i++, now += 100) {
                umockdev_testbed_uevent(w->testbed, w->drm, i % 2 ? "add" : "remove");
                if (i % 10 == 0 && drain(w))
                        pace_event(&p, now, PACE_SECOND, 10 * PACE_SECOND);
                if (p.pending && now >= p.due) {
                        looks++;
                        pace_looked(&p);
                }
        }
        while (is_readable(w, 100) && drain(w))
                pace_event(&p, now, PACE_SECOND, 10 * PACE_SECOND);
        assert_int_equal(looks, 0);
        assert_true(p.pending);
        assert_true(p.due <= now + PACE_SECOND);
}

/* The queue is full and events were lost: that, too, is something to look at, and it ends. */
static void an_overrun_is_of_interest(void **state) {
        struct world *w = *state;
        int fd = watch_fd(w->watch, WATCH_DEVICES), size = 4096;

        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
        for (unsigned i = 0; i < 9; i++)
                umockdev_testbed_uevent(w->testbed, w->drm, "change");
        assert_true(is_readable(w, 5000));
        assert_true(drain(w));
        while (is_readable(w, 100))
                drain(w);
        umockdev_testbed_uevent(w->testbed, w->drm, "change");
        assert_true(is_readable(w, 5000));
        assert_true(drain(w));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_card_is_of_interest, set_up, tear_down),
                cmocka_unit_test_setup_teardown(ten_thousand_events_are_one_look, set_up,
                                                tear_down),
                cmocka_unit_test_setup_teardown(an_overrun_is_of_interest, set_up, tear_down),
        };

        const char *preload = getenv("LD_PRELOAD");

        if (!preload || !strstr(preload, "umockdev"))
                return 77;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
