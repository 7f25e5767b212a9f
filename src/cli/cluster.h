/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * cluster - all nodes and their GPUs, and where the managed containers find one, for printing
 */
#include "model/gpu/gpu-list.h"

/** struct cluster_node_row - a node, or one GPU of it */
struct cluster_node_row {
        const char *node, *state;
        const char *problem;   /* why nothing is known of it, or NULL */
        int64_t age;           /* of what is known, seconds; -1: looked at now, or nothing is */
        const struct gpu *gpu; /* NULL: none */
        const char *mappings;  /* names, with blanks between them; "" for none */
};

struct cluster_finding_row {
        uint32_t vmid;
        const char *name, *node; /* hostname; where it is */
        const char *on, *finds;  /* a node; "gpu", "choice", "none", "unknown" */
        struct gpu_list gpus;    /* what it would find there */
};

struct cluster_view {
        const char *node; /* this one */
        struct cluster_node_row *nodes;
        size_t n_nodes;
        struct cluster_finding_row *finds;
        size_t n_finds;
};

/** cluster_tables() - for a person, on stdout; 0 or negative errno */
int cluster_tables(struct arena *a, const struct cluster_view *v);

/**
 * cluster_plain() - fields with tabs between them: "node" NAME STATE AGE PROBLEM ADDRESS ID DRIVER
 * NAME MAPPINGS, a line for each GPU; "container" VMID NAME NODE ON FINDS ADDRESSES
 */
void cluster_plain(struct arena *a, const struct cluster_view *v);

/** cluster_json() - `gpuanchor status --cluster --json`; in the arena */
const char *cluster_json(struct arena *a, const struct cluster_view *v);

/** cluster_age() - "3 days", "" for -1 */
const char *cluster_age(struct arena *a, int64_t seconds);
