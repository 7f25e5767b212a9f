/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * preset - sets of values for services that are often installed
 */
#include "base/bytes.h"

/** struct preset - values for the keys that one service needs */
struct preset {
        const char *name;
        const char *users, *services, *environment;
};

/** preset_find() - the preset of that name, NULL when there is none */
const struct preset *preset_find(const char *name);

/** preset_for() - the preset that is made for @unit, NULL when there is none */
const struct preset *preset_for(const char *unit);

/** preset_names() - "ollama, jellyfin, ..." */
const char *preset_names(struct arena *a);
