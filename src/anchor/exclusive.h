/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * exclusive - GPUs that one container has for itself while it runs
 *
 * Two starts at once, of which one wants it for itself: that one reserves first and looks who runs
 * or starts then, the other one leaves its record and its note first and looks for a reservation
 * then. One of them sees the other, and who reserves has the lock meanwhile.
 */
#include "anchor/check.h"
#include "base/process.h"

/**
 * exclusive_take() - reserve the GPUs of a container whose policy says exclusive = yes
 * @c:    check of its start, before anything is written; gets a finding and @c->refuse when another
 *        container or virtual machine has one of them
 * @task: the start that goes on when this process has ended; pid 0: its unit does
 * @again: this process has called it before, for the same start: what it has reserved it keeps,
 *         because who began meanwhile has heard of it
 *
 * All of them or none, in the order of their identity.
 */
void exclusive_take(struct check *c, const struct process *task, bool again);

/** exclusive_release() - the start is refused, or the container shares its GPUs again */
void exclusive_release(struct check *c);

/** exclusive_heed() - the other side: what others have reserved; after its record is written */
void exclusive_heed(struct check *c);

/** exclusive_judge() - what a start would be told now; nothing is reserved */
void exclusive_judge(struct check *c);

struct exclusive_locks {
        int *fds;
        size_t n;
};

/** exclusive_leave_out() - out of @gpus, of container @vmid that runs, what another has reserved */
void exclusive_leave_out(const struct pve *pve, uint32_t vmid, struct gpu_list *gpus);

/**
 * exclusive_spare() - the same where its nodes are changed now
 * @c:    check of the container
 * @held: what the last look has found in it
 * @ret:  what it does not hold and gets back is locked until exclusive_unlock()
 */
void exclusive_spare(const struct check *c, const struct held *held, struct gpu_list *gpus,
                     struct exclusive_locks *ret);
void exclusive_unlock(struct exclusive_locks *l);

/** exclusive_keep() - the reservations of a container that runs are what its policy says now */
void exclusive_keep(struct check *c);
