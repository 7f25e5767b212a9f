/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * policy-guest - the keys about a container's own side, and sets of them
 */
#include "model/policy/policy.h"

/*
 * The setters of policy.c's table for guest-groups, guest-users, guest-service,
 * guest-environment and guest-timeout: NULL, or why the value is refused, ""
 * when the list of what is accepted says it all.
 */
const char *guest_set_groups(struct arena *a, struct policy *p, struct bytes value);
const char *guest_set_users(struct arena *a, struct policy *p, struct bytes value);
const char *guest_set_services(struct arena *a, struct policy *p, struct bytes value);
const char *guest_set_environment(struct arena *a, struct policy *p, struct bytes value);
const char *guest_set_timeout(struct arena *a, struct policy *p, struct bytes value);

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
