/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * views - what more than one verb looks at
 */
#include "cli/cluster.h"
#include "cli/verb.h"
#include "render/inventory.h"
#include "render/status.h"

/** look_gpus() - the GPUs of this host, who uses them, what is wrong; 0 or negative errno */
int look_gpus(struct cli *c, struct inventory *ret);

/** look_status() - all that `status` tells, @ret->only apart; 0 or negative errno */
int look_status(struct cli *c, struct status_view *ret);

/**
 * look_cluster() - all that `status --cluster` tells
 * @only: this container; 0: all
 *
 * Return: 0, an enum guest_problem, negative errno.
 */
int look_cluster(struct cli *c, uint32_t only, struct cluster_view *ret);
