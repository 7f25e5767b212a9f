/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/bytes.h"

/**
 * delegate_subgid() - let root map host gid @gid: usermod --add-subgids
 * @root: path prefix, "" for this machine
 *
 * shadow's own tool locks the file and knows its format; it is only started
 * when a delegation is missing. A line added now counts for the boot that is
 * under way, newgidmap reads the file when it is run. It gets ten seconds: a start
 * waits for it, and PAM or a lock may never answer.
 * @late: whether it took longer; NULL: not asked
 *
 * Return: NULL, or why it failed; what usermod said about it is on stderr then.
 */
const char *delegate_subgid(struct arena *a, const char *root, uint32_t gid, bool *late);

/** delegate_end() - root may not map host gid @gid any more: usermod --del-subgids; as delegate_subgid() */
const char *delegate_end(struct arena *a, const char *root, uint32_t gid);

/**
 * delegate_is_used() - whether a process is in a user namespace whose map has host gid @gid
 *
 * LXC maps anew when it cleans up after a container that runs. What cannot be read may be one.
 */
bool delegate_is_used(struct arena *a, const char *root, uint32_t gid);
