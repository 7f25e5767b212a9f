/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * host-files - /var/lib/gpuanchor/host: what this host remembers of its cards
 */
#include "model/identity/host-memory.h"
#include "pve/pve.h"

/**
 * host_memory_load() - read it
 * @ret: a host that remembers nothing gets a new history. Pins of containers that this node does
 *       not have any more are left out. What cannot be read makes it @ret->partial.
 */
void host_memory_load(const struct pve *pve, struct host_memory *ret);

/**
 * host_memory_store() - replace the files whose content differs
 * @ret_path: the file that could not be written
 *
 * Not when it is partial: what could not be read must not be lost. Return: 0 or negative errno.
 */
int host_memory_store(const struct pve *pve, const struct host_memory *m, const char **ret_path);
