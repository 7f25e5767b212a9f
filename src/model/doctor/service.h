/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * service - a service of the container, and how it is corrected
 *
 * Commands use the name of the unit that was requested, never text from the container.
 */
#include "model/doctor/doctor.h"
#include "model/guest/inside-facts.h"
#include "model/guest/unit.h"

/** struct service - one service of the container */
struct service {
        const struct inside_facts *facts;
        const struct unit *unit;
        const char *name;               /* of its unit, as requested */
        const struct inside_main *main; /* NULL when it does not run */
};

/**
 * service_keep() - have gpuanchor itself keep a service's groups, nodes and environment right
 * @item: gets the remedy
 *
 * Return: false where that would change nothing: the service has the drop-in, no preset is made
 *         for it, or the policy asks for something else inside, which a preset would take away.
 */
bool service_keep(const struct service *s, struct doctor_item *item);

/** service_set() - have the unit given @lines ("Key=value\\n"...) and restarted */
void service_set(const char *lines, struct doctor_item *item);
