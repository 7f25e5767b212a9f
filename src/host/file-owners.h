/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/bytes.h"

#define OWNERS_NAMES 5

/** struct owners - the files of one group on a container's disk */
struct owners {
        uint32_t gid; /* host gid, filled in by the caller */
        size_t n;
        const char *names[OWNERS_NAMES]; /* the first of them, as in the container: "/srv/x" */
        size_t n_names;
};

/**
 * owners_find() - look for files that belong to host gids
 * @a:       arena of the names, which are the container's: escape them
 * @root_fd: root folder of a running container, see inside_open()
 * @wanted:  gets what was found for each gid
 *
 * Only the root folder's own file system; no link is followed, nothing is
 * opened but folders. Ends after ten seconds or half a million names.
 *
 * Return: whether all of it was seen.
 */
bool owners_find(struct arena *a, int root_fd, struct owners *wanted, size_t n);
