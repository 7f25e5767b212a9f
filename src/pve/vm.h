/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * vm - the virtual machines of this node, as far as they take GPUs
 */
#include "model/conf/hostpci.h"
#include "pve/pve.h"

/** vm_list() - VMIDs of all virtual machines of this node, ascending; 0 or negative errno */
int vm_list(const struct pve *pve, uint32_t **ret, size_t *ret_n);

/**
 * vm_hostpci() - the hostpciN lines of a virtual machine, mappings resolved
 *
 * Of a mapping all of the node's devices count: which of them is free is decided
 * when the machine starts. Return: 0 or negative errno.
 */
int vm_hostpci(const struct pve *pve, uint32_t vmid, struct hostpci **ret, size_t *ret_n);
