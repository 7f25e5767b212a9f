/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* inside-try - open a node as a process of a container would */
#include "model/guest/inside-facts.h"

enum { TRY_MAX_GROUPS = 64 };

/** struct inside_as - who opens: container ids */
struct inside_as {
        uint32_t uid, gid;
        uint32_t groups[TRY_MAX_GROUPS];
        size_t n_groups;
};

/**
 * inside_try() - really open what descriptor @node_fd (O_PATH) is
 * @pid:        process of the container whose user namespace and cgroup are entered
 * @node_fd:    from inside_find(): the node that was looked at is the one that is opened
 * @as:         ids, mapped in that namespace
 * @timeout_ms: for all of it; a driver that hangs must not hang us
 *
 * A child process does it, which then has no capability. It executes no file, looks up no
 * name and maps no library: nothing that the container's root can have prepared. It does
 * not enter the container's PID namespace, so that no process inside can see or trace it; what
 * decides an open(2) are ids, cgroup and the mount that @node_fd brings along. The LSM
 * profile and the seccomp filter of the container are not entered.
 *
 * The device is opened for reading and writing and closed at once.
 */
struct open_result inside_try(unsigned pid, int node_fd, const struct inside_as *as,
                              unsigned timeout_ms);
