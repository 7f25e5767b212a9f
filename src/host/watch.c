/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * watch - udev, inotify, and the table of mounts
 *
 * libudev's monitor is asked for the group "udev": only when udev has run its rules
 * have nodes their group and mode. And for the group "kernel", for what cannot wait so
 * long. It sets up the socket and the kernel's filter; its datagrams are thrown away
 * unread, which costs a tenth of taking them apart.
 *
 * Folders are watched, not files: whoever replaces a file renames another one
 * over it, and the watch would stay with the old one. pmxcfs brings /etc/pve as
 * a file system that comes and goes under us; a watch dies with it in silence,
 * so the mount table tells.
 */
#include "host/watch.h"

#include "model/gpu/family.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <libudev.h>
#include <sys/inotify.h>
#include <sys/socket.h>

#define FOLDERS_MAX 24
#define DRAIN_MAX 4096
#define EVENTS                                                                                     \
        (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CLOSE_WRITE | IN_ATTRIB |        \
         IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_MASK_ADD)

struct folder {
        char *path, *names;
        bool noted;
        int wd; /* -1: not there */
};

struct watch {
        struct udev_monitor *kernel, *devices;
        int inotify, mounts;
        struct folder folders[FOLDERS_MAX];
        size_t n_folders;
};

static int open_monitor(const char *group, struct udev_monitor **ret) {
        const char *subsystems[NODE_FAMILIES + 2] = { "pci", "module" };
        size_t n = 2 + family_classes(subsystems + 2);
        struct udev *udev = udev_new();
        struct udev_monitor *m = udev ? udev_monitor_new_from_netlink(udev, group) : NULL;
        int r = m ? 0 : -(errno ? errno : ENOMEM);

        for (size_t i = 0; r >= 0 && i < n; i++)
                r = udev_monitor_filter_add_match_subsystem_devtype(m, subsystems[i], NULL);
        if (r >= 0)
                r = udev_monitor_enable_receiving(m);
        udev_unref(udev); /* the monitor has its own */
        if (r < 0) {
                udev_monitor_unref(m);
                return r;
        }
        *ret = m;
        return 0;
}

int watch_open(struct watch **ret) {
        struct watch *w = calloc(1, sizeof(*w));
        int r;

        if (!w)
                return -ENOMEM;
        w->mounts = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
        w->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        r = w->inotify < 0 ? -errno : open_monitor("udev", &w->devices);
        if (r == 0)
                r = open_monitor("kernel", &w->kernel);
        if (r < 0) {
                watch_close(w);
                return r;
        }
        *ret = w;
        return 0;
}

static void forget_folders(struct watch *w) {
        for (size_t i = 0; i < w->n_folders; i++) {
                free(w->folders[i].path);
                free(w->folders[i].names);
        }
        w->n_folders = 0;
}

void watch_close(struct watch *w) {
        if (!w)
                return;
        udev_monitor_unref(w->kernel);
        udev_monitor_unref(w->devices);
        cleanup_close(&w->inotify);
        cleanup_close(&w->mounts);
        forget_folders(w);
        free(w);
}

static bool has_wd(const struct folder *folders, size_t n, int wd) {
        for (size_t i = 0; i < n; i++)
                if (folders[i].wd == wd)
                        return true;
        return false;
}

int watch_folders(struct watch *w, const struct watch_folder *folders, size_t n) {
        int old[FOLDERS_MAX], r = 0;
        size_t n_old = w->n_folders;

        for (size_t i = 0; i < n_old; i++)
                old[i] = w->folders[i].wd;
        forget_folders(w);
        for (size_t i = 0; i < n && i < FOLDERS_MAX; i++) {
                struct folder *f = &w->folders[i];

                f->wd = inotify_add_watch(w->inotify, folders[i].path, EVENTS);
                if (f->wd < 0 && (errno == ENOSPC || errno == ENOMEM))
                        r = -errno;
                f->path = strdup(folders[i].path);
                f->names = strdup(folders[i].names);
                f->noted = folders[i].noted;
                if (!f->path || !f->names)
                        r = -ENOMEM;
                w->n_folders++;
        }
        /* what is no longer of interest, or another folder by now */
        for (size_t i = 0; i < n_old; i++)
                if (old[i] >= 0 && !has_wd(w->folders, w->n_folders, old[i]))
                        (void)inotify_rm_watch(w->inotify, old[i]);
        return r;
}

int watch_fd(const struct watch *w, enum watch_source source) {
        return source == WATCH_KERNEL    ? udev_monitor_get_fd(w->kernel)
               : source == WATCH_DEVICES ? udev_monitor_get_fd(w->devices)
               : source == WATCH_FILES   ? w->inotify
                                         : w->mounts;
}

/*
 * A datagram cut to one byte is gone all the same; ENOBUFS: some were lost before.
 * A stream that never ends is left after a while: timers and watchdog want their turn.
 */
static bool drain_devices(int fd) {
        bool any = false;
        char byte;

        for (unsigned i = 0; i < DRAIN_MAX; i++) {
                if (recv(fd, &byte, sizeof(byte), MSG_DONTWAIT) >= 0 || errno == ENOBUFS)
                        any = true;
                else if (errno != EINTR)
                        break;
        }
        return any;
}

static bool matches(const char *patterns, const char *name) {
        struct bytes rest = bytes_of(patterns), word;
        char pattern[64];

        while ((word = bytes_word(&rest)).len > 0) {
                if (word.len >= sizeof(pattern))
                        return true;
                memcpy(pattern, word.data, word.len);
                pattern[word.len] = '\0';
                if (fnmatch(pattern, name, 0) == 0)
                        return true;
        }
        return false;
}

static enum watch_news more(enum watch_news a, enum watch_news b) {
        return a > b ? a : b;
}

static enum watch_news news_of(struct watch *w, const struct inotify_event *e) {
        enum watch_news news = WATCH_NOTHING;

        if (e->mask & IN_Q_OVERFLOW)
                return WATCH_CHANGED;
        for (size_t i = 0; i < w->n_folders; i++) {
                struct folder *f = &w->folders[i];

                if (f->wd != e->wd)
                        continue;
                if (e->mask & (IN_IGNORED | IN_UNMOUNT | IN_DELETE_SELF | IN_MOVE_SELF))
                        news = WATCH_CHANGED;
                else if (f->names && e->len > 0 && matches(f->names, e->name))
                        news = more(news, f->noted ? WATCH_NOTED : WATCH_CHANGED);
                if (e->mask & IN_IGNORED)
                        f->wd = -1; /* the kernel has dropped it */
        }
        return news;
}

static enum watch_news drain_files(struct watch *w) {
        _Alignas(struct inotify_event) char buffer[16 * 1024];
        enum watch_news news = WATCH_NOTHING;
        ssize_t n;

        while ((n = read(w->inotify, buffer, sizeof(buffer))) > 0 || (n < 0 && errno == EINTR))
                for (char *p = buffer; n > 0 && p < buffer + n;) {
                        const struct inotify_event *e = (const struct inotify_event *)(void *)p;

                        news = more(news, news_of(w, e));
                        p += sizeof(*e) + e->len;
                }
        return news;
}

enum watch_news watch_drain(struct watch *w, enum watch_source source) {
        switch (source) {
        case WATCH_KERNEL:
        case WATCH_DEVICES:
                return drain_devices(watch_fd(w, source)) ? WATCH_CHANGED : WATCH_NOTHING;
        case WATCH_FILES:
                return drain_files(w);
        default:
                return WATCH_CHANGED; /* the mount table; EPOLLPRI is its event, nothing is to be read */
        }
}
