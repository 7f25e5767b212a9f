/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * bench-look - what one look of the daemon costs, and a burst of events
 *
 *     bench-look ROOT ROUNDS       median microseconds of one look at the host in ROOT
 *     bench-look --burst N         sends N device events to everybody who listens
 *     bench-look --peer SECONDS    reads events as `udevadm monitor` does, which itself
 *                                  refuses to run without a udevd; prints how many
 */
#include "daemon/manager.h"
#include "uevent.h"

#include <libudev.h>
#include <poll.h>
#include <time.h>

static uint64_t now_nsec(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int compare(const void *a, const void *b) {
        uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

        return (x > y) - (x < y);
}

static void ignore(void *user, const struct finding *f, bool resolved) {
}

static int burst(long n) {
        int fd = uevent_open();

        /* ten at a time, as a kernel that is busy with them would */
        for (long i = 0; i < n; i++) {
                if (fd < 0 || uevent_send(fd) < 0)
                        return perror("uevent"), EXIT_FAILURE;
                if (i % 10 == 9)
                        nanosleep(&(struct timespec){ .tv_nsec = 200 * 1000 }, NULL);
        }
        return EXIT_SUCCESS;
}

static int peer(long seconds) {
        struct udev *udev = udev_new();
        struct udev_monitor *m = udev_monitor_new_from_netlink(udev, "udev");
        uint64_t end = now_nsec() + (uint64_t)seconds * 1000000000;
        struct pollfd p = { .events = POLLIN };
        unsigned n = 0;

        udev_monitor_filter_add_match_subsystem_devtype(m, "drm", NULL);
        udev_monitor_enable_receiving(m);
        p.fd = udev_monitor_get_fd(m);
        while (now_nsec() < end)
                if (poll(&p, 1, 100) > 0) {
                        struct udev_device *d = udev_monitor_receive_device(m);

                        n += d != NULL;
                        udev_device_unref(d);
                }
        printf("%u\n", n);
        udev_monitor_unref(m);
        udev_unref(udev);
        return EXIT_SUCCESS;
}

int main(int argc, char **argv) {
        struct manager *m;
        uint64_t *times;
        long rounds;

        if (argc != 3)
                return 2;
        rounds = strtol(argv[2], NULL, 10);
        if (streq(argv[1], "--burst"))
                return burst(rounds);
        if (streq(argv[1], "--peer"))
                return peer(rounds);
        times = calloc((size_t)rounds, sizeof(*times));
        if (!times || manager_new(argv[1], NULL, ignore, NULL, &m) < 0)
                return EXIT_FAILURE;
        (void)manager_check(m, 1000000);
        for (long i = 0; i < rounds; i++) {
                uint64_t begin = now_nsec();

                (void)manager_check(m, (uint64_t)(i + 2) * 1000000);
                times[i] = now_nsec() - begin;
        }
        qsort(times, (size_t)rounds, sizeof(*times), compare);
        printf("%.1f\n", (double)times[rounds / 2] / 1000);
        manager_free(m);
        free(times);
        return EXIT_SUCCESS;
}
