/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* delegate - lines of /etc/subgid, written by the tool that owns the file */
#include "host/delegate.h"

#include "base/file.h"
#include "base/folder.h"
#include "base/spawn.h"
#include "model/finding/reason.h"
#include "model/idmap/delegation.h"

#include <errno.h>

#define USERMOD_MS (10 * 1000)
#define MAP_MAX (64 * 1024) /* the kernel takes 340 lines */

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

static const char *run(struct arena *a, const char *root, const char *const *argv, bool *late) {
        struct spawn_job job = {
                .argv = argv, .timeout_ms = USERMOD_MS, .max_output = 4096, .root = root
        };
        struct spawn_result result = { 0 };
        int r = spawn_run(a, &job, &result);

        if (late)
                *late = r == SPAWN_E_TIMEOUT || r == SPAWN_E_ABANDONED;
        if (r == 0 && result.status == 0)
                return NULL;
        spawn_show(&result);
        return why_not(a, r, &result);
}

const char *delegate_subgid(struct arena *a, const char *root, uint32_t gid, bool *late) {
        const char *range = arena_printf(a, "%u-%u", gid, gid);
        const char *const here[] = { "usermod", "--add-subgids", range, "root", NULL };
        const char *const there[] = { "usermod", "--prefix", root, "--add-subgids",
                                      range,     "root",     NULL };

        return run(a, root, *root ? there : here, late);
}

/* usermod refuses --del-subgids while the user has a process, as root has, but not with a prefix. */
const char *delegate_end(struct arena *a, const char *root, uint32_t gid) {
        const char *const argv[] = { "usermod",       "--prefix",
                                     *root ? root : "/.", "--del-subgids",
                                     arena_printf(a, "%u-%u", gid, gid), "root", NULL };

        return run(a, root, argv, NULL);
}

bool delegate_is_used(struct arena *a, const char *root, uint32_t gid) {
        const char *proc = arena_printf(a, "%s/proc", root);
        struct names names = { 0 };

        if (folder_names(a, proc, "", &names) < 0)
                return true;
        for (size_t i = 0; i < names.n; i++) {
                const char *path = arena_printf(a, "%s/%s/gid_map", proc, names.items[i]);
                struct bytes text;
                int r;

                if (*names.items[i] < '0' || *names.items[i] > '9')
                        continue;
                r = file_read(a, path, MAP_MAX, &text);
                if (r == 0 ? delegation_in_map(text, gid) : r != -ENOENT && r != -ESRCH)
                        return true;
        }
        return false;
}
