/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/plan/usage.h"

/**
 * anchor_usage() - who on this node uses which GPU
 * @a:     arena of the result
 * @facts: this host; must live as long as the result
 * @ret:   nobody on a host without Proxmox
 *
 * What cannot be read - pmxcfs lets root and www-data only - makes it @partial.
 */
void anchor_usage(struct arena *a, const char *root, const struct facts *facts, struct usage *ret);
