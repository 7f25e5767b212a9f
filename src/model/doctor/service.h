/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * service - a service of the container, and the commands that change it
 */
#include "model/guest/inside-facts.h"
#include "model/guest/unit.h"

/** struct service - one service of the container */
struct service {
        const struct inside_facts *facts;
        const struct unit *unit;
        const char *name;               /* its unit's name, as we asked for it */
        const struct inside_main *main; /* NULL when it does not run */
};

/** service_setting() - command that gives a unit @lines ("Key=value\\n"...) and restarts it */
const char *service_setting(struct arena *a, const struct service *s, const char *lines);

/** service_keep() - command that has gpuanchor give it groups, nodes and environment; NULL where
 * that changes nothing: it has the drop-in, or none is made for it */
const char *service_keep(struct arena *a, const struct service *s);

/** service_restart() - command that restarts it */
const char *service_restart(struct arena *a, const struct service *s);
