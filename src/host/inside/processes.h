/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* processes - the processes of a container, seen from the host */
#include "host/inside/try-open.h"
#include "model/guest/inside-facts.h"
#include "model/guest/unit.h"

/** struct process_search - whose processes, and which of them more is asked about */
struct process_search {
        unsigned init;            /* of the container; its PID namespace, not those nested in it */
        const struct unit *units; /* services whose main process is looked for */
        size_t n_units;
};

/** inside_init_ids() - who its init is, in ids of the container; false when they are not mapped */
bool inside_init_ids(struct arena *a, unsigned init, const struct inside_facts *f,
                     struct inside_as *ret);

/**
 * inside_processes() - which of them have a GPU's node open, and what those of services can open
 * @a: arena
 * @s: what to look for
 * @f: gets holders and mains; its devices and id maps are known already
 */
void inside_processes(struct arena *a, const struct process_search *s, struct inside_facts *f);
