/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * spawn - other programs, without a shell and without leaving anything behind
 *
 * spawn_run() is for programs that others own, such as those of a container.
 * Their input is in the pipe before they start, so that a program that does not
 * read can neither block us nor raise SIGPIPE, and one poll loop is enough.
 */
#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>

#define MAX_OUTPUT (64 * 1024)

/** struct stdio - descriptors for a child, -1: /dev/null, for stderr ours */
struct stdio {
        int in, out, err;
};

static int stdio_set(posix_spawn_file_actions_t *actions, int from, int to) {
        if (from >= 0)
                return posix_spawn_file_actions_adddup2(actions, from, to);
        if (to == STDERR_FILENO)
                return 0;
        return posix_spawn_file_actions_addopen(actions, to, "/dev/null",
                                                to == STDIN_FILENO ? O_RDONLY : O_WRONLY, 0);
}

/* @attr: NULL for a child in our own session */
static int child_start(const char *const argv[], const struct stdio *io,
                       const posix_spawnattr_t *attr, pid_t *ret) {
        static const char *const env[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL };
        posix_spawn_file_actions_t actions;
        int r;

        r = posix_spawn_file_actions_init(&actions);
        if (r != 0)
                return -r;
        r = stdio_set(&actions, io->in, STDIN_FILENO);
        if (r == 0)
                r = stdio_set(&actions, io->out, STDOUT_FILENO);
        if (r == 0)
                r = stdio_set(&actions, io->err, STDERR_FILENO);
        if (r == 0)
                r = posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
        if (r == 0)
                r = posix_spawnp(ret, argv[0], &actions, attr, (char **)argv, (char **)env);
        posix_spawn_file_actions_destroy(&actions);
        return -r;
}

static int child_wait(pid_t pid, int *ret_status) {
        int status;

        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        *ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        return 0;
}

int spawn_wait(const char *const argv[], int *ret_status) {
        pid_t pid;
        int r = child_start(argv, &(struct stdio){ -1, -1, -1 }, NULL, &pid);

        return r < 0 ? r : child_wait(pid, ret_status);
}

int spawn_read(struct arena *a, const char *const argv[], int *ret_status, struct bytes *ret) {
        _cleanup_(cleanup_close) int from = -1;
        struct strbuf out = { .arena = a };
        char chunk[4096];
        int fds[2], r;
        ssize_t n;
        pid_t pid;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        from = fds[0];
        r = child_start(argv, &(struct stdio){ -1, fds[1], -1 }, NULL, &pid);
        close(fds[1]);
        if (r < 0)
                return r;
        while ((n = read(from, chunk, sizeof(chunk))) > 0 || (n < 0 && errno == EINTR))
                if (n > 0 && out.len < MAX_OUTPUT)
                        strbuf_add(&out, chunk, (size_t)n);
        *ret = strbuf_bytes(&out);
        return child_wait(pid, ret_status);
}

static int64_t now_ms(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* A pipe with all of @input in it and its end behind; the descriptor to read from. */
static int pipe_filled(struct bytes input) {
        ssize_t n = 0;
        int fds[2];

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        if (input.len > SPAWN_INPUT_MAX || fcntl(fds[1], F_SETFL, O_NONBLOCK) < 0)
                n = -1;
        else if (input.len > 0)
                n = write(fds[1], input.data, input.len);
        close(fds[1]);
        if (n >= 0 && (size_t)n == input.len)
                return fds[0];
        close(fds[0]);
        return -EMSGSIZE;
}

/* What is in the pipe now, without waiting; false when it is more than there may be. */
static bool output_take(int from, size_t max, struct strbuf *out) {
        char chunk[4096];
        ssize_t n;

        while ((n = read(from, chunk, sizeof(chunk))) > 0) {
                size_t room = max - out->len;

                strbuf_add(out, chunk, (size_t)n < room ? (size_t)n : room);
                if ((size_t)n > room)
                        return false;
        }
        return true;
}

/* Until the child has ended (0), or has to be ended (enum spawn_problem). */
static int child_watch(int pidfd, int from, const struct spawn_job *job, struct strbuf *out) {
        struct pollfd fds[] = {
                { .fd = pidfd, .events = POLLIN },
                { .fd = from, .events = POLLIN },
        };
        int64_t end = now_ms() + job->timeout_ms;

        for (;;) {
                int64_t left = end - now_ms();

                if (left <= 0)
                        return SPAWN_E_TIMEOUT;
                if (poll(fds, ELEMENTS(fds), left < INT32_MAX ? (int)left : INT32_MAX) < 0 &&
                    errno != EINTR)
                        return -errno;
                if (!output_take(from, job->max_output, out))
                        return SPAWN_E_OUTPUT;
                if (fds[0].revents)
                        return 0;
                /* the pipe was closed: from here on only the end of the child is of interest */
                if (fds[1].revents & (POLLHUP | POLLERR))
                        fds[1].fd = -1;
        }
}

/* The child is not waited for yet, so neither its number nor its group's can be another's. */
static int child_finish(pid_t pid, int from, const struct spawn_job *job, struct strbuf *out,
                        struct spawn_result *ret) {
        _cleanup_(cleanup_close) int pidfd = pidfd_open(pid, 0);
        int problem = pidfd < 0 ? -errno : child_watch(pidfd, from, job, out), r;

        kill(-pid, SIGKILL);
        r = child_wait(pid, &ret->status);
        ret->output = strbuf_bytes(out);
        return problem ? problem : r;
}

/* A session of its own; no signal blocked and SIGPIPE as it should be, whatever our mains do. */
static int child_start_apart(const char *const argv[], const struct stdio *io, pid_t *ret) {
        posix_spawnattr_t attr;
        sigset_t none, pipe_only;
        int r;

        sigemptyset(&none);
        sigemptyset(&pipe_only);
        sigaddset(&pipe_only, SIGPIPE);
        r = posix_spawnattr_init(&attr);
        if (r != 0)
                return -r;
        posix_spawnattr_setsigmask(&attr, &none);
        posix_spawnattr_setsigdefault(&attr, &pipe_only);
        posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
                                                POSIX_SPAWN_SETSIGDEF);
        r = child_start(argv, io, &attr, ret);
        posix_spawnattr_destroy(&attr);
        return r;
}

int spawn_run(struct arena *a, const struct spawn_job *job, struct spawn_result *ret) {
        _cleanup_(cleanup_close) int in = pipe_filled(job->input), from = -1;
        struct strbuf out = { .arena = a };
        int fds[2], r;
        pid_t pid;

        if (in < 0)
                return in;
        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        from = fds[0];
        r = fcntl(from, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
        if (r == 0)
                r = child_start_apart(job->argv, &(struct stdio){ in, fds[1], fds[1] }, &pid);
        close(fds[1]);
        return r < 0 ? r : child_finish(pid, from, job, &out, ret);
}

int spawn_call(int (*call)(void *user), void *user, unsigned timeout_ms, int *ret_status) {
        struct spawn_job job = { .timeout_ms = timeout_ms };
        struct spawn_result result = { 0 };
        struct strbuf none = { 0 };
        pid_t pid;
        int r;

        fflush(NULL);
        pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0) {
                setpgid(0, 0);
                r = call(user);
                fflush(NULL);
                _exit(r);
        }
        setpgid(pid, pid); /* whichever of the two comes first */
        r = child_finish(pid, -1, &job, &none, &result);
        *ret_status = result.status;
        return r;
}
