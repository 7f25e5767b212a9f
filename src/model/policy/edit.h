/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * edit - settings into a policy file that somebody else may have written
 */
#include "model/policy/ini.h"

/** struct setting - one KEY = VALUE of [container] */
struct setting {
        const char *key, *value;
};

/** policy_ini() - the lines of a policy file; those of a new one when it is empty */
void policy_ini(struct arena *a, struct bytes file, struct ini *ret);

/**
 * setting_problem() - why a value cannot stand in a policy file
 * @a: arena of the result
 *
 * Return: NULL, or one sentence that says what is accepted.
 */
const char *setting_problem(struct arena *a, const struct setting *s);

/**
 * policy_edit() - put settings into the [container] section of a policy file
 * @a:        arena of the result
 * @file:     present content, empty when there is none
 * @settings: what to set, as ini_set() does; each passed setting_problem()
 */
struct bytes policy_edit(struct arena *a, struct bytes file, const struct setting *settings,
                         size_t n_settings);

/**
 * policy_value() - the last value of @key in [container], NULL when it has none
 *
 * Also in a file that settings_parse() throws away: disable puts the container's own hookscript
 * back even if the policy is broken.
 */
const char *policy_value(struct arena *a, struct bytes file, const char *key);
