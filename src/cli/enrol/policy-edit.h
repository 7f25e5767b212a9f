/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/bytes.h"

/** struct setting - one KEY = VALUE of [container] */
struct setting {
        const char *key, *value;
};

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
 * @settings: what to set; each passed setting_problem()
 *
 * A key that is there gets its new value where it stands (further lines of the
 * same key go); a new one comes behind the section's last entry; a file without
 * the section gets one at its end. Every other byte stays.
 */
struct bytes policy_edit(struct arena *a, struct bytes file, const struct setting *settings,
                         size_t n_settings);

/**
 * policy_value() - the last value of @key in [container], NULL when it has none
 *
 * Reads what it can of a file that settings_load() throws away: who disables a
 * container with a broken policy wants his own hookscript back all the same.
 */
const char *policy_value(struct arena *a, struct bytes file, const char *key);
