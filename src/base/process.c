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

/* By the name of a link and not its file: to ask that could wait for a dead server. */
static bool has_flock(struct arena *a, const char *process, const char *fd, const char *path) {
        char target[PATH_MAX];
        size_t len = strlen(path);
        struct bytes info;

        return readlink(arena_printf(a, "/proc/%s/fd/%s", process, fd), target, sizeof(target)) ==
                       (ssize_t)len &&
               memcmp(target, path, len) == 0 &&
               file_read(a, arena_printf(a, "/proc/%s/fdinfo/%s", process, fd), PROC_FILE_MAX,
                         &info) == 0 &&
               bytes_contains(info, "FLOCK");
}

/* Its number in the other process may be another file's by now: what came is asked once more. */
static int share_fd(struct arena *a, pid_t pid, const char *name, const char *path) {
        _cleanup_(cleanup_close) int pidfd = pidfd_open(pid, 0);
        uint32_t number;
        int fd;

        if (!parse_u32(bytes_of(name), &number) || number > INT_MAX)
                return PROCESS_LOCK_NONE;
        fd = pidfd < 0 ? -1 : pidfd_getfd(pidfd, (int)number, 0);
        if (fd < 0) /* it has ended, or closed it; else that cannot be asked for */
                return errno == ESRCH || errno == EBADF ? PROCESS_LOCK_NONE : PROCESS_LOCK_SEEN;
        if (has_flock(a, "self", arena_printf(a, "%d", fd), path))
                return fd;
        close(fd);
        return PROCESS_LOCK_NONE;
}

int process_share_flock(pid_t pid, const char *path) {
        _cleanup_arena_ struct arena a = { 0 };
        const char *process = arena_printf(&a, "%d", (int)pid);
        _cleanup_(cleanup_dir) DIR *dir = opendir(arena_printf(&a, "/proc/%s/fd", process));

        for (const struct dirent *d; dir && (d = readdir(dir));)
                if (has_flock(&a, process, d->d_name, path))
                        return share_fd(&a, pid, d->d_name, path);
        return PROCESS_LOCK_NONE;
}
