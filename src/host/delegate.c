/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* delegate - lines of /etc/subgid, written by the tool that owns the file */
#include "host/delegate.h"

#include "base/spawn.h"

int delegate_subgid(struct arena *a, const char *root, uint32_t gid) {
        const char *range = arena_printf(a, "%u-%u", gid, gid);
        const char *const here[] = { "usermod", "--add-subgids", range, "root", NULL };
        const char *const there[] = { "usermod", "--prefix", root, "--add-subgids", range, "root", NULL };
        int status = 0, r;

        r = spawn_wait(*root ? there : here, &status);
        return r < 0 ? r : status;
}
