/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * upkeep-script - steps as a script, and its output as findings
 */
#include "model/guest/upkeep.h"

/**
 * upkeep_script() - the steps, for sh on the stdin of sh
 * @unit_dir: UPKEEP_UNIT_DIR
 *
 * Uses the container's own tools, those of shadow or of busybox. Each step ends
 * with a line that has its number and exit status. A step that fails
 * ends the script, because those behind it count on it: a service whose drop-in
 * names a group that does not exist would not start any more.
 */
struct bytes upkeep_script(struct arena *a, const struct upkeep *u, const char *unit_dir);

/**
 * upkeep_results() - the results of the steps
 * @output:  what the script printed, the container's text
 * @problem: NULL, or why it was ended: "it took longer than 10 s"
 * @f:       gets what was done, and what was not
 */
void upkeep_results(const struct upkeep *u, struct bytes output, const char *problem,
                    struct findings *f);
