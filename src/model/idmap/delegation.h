/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * delegation - the lines of /etc/subgid that gpuanchor has added, and whether they are needed
 */
#include "model/gpu/facts.h"

/** struct delegations - host gids, each added as "root:GID:1" */
struct delegations {
        uint32_t *gids;
        size_t n;
};

/** delegations_parse() - one gid a line; lines that are none are left out */
void delegations_parse(struct arena *a, struct bytes text, struct delegations *ret);

/** delegations_write() - as the text that delegations_parse() reads */
struct bytes delegations_write(struct arena *a, const struct delegations *d);

/** delegations_set() - have @gid in the list, or not */
void delegations_set(struct arena *a, struct delegations *d, uint32_t gid, bool have);

/**
 * delegation_is_alone() - whether "root:GID:1" is the one line that has @gid
 *
 * usermod takes an id out of each range that has it: out of a range of the owner's, too, and of
 * two equal lines one is the owner's.
 */
bool delegation_is_alone(const struct facts *f, uint32_t gid);

/** delegation_is_current() - whether a node or a GPU's group of the host has @gid: a start may need it */
bool delegation_is_current(const struct facts *f, uint32_t gid);

/**
 * delegation_in_lines() - whether an id map in the text of a container's file has host gid @gid
 *
 * In whatever section, because a rollback brings it back. A line that cannot be parsed may be one.
 */
bool delegation_in_lines(struct bytes text, uint32_t gid);

/** delegation_in_map() - the same for the text of a process's gid_map; the host's own map has none */
bool delegation_in_map(struct bytes text, uint32_t gid);
