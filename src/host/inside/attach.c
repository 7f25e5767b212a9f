/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* attach - programs of a running container, run inside it */
#include "host/inside/attach.h"

#include <errno.h>

#define INNER_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

int attach_run(struct arena *a, const struct attach *to, const struct spawn_job *job,
               struct spawn_result *ret) {
        const char *const first[] = {
                "lxc-attach",  "-n",       arena_printf(a, "%u", to->vmid),
                "--clear-env", "-v",       INNER_PATH,
                "-v",          "LC_ALL=C",
        };
        const char *const user[] = { "-u", arena_printf(a, "%u", to->uid), "-g",
                                     arena_printf(a, "%u", to->gid) };
        struct spawn_job outer = *job;
        const char **argv = NULL;
        size_t n = 0;

        if (spawn_abandoned())
                return -EBUSY;
        for (size_t i = 0; i < ELEMENTS(first); i++)
                *ARENA_PUSH(a, argv, n) = first[i];
        for (size_t i = 0; i < ELEMENTS(user) && to->as_user; i++)
                *ARENA_PUSH(a, argv, n) = user[i];
        *ARENA_PUSH(a, argv, n) = "--";
        for (const char *const *arg = job->argv; *arg; arg++)
                *ARENA_PUSH(a, argv, n) = *arg;
        *ARENA_PUSH(a, argv, n) = NULL;
        outer.argv = argv;
        return spawn_run(a, &outer, ret);
}
