/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * backup - the last originals of a container file
 *
 * Numbered, not dated: a host whose clock is set back at boot must not take an
 * old original for the newest. Kept on the node, outside /etc/pve, where a
 * cluster without quorum could not be written.
 */
#include "pve/guest.h"

#include "base/file.h"
#include "base/folder.h"
#include "base/number.h"

#include <errno.h>

#define BACKUPS 8
#define MAX_NUMBER 999999999 /* what is above it was not counted here */
#define MAX_READ (16 * 1024 * 1024)

static const char *backup_folder(struct arena *a, const struct guest *g) {
        return arena_printf(a, "%s/var/lib/gpuanchor/backup/%u", g->root, g->vmid);
}

static const char *backup_path(struct arena *a, const struct guest *g, uint32_t number) {
        return arena_printf(a, "%s/%u.conf", backup_folder(a, g), number);
}

/* Newest number in the folder, 0 when it is empty. */
static int newest(struct arena *a, const struct guest *g, uint32_t *ret) {
        _cleanup_(cleanup_dir) DIR *dir = opendir(backup_folder(a, g));
        uint32_t max = 0, n;

        if (!dir)
                return -errno;
        for (struct dirent *d; (d = readdir(dir));) {
                struct bytes name = bytes_of(d->d_name);

                if (bytes_take_suffix(&name, ".conf") && parse_u32(name, &n) && n > max &&
                    n <= MAX_NUMBER)
                        max = n;
        }
        *ret = max;
        return 0;
}

int backup_save(struct arena *a, const struct guest *g) {
        struct bytes last;
        uint32_t max = 0;
        int r;

        r = mkdir_parents(backup_folder(a, g), 0700);
        if (r < 0)
                return r;
        r = newest(a, g, &max);
        if (r < 0)
                return r;
        if (max > 0 && file_read(a, backup_path(a, g, max), MAX_READ, &last) == 0 &&
            bytes_equal(last, g->conf))
                return 0;
        if (max == MAX_NUMBER)
                return -EOVERFLOW;
        r = file_replace(backup_path(a, g, max + 1), g->conf, 0600, 0);
        if (r == 0 && max >= BACKUPS)
                (void)unlink(backup_path(a, g, max + 1 - BACKUPS));
        return r;
}

int backup_last(struct arena *a, const struct guest *g, struct bytes *ret, const char **ret_path) {
        uint32_t max = 0;
        int r;

        r = newest(a, g, &max);
        if (r < 0 && r != -ENOENT)
                return r;
        if (r < 0 || max == 0)
                return -ENOENT;
        *ret_path = backup_path(a, g, max);
        return file_read(a, *ret_path, MAX_READ, ret);
}
