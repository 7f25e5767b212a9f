/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/arena.h"

#include <dirent.h>
#include <errno.h>

static inline void cleanup_dir(DIR **d) {
        if (*d)
                closedir(*d);
}

/** folder_next() - 1 and the next entry, 0 at the end, negative errno: what was read is not all */
static inline int folder_next(DIR *dir, struct dirent **ret) {
        errno = 0;
        *ret = readdir(dir);
        return *ret ? 1 : -errno;
}

struct names {
        const char **items;
        size_t n;
};

/**
 * folder_names() - the names in a folder that end with @suffix, sorted, none of a hidden file
 * @a:    arena of the names
 * @path: folder
 * @ret:  on failure those that were read until then
 *
 * Return: 0 or negative errno.
 */
int folder_names(struct arena *a, const char *path, const char *suffix, struct names *ret);
