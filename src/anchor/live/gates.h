/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* gates - which GPU numbers each running container is refused */
#include "anchor/check.h"

/**
 * gates_set() - put the gate of a running container where its policy and its record want it
 * @c: check of it; gets container-gated when what is refused has changed, container-gate-open,
 *     container-gate-failed
 *
 * First of all that a change of the host asks for: until it is done the container may open what
 * has a number now that its own GPU had. What there is now is kept in its held file.
 */
void gates_set(struct check *c);

/** gates_clear() - gpuanchor leaves container @vmid */
void gates_clear(const struct pve *pve, uint32_t vmid);
