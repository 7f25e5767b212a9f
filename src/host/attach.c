/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* attach - programs of a running container, run inside it */
#include "host/attach.h"

#define INNER_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

int attach_run(struct arena *a, uint32_t vmid, const struct spawn_job *job,
               struct spawn_result *ret) {
        const char *const first[] = {
                "lxc-attach",  "-n",       arena_printf(a, "%u", vmid),
                "--clear-env", "-v",       INNER_PATH,
                "-v",          "LC_ALL=C", "--",
        };
        struct spawn_job outer = *job;
        const char **argv;
        size_t n = 0;

        while (job->argv[n])
                n++;
        argv = arena_alloc(a, (ELEMENTS(first) + n + 1) * sizeof(*argv));
        memcpy(argv, first, sizeof(first));
        memcpy(argv + ELEMENTS(first), job->argv, n * sizeof(*argv));
        outer.argv = argv;
        return spawn_run(a, &outer, ret);
}
