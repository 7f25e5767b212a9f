/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "anchor/anchor.h"
#include "model/plan/choose/usage.h"

/**
 * anchor_usage() - who on this node uses which GPU
 * @an:  host; must live as long as the result
 * @ret: empty on a host without Proxmox; in @an's arena
 *
 * What cannot be read - pmxcfs lets root and www-data only - makes it @partial.
 */
void anchor_usage(struct anchor *an, struct usage *ret);

/** anchor_usage_of() - add what container @vmid uses to @u, which has arena and facts of @an */
void anchor_usage_of(struct anchor *an, uint32_t vmid, struct usage *u);

/** anchor_usage_ways() - only what comes by other ways than lines: see usage_add_ways() */
void anchor_usage_ways(struct anchor *an, uint32_t vmid, struct usage *u);

/** anchor_usage_of_vm() - the same of a virtual machine */
void anchor_usage_of_vm(struct anchor *an, uint32_t vmid, struct usage *u);
