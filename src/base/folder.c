/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* folder - what is in a folder */
#include "base/folder.h"

#include "base/bytes.h"

#include <errno.h>

static int compare_names(const void *a, const void *b) {
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int folder_names(struct arena *a, const char *path, const char *suffix, struct names *ret) {
        _cleanup_(cleanup_dir) DIR *dir = opendir(path);
        const struct dirent *d;
        int r;

        *ret = (struct names){ 0 };
        if (!dir)
                return -errno;
        for (errno = 0; (d = readdir(dir)); errno = 0) {
                struct bytes name = bytes_of(d->d_name);

                if (name.data[0] != '.' && bytes_take_suffix(&name, suffix))
                        *ARENA_PUSH(a, ret->items, ret->n) = arena_strdup(a, d->d_name);
        }
        r = -errno;
        if (ret->n > 0)
                qsort(ret->items, ret->n, sizeof(*ret->items), compare_names);
        return r;
}
