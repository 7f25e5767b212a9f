/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * anchor-upkeep - the container's own side, once it runs
 */
#include "anchor/check.h"

/**
 * anchor_upkeep_limit() - seconds after which a look into a container is to be given up
 *
 * guest-timeout is for what is done in it, the rest for its files. What is mounted
 * there may never answer, and then nothing but SIGKILL ends the read: whoever
 * calls the functions below does so in spawn_call().
 */
static inline unsigned anchor_upkeep_limit(const struct policy *p) {
        return 10 + p->guest_timeout;
}

/**
 * anchor_upkeep() - do in a running container what its policy asks for
 * @an:   with a path prefix nothing is done: the containers that lxc-attach knows
 *        are those of this machine
 * @vmid: container
 * @pid:  its init process
 * @f:    gets what was done, and what was not
 *
 * Takes no longer than guest-timeout. Costs a look into a folder where nothing
 * is asked for, some reads where all is right, one lxc-attach otherwise.
 */
void anchor_upkeep(struct anchor *an, uint32_t vmid, unsigned pid, struct findings *f);

/**
 * anchor_upkeep_undo() - take the files of ours out of a container
 * @seconds: how long it may take
 *
 * Groups stay, and users stay in them: other software may count on both by now.
 *
 * Return: whether the container runs; else nothing was done.
 */
bool anchor_upkeep_undo(struct anchor *an, uint32_t vmid, uint32_t seconds, struct findings *f);
