/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/bytes.h"

#include <sys/types.h>

/** struct process - a process that is meant, and not a later one that has its number */
struct process {
        pid_t pid;
        uint64_t start; /* clock ticks since boot: field 22 of proc_pid_stat(5) */
        pid_t parent;
};

/**
 * process_take() - "PID START", as a note of one of us has it
 * @rest: what comes after it, on success
 */
bool process_take(struct bytes *rest, struct process *ret);

/** process_find() - the process that has this number now; false when it has ended */
bool process_find(pid_t pid, struct process *ret);

/** process_lives() - whether it has not ended; @p->pid and @p->start count */
bool process_lives(const struct process *p);

enum {
        PROCESS_LOCK_NONE = -1, /* it holds none */
        PROCESS_LOCK_SEEN = -2, /* it does, and may release it at any moment */
};

/**
 * process_share_flock() - hold with process @pid the flock(2) that it has on a file
 * @path: as realpath(3) gives it
 *
 * Returns a descriptor of the same open file: it stays locked until both are closed. Or one of
 * PROCESS_LOCK_*: to get the descriptor takes the right to trace the process.
 *
 * A descriptor that was inherited counts: /proc/PID/fdinfo tells of the lock of the open file,
 * where /proc/locks has the process that took it, which may have ended. Needs root.
 */
int process_share_flock(pid_t pid, const char *path);
