/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * manager - from events to looks
 *
 * Two timers. The quiet one waits until a burst is over and counts awake time;
 * the slow one is for what no event tells, such as a container file that
 * another cluster node changed, and counts time asleep too, so that the first
 * thing after a resume is a look.
 */
#include "daemon/manager.h"

#include "host/live/ask.h"
#include "host/udev.h"
#include "host/watch.h"
#include "pve/guest.h"
#include "pve/storage.h"

#include <errno.h>
#include <libgen.h>
#include <sys/epoll.h>

#define MOST_SECONDS 10 /* under a constant stream of events */

struct manager {
        struct observer observer;
        struct watch *watch;
        struct pace pace;
        bool ask; /* something has changed that a look may have to know */
        uint64_t checks;

        sd_event *event;
        sd_event_source *sources[WATCH_SOURCES], *quiet, *slow;
};

int manager_new(const char *root, const char *folder, struct teller teller, struct manager **ret) {
        struct manager *m = calloc(1, sizeof(*m));
        int r;

        if (!m)
                return -ENOMEM;
        m->observer = (struct observer){ .root = root, .folder = folder, .teller = teller };
        r = observer_open(&m->observer);
        if (r == 0)
                r = watch_open(&m->watch);
        if (r < 0) {
                manager_free(m);
                return r;
        }
        *ret = m;
        return 0;
}

static void leave_loop(struct manager *m) {
        for (int i = 0; i < WATCH_SOURCES; i++)
                m->sources[i] = sd_event_source_disable_unref(m->sources[i]);
        m->quiet = sd_event_source_disable_unref(m->quiet);
        m->slow = sd_event_source_disable_unref(m->slow);
        m->event = sd_event_unref(m->event);
}

void manager_free(struct manager *m) {
        if (!m)
                return;
        leave_loop(m);
        watch_close(m->watch);
        observer_close(&m->observer);
        free(m);
}

/* The folders that a look reads. */
static void watch_places(struct manager *m) {
        static const struct watch_folder places[] = {
                { "/etc", "group subgid gpuanchor pve" },
                { "/etc/gpuanchor", "gpuanchor.conf gpuanchor.conf.d" },
                { "/etc/gpuanchor/gpuanchor.conf.d", "*.conf" },
                { "/etc/pve", "gpuanchor lxc local mapping storage.cfg" },
                { "/etc/pve/lxc", "*.conf" },
                { "/etc/pve/gpuanchor", "*.conf" },
                { "/etc/pve/mapping", "pci.cfg" },
                { "/run/gpuanchor", "[0-9]*[0-9] *.held", true },
                /* a container that goes down without any hook of Proxmox changes no file */
                { "/sys/fs/cgroup/lxc", "*[0-9]" },
                { PVE_SLICE, "pve-container@*" },
        };
        _cleanup_arena_ struct arena a = { 0 };
        const char *root = m->observer.root;
        const char *snippet = storage_snippet_path(&(struct pve){ .arena = &a, .root = root },
                                                   "local:snippets/" HOOK_NAME);
        struct watch_folder list[ELEMENTS(places) + 2];
        size_t n = 0;

        for (; n < ELEMENTS(places); n++)
                list[n] = (struct watch_folder){ arena_printf(&a, "%s%s", root, places[n].path),
                                                 places[n].names, places[n].noted };
        if (snippet)
                list[n++] = (struct watch_folder){ dirname(arena_strdup(&a, snippet)), HOOK_NAME };
        /* a busy folder, of interest only until the first container starts */
        if (access(arena_printf(&a, "%s/run/gpuanchor", root), F_OK) < 0)
                list[n++] = (struct watch_folder){ arena_printf(&a, "%s/run", root), "gpuanchor" };
        (void)watch_folders(m->watch, list, n); /* without a watch the timer must do */
}

static int check(struct manager *m, uint64_t now, bool forget) {
        int r;

        pace_looked(&m->pace);
        m->checks++;
        watch_places(m);
        r = observer_look(&m->observer, now, forget);
        if (r == OBSERVER_AGAIN)
                pace_event(&m->pace, now, OBSERVER_GRACE, OBSERVER_GRACE);
        return r < 0 ? r : 0;
}

int manager_check(struct manager *m, uint64_t now) {
        return check(m, now, false);
}

int manager_reload(struct manager *m, uint64_t now) {
        int r = check(m, now, true);

        /* the look before still saw what is forgotten now */
        return r < 0 ? r : check(m, now, false);
}

uint64_t manager_checks(const struct manager *m) {
        return m->checks;
}

const char *manager_summary(const struct manager *m) {
        return m->observer.summary ? m->observer.summary : "";
}

/* After a look: the next one, by events that came meanwhile or at the latest by the timer. */
static int set_timers(struct manager *m) {
        uint64_t interval = m->observer.settings.interval * PACE_SECOND;
        int r;

        r = sd_event_source_set_time_relative(m->slow, interval);
        if (r >= 0) /* together with whatever else wakes the processor */
                r = sd_event_source_set_time_accuracy(m->slow, interval / 10);
        if (r >= 0)
                r = sd_event_source_set_enabled(m->slow, SD_EVENT_ONESHOT);
        if (r >= 0 && m->pace.pending)
                r = sd_event_source_set_time(m->quiet, m->pace.due);
        return r < 0 ? r
                     : sd_event_source_set_enabled(m->quiet, m->pace.pending ? SD_EVENT_ONESHOT
                                                                             : SD_EVENT_OFF);
}

static int wait_for_quiet(struct manager *m, uint64_t now) {
        int r;

        pace_event(&m->pace, now, m->observer.settings.quiet * PACE_SECOND,
                   MOST_SECONDS * PACE_SECOND);
        r = sd_event_source_set_time(m->quiet, m->pace.due);
        return r < 0 ? r : sd_event_source_set_enabled(m->quiet, SD_EVENT_ONESHOT);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *user) {
        struct manager *m = user;
        uint64_t now;
        int r;

        r = sd_event_now(m->event, CLOCK_MONOTONIC, &now);
        if (r < 0)
                return r;
        if (s == m->quiet && udev_is_busy(m->observer.root)) {
                r = wait_for_quiet(m, now);
                if (r < 0 || m->pace.due > now)
                        return r;
        }
        (void)manager_check(m, now); /* reported; the next look tries again */
        if (m->ask) /* once more, now that udev has settled */
                ask_look(m->observer.root);
        m->ask = false;
        return set_timers(m);
}

static int on_event(struct manager *m) {
        uint64_t now;
        int r;

        r = sd_event_now(m->event, CLOCK_MONOTONIC, &now);
        return r < 0 ? r : wait_for_quiet(m, now);
}

static int on_readable(sd_event_source *s, int fd, uint32_t events, void *user) {
        struct manager *m = user;

        enum watch_source from = 0;
        enum watch_news news;

        while (m->sources[from] != s)
                from++;
        news = watch_drain(m->watch, from);
        if (news == WATCH_NOTHING)
                return 0;
        if (from == WATCH_DEVICES || from == WATCH_KERNEL)
                ask_look(m->observer.root); /* at once: it shuts the gates */
        m->ask |= from != WATCH_KERNEL && news == WATCH_CHANGED;
        return from == WATCH_KERNEL ? 0 : on_event(m);
}

static int attach_source(struct manager *m, enum watch_source source) {
        int fd = watch_fd(m->watch, source);

        if (fd < 0)
                return 0;
        return sd_event_add_io(m->event, &m->sources[source], fd,
                               source == WATCH_MOUNTS ? EPOLLPRI : EPOLLIN, on_readable, m);
}

int manager_attach(struct manager *m, sd_event *e) {
        int r = 0;

        m->event = sd_event_ref(e);
        for (int i = 0; r >= 0 && i < WATCH_SOURCES; i++)
                r = attach_source(m, (enum watch_source)i);
        if (r >= 0)
                r = sd_event_add_time(e, &m->quiet, CLOCK_MONOTONIC, 0, PACE_SECOND / 10, on_timer,
                                      m);
        if (r >= 0)
                r = sd_event_add_time(e, &m->slow, CLOCK_BOOTTIME, 0, 0, on_timer, m);
        return r < 0 ? r : set_timers(m);
}
