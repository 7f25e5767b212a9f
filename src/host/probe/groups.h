/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/gpu/facts.h"

/**
 * group_find() - look a group up in the text of a group file
 * @text: content of an /etc/group, the host's or a container's
 * @name: group name
 *
 * The first line of that name counts, as for getgrnam(); a line without a valid
 * number does not.
 */
struct host_group group_find(struct bytes text, const char *name);

/**
 * groups_read() - the two groups that own GPU nodes
 * @a:    arena
 * @root: path prefix, "" for this machine
 *
 * Return: 0, also without <root>/etc/group, or negative errno.
 */
int groups_read(struct arena *a, const char *root, struct host_group ret[GID_GROUPS]);
