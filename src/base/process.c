/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * process - what /proc says of a process
 */
#include "base/process.h"

#include "base/file.h"
#include "base/folder.h"
#include "base/number.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/pidfd.h>

#define PROC_FILE_MAX 4096

/* "4711 (gpuanchor) D 1 ... STARTTIME ...": the name may have blanks and parentheses */
static bool parse_stat(struct bytes text, struct process *ret) {
        const char *name_end = text.len > 0 ? memrchr(text.data, ')', text.len) : NULL;
        struct bytes word = { 0 };
        uint32_t parent = 0;

        if (!name_end)
                return false;
        text = bytes_from(text, (size_t)(name_end + 1 - text.data));
        for (int field = 3; field <= 22; field++) {
                word = bytes_word(&text);
                if (field == 3 && BYTES_IN(word, "Z", "X"))
                        return false;
                if (field == 4 && (!parse_u32(word, &parent) || parent > INT_MAX))
                        return false;
        }
        ret->parent = (pid_t)parent;
        return parse_u64(word, &ret->start);
}

bool process_take(struct bytes *rest, struct process *ret) {
        struct process p = { 0 };
        struct bytes text = *rest;
        uint32_t pid;

        if (!parse_u32(bytes_word(&text), &pid) || pid > INT_MAX ||
            !parse_u64(bytes_word(&text), &p.start))
                return false;
        p.pid = (pid_t)pid;
        *ret = p;
        *rest = text;
        return true;
}

bool process_find(pid_t pid, struct process *ret) {
        _cleanup_arena_ struct arena a = { 0 };
        struct process p = { .pid = pid };
        struct bytes text;

        if (pid <= 0 ||
            file_read(&a, arena_printf(&a, "/proc/%d/stat", (int)pid), PROC_FILE_MAX, &text) < 0 ||
            !parse_stat(text, &p))
                return false;
        *ret = p;
        return true;
}

bool process_lives(const struct process *p) {
        struct process now;

        return process_find(p->pid, &now) && now.start == p->start;
}

static bool has_flock(struct arena *a, const char *process, const char *fd) {
        struct bytes info;

        return file_read(a, arena_printf(a, "/proc/%s/fdinfo/%s", process, fd), PROC_FILE_MAX,
                         &info) == 0 &&
               bytes_contains(info, "FLOCK");
}

/* Its number in the other process may be another file's by now: the lock is asked of what came. */
static int share_fd(struct arena *a, pid_t pid, const char *name) {
        _cleanup_(cleanup_close) int pidfd = pidfd_open(pid, 0);
        uint32_t number;
        int fd;

        if (pidfd < 0 || !parse_u32(bytes_of(name), &number) || number > INT_MAX)
                return PROCESS_LOCK_SEEN;
        fd = pidfd_getfd(pidfd, (int)number, 0);
        if (fd < 0)
                return errno == EBADF ? PROCESS_LOCK_NONE : PROCESS_LOCK_SEEN;
        if (has_flock(a, "self", arena_printf(a, "%d", fd)))
                return fd;
        close(fd);
        return PROCESS_LOCK_NONE;
}

int process_share_flock(pid_t pid, const char *path) {
        _cleanup_arena_ struct arena a = { 0 };
        const char *process = arena_printf(&a, "%d", (int)pid);
        _cleanup_(cleanup_dir) DIR *dir = opendir(arena_printf(&a, "/proc/%s/fd", process));
        size_t len = strlen(path);
        char target[PATH_MAX];

        /* the name of a link and not its file: to ask that could wait for a dead server */
        for (const struct dirent *d; dir && (d = readdir(dir));)
                if (readlinkat(dirfd(dir), d->d_name, target, sizeof(target)) == (ssize_t)len &&
                    memcmp(target, path, len) == 0 && has_flock(&a, process, d->d_name))
                        return share_fd(&a, pid, d->d_name);
        return PROCESS_LOCK_NONE;
}
