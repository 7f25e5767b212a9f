/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * cluster - the GPUs of all nodes, and where a container would find one
 *
 * Each node's root units publish what it has, to /etc/pve/gpuanchor/nodes/NODE: when it has changed,
 * because every write is a message to all nodes, and never without quorum.
 */
#include "anchor/check.h"
#include "model/watch/published.h"

enum cluster_state {
        NODE_OWN,
        NODE_ONLINE,
        NODE_OFFLINE,
        NODE_LEFT,    /* it is no node of the cluster any more */
        NODE_UNKNOWN, /* the cluster's list of members cannot be read */
};

struct cluster_node {
        const char *name;
        enum cluster_state state;
        bool published, damaged; /* it has a file; that cannot be understood */
        int64_t age;             /* of the file, seconds; -1: looked at now, or none */
        struct published inventory;
};

enum cluster_finds {
        FINDS_UNKNOWN, /* the node, or the policy, is not known */
        FINDS_NONE,
        FINDS_CHOICE, /* several: somebody would have to choose */
        FINDS_GPU,
};

struct cluster_container {
        uint32_t vmid;
        const char *name;
        const char *node;          /* where it is */
        enum cluster_finds *finds; /* by node, as in struct cluster */
        struct gpu_list *gpus;     /* the same; of FINDS_GPU */
};

struct cluster {
        struct cluster_node *nodes; /* by name */
        size_t n_nodes;
        struct cluster_container *containers; /* the managed ones, by node and VMID */
        size_t n_containers;
};

/**
 * anchor_publish() - publish what this node has, if it differs from what is published
 * @an: host, with facts
 *
 * As root. Return: whether it was written; what cannot be written now is by the next look.
 */
bool anchor_publish(struct anchor *an);

/**
 * anchor_cluster() - look at all nodes; of the own one at the host itself
 * @an: host; @ret lives in its arena
 *
 * A container on another node is judged by its policy, and by this node's defaults. Return: 0,
 * GUEST_E_NOT_MOUNTED, negative errno.
 */
int anchor_cluster(struct anchor *an, struct cluster *ret);

/** cluster_state_name() - "own", "online", "offline", "left", "unknown" */
const char *cluster_state_name(enum cluster_state s);

/** cluster_finds_name() - "unknown", "none", "choice", "gpu" */
const char *cluster_finds_name(enum cluster_finds f);
