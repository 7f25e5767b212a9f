/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/bytes.h"

/** struct file_change - a file as it is, and as it shall be */
struct file_change {
        const char *path; /* for the two labels */
        struct bytes old, new;
};

/**
 * diff_make() - the unified diff of a change
 * @a:   arena of the result
 * @ret: the diff, safe for a terminal: what is not printable is \xNN; "" when both are equal
 *
 * Return: 0, or negative errno when diff(1) cannot be run.
 */
int diff_make(struct arena *a, const struct file_change *f, const char **ret);
