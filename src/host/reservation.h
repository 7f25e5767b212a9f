/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * reservation - /run/gpuanchor/gpu-IDENTITY: which container has a GPU for itself
 *
 * Whoever holds the flock decides about the GPU. A reservation counts as long as its holder lives,
 * see container_lives(): nothing has to be released, and what a killed start left is taken over.
 * The files stay until the next boot, so that all lock the same one.
 */
#include "base/process.h"
#include "model/gpu/facts.h"

struct reservation {
        uint32_t vmid;         /* 0: the GPU is free */
        struct process holder; /* the task of the start; pid 0: none */
};

/**
 * reservation_name() - "gpu-pci0000:00_03.1_00.0": by the port, in which a card stays until the
 *                      next boot; by the address where there is none
 */
const char *reservation_name(struct arena *a, const struct gpu *g);

/**
 * reservation_lock() - decide about the GPU of that name, as root
 * @wait:   up to ten seconds, as for the lock of a container
 * @ret_fd: close it to unlock
 *
 * Return: 0, -ETIMEDOUT, another negative errno.
 */
int reservation_lock(struct arena *a, const char *path, bool wait, int *ret_fd);

/** reservation_path() - of the file */
const char *reservation_path(struct arena *a, const char *root, const char *name);

/** reservation_read() - what stands in a file; what is no reservation is none */
void reservation_read(struct arena *a, const char *path, struct reservation *ret);

/** reservation_write() - by who has locked it; 0 or negative errno */
int reservation_write(struct arena *a, const char *path, const struct reservation *r);

/** reservation_holds() - whether it counts: of another container than @vmid, whose holder lives */
bool reservation_holds(const char *root, const struct reservation *r, uint32_t vmid);

/**
 * container_lives() - whether a container runs or starts
 *
 * By its control group, its unit's, and the task of a start that is under way.
 */
bool container_lives(const char *root, uint32_t vmid);

/** vm_lives() - whether a virtual machine runs or starts: its scope, which is made first */
bool vm_lives(const char *root, uint32_t vmid);
