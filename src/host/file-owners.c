/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * owners - a walk through a disk whose owner may be hostile
 *
 * What he can do is move folders while we are in them, plant links, and mount a
 * file system of his own whose server never answers. So each name is looked at
 * without following it and without asking such a server (AT_STATX_DONT_SYNC), a
 * folder is taken by O_PATH first and opened only when it is still on the mount
 * that the walk began on.
 */
#include "host/file-owners.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

enum {
        MAX_DEPTH = 48,
        MAX_ENTRIES = 500000,
        MAX_SECONDS = 10,
};

struct walk {
        struct arena *arena;
        struct owners *wanted;
        size_t n_wanted, entries;
        uint64_t mount;
        time_t end;
        bool cut_short;
};

static time_t now(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec;
}

static bool look(int dir, const char *name, unsigned flags, struct statx *ret) {
        return statx(dir, name,
                     AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC | (int)flags,
                     STATX_TYPE | STATX_GID | STATX_MNT_ID, ret) == 0;
}

/* Kernels before 5.8 do not tell the mount; the device must do there. */
static uint64_t mount_of(const struct statx *st) {
        return st->stx_mask & STATX_MNT_ID ? st->stx_mnt_id
                                           : (uint64_t)st->stx_dev_major << 32 | st->stx_dev_minor;
}

static void count(struct walk *w, const struct statx *st, const char *folder, const char *name) {
        for (size_t i = 0; i < w->n_wanted; i++) {
                struct owners *o = &w->wanted[i];

                if (st->stx_gid != o->gid)
                        continue;
                o->n++;
                if (o->n_names < OWNERS_NAMES)
                        o->names[o->n_names++] = arena_printf(w->arena, "%s/%s", folder, name);
        }
}

/* Opened for reading, if it is a folder of our mount at this moment; -1 if not. */
static int open_folder(struct walk *w, int dir, const char *name) {
        _cleanup_(cleanup_close) int fd =
                openat(dir, name, O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);
        struct statx st;

        if (fd < 0 || !look(fd, "", AT_EMPTY_PATH, &st) || mount_of(&st) != w->mount)
                return -1;
        return openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void walk_folder(struct walk *w, int fd, const char *path, unsigned depth) {
        DIR *dir = fdopendir(fd);

        if (!dir) {
                close(fd);
                return;
        }
        for (struct dirent *de; !w->cut_short && (de = readdir(dir));) {
                struct statx st;
                int child;

                if (streq(de->d_name, ".") || streq(de->d_name, ".."))
                        continue;
                w->cut_short = ++w->entries > MAX_ENTRIES || now() >= w->end;
                if (!look(dirfd(dir), de->d_name, 0, &st) || mount_of(&st) != w->mount)
                        continue;
                count(w, &st, path, de->d_name);
                if (!S_ISDIR(st.stx_mode))
                        continue;
                w->cut_short |= depth == MAX_DEPTH;
                child = w->cut_short ? -1 : open_folder(w, dirfd(dir), de->d_name);
                if (child >= 0) {
                        _cleanup_(cleanup_free) char *below = NULL;

                        if (asprintf(&below, "%s/%s", path, de->d_name) < 0)
                                below = NULL;
                        walk_folder(w, child, below ? below : "", depth + 1);
                }
        }
        closedir(dir);
}

bool owners_find(struct arena *a, int root_fd, struct owners *wanted, size_t n) {
        struct walk w = { .arena = a, .wanted = wanted, .n_wanted = n, .end = now() + MAX_SECONDS };
        struct statx st;
        int fd;

        if (!look(root_fd, "", AT_EMPTY_PATH, &st))
                return false;
        w.mount = mount_of(&st);
        fd = openat(root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return false;
        walk_folder(&w, fd, "", 1);
        return !w.cut_short;
}
