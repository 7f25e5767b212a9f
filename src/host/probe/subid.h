/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/gpu/facts.h"

/**
 * subids_parse() - the ranges of root in the text of an /etc/subgid
 * @a:          arena that gets the ranges
 * @text:       content
 * @ret_ranges: in the order of the file, NULL when there are none
 */
void subids_parse(struct arena *a, struct bytes text, struct subid_range **ret_ranges,
                  size_t *ret_n);

/** subgids_read() - subids_parse() of <root>/etc/subgid; 0, also without it, or negative errno */
int subgids_read(struct arena *a, const char *root, struct subid_range **ret_ranges, size_t *ret_n);

/** subuids_read() - the same of <root>/etc/subuid */
int subuids_read(struct arena *a, const char *root, struct subid_range **ret_ranges, size_t *ret_n);
