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

/**
 * gates_renew() - bring all gates that are closed in line with the devices of now
 * @an: host, with facts and majors
 * @f:  gets container-gated for each that has changed, with its vmid
 *
 * By what is in /run alone: whatever /etc/pve or a policy would have to say, a gate that is closed is
 * closed for every number that has come since. gates_set() of the same look decides anew.
 */
void gates_renew(const struct anchor *an, struct findings *f);

/** gates_clear() - gpuanchor leaves container @vmid */
void gates_clear(const struct pve *pve, uint32_t vmid);
