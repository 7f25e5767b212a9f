/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * delegations - what gpuanchor added to /etc/subgid goes when no container maps it any more
 */
#include "model/finding/finding.h"
#include "pve/pve.h"

/**
 * delegations_end() - take back what is not needed
 * @all: also what a node or group of the host has now, which a start may need: gpuanchor leaves
 * @f:   gets subgid-removed; with @all subgid-stays, too
 *
 * A line stays while the file of a container of this node or a process that runs maps its gid, or
 * where that cannot be told. One that is gone, or is not alone any more, is the owner's from then on.
 */
void delegations_end(const struct pve *pve, bool all, struct findings *f);
