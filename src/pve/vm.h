/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * vm - the virtual machines of this node, as far as they take GPUs
 */
#include "model/plan/usage.h"

/** vm_list() - VMIDs of all virtual machines of this node, ascending; 0 or negative errno */
int vm_list(struct arena *a, const char *root, uint32_t **ret, size_t *ret_n);

/**
 * vm_hostpci() - the hostpciN lines of a virtual machine, mappings resolved
 * @node: name of this cluster node
 *
 * Of a mapping all of the node's devices count: which of them is free is decided
 * when the machine starts. Return: 0 or negative errno.
 */
int vm_hostpci(struct arena *a, const char *root, const char *node, uint32_t vmid,
               struct hostpci **ret, size_t *ret_n);
