/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/plan/edit/editor.h"

/**
 * edit_environment() - environment lines that name a node, and those that the policy asks for
 *
 * A value that names a node which the container does not have, where it has exactly one of that
 * kind, is stale: reported, or followed where the policy says follow-environment = yes. In a
 * container whose init is its application guest-environment is lines of lxc.environment.runtime;
 * other variables, and earlier lines of the same one, stay.
 */
void edit_environment(const struct editor *e);
