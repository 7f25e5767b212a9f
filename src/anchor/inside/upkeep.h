/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * upkeep - the container's own side, once it runs
 */
#include "anchor/check.h"

/**
 * anchor_upkeep() - do in a running container what its policy asks for
 * @an:   with a path prefix nothing is done: the containers that lxc-attach knows
 *        are those of this machine
 * @vmid: container
 * @f:    gets what was done, and what was not
 *
 * In a helper, and no longer than guest-timeout, with ten seconds more for its files. Costs a look into a folder
 * where nothing is asked for, some reads where all is right, one lxc-attach otherwise.
 */
void anchor_upkeep(struct anchor *an, uint32_t vmid, struct findings *f);

/** anchor_upkeep_changed() - the same after its GPU nodes have changed: its services are restarted */
void anchor_upkeep_changed(struct anchor *an, uint32_t vmid, struct findings *f);

/**
 * anchor_upkeep_undo() - remove the files of gpuanchor from a container
 * @p: its policy, which may be gone by now
 *
 * Groups stay, and users stay in them: other software may count on both by now.
 *
 * Return: whether the container runs; else nothing was done.
 */
bool anchor_upkeep_undo(struct anchor *an, uint32_t vmid, const struct policy *p,
                        struct findings *f);
