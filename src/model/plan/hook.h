/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/plan/plan.h"

/** hook_plan() - what NVIDIA's hook gives, against the choice; after nodes_find() */
void hook_plan(struct planner *x);
