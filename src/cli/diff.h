/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/bytes.h"

/**
 * diff_make() - the unified diff of two contents of one file
 * @a:    arena of the result
 * @path: name of the file for the two labels
 * @old:  as it is
 * @new:  as it shall be
 * @ret:  the diff, safe for a terminal: what is not printable is \xNN; "" when
 *        both are equal
 *
 * Return: 0, or negative errno when diff(1) cannot be run.
 */
int diff_make(struct arena *a, const char *path, struct bytes old, struct bytes new,
              const char **ret);
