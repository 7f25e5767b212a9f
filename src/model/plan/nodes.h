/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * nodes - which nodes a container is given, and in which form
 */
#include "model/plan/plan.h"

/** nodes_find() - fill the plan's devices and nodes from its choice */
void nodes_find(struct planner *x);
