/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/gpu/facts.h"

/**
 * hwdb_names() - what the makers call these GPUs
 * @a: arena of the result
 * @f: facts
 *
 * Return: one name per GPU of @f; NULL for one that systemd's hardware database
 *         does not know, or when there is no database.
 */
const char **hwdb_names(struct arena *a, const struct facts *f);
