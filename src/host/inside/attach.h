/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * attach - programs of a running container, run inside it
 *
 * By lxc-attach, which is what pct exec is; pct itself would wait for the lock
 * that Proxmox holds while a hook runs. What runs is the container's own, so it
 * may lie, hang, print without end or ignore signals: its output is
 * hostile text (text_escape before a person sees it), its time is limited.
 */
#include "base/spawn.h"

/** struct attach - in which container, and as whom */
struct attach {
        uint32_t vmid;     /* running */
        bool as_user;      /* as @uid and member of @gid of the container, and of no other group */
        uint32_t uid, gid; /* else as its root */
};

/**
 * attach_run() - run a program inside a container
 * @a:    arena of the output
 * @job:  program, found in the container's usual PATH, its input and its limits;
 *        LC_ALL=C and PATH are all of its environment
 * @ret:  as for spawn_run(); status 127 when the container has no such program
 *
 * It has the container's namespaces, cgroup, capabilities and LSM profile: inside
 * it can do what the container's root can, and nothing outside.
 *
 * Return: as spawn_run(); -EBUSY when one before it had to be abandoned; -ENOENT without
 *         lxc-attach on this host (spawn_error(), package lxc-pve).
 */
int attach_run(struct arena *a, const struct attach *to, const struct spawn_job *job,
               struct spawn_result *ret);
