/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* inside-processes - the processes of a container, seen from the host */
#include "model/guest/inside-facts.h"
#include "model/guest/unit.h"

/**
 * inside_processes() - which of them have a GPU's node open, and what those of services can open
 * @a:       arena
 * @init:    the container's init; its PID namespace counts, not those nested in it
 * @units:   services whose main process is looked for
 * @n_units: number of @units
 * @f:       gets holders and mains; its devices and id maps are known already
 */
void inside_processes(struct arena *a, unsigned init, const struct unit *units, size_t n_units,
                      struct inside_facts *f);
