/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/plan/edit/editor.h"

/**
 * environment_gids_report() - variables that list groups of which one is no node's any more
 *
 * After the edit of the lines that give nodes: what counts is the gid that a node has in the
 * container then. Never followed: a number alone does not say what it is for.
 */
void environment_gids_report(const struct editor *e);
