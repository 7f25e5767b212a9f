/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * lookup - what a path leads to, the short way where it can be taken
 *
 * Below /dev, where nearly all sources are, the kernel follows the links: openat2() keeps it
 * below /dev and on its mount, in three system calls for a path. All others are walked, which
 * needs the list of mounts, and that costs as much as a tenth of a start.
 */
#include "host/lookup.h"

#include "base/file.h"
#include "host/walk.h"
#include "model/finding/reason.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

enum {
        TEXT_MAX = 64 * 1024, /* of a script or a file of lines */
        NAMES_MAX = 64,       /* of a folder */
};

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

/* What @path, "/dev" or below it, is from /dev on; NULL for any other. */
static const char *name_below_dev(struct arena *a, const char *path) {
        size_t len;

        if (!str_has_prefix(path, "/dev") || (path[4] != '/' && path[4] != '\0'))
                return NULL;
        path += 4 + strspn(path + 4, "/");
        len = strlen(path);
        while (len > 0 && path[len - 1] == '/') /* a slash behind a node's name is for devline */
                len--;
        return len == 0 ? "." : arena_strndup(a, path, len);
}

static bool is_plain(const char *name) {
        return *name != '.' && !strstr(name, "/.") && !strstr(name, "//");
}

/* What is at @fd, called @path, and whether that is still so. */
static bool answer(struct source *s, int fd, const char *path) {
        struct stat st;

        if (fstat(fd, &st) < 0 || st.st_nlink == 0 || S_ISLNK(st.st_mode))
                return false;
        source_set(s, st.st_mode, (struct devnum){ major(st.st_rdev), minor(st.st_rdev), false });
        s->leads_to = path;
        return true;
}

/* Through links, which the kernel follows as long as they stay below /dev. */
static bool look_through_links(struct lookup *l, struct source *s, const char *name) {
        _cleanup_(cleanup_close) int fd = open_below(l->dev, name, 0, 0);
        const char *path = fd < 0 ? NULL : walk_path_of(&l->walker, fd);

        return path && str_has_prefix(path, "/dev") && answer(s, fd, path);
}

/* Answers for nearly every path of a GPU's line; false: it has to be walked. */
static bool look_below_dev(struct lookup *l, struct source *s) {
        const char *name = l->dev < 0 ? NULL : name_below_dev(l->walker.arena, s->path);
        _cleanup_(cleanup_close) int fd = -1;
        const char *path;

        if (!name)
                return false;
        if (!is_plain(name))
                return look_through_links(l, s, name);
        path = arena_printf(l->walker.arena, "/dev/%s", name);
        fd = open_below(l->dev, name, O_NOFOLLOW, RESOLVE_NO_SYMLINKS);
        if (fd >= 0)
                return answer(s, fd, path) || look_through_links(l, s, name);
        if (errno != ENOENT)
                return errno == ELOOP && look_through_links(l, s, name);
        s->kind = SOURCE_NOTHING;
        s->leads_to = path;
        return true;
}

static const char *read_text(struct arena *a, const char *path, struct source *s) {
        struct bytes text;
        int r = file_read(a, path, TEXT_MAX, &text);

        s->failed |= r < 0 && r != -ENOENT && r != -EFBIG;
        if (r < 0)
                return r == -EFBIG ? WHY_WAY_LARGE : arena_strdup(a, strerror(-r));
        if (bytes_contains_char(text, '\0'))
                return WHY_WAY_PROGRAM;
        s->text = text;
        return NULL;
}

static int by_name(const void *x, const void *y) {
        return strcmp(*(const char *const *)x, *(const char *const *)y);
}

/* What LXC takes of a folder that is included: confile.c, do_includedir(). */
static const char *read_names(struct arena *a, const char *path, struct source *s) {
        DIR *dir = opendir(path);
        const struct dirent *entry;

        if (!dir)
                return arena_strdup(a, strerror(errno));
        while ((entry = readdir(dir))) {
                struct bytes name = bytes_of(entry->d_name);

                if (bytes_take_suffix(&name, ".conf") && name.len > 0 && s->n_names < NAMES_MAX)
                        *ARENA_PUSH(a, s->names, s->n_names) = arena_strdup(a, entry->d_name);
        }
        closedir(dir);
        if (s->n_names > 0)
                qsort(s->names, s->n_names, sizeof(*s->names), by_name);
        return s->n_names == NAMES_MAX ? WHY_WAY_MANY : NULL;
}

/* Where the walk went nothing is that may not answer; a FIFO or a device is not opened. */
static void read_content(struct arena *a, const char *root, struct source *s) {
        const char *path = arena_printf(a, "%s%s", root, s->leads_to);

        if (s->kind == SOURCE_UNKNOWN)
                s->unread = s->why;
        else if (s->kind == SOURCE_NOTHING)
                s->unread = WHY_WAY_NOTHING;
        else if (s->kind == SOURCE_FOLDER)
                s->unread = read_names(a, path, s);
        else
                s->unread = s->regular ? read_text(a, path, s) : WHY_WAY_NO_FILE;
}

void lookup_sources(struct arena *a, const char *root, struct sources *s) {
        struct lookup l = { .walker = { .arena = a, .prefix = root, .root = -1 }, .dev = -1 };
        size_t i = 0;

        while (i < s->n && s->items[i].leads_to)
                i++;
        if (i == s->n)
                return;
        l.dev = open(arena_printf(a, "%s/dev", root),
                     O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        for (; i < s->n; i++) {
                struct source *at = &s->items[i];

                if (at->leads_to)
                        continue;
                if (!look_below_dev(&l, at))
                        walk_source(&l.walker, at);
                if (at->is_asked)
                        read_content(a, root, at);
        }
        cleanup_close(&l.dev);
        cleanup_close(&l.walker.root);
}
