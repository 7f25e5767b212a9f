/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * pve - this node of Proxmox VE: where its files are, and what it is called
 */
#include "base/bytes.h"

#define PMXCFS_MAX (1024 * 1024) /* bytes of a file of /etc/pve; pmxcfs: MEMDB_MAX_FILE_SIZE */

struct pve {
        struct arena *arena; /* of all that is read */
        const char *root;    /* path prefix, "" for this machine */
        const char *node;    /* name in the cluster; NULL: /etc/pve was not mounted */
};

/**
 * pve_may_write() - whether pmxcfs takes a change of the file or folder at @path
 *
 * Without a quorum it shows them without write permission; access(2) says yes to root all the same.
 */
bool pve_may_write(const char *path);

/** pve_open() - the node whose files are below @root; @a and @root must live as long */
struct pve pve_open(struct arena *a, const char *root);

/**
 * pve_node() - the name of this cluster node, read anew
 *
 * Read from the link /etc/pve/local, which only a mounted pmxcfs has.
 *
 * Return: the name, NULL when /etc/pve is not mounted.
 */
const char *pve_node(const struct pve *pve);
