/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * holdings - look which GPU nodes are in the /dev of a running container
 */
#include "host/inside/helper.h"
#include "model/live/held.h"

/**
 * inside_is_set_up() - whether its init runs
 *
 * Until it executes the container's program it is a process of lxc-start, its parent, and makes
 * the container's mounts.
 */
bool inside_is_set_up(const struct inside *in);

/** struct holdings_search - where to look besides the folders of the GPU families and /dev */
struct holdings_search {
        const struct facts *facts;
        const char *const *paths; /* names of nodes inside, in whatever folder */
        size_t n_paths;
};

/**
 * holdings_look() - what container @in holds now
 * @ret: nodes, and which init it was; in @in's arena
 *
 * For a helper. No node is opened. Devices that GPUs of this host have are found by their
 * number, those that they had by the name of a GPU's node.
 */
void holdings_look(const struct inside *in, const struct holdings_search *s, struct held *ret);

/**
 * holdings_find_added() - which of the nodes Proxmox put in after the start
 * @in:   the container's init: its parent is lxc-start, and in the mount namespace of that the
 *        nodes of devN lines are made
 * @held: of holdings_look(); gets @added of its nodes
 */
void holdings_find_added(const struct inside *in, struct held *held);
