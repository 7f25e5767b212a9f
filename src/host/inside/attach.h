/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * attach - programs of a running container, run inside it
 *
 * By lxc-attach, which is what pct exec is; pct itself would wait for the lock
 * that Proxmox holds while a hook runs. What runs is the container's own, so it
 * may lie, hang, print without end or ignore what it is told: its output is
 * hostile text (text_escape before a person sees it), its time is limited.
 */
#include "base/spawn.h"

/**
 * attach_run() - run a program inside container @vmid
 * @a:    arena of the output
 * @vmid: running container
 * @job:  program, found in the container's usual PATH, its input and its limits;
 *        LC_ALL=C and PATH are all of its environment
 * @ret:  as for spawn_run(); status 127 when the container has no such program
 *
 * It has the container's namespaces, cgroup, capabilities and LSM profile: inside
 * it can do what the container's root can, and nothing outside.
 *
 * Return: as spawn_run(); -EBUSY when one before it had to be abandoned; -ENOENT without lxc-attach on this host (spawn_error(), package lxc-pve).
 */
int attach_run(struct arena *a, uint32_t vmid, const struct spawn_job *job,
               struct spawn_result *ret);

/** attach_run_as() - the same as user @uid and member of group @gid of the container, and no other */
int attach_run_as(struct arena *a, uint32_t vmid, uint32_t uid, uint32_t gid,
                  const struct spawn_job *job, struct spawn_result *ret);
