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
