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
#include <sys/stat.h>
#include <time.h>

#define BACKUPS 8
#define MAX_NUMBER 999999999 /* what is above it was not counted here */
#define MAX_READ (16 * 1024 * 1024)
#define EARLIER "/var/lib/gpuanchor/earlier"
#define EARLIER_SECONDS (30 * 24 * 3600)

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
        struct dirent *d;
        int r;

        if (!dir)
                return -errno;
        while ((r = folder_next(dir, &d)) > 0) {
                struct bytes name = bytes_of(d->d_name);

                if (bytes_take_suffix(&name, ".conf") && parse_u32(name, &n) && n > max &&
                    n <= MAX_NUMBER)
                        max = n;
        }
        *ret = max;
        return r;
}

static const char *written_path(struct arena *a, const struct guest *g) {
        return arena_printf(a, "%s/written.conf", backup_folder(a, g));
}

/* the loaded content, unless it is the newest one already */
static int keep_original(struct arena *a, const struct guest *g) {
        struct bytes last;
        uint32_t max = 0;
        int r;

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

int backup_save(struct arena *a, const struct guest *g, struct bytes next) {
        int r = mkdir_parents(backup_folder(a, g), 0700);

        if (r == 0)
                r = keep_original(a, g);
        return r < 0 ? r : file_replace(written_path(a, g), next, 0600, 0);
}

bool backup_written(struct arena *a, const struct guest *g, struct bytes *ret) {
        return file_read(a, written_path(a, g), MAX_READ, ret) == 0;
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

/* ---- of earlier containers ---- */

static void remove_earlier(struct arena *a, const char *folder) {
        struct names files = { 0 };

        (void)folder_names(a, folder, "", &files);
        for (size_t i = 0; i < files.n; i++)
                (void)unlink(arena_printf(a, "%s/%s", folder, files.items[i]));
        (void)rmdir(folder);
}

void backup_sweep(struct arena *a, const char *root) {
        const char *folder = arena_printf(a, "%s" EARLIER, root);
        struct names found = { 0 };
        struct stat st;

        (void)folder_names(a, folder, "", &found);
        for (size_t i = 0; i < found.n; i++) {
                const char *path = arena_printf(a, "%s/%s", folder, found.items[i]);

                if (stat(path, &st) == 0 && st.st_mtime < time(NULL) - EARLIER_SECONDS)
                        remove_earlier(a, path);
                else
                        file_sweep(arena_printf(a, "%s/", path));
        }
}

/* 101.1, 101.2, ... */
static int make_earlier(struct arena *a, const struct guest *g, const char **ret) {
        int r = mkdir_parents(arena_printf(a, "%s" EARLIER, g->root), 0700);

        for (unsigned n = 1; r == 0 && n < MAX_NUMBER; n++) {
                *ret = arena_printf(a, "%s" EARLIER "/%u.%u", g->root, g->vmid, n);
                if (mkdir(*ret, 0700) == 0)
                        return 0;
                if (errno != EEXIST)
                        return -errno;
        }
        return r < 0 ? r : -EOVERFLOW;
}

/* The container files that were kept go along: undo must not bring back another container's. */
static void move_backups(struct arena *a, const struct guest *g, const char *to) {
        const char *from = backup_folder(a, g);
        struct names kept = { 0 };

        (void)folder_names(a, from, ".conf", &kept);
        for (size_t i = 0; i < kept.n; i++)
                (void)rename(arena_printf(a, "%s/%s", from, kept.items[i]),
                             arena_printf(a, "%s/%s", to, kept.items[i]));
}

int backup_set_aside(struct arena *a, const struct guest *g, const char *policy, const char **ret) {
        struct bytes content;
        const char *folder;
        int r;

        r = file_read(a, policy, MAX_READ, &content);
        if (r < 0)
                return r;
        backup_sweep(a, g->root);
        r = make_earlier(a, g, &folder);
        if (r < 0)
                return r;
        r = file_replace(arena_printf(a, "%s/policy", folder), content, 0600, FILE_SYNC);
        if (r == 0 && unlink(policy) < 0) /* not without quorum */
                r = -errno;
        if (r < 0) {
                remove_earlier(a, folder);
                return r;
        }
        move_backups(a, g, folder);
        *ret = folder + strlen(g->root);
        return 0;
}
