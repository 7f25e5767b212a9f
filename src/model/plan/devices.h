/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * devices - which kinds of node a container is to have
 */
#include "model/plan/plan.h"

/**
 * devices_find() - NODE_BIT()s of the kinds, once the plan's GPUs are chosen
 *
 * 0: the lines of the container are gone and nothing says what they gave; that is reported.
 */
uint32_t devices_find(const struct planner *x);
