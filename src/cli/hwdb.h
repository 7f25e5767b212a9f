/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "anchor/anchor.h"

/** host_open() - anchor_open() of a host whose GPUs get names by systemd's hardware database */
struct anchor host_open(struct arena *a, const char *root);

/**
 * cards_renew() - what starts are to know of the cards without asking: serial numbers, names
 *
 * As root. See serials_renew(); what cannot be kept, a start does without.
 */
void cards_renew(struct arena *a, const char *root, bool again);
