/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * lookup - what a path leads to, the short way where it can be taken
 *
 * Below /dev, where nearly all sources are, the kernel follows the links: openat2() keeps it
 * below /dev and on its mount, in four system calls for a path. All others are walked, which
 * needs the list of mounts, and that costs as much as a tenth of a start.
 */
#include "host/lookup.h"

#include "host/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

struct lookup {
        struct walker walker;
        int dev; /* descriptor of /dev, -1 for none */
};

static int open_below(int dir, const char *name, uint64_t flags, uint64_t resolve) {
        struct open_how how = {
                .flags = O_PATH | O_CLOEXEC | flags,
                .resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | resolve,
        };

        return (int)syscall(SYS_openat2, dir, name, &how, sizeof(how));
}

/* What @path, "/dev" or below it, is from /dev on; false for any other. */
static bool name_below_dev(const char *path, char name[PATH_MAX]) {
        size_t len;

        if (!str_has_prefix(path, "/dev") || (path[4] != '/' && path[4] != '\0'))
                return false;
        path += 4 + strspn(path + 4, "/");
        len = strlen(path);
        while (len > 0 && path[len - 1] == '/') /* a slash behind a node's name is for devline */
                len--;
        if (len >= PATH_MAX)
                return false;
        snprintf(name, PATH_MAX, "%.*s", len > 0 ? (int)len : 1, len > 0 ? path : ".");
        return true;
}

/* There is nothing called so, and no link on the way that could say what is meant. */
static bool is_absent(int dir, const char *name) {
        _cleanup_(cleanup_close) int fd = open_below(dir, name, O_NOFOLLOW, RESOLVE_NO_SYMLINKS);

        return fd < 0 && errno == ENOENT && *name != '.' && !strstr(name, "/.") &&
               !strstr(name, "//");
}

/* Answers for nearly every path of a GPU's line; false: it has to be walked. */
static bool look_below_dev(struct lookup *l, struct source *s) {
        _cleanup_(cleanup_close) int fd = -1;
        char name[PATH_MAX], proc[64], path[PATH_MAX];
        size_t base = strlen(l->walker.base);
        struct stat st;
        ssize_t n;

        if (l->dev < 0 || !name_below_dev(s->path, name))
                return false;
        fd = open_below(l->dev, name, 0, 0);
        if (fd < 0) {
                if (errno != ENOENT || !is_absent(l->dev, name))
                        return false;
                s->kind = SOURCE_NOTHING;
                s->leads_to = arena_printf(l->walker.arena, "/dev/%s", name);
                return true;
        }
        snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
        n = readlink(proc, path, sizeof(path) - 1);
        if (n < 0 || fstat(fd, &st) < 0 || st.st_nlink == 0) /* removed meanwhile: "x (deleted)" */
                return false;
        path[n] = '\0';
        if (!str_has_prefix(path, l->walker.base) || !str_has_prefix(path + base, "/dev"))
                return false;
        source_set(s, st.st_mode, (struct devnum){ major(st.st_rdev), minor(st.st_rdev), false });
        s->leads_to = arena_strdup(l->walker.arena, path + base);
        return true;
}

static void lookup_open(struct lookup *l, const char *root) {
        char proc[64], path[PATH_MAX];
        ssize_t n;

        l->walker.base = "";
        l->walker.root = open(*root ? root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (l->walker.root < 0) {
                l->walker.root = -errno;
                return;
        }
        l->dev = openat(l->walker.root, "dev", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (*root) {
                snprintf(proc, sizeof(proc), "/proc/self/fd/%d", l->walker.root);
                n = readlink(proc, path, sizeof(path));
                l->walker.base = n < 0 ? root : arena_strndup(l->walker.arena, path, (size_t)n);
        }
}

void lookup_sources(struct arena *a, const char *root, struct sources *s) {
        struct lookup l = { .walker = { .arena = a }, .dev = -1 };

        if (s->n == 0)
                return;
        lookup_open(&l, root);
        for (size_t i = 0; i < s->n; i++)
                if (!s->items[i].leads_to && !look_below_dev(&l, &s->items[i]))
                        walk_source(&l.walker, &s->items[i]);
        cleanup_close(&l.dev);
        cleanup_close(&l.walker.root);
}
