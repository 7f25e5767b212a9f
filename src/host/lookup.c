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

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

enum { TEXT_MAX = 64 * 1024 }; /* of a script or a file of lines */

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

/* Where the walk went nothing is that may not answer, and a FIFO or a device is not read. */
static void read_text(struct arena *a, const char *root, struct source *s) {
        struct bytes text;
        int r;

        if (s->kind != SOURCE_FILE)
                return;
        r = file_read(a, arena_printf(a, "%s%s", root, s->leads_to), TEXT_MAX, &text);
        if (r == 0 && !bytes_contains_char(text, '\0'))
                s->text = text;
        s->failed |= r < 0 && r != -ENOENT && r != -EFBIG;
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
                        read_text(a, root, at);
        }
        cleanup_close(&l.dev);
        cleanup_close(&l.walker.root);
}
