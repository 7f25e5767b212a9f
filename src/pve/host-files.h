/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * host-files - /var/lib/gpuanchor/host: what this host remembers of its cards
 */
#include "model/gpu/majors.h"
#include "model/idmap/delegation.h"
#include "model/identity/host-memory.h"
#include "model/identity/sighting.h"
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
 * Not when it is partial: what could not be read must not be lost. Return: 0, FILE_E_CHANGED when
 * another start has written meanwhile, negative errno.
 */
int host_memory_store(const struct pve *pve, const struct host_memory *m, const char **ret_path);

/**
 * host_pin_forget() - the pin of a container that is not managed any more, which claims its card
 *
 * What cannot be read or written now stays: it goes with the container.
 */
void host_pin_forget(const struct pve *pve, uint32_t vmid);

/**
 * host_sightings_load() - what is known of the containers' lines, of history @id
 *
 * Return: 0, negative errno: they cannot be read, which @ret->unread says, too.
 */
int host_sightings_load(const struct pve *pve, const char *id, struct sightings *ret);

/** host_sightings_store() - as host_memory_store() */
int host_sightings_store(const struct pve *pve, const struct sightings *s, const char *id,
                         const char **ret_path);

/** host_majors_load() - the majors that GPU drivers had on this host; what cannot be read is none */
struct majors host_majors_load(const struct pve *pve);

/** host_majors_store() - with what @f has now, if that is new; as host_memory_store() */
int host_majors_store(const struct pve *pve, const struct facts *f, const char **ret_path);

/** host_delegations_load() - the lines of /etc/subgid that gpuanchor added; what cannot be read is none */
struct delegations host_delegations_load(const struct pve *pve);

/** host_delegations_set() - remember that gpuanchor added a line for @gid, or that it is gone */
int host_delegations_set(const struct pve *pve, uint32_t gid, bool have, const char **ret_path);
