/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/arena.h"

#include <dirent.h>

static inline void cleanup_dir(DIR **d) {
        if (*d)
                closedir(*d);
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
