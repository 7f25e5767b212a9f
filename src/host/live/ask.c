/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * ask - files that say that something is to be done
 *
 * A path unit with PathChanged= loses what happens while its service runs; PathExists= is asked
 * again when that has ended (systemd.path(5)).
 */
#include "host/live/ask.h"

#include "base/folder.h"
#include "base/number.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#define FLAG "/run/gpuanchor-look/wanted"
#define STARTS "/run/gpuanchor"
#define STARTING ".start"
#define STARTING_S 120

static void make(const char *path) {
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);

        cleanup_close(&fd);
}

static char *flag_path(struct arena *a, const char *root) {
        return arena_printf(a, "%s" FLAG, root);
}

static char *start_path(struct arena *a, const char *root, uint32_t vmid) {
        return arena_printf(a, "%s" STARTS "/%u" STARTING, root, vmid);
}

void ask_look(const char *root) {
        _cleanup_arena_ struct arena a = { 0 };

        make(flag_path(&a, root));
}

void ask_look_at_start(const char *root, uint32_t vmid) {
        _cleanup_arena_ struct arena a = { 0 };

        make(start_path(&a, root, vmid));
        ask_look(root);
}

bool ask_is_wanted(const char *root) {
        _cleanup_arena_ struct arena a = { 0 };

        return access(flag_path(&a, root), F_OK) == 0;
}

/* A folder of that name, which is no one's to make, would start the look again and again. */
bool ask_take(const char *root) {
        _cleanup_arena_ struct arena a = { 0 };
        const char *path = flag_path(&a, root);

        if (unlink(path) == 0)
                return true;
        if (errno == EISDIR || errno == EPERM)
                if (rmdir(path) < 0)
                        (void)rename(path, arena_printf(&a, "%s.%d", path, (int)getpid()));
        return false;
}

/* A start that failed leaves its file behind. */
static bool is_forgotten(const char *path) {
        struct stat st;

        if (stat(path, &st) == 0 && time(NULL) - st.st_mtime > STARTING_S)
                (void)unlink(path);
        return access(path, F_OK) < 0;
}

size_t ask_starting(struct arena *a, const char *root, uint32_t **ret) {
        struct names names = { 0 };
        uint32_t *vmids = NULL;
        size_t n = 0;

        (void)folder_names(a, arena_printf(a, "%s" STARTS, root), STARTING, &names);
        for (size_t i = 0; i < names.n; i++) {
                struct bytes name = bytes_of(names.items[i]);
                uint32_t vmid;

                if (bytes_take_suffix(&name, STARTING) && parse_u32(name, &vmid) &&
                    !is_forgotten(start_path(a, root, vmid)))
                        *ARENA_PUSH(a, vmids, n) = vmid;
        }
        *ret = vmids;
        return n;
}

void ask_started(const char *root, uint32_t vmid) {
        _cleanup_arena_ struct arena a = { 0 };

        (void)unlink(start_path(&a, root, vmid));
}
