/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * preset - sets of values for services that are often installed
 */
#include "model/gpu/gpu-list.h"

/** struct preset - values for the keys that one service needs */
struct preset {
        const char *name;
        const char *users, *services;
};

/** preset_find() - the preset of that name, NULL when there is none */
const struct preset *preset_find(const char *name);

/** preset_for() - the preset that is made for @unit, NULL when there is none */
const struct preset *preset_for(const char *unit);

/**
 * preset_environment() - guest-environment for these GPUs, "A=1 B=2"
 *
 * Depends on their drivers and models, as preset.def says; "" when nothing is needed.
 */
const char *preset_environment(struct arena *a, const struct preset *p,
                               const struct gpu_list *gpus);

/** preset_names() - "ollama, jellyfin, ..." */
const char *preset_names(struct arena *a);
