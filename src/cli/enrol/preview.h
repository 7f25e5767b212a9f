/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "anchor/check.h"

/**
 * preview_make() - anchor_check() under a policy that is not written yet
 * @an:   host
 * @g:    container, loaded
 * @next: its policy file as it shall be
 * @ret:  the check; new_policy is @next with what is known of the present lines: the
 *        pin, when `gpu = auto` chose one, and the container's gids
 *
 * What a start learns from the lines that it writes is for the start to remember.
 *
 * Return: 0, enum guest_problem, negative errno.
 */
int preview_make(struct anchor *an, const struct guest *g, struct bytes next, struct check *ret);
