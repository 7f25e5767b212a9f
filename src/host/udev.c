/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* udev - its database, asked about one node */
#include "host/udev.h"

#include "base/file.h"

#include <sys/stat.h>

#define UDEV_DATA "/run/udev/data"
#define MAX_ENTRY (64 * 1024)

static bool is_older(const struct timespec *a, const struct timespec *b) {
        return a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

bool udev_is_through(struct arena *a, const char *root, const struct node *n) {
        const char *entry = arena_printf(a, "%s" UDEV_DATA "/c%u:%u", root, n->number.major,
                                         n->number.minor);
        struct stat node, known;
        struct bytes text;

        if (access(arena_printf(a, "%s" UDEV_DATA, root), F_OK) < 0)
                return true;
        if (stat(entry, &known) < 0 || file_read(a, entry, MAX_ENTRY, &text) < 0 ||
            bytes_contains(text, "E:ID_PROCESSING=1\n") ||
            stat(arena_printf(a, "%s%s", root, n->path), &node) < 0)
                return false;
        return node.st_gid != 0 || (node.st_mode & 0077) != 0 ||
               !is_older(&known.st_mtim, &node.st_ctim);
}

bool udev_is_busy(const char *root) {
        _cleanup_arena_ struct arena a = { 0 };

        return access(arena_printf(&a, "%s/run/udev/queue", root), F_OK) == 0;
}
