/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* steps - what was done in a running container, and what was not */
#include "anchor/check.h"
#include "model/live/follow.h"

/**
 * steps_tell() - findings for the steps that are done; what came in is allowed to it
 * @c: gets container-reanchored, container-node-revoked
 *
 * Return: whether any is.
 */
bool steps_tell(struct check *c, const struct follow *f);

/** steps_undone() - which could not be done, and why; NULL: none */
const char *steps_undone(struct arena *a, const struct follow *f);
