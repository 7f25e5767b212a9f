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

#define CGROUPS_SYSTEMD "/sys/fs/cgroup/systemd" /* systemd's own hierarchy, of version 1 */

/** enum cgroups - which control groups a host has; containers that run are found by those of v2 */
enum cgroups {
        CGROUPS_UNKNOWN, /* none, or in no way that systemd mounts them */
        CGROUPS_V2,
        CGROUPS_V1, /* or both: systemd.unified_cgroup_hierarchy=0 */
};

/** cgroups_look() - by what is at <root>/sys/fs/cgroup, also of a folder that is a host */
enum cgroups cgroups_look(struct arena *a, const char *root);
