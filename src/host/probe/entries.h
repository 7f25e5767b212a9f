/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * entries - the facts while they are collected
 *
 * Every part of the probe adds GPUs and nodes to one struct probe. Functions return 0
 * or negative errno; what is missing, or goes away while we look, is no error.
 */
#include "host/probe/serials.h"
#include "model/gpu/facts.h"

#include <dirent.h>

enum { PROBE_MAX_GPUS = 256 }; /* beyond that a directory is not believed any more */

struct probe {
        struct arena *arena;
        const char *root;
        int pci; /* directory /sys/bus/pci/devices, -1 on a host without PCI */
        struct serials serials; /* those that are kept */
        struct facts facts;
};

/** probe_path() - @path, absolute, with the prefix in front */
const char *probe_path(struct probe *p, const char *path);

/** probe_dir() - open directory @path; *@ret_dir is NULL when there is none */
int probe_dir(struct probe *p, const char *path, DIR **ret_dir);

/**
 * probe_gpu() - the entry of a device, made when it is the first time we hear of it
 * @address: PCI address or the device's name
 * @ret_gpu: valid until the next call; NULL when there are too many
 */
int probe_gpu(struct probe *p, const char *address, bool pci, struct gpu **ret_gpu);

/**
 * probe_gpu_node() - add a node to a GPU; of a family that has ONE it keeps the lowest
 * @node: kind, path and number; what really is in /dev is looked at. Its path is
 *        without prefix, allocated in the arena or static
 */
int probe_gpu_node(struct probe *p, struct gpu *g, struct node node);

/** probe_shared_node() - the same for a node that belongs to no single GPU */
int probe_shared_node(struct probe *p, struct node node);
