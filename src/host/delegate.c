/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* delegate - lines of /etc/subgid, written by the tool that owns the file */
#include "host/delegate.h"

#include "base/spawn.h"
#include "model/finding/reason.h"

#define USERMOD_MS (10 * 1000)

static const char *why_not(struct arena *a, int r, const struct spawn_result *result) {
        if (r < 0)
                return spawn_error(a, "usermod", "passwd", r);
        if (r == 0)
                return arena_printf(a, WHY_USERMOD_STATUS, result->status);
        if (r == SPAWN_E_OUTPUT)
                return WHY_USERMOD_OUTPUT;
        return arena_printf(a, WHY_USERMOD_LATE, USERMOD_MS / 1000,
                            r == SPAWN_E_ABANDONED
                                    ? arena_printf(a, WHY_USERMOD_HANGS, (int)result->abandoned)
                                    : "");
}

const char *delegate_subgid(struct arena *a, const char *root, uint32_t gid) {
        const char *range = arena_printf(a, "%u-%u", gid, gid);
        const char *const here[] = { "usermod", "--add-subgids", range, "root", NULL };
        const char *const there[] = { "usermod", "--prefix", root, "--add-subgids",
                                      range,     "root",     NULL };
        struct spawn_job job = { .argv = *root ? there : here,
                                 .timeout_ms = USERMOD_MS,
                                 .max_output = 4096,
                                 .root = root };
        struct spawn_result result = { 0 };
        int r = spawn_run(a, &job, &result);

        if (r == 0 && result.status == 0)
                return NULL;
        spawn_show(&result);
        return why_not(a, r, &result);
}
