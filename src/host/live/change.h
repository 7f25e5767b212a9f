/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * change - nodes leave the /dev of a running container, others come in
 */
#include "host/inside/root-files.h"
#include "model/live/follow.h"

/** change_is_frozen() - whether the processes of container @vmid are */
bool change_is_frozen(uint32_t vmid);

struct change_place {
        struct held_init init; /* a process in other namespaces is another container's, or has moved */
        const struct idmap *uids, *gids;
};

/**
 * change_nodes() - carry out the steps
 * @at: which container, with the id maps that are in force inside
 * @f:  steps; gets which are done, and why others are not
 *
 * In a child of its own with a time limit, which enters the mount namespace of the container.
 * Changes the /dev that LXC made and nothing else: no link is followed, no other file system is
 * gone into, none that this host has mounted is touched.
 */
void change_nodes(struct arena *a, const struct change_place *at, struct follow *f);
