/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* holders - who is told of for what was refused or taken out */
#include "anchor/check.h"
#include "host/live/holders.h"
#include "model/live/follow.h"

/** holders_numbers() - numbers to look for: refused and not asked about yet, and what has left */
size_t holders_numbers(struct arena *a, const struct held *held, const struct follow *f,
                       struct devnum **ret);

/**
 * holders_tell() - say who still has nodes of before
 * @c: gets container-node-open, container-node-copy
 * @before: what was in it: a descriptor does not tell the name of a node that has left
 * @restarts: the services of its guest-service= are restarted by this look, and not told of
 */
void holders_tell(struct check *c, const struct holders *h, const struct held *before,
                  bool restarts);
