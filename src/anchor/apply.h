/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * apply - write what a check planned
 */
#include "anchor/check.h"

/**
 * anchor_apply() - write what a check planned
 * @c: check; gets findings for what could not be written, and @c->refuse when the
 *     files on disk would then give the container another GPU
 *
 * Order: delegations, memory, backup, container file, generated configuration. A
 * crash at any point leaves each file old or new, and the next start derives all of
 * it again. The caller holds the lock, or its parent does; with @c->config_only another
 * task does, and only the generated configuration is written, unless this boot reads
 * something from the container file that would have to be corrected, too.
 *
 * Return: 0 when all was written, GUEST_E_CHANGED when a file is not what was
 *         checked any more (check again), 1 << 8 when something failed, with a finding.
 */
int anchor_apply(struct check *c);

#define ANCHOR_E_FAILED (1 << 8)
#define ANCHOR_TRIES 10 /* other containers that start write what the host remembers, too */

/**
 * anchor_store_memory() - what this host remembers: its cards, and who has pinned which
 * @c: check; gets findings for what could not be read or written
 *
 * What could not be written does no harm: the next start is judged by what the pin remembers itself,
 * which knows less of its card than the host does.
 *
 * Return: 0, or GUEST_E_CHANGED when another run wrote meanwhile (check again).
 */
int anchor_store_memory(struct check *c);

/**
 * anchor_sweep_own() - remove what killed runs left in the two folders that every run writes to
 *
 * For files that need no new content now: whoever writes one sweeps beside it.
 */
void anchor_sweep_own(const struct pve *pve);

/**
 * anchor_sweep() - the same, and beside the files of a container
 *
 * Folders are listed, two of them through pmxcfs, so pre-start does not wait for it: post-start and
 * the look after it do this.
 */
void anchor_sweep(const struct pve *pve, uint32_t vmid);

/**
 * anchor_tell_uncorrected() - what a start that goes on after a failed anchor_apply() has
 * @c: gets boot-only if the boot reads the right lines all the same, start-uncorrected if not
 */
void anchor_tell_uncorrected(struct check *c);

/**
 * anchor_give_up() - the files were changed each time that they were to be written
 * @c: the last check; gets a finding, and @c->refuse when the files that are there now would give
 *     the container another GPU
 */
void anchor_give_up(struct check *c);

/**
 * anchor_refuses() - what forbids to change a container
 * @g: container, loaded
 * @f: gets guest-locked, guest-template, no-quorum
 *
 * Without a quorum pmxcfs shows its files without write permission; asking
 * access(2) would not do, which says yes to root. A write that is refused all the
 * same is reported by the caller.
 *
 * Return: whether anything does.
 */
bool anchor_refuses(const struct guest *g, struct findings *f);

/** anchor_record() - record what the start that was checked gives the container */
void anchor_record(const struct check *c);

/**
 * anchor_store_policy() - replace a container's policy file
 * @seen: its content as it was read, without data if there was none
 *
 * Return: 0, GUEST_E_CHANGED, negative errno.
 */
int anchor_store_policy(struct anchor *an, uint32_t vmid, struct bytes seen,
                        struct bytes content);

/** anchor_store_pin() - the pin as it was found again, and nothing else; as anchor_store_policy() */
int anchor_store_pin(const struct check *c);

/** anchor_tell_write_failed() - why a write failed, and what to do about it */
void anchor_tell_write_failed(struct findings *f, const char *where, int error);
