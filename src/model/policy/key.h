/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * key - the keys of a policy, and which values they take
 */
#include "model/policy/policy.h"

/**
 * policy_set() - give one key of [defaults] or [container] a value
 * @a:     arena for what @p keeps
 * @p:     policy
 * @key:   "gpu" or another one of gpuanchor.conf(5)
 * @value: text, blanks at both ends already cut
 *
 * An empty value sets the key back to its default.
 *
 * Return: NULL, or for an unknown key or a wrong value, with @p unchanged, one sentence in @a that
 *         says what is wrong and what is accepted.
 */
const char *policy_set(struct arena *a, struct policy *p, const char *key, const char *value);

/** policy_key_meant() - the key that @key is or is most likely meant to be; NULL when none is */
const char *policy_key_meant(const char *key);
