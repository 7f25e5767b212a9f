/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/gpu/facts.h"

/**
 * groups_read() - the two groups that own GPU nodes
 * @a:    arena
 * @root: path prefix, "" for this machine
 *
 * Return: 0, also without <root>/etc/group, or negative errno.
 */
int groups_read(struct arena *a, const char *root, struct facts *ret);
