/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pve - the link that tells the name of the node */
#include "pve/pve.h"

#include <sys/stat.h>

const char *pve_node(const struct pve *pve) {
        char target[PATH_MAX];
        ssize_t n = readlink(arena_printf(pve->arena, "%s/etc/pve/local", pve->root), target,
                             sizeof(target) - 1);
        const char *slash;

        if (n <= 0)
                return NULL;
        target[n] = '\0';
        slash = strrchr(target, '/');
        return arena_strdup(pve->arena, slash ? slash + 1 : target);
}

bool pve_may_write(const char *path) {
        struct stat st;

        return stat(path, &st) == 0 && (st.st_mode & 0222) != 0;
}

struct pve pve_open(struct arena *a, const char *root) {
        struct pve p = { .arena = a, .root = root };

        p.node = pve_node(&p);
        return p;
}
