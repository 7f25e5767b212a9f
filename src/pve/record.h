/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * record - /run/gpuanchor/<vmid>: what a container was given at its last start, and
 * /run/gpuanchor/<vmid>.held: what it holds now
 */
#include "model/live/given.h"
#include "model/live/held.h"
#include "pve/pve.h"

/** record_write() - replace the record; readable by everybody, it holds no secret; 0 or -errno */
int record_write(const struct pve *pve, uint32_t vmid, const struct record *r);

/** record_read() - 0, -ENOENT when the container has none, another negative errno; rubbish is left out */
int record_read(const struct pve *pve, uint32_t vmid, struct record *ret);

/** record_clear() - the container stopped; no error when there is none */
void record_clear(const struct pve *pve, uint32_t vmid);

/**
 * record_owe() - note that the container file was not written, and only this boot is right
 * @owed: false: it is written now
 *
 * The look writes it when it can. record_clear() ends it, too.
 */
void record_owe(const struct pve *pve, uint32_t vmid, bool owed);

/** record_is_owed() - whether it is to be written yet */
bool record_is_owed(const struct pve *pve, uint32_t vmid);

/**
 * held_store() - what root's look found in the container; only if it differs from what is there
 *
 * Return: 0 or negative errno.
 */
int held_store(const struct pve *pve, uint32_t vmid, const struct held *h);

/** held_load() - what the last look found; 0, -ENOENT when it did not look yet, negative errno */
int held_load(const struct pve *pve, uint32_t vmid, struct held *ret);

/** held_list() - VMIDs of the containers that a look has found something in; 0 or negative errno */
int held_list(const struct pve *pve, uint32_t **ret, size_t *ret_n);

/** held_looked() - a look over all containers has ended now */
void held_looked(const struct pve *pve);

#define LOOK_NEVER (-1)   /* none since this host was booted */
#define LOOK_UNKNOWN (-2) /* what stands there is no time that has been */

/** held_look_age() - seconds since the last one ended, those in suspend not counted; or as above */
int64_t held_look_age(const struct pve *pve);
