/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * salvage - what a damaged policy file still tells
 */
#include "model/policy/policy.h"

/**
 * policy_salvage() - the pins and the owner out of a file that is no settings file
 * @file: whatever it is; a line that is understood counts, wherever the damage is
 *
 * Enough to tell lines of another GPU, and not enough to change anything.
 */
void policy_salvage(struct arena *a, struct bytes file, struct policy *p);
