/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* attach - programs of a running container, run inside it */
#include "host/inside/attach.h"

#include <errno.h>

#define INNER_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* @ids: options of lxc-attach that say who it is, NULL-terminated */
static int attach(struct arena *a, uint32_t vmid, const char *const ids[],
                  const struct spawn_job *job, struct spawn_result *ret) {
        const char *const first[] = {
                "lxc-attach",  "-n",       arena_printf(a, "%u", vmid),
                "--clear-env", "-v",       INNER_PATH,
                "-v",          "LC_ALL=C",
        };
        struct spawn_job outer = *job;
        const char **argv = NULL;
        size_t n = 0;

        if (spawn_abandoned())
                return -EBUSY;
        for (size_t i = 0; i < ELEMENTS(first); i++)
                *ARENA_PUSH(a, argv, n) = first[i];
        for (; *ids; ids++)
                *ARENA_PUSH(a, argv, n) = *ids;
        *ARENA_PUSH(a, argv, n) = "--";
        for (const char *const *arg = job->argv; *arg; arg++)
                *ARENA_PUSH(a, argv, n) = *arg;
        *ARENA_PUSH(a, argv, n) = NULL;
        outer.argv = argv;
        return spawn_run(a, &outer, ret);
}

int attach_run(struct arena *a, uint32_t vmid, const struct spawn_job *job,
               struct spawn_result *ret) {
        const char *const root[] = { NULL };

        return attach(a, vmid, root, job, ret);
}

int attach_run_as(struct arena *a, uint32_t vmid, uint32_t uid, uint32_t gid,
                  const struct spawn_job *job, struct spawn_result *ret) {
        const char *const ids[] = { "-u", arena_printf(a, "%u", uid), "-g",
                                    arena_printf(a, "%u", gid), NULL };

        return attach(a, vmid, ids, job, ret);
}
