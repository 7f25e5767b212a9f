/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * record - /run/gpuanchor/<vmid>: what a container was given at its last start
 */
#include "model/gpu/devnum.h"
#include "pve/pve.h"

struct record_node {
        const char *path;
        struct devnum number;
        const char *gpu; /* address, "-" for a node that GPUs share */
};

struct record {
        struct record_node *nodes;
        size_t n_nodes;
};

/** record_write() - replace the record; readable by everybody, it holds no secret; 0 or -errno */
int record_write(const struct pve *pve, uint32_t vmid, const struct record *r);

/** record_read() - 0, -ENOENT when the container has none, another negative errno; rubbish is left out */
int record_read(const struct pve *pve, uint32_t vmid, struct record *ret);

/** record_clear() - the container stopped; no error when there is none */
void record_clear(const struct pve *pve, uint32_t vmid);
