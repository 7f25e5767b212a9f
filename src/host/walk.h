/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * walk - a path followed component by component, away from everything that may not answer
 */
#include "host/mounts.h"
#include "model/gpu/source.h"

#include <sys/stat.h>

/** struct walker - what all walks have in common; zero but for the first three */
struct walker {
        struct arena *arena;
        const char *base; /* real path of the prefix, "" for none */
        int root;         /* descriptor (O_PATH) of it, negative errno when there is none */
        unsigned steps;   /* components so far, of all walks */
        bool prepared;    /* what follows is there */
        uint64_t root_mount;
        struct mounts mounts;
        const char *failed; /* why no walk is possible */
};

/** walk_source() - find out what @s->path leads to */
void walk_source(struct walker *l, struct source *s);

/** source_set() - the kind that belongs to @mode, and the number of a device */
void source_set(struct source *s, mode_t mode, struct devnum number);
