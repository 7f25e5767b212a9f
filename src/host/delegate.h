/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/bytes.h"

/**
 * delegate_subgid() - let root map host gid @gid: usermod --add-subgids
 * @root: path prefix, "" for this machine
 *
 * shadow's own tool locks the file and knows its format; it is only started
 * when a delegation is missing. A line added now counts for the boot that is
 * under way, newgidmap reads the file when it is run.
 *
 * Return: 0, positive exit status of usermod, negative errno when it cannot be run.
 */
int delegate_subgid(struct arena *a, const char *root, uint32_t gid);
