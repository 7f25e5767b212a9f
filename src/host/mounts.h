/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * mounts - which file system a path would enter, without asking that file system
 */
#include "base/bytes.h"

/** struct mount - one line of mountinfo, see proc_pid_mountinfo(5) */
struct mount {
        uint32_t id, parent;
        const char *root;  /* folder of the file system that is mounted: "/" for all of it */
        const char *point; /* where */
        const char *type;
};

struct mounts {
        struct mount *items;
        size_t n;
};

/** mounts_parse() - read the text of /proc/self/mountinfo; a line that is cut is left out */
void mounts_parse(struct arena *a, struct bytes text, struct mounts *ret);

/** mounts_read() - mounts_parse() of this process's; 0 or negative errno */
int mounts_read(struct arena *a, struct mounts *ret);

/** mounts_find() - the mount of that id, as statx() tells it; NULL when there is none */
const struct mount *mounts_find(const struct mounts *m, uint64_t id);

/**
 * mounts_barrier() - what would be asked on the way to @path and may never answer
 * @parent: id of the mount that the folder of @path is on
 * @path:   absolute, without links, as seen from this process's root
 *
 * Everything that is mounted there counts, one upon the other: below the network file
 * system that systemd or autofs mounts on demand lies the autofs that waits for it.
 *
 * Return: NULL when the way is free.
 */
const struct mount *mounts_barrier(const struct mounts *m, uint32_t parent, const char *path);

/** mount_is_local() - whether the kernel itself answers for the files on it */
bool mount_is_local(const struct mount *m);
