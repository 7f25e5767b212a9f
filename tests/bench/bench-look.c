/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * bench-look - what one look of the daemon costs, and a burst of events
 *
 *     bench-look ROOT ROUNDS       median CPU microseconds of one look at the host in ROOT and,
 *                                  in turn with it, of reading the same files of all containers
 *     bench-look --burst N         sends N device events to everybody who listens
 *     bench-look --peer SECONDS    reads events as `udevadm monitor` does, which itself
 *                                  refuses to run without a udevd; prints how many
 */
#include "base/file.h"
#include "daemon/manager.h"
#include "pve/guest.h"
#include "pve/settings.h"
#include "uevent.h"

#include <libudev.h>
#include <poll.h>
#include <time.h>

static uint64_t clock_nsec(clockid_t clock) {
        struct timespec t;

        clock_gettime(clock, &t);
        return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int compare(const void *a, const void *b) {
        uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

        return (x > y) - (x < y);
}

/* What any program would have to do that looks at all containers: the same files, read alike. */
static void read_all(const char *root) {
        _cleanup_arena_ struct arena a = { 0 }, scratch = { 0 };
        struct pve pve = { &scratch, root, NULL };
        struct bytes content;
        struct guest g;
        uint32_t *vmids;
        size_t n = 0;

        (void)guest_list(&(struct pve){ &a, root, NULL }, &vmids, &n);
        for (size_t i = 0; i < n; i++) {
                const char *policy, *record;

                arena_reset(&scratch);
                policy = settings_path(&pve, vmids[i]);
                if (access(policy, F_OK) < 0) {
                        (void)file_read(
                                &scratch,
                                arena_printf(&scratch, "%s/etc/pve/lxc/%u.conf", root, vmids[i]),
                                1024 * 1024, &content);
                        continue;
                }
                record = arena_printf(&scratch, "%s/run/gpuanchor/%u", root, vmids[i]);
                (void)guest_load(&pve, vmids[i], &g);
                (void)file_read(&scratch, policy, 1024 * 1024, &content);
                (void)file_read(&scratch, record, 1024 * 1024, &content);
        }
}

static void ignore(void *user, const struct finding *f, bool resolved) {
}

static int burst(long n) {
        int fd = uevent_open();

        /* ten at a time, as a kernel that is busy with them would */
        for (long i = 0; i < n; i++) {
                if (fd < 0 || uevent_send(fd, "drm") < 0)
                        return perror("uevent"), EXIT_FAILURE;
                if (i % 10 == 9)
                        nanosleep(&(struct timespec){ .tv_nsec = 200 * 1000 }, NULL);
        }
        return EXIT_SUCCESS;
}

static int peer(long seconds) {
        struct udev *udev = udev_new();
        struct udev_monitor *m = udev_monitor_new_from_netlink(udev, "udev");
        uint64_t end = clock_nsec(CLOCK_MONOTONIC) + (uint64_t)seconds * 1000000000;
        struct pollfd p = { .events = POLLIN };
        unsigned n = 0;

        udev_monitor_filter_add_match_subsystem_devtype(m, "drm", NULL);
        udev_monitor_enable_receiving(m);
        p.fd = udev_monitor_get_fd(m);
        while (clock_nsec(CLOCK_MONOTONIC) < end)
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

static uint64_t median(uint64_t *times, size_t n) {
        qsort(times, n, sizeof(*times), compare);
        return times[n / 2];
}

static int looks(const char *root, size_t rounds) {
        uint64_t *look = calloc(rounds, sizeof(*look)), *reading = calloc(rounds, sizeof(*reading));
        struct manager *m;

        if (!look || !reading || manager_new(root, NULL, (struct teller){ .tell = ignore }, &m) < 0)
                return EXIT_FAILURE;
        (void)manager_check(m, 1000000);
        for (size_t i = 0; i < rounds; i++) {
                uint64_t begin = clock_nsec(CLOCK_PROCESS_CPUTIME_ID);

                (void)manager_check(m, (i + 2) * 1000000);
                look[i] = clock_nsec(CLOCK_PROCESS_CPUTIME_ID) - begin;
                begin = clock_nsec(CLOCK_PROCESS_CPUTIME_ID);
                read_all(root);
                reading[i] = clock_nsec(CLOCK_PROCESS_CPUTIME_ID) - begin;
        }
        printf("%.1f %.1f\n", (double)median(look, rounds) / 1000,
               (double)median(reading, rounds) / 1000);
        manager_free(m);
        free(look);
        free(reading);
        return EXIT_SUCCESS;
}

int main(int argc, char **argv) {
        long n;

        if (argc != 3)
                return 2;
        n = strtol(argv[2], NULL, 10);
        if (streq(argv[1], "--burst"))
                return burst(n);
        if (streq(argv[1], "--peer"))
                return peer(n);
        return looks(argv[1], (size_t)n);
}
