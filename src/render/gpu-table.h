/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "render/inventory.h"

/**
 * table_gpus() - the GPUs of a host as a tree on a terminal
 * @a:     arena for scratch
 * @inv:   what to show
 * @color: whether lines with a problem are coloured
 *
 * Printed on stdout, as wide as the terminal. Return: 0 or negative errno.
 */
int table_gpus(struct arena *a, const struct inventory *inv, bool color);

/**
 * table_gpus_plain() - the same for a pipe
 *
 * One line per node (or per GPU that has none) of nine fields with tabs between
 * them, "-" for nothing: selector, ids, driver, node, number, owner, mode, codes
 * of what is wrong, name of the GPU.
 */
void table_gpus_plain(struct arena *a, const struct inventory *inv);
