/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * test-watcher-loop - from events to looks, on the real clock
 *
 * On a busy machine each step may come seconds late: that something happens is waited for
 * as long as SOON, and only that nothing happens, or not earlier, is measured in seconds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "host/live/ask.h"
#include "pve/record.h"
#include "uevent.h"
#include "watcher-stage.h"

#include <libudev.h>
#include <poll.h>
#include <time.h>

#define SOON (60 * SECOND)

static uint64_t clock_usec(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec / 1000;
}

static void touch_group(struct stage *s, unsigned i) {
        _cleanup_arena_ struct arena a = { 0 };

        write_file(s->root, "/etc/group",
                   arena_printf(&a, "video:x:44:\nrender:x:110:\nx%u:x:1:\n", i));
}

/* Runs the loop until @end or the next look; touches the group file every @step when that is not 0.
 */
static bool run_until_look(struct stage *s, sd_event *e, uint64_t end, uint64_t step) {
        uint64_t looks = manager_checks(s->m), next = clock_usec();
        unsigned i = 0;

        while (clock_usec() < end) {
                if (step && clock_usec() >= next) {
                        touch_group(s, i++);
                        next += step;
                }
                assert_true(sd_event_run(e, 20000) >= 0);
                if (manager_checks(s->m) != looks)
                        return true;
        }
        return false;
}

static void loop_waits_for_quiet_and_not_for_ever(void **state) {
        struct stage *s = new_stage("guide");
        uint64_t begin;
        sd_event *e;

        look(s);
        assert_int_equal(sd_event_new(&e), 0);
        assert_int_equal(manager_attach(s->m, e), 0);
        while (run_until_look(s, e, clock_usec() + 2 * SECOND, 0)) /* mounts of other tests */
                ;

        for (unsigned i = 0; i < 50; i++)
                touch_group(s, i);
        begin = clock_usec();
        assert_true(run_until_look(s, e, begin + SOON, 0));
        assert_true(clock_usec() - begin >= SECOND);
        assert_false(run_until_look(s, e, clock_usec() + 2 * SECOND, 0));

        write_file(s->root, "/etc/motd", "of no interest\n");
        assert_false(run_until_look(s, e, clock_usec() + 2 * SECOND, 0));

        /* a stream of events, in which five seconds without one are unlikely */
        shell("mkdir -p %s/etc/gpuanchor", s->root);
        write_file(s->root, "/etc/gpuanchor/gpuanchor.conf", "[daemon]\nquiet = 5\n");
        assert_true(run_until_look(s, e, clock_usec() + SOON, 0));
        begin = clock_usec();
        assert_true(run_until_look(s, e, begin + SOON, SECOND / 5));
        assert_true(clock_usec() - begin >= 10 * SECOND);
        write_file(s->root, "/etc/gpuanchor/gpuanchor.conf", "");
        assert_true(run_until_look(s, e, clock_usec() + SOON, 0));

        /* udev is at work: what is seen now is half of it; but it may hang, too */
        shell("mkdir -p %s/run/udev && touch %s/run/udev/queue %s/etc/group", s->root, s->root,
              s->root);
        begin = clock_usec();
        assert_false(run_until_look(s, e, begin + 3 * SECOND, 0));
        assert_true(run_until_look(s, e, begin + SOON, 0));
        assert_true(clock_usec() - begin >= 10 * SECOND);
        shell("touch %s/etc/group", s->root);
        assert_false(run_until_look(s, e, clock_usec() + 2 * SECOND, 0));
        shell("rm %s/run/udev/queue", s->root);
        assert_true(run_until_look(s, e, clock_usec() + SOON, 0));

        /* /etc/pve is another folder by now */
        while (run_until_look(s, e, clock_usec() + 2 * SECOND, 0))
                ;
        shell("cd %s/etc && cp -a pve pve2 && mv pve pve1 && mv pve2 pve", s->root);
        assert_true(run_until_look(s, e, clock_usec() + SOON, 0));
        shell("sed -i \"s/226:1 /226:7 /\" %s/etc/pve/lxc/101.conf", s->root);
        s->told.len = 0;
        assert_true(run_until_look(s, e, clock_usec() + SOON, 0));
        assert_string_equal(strbuf_str(&s->told), "container-stale 101");
        end_stage(s);
        sd_event_unref(e);
}

/* What a look reads, in the order of watch_places(). */
static void each_place_is_watched(void **state) {
        static const char *const places[] = {
                "/etc/group",
                "/etc/subgid",
                "/etc/gpuanchor/gpuanchor.conf",
                "/etc/gpuanchor/gpuanchor.conf.d/a.conf",
                "/etc/pve/storage.cfg",
                "/etc/pve/lxc/102.conf",
                "/etc/pve/gpuanchor/102.conf",
                "/etc/pve/mapping/pci.cfg",
                "/run/gpuanchor/101",
                "/var/lib/vz/snippets/gpuanchor-hook",
        };
        struct stage *s = new_stage("guide");
        sd_event *e;

        shell("mkdir -p %s/etc/gpuanchor/gpuanchor.conf.d %s/etc/pve/mapping", s->root, s->root);
        look(s);
        assert_int_equal(sd_event_new(&e), 0);
        assert_int_equal(manager_attach(s->m, e), 0);
        while (run_until_look(s, e, clock_usec() + 2 * SECOND, 0))
                ;
        for (size_t i = 0; i < ELEMENTS(places); i++) {
                write_file(s->root, places[i], "");
                if (!run_until_look(s, e, clock_usec() + SOON, 0))
                        fail_msg("a change of %s is not noticed", places[i]);
        }
        end_stage(s);
        sd_event_unref(e);
}

/* The two do not keep one another awake: what root's look notes is read, and asks for no other one. */
static void a_look_asks_for_no_look(void **state) {
        struct stage *s = new_stage("guide");
        struct pve pve = { .arena = &s->arena, .root = s->root };
        sd_event *e;

        shell("mkdir -p %s/run/gpuanchor %s/run/gpuanchor-look", s->root, s->root);
        look(s);
        assert_int_equal(sd_event_new(&e), 0);
        assert_int_equal(manager_attach(s->m, e), 0);
        while (run_until_look(s, e, clock_usec() + 2 * SECOND, 0))
                ;
        held_looked(&pve);
        assert_false(run_until_look(s, e, clock_usec() + 2 * SECOND, 0));
        /* a device of this machine may ask in between; not three times */
        for (int i = 0; i < 3; i++) {
                struct held held = { .gate = i % 2 ? GATE_OPEN : GATE_OFF };

                (void)ask_take(s->root);
                assert_int_equal(held_store(&pve, 101, &held), 0);
                assert_true(run_until_look(s, e, clock_usec() + SOON, 0));
                if (!ask_is_wanted(s->root))
                        break;
        }
        assert_false(ask_is_wanted(s->root));
        write_file(s->root, "/etc/pve/lxc/102.conf", "");
        assert_true(run_until_look(s, e, clock_usec() + SOON, 0));
        assert_true(ask_is_wanted(s->root));
        end_stage(s);
        sd_event_unref(e);
}

/* Whether libudev listens at all: in a chroot without udevd and devtmpfs it does not, and there
 * set_up_stages() cannot help. */
static bool events_arrive(int fd) {
        struct udev *udev = udev_new();
        struct udev_monitor *monitor = udev_monitor_new_from_netlink(udev, "udev");
        struct pollfd p = { .events = POLLIN };
        bool arrived;

        assert_non_null(monitor);
        assert_int_equal(udev_monitor_enable_receiving(monitor), 0);
        p.fd = udev_monitor_get_fd(monitor);
        arrived = uevent_send(fd, "drm") == 0 && poll(&p, 1, 1000) == 1;
        if (!arrived)
                print_message("no udevd and no mount namespace to pretend one: skipped\n");
        udev_monitor_unref(monitor);
        udev_unref(udev);
        return arrived;
}

static void these_devices_are_of_interest(void **state) {
        static const char *const subsystems[] = { "drm", "accel", "kfd", "pci", "module" };
        _cleanup_(cleanup_close) int fd = uevent_open();
        struct stage *s;
        sd_event *e;

        assert_true(fd >= 0);
        if (!events_arrive(fd))
                skip();
        s = new_stage("guide");
        look(s);
        assert_int_equal(sd_event_new(&e), 0);
        assert_int_equal(manager_attach(s->m, e), 0);
        for (size_t i = 0; i < ELEMENTS(subsystems); i++) {
                assert_int_equal(uevent_send(fd, subsystems[i]), 0);
                if (!run_until_look(s, e, clock_usec() + SOON, 0))
                        fail_msg("an event of %s is not noticed", subsystems[i]);
        }
        for (unsigned i = 0; i < 100; i++)
                assert_int_equal(uevent_send(fd, "net"), 0);
        assert_false(run_until_look(s, e, clock_usec() + 2 * SECOND, 0));
        end_stage(s);
        sd_event_unref(e);
}

/* A container file that another cluster node changed comes without any event. */
static void without_events_it_looks_all_the_same(void **state) {
        struct stage *s = new_stage("guide");
        uint64_t begin;
        sd_event *e;

        shell("mkdir -p %s/etc/gpuanchor", s->root);
        write_file(s->root, "/etc/gpuanchor/gpuanchor.conf", "[daemon]\ninterval = 10\n");
        look(s);
        assert_int_equal(sd_event_new(&e), 0);
        assert_int_equal(manager_attach(s->m, e), 0);
        begin = clock_usec();
        assert_true(run_until_look(s, e, begin + SOON, 0));
        assert_true(clock_usec() - begin >= 10 * SECOND);
        end_stage(s);
        sd_event_unref(e);
}

/* The kernel's own queue: more events than it holds are one look, and it is heard of again
 * afterwards. */
static void overrun_of_the_kernels_queue(void **state) {
        _cleanup_(cleanup_close) int fd = uevent_open();
        uint64_t looks;
        struct stage *s;
        sd_event *e;

        assert_true(fd >= 0);
        if (!events_arrive(fd))
                skip();
        s = new_stage("guide");
        look(s);
        assert_int_equal(sd_event_new(&e), 0);
        assert_int_equal(manager_attach(s->m, e), 0);
        for (int round = 0; round < 2; round++) {
                while (run_until_look(s, e, clock_usec() + 2 * SECOND, 0))
                        ;
                looks = manager_checks(s->m);
                for (unsigned i = 0; i < (round ? 1 : 10000); i++)
                        assert_int_equal(uevent_send(fd, "drm"), 0);
                assert_true(run_until_look(s, e, clock_usec() + SOON, 0));
                assert_false(run_until_look(s, e, clock_usec() + 2 * SECOND, 0));
                assert_int_equal(manager_checks(s->m), looks + 1);
        }
        end_stage(s);
        sd_event_unref(e);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(loop_waits_for_quiet_and_not_for_ever),
                cmocka_unit_test(each_place_is_watched),
                cmocka_unit_test(a_look_asks_for_no_look),
                cmocka_unit_test(these_devices_are_of_interest),
                cmocka_unit_test(without_events_it_looks_all_the_same),
                cmocka_unit_test(overrun_of_the_kernels_queue),
        };

        return cmocka_run_group_tests(tests, set_up_stages, tear_down_stages);
}
