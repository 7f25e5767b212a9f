/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * walk - a path followed component by component, away from everything that may not answer
 */
#include "host/mounts.h"
#include "model/gpu/source.h"

#include <sys/stat.h>

/** struct walker - what all walks have in common; the first three are given, the others zero */
struct walker {
        struct arena *arena;
        const char *prefix; /* "" for this machine */
        int root;           /* -1; then descriptor (O_PATH) of the prefix, to be closed */
        const char *base;   /* real path of the prefix, "" for none */
        unsigned steps;     /* components so far, of all walks */
        bool prepared;
        uint64_t root_mount;
        struct mounts mounts;
        const char *failed; /* why no walk is possible */
};

/** walk_path_of() - the path that @fd has below the prefix, NULL when it is not below it */
const char *walk_path_of(struct walker *l, int fd);

/** walk_source() - find out what @s->path leads to */
void walk_source(struct walker *l, struct source *s);

/** source_set() - the kind that belongs to @mode, and the number of a device */
void source_set(struct source *s, mode_t mode, struct devnum number);
