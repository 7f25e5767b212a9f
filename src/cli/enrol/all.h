/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/verb.h"

/**
 * enable_all() - enable each container of this node that has lines of a GPU and is not managed
 * @enable_one: enables one by the rules of one; with --all it asks nothing and says what is open
 *
 * Return: EXIT_DONE, EXIT_ATTENTION when one could not be enabled, EXIT_TROUBLE after a complaint.
 */
int enable_all(struct cli *c, int (*enable_one)(struct cli *c, uint32_t vmid));
