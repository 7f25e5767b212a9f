/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "pve/pve.h"

/**
 * next_hook_marked() - whether the environment says that the next-hook of this very phase runs us
 *
 * A next-hook that runs gpuanchor-hook would go on without end.
 */
bool next_hook_marked(const struct pve *pve, uint32_t vmid, const char *phase);

/**
 * next_hook_above() - whether a next-hook of container @vmid runs us, as far as /proc tells
 *
 * Either this process or one that it descends from was run as that, in any phase; or so many were
 * in @phase within seconds that each must have asked for the next one, by systemd-run(1) for
 * example. Needs no environment: sudo(8) and `env -i` make a new one.
 */
bool next_hook_above(const struct pve *pve, uint32_t vmid, const char *phase);

/** next_hook_is_us() - whether the file at @path is the program that runs here */
bool next_hook_is_us(const char *path);

/** next_hook_mark() - for the other two: this process becomes the next-hook of @vmid now */
void next_hook_mark(const struct pve *pve, uint32_t vmid, const char *phase);
