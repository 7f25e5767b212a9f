/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * reservation - one line in a file that is locked
 *
 *     101 4711 8812345
 *
 * VMID, process and start time of the task. Written in place, a line without its end is
 * none. The lock is gpu-IDENTITY.lock beside it.
 */
#include "host/reservation.h"

#include "base/file.h"
#include "base/number.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#define FOLDER "/run/gpuanchor"
#define LINE_MAX_LEN 128
#define WAIT_MS (10 * 1000)
#define STEP_MS 5
/* PVE::LXC starts the unit, lxc-start makes the first */
#define CGROUP "%s/sys/fs/cgroup/lxc/%u"
#define UNIT "%s/sys/fs/cgroup/system.slice/system-pve\\x2dcontainer.slice/pve-container@%u.service"
#define SCOPE "%s/sys/fs/cgroup/qemu.slice/%u.scope" /* qemu-server: Slice, and the VMID */

const char *reservation_name(struct arena *a, const struct gpu *g) {
        char *name = arena_printf(a, "gpu-%s", g->port ? g->port : g->address);

        for (char *c = name; *c; c++)
                if (*c == '/')
                        *c = '_';
        return name;
}

const char *reservation_path(struct arena *a, const char *root, const char *name) {
        return arena_printf(a, "%s" FOLDER "/%s", root, name);
}

/* A lock of its own: who may read what is reserved, as the watcher, could hold that one for ever. */
int reservation_lock(struct arena *a, const char *path, bool wait, int *ret_fd) {
        _cleanup_(cleanup_close) int fd = -1;
        const char *lock = arena_printf(a, "%s.lock", path);
        int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, r;

        fd = open(lock, flags, 0600);
        if (fd < 0 && errno == ENOENT) {
                r = mkdir_parents(arena_strndup(a, path, (size_t)(strrchr(path, '/') - path)),
                                  0755);
                fd = r < 0 ? -1 : open(lock, flags, 0600);
        }
        if (fd < 0)
                return -errno;
        r = file_lock(fd, wait ? WAIT_MS : 0, STEP_MS);
        if (r < 0)
                return r;
        *ret_fd = fd;
        fd = -1;
        return 0;
}

static bool parse(struct bytes text, struct reservation *ret) {
        struct reservation r = { 0 };

        if (text.len == 0 || text.data[text.len - 1] != '\n' ||
            !parse_u32(bytes_word(&text), &r.vmid) || !process_take(&text, &r.holder))
                return false;
        *ret = r;
        return true;
}

void reservation_read(struct arena *a, const char *path, struct reservation *ret) {
        struct bytes text;

        if (file_read(a, path, LINE_MAX_LEN, &text) < 0 || !parse(text, ret))
                *ret = (struct reservation){ 0 };
}

int reservation_write(struct arena *a, const char *path, const struct reservation *r) {
        const char *text = r->vmid == 0 ? ""
                                        : arena_printf(a, "%u %d %llu\n", r->vmid,
                                                       (int)r->holder.pid,
                                                       (unsigned long long)r->holder.start);
        _cleanup_(cleanup_close) int fd = open(
                path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
        size_t len = strlen(text);
        ssize_t n;

        if (fd < 0)
                return -errno;
        n = pwrite(fd, text, len, 0);
        return n < 0 ? -errno : (size_t)n < len ? -ENOSPC : 0;
}

bool reservation_holds(const char *root, const struct reservation *r, uint32_t vmid) {
        return r->vmid != 0 && r->vmid != vmid &&
               ((r->holder.pid > 0 && process_lives(&r->holder)) || container_lives(root, r->vmid));
}

/* The note of a start: hooks/start-lock.c writes it. */
static bool is_being_started(struct arena *a, const char *root, uint32_t vmid) {
        struct process task = { 0 };
        struct bytes text;

        return file_read(a, arena_printf(a, "%s" FOLDER "/%u.start", root, vmid), 4096, &text) ==
                       0 &&
               process_take(&text, &task) && process_lives(&task);
}

bool container_lives(const char *root, uint32_t vmid) {
        _cleanup_arena_ struct arena a = { 0 };

        return access(arena_printf(&a, CGROUP, root, vmid), F_OK) == 0 ||
               access(arena_printf(&a, UNIT, root, vmid), F_OK) == 0 ||
               is_being_started(&a, root, vmid);
}

bool vm_lives(const char *root, uint32_t vmid) {
        _cleanup_arena_ struct arena a = { 0 };

        return access(arena_printf(&a, SCOPE, root, vmid), F_OK) == 0;
}
