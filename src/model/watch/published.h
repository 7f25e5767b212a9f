/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * published - what a cluster node tells the others of its GPUs
 *
 * As the text of /etc/pve/gpuanchor/nodes/NODE, which other versions and other hands write, too.
 */
#include "model/gpu/facts.h"

/** struct published_mapping - a resource mapping that has a GPU of the node */
struct published_mapping {
        const char *name, *address;
};

struct published {
        struct facts facts; /* GPUs: address, ids, class, driver, name, identity, nodes */
        struct published_mapping *mappings;
        size_t n_mappings;
};

/** published_write() - as text; the same GPUs give the same bytes */
struct bytes published_write(struct arena *a, const struct published *p);

/**
 * published_read() - read it back; lines of a later version are left out
 *
 * Return: false when @text is not whole, or no such text; @ret is untouched then.
 */
bool published_read(struct arena *a, struct bytes text, struct published *ret);
