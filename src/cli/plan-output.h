/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "anchor/check.h"
#include "cli/verb.h"
#include "model/live/follow.h"

/**
 * show_plan() - what a check found and what it would write
 * @k: check that succeeded
 *
 * With --json one object, else findings, diffs and what goes to /etc/subgid.
 *
 * Return: EXIT_DONE when nothing would change and nothing is wrong,
 *         EXIT_ATTENTION otherwise, EXIT_TROUBLE when it cannot be shown.
 */
int show_plan(struct cli *c, const struct check *k);

/** show_live() - what would change in the running container */
void show_live(struct cli *c, const struct follow *live);

/** show_attention() - EXIT_ATTENTION when a finding is a warning or an error, else EXIT_DONE */
int show_attention(const struct findings *f);

/**
 * plan_find_files() - files on the container's disk that lose their group by a plan
 * @k:   not left alone; gets gid-files, as an info where no file belongs to such a gid
 * @all: of each gid that another host gid will stand for; else of holes that move only
 *
 * Looks for ten seconds at most, and only while the container runs; else it says so.
 */
void plan_find_files(struct check *k, bool all);
