/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * helper - a child process that looks into a running container, and may never come back
 *
 * Whoever has a helper holds the flock of the note; the helper itself does not have it. So a
 * process that the note names while the flock is free is one that was abandoned, by this process or
 * by one of us that was killed. It is named by number and start time.
 */
#include "host/inside/helper.h"

#include "base/file.h"
#include "base/meanwhile.h"
#include "base/number.h"
#include "base/process.h"
#include "host/inside/root-files.h"
#include "model/finding/reason.h"
#include "model/guest/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <time.h>

enum { INFO_MS = 5000, CGROUP_MAX = 64 * 1024 };

/* ---- the note ---- */

static const char *note_path(struct arena *a, const char *root, uint32_t vmid) {
        return arena_printf(a, "%s/run/gpuanchor/%u.helper", root, vmid);
}

static void note_write(int fd, pid_t pid) {
        struct process p;

        if (process_find(pid, &p) && ftruncate(fd, 0) == 0)
                (void)dprintf(fd, "%d %llu\n", (int)pid, (unsigned long long)p.start);
}

/* The process in the note, if it is still there; else 0. */
static pid_t note_read(struct arena *a, const char *path) {
        struct process p = { 0 };
        struct bytes text;

        return file_read(a, path, 4096, &text) == 0 && process_take(&text, &p) && process_lives(&p)
                       ? p.pid
                       : 0;
}

/* Without a note, where there can be none, we go on all the same: @ret_fd is -1 then. */
static int note_lock(struct arena *a, const struct inside_job *job, int *ret_fd) {
        _cleanup_(cleanup_close) int fd = -1;

        if (mkdir_parents(arena_printf(a, "%s/run/gpuanchor", job->root), 0755) == 0)
                fd = open(note_path(a, job->root, job->vmid),
                          O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (fd >= 0 && file_lock(fd, job->timeout_ms, 100) < 0)
                return INSIDE_E_BUSY;
        *ret_fd = fd;
        fd = -1;
        return 0;
}

/* The helper of one of us that was killed, unless it ends within a second; 0: none. */
static pid_t earlier(struct arena *a, const struct inside_job *job) {
        const char *path = note_path(a, job->root, job->vmid);
        pid_t pid = note_read(a, path);

        for (int i = 0; pid > 0 && i < 20; i++) {
                (void)meanwhile_poll(NULL, 0, 50);
                pid = note_read(a, path);
        }
        return pid;
}

pid_t inside_hanging(struct arena *a, const char *root, uint32_t vmid) {
        const char *path = note_path(a, root, vmid);
        _cleanup_(cleanup_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

        return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 ? note_read(a, path) : 0;
}

/* ---- the helper ---- */

/** struct found - what the helper leaves */
struct found {
        int problem; /* as inside_call() returns it */
        const char *why;
        const void *result;
};

/* The init process that lxc-info names: 0, INSIDE_E_STOPPED, negative errno. */
static int init_pid(struct arena *a, const struct inside_job *job, unsigned *ret) {
        const char *const argv[] = { "lxc-info", "-n", arena_printf(a, "%u", job->vmid),
                                     "-p",       "-H", NULL };
        struct spawn_job info = { argv, { 0 }, INFO_MS, 4096, job->root };
        struct spawn_result result = { 0 };
        uint32_t pid = 0;
        int r = spawn_run(a, &info, &result);

        if (r != 0)
                return r < 0 ? r : -ETIMEDOUT;
        while (result.status == 0 && result.output.len > 0 &&
               !parse_u32(bytes_trim(bytes_line(&result.output)), &pid))
                ; /* a warning */
        *ret = pid;
        return pid > 0 ? 0 : INSIDE_E_STOPPED;
}

/* The process is held by pidfd first: if it is still there at the end, all was learned of it. */
static int hold(struct inside *in, const char **ret_why) {
        struct bytes text;

        in->pidfd = pidfd_open((pid_t)in->pid, 0);
        in->root_fd = inside_open(in->pid);
        if (in->pidfd < 0 || in->root_fd < 0 ||
            file_read(in->arena, arena_printf(in->arena, "/proc/%u/cgroup", in->pid), CGROUP_MAX,
                      &text) < 0)
                return INSIDE_E_STOPPED;
        if (cgroup_is_of(text, in->vmid))
                return 0;
        *ret_why = arena_printf(in->arena, WHY_INIT_OTHER, in->pid);
        return INSIDE_E_OTHER;
}

/* Another process of its number in the same namespaces shows the same /dev. */
static bool is_where_it_was(struct inside *in, const struct held_init *init) {
        const char *why;

        in->pid = init->pid;
        if (in->pid > 0 && hold(in, &why) == 0 && inside_namespace(in, "mnt") == init->mounts &&
            inside_namespace(in, "user") == init->users)
                return true;
        cleanup_close(&in->pidfd);
        cleanup_close(&in->root_fd);
        return false;
}

static int enter(struct inside *in, const struct inside_job *job, const char **ret_why) {
        int r;

        if (is_where_it_was(in, &job->init))
                return 0;
        r = init_pid(in->arena, job, &in->pid);
        if (r < 0)
                *ret_why = spawn_error(in->arena, "lxc-info", "lxc-pve", r);
        return r != 0 ? r : hold(in, ret_why);
}

bool inside_keep(struct inside *in, const void *result) {
        struct pollfd end = { .fd = in->pidfd, .events = POLLIN };

        if (poll(&end, 1, 0) != 0) {
                in->found->problem = INSIDE_E_STOPPED;
                return false;
        }
        in->found->result = result;
        return true;
}

static void helper_main(struct arena *a, void *user, const void **ret) {
        const struct inside_job *job = user;
        struct found *found = arena_alloc(a, sizeof(*found));
        struct inside in = {
                .arena = a, .vmid = job->vmid, .found = found, .pidfd = -1, .root_fd = -1
        };
        int note = open(note_path(a, job->root, job->vmid), O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

        if (note >= 0) {
                note_write(note, getpid());
                close(note);
        }
        *ret = found;
        found->problem = enter(&in, job, &found->why);
        if (found->problem == 0)
                job->look(&in, job->user);
}

/* ---- its caller ---- */

static const char *why_not(struct arena *a, const struct inside_job *job, int problem,
                           pid_t hangs) {
        const char *late = arena_printf(a, WHY_INSIDE_LATE, job->timeout_ms / 1000);

        switch (problem) {
        case INSIDE_E_STOPPED:
                return WHY_INSIDE_STOPPED;
        case INSIDE_E_TIMEOUT:
                return late;
        case INSIDE_E_HANGS:
                return arena_printf(a, WHY_INSIDE_HANGS, late, (int)hangs);
        case INSIDE_E_BUSY:
                return arena_printf(a, WHY_INSIDE_BUSY, late);
        default:
                return strerror(-problem);
        }
}

/* Where that fails it goes on naming a process that has ended, which is as good. */
static void note_clear(int note) {
        if (ftruncate(note, 0) < 0)
                return;
}

static int call(struct arena *a, const struct inside_job *job, int note,
                struct inside_answer *ret) {
        struct spawn_call helper = { helper_main, (void *)job, job->timeout_ms };
        struct spawn_result result = { 0 };
        const struct found *found;
        int r = spawn_call(a, &helper, &result);

        if (note >= 0 && r == SPAWN_E_ABANDONED)
                note_write(note, result.abandoned);
        else if (note >= 0)
                note_clear(note);
        found = result.result;
        if (found)
                ret->result = found->result;
        if (r < 0 || (r == 0 && found->problem == 0))
                return r;
        ret->hangs = result.abandoned;
        if (r == 0)
                ret->why = found->why;
        return r == 0 ? found->problem : r == SPAWN_E_ABANDONED ? INSIDE_E_HANGS : INSIDE_E_TIMEOUT;
}

int inside_call(struct arena *a, const struct inside_job *job, struct inside_answer *ret) {
        _cleanup_(cleanup_close) int note = -1;
        int r = note_lock(a, job, &note);

        *ret = (struct inside_answer){ 0 };
        if (r == 0 && note >= 0)
                ret->hangs = earlier(a, job);
        if (ret->hangs > 0) {
                r = INSIDE_E_HANGS;
                ret->why = arena_printf(a, WHY_INSIDE_HUNG, (int)ret->hangs);
        }
        if (r == 0)
                r = call(a, job, note, ret);
        if (r != 0 && !ret->why)
                ret->why = why_not(a, job, r, ret->hangs);
        return r;
}
