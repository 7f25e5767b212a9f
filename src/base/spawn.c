/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * spawn - other programs, without a shell and without leaving anything behind
 *
 * Where a program is does not depend on who calls us: PATH of a root shell by su, of
 * Proxmox's daemons or of none at all decides nothing here.
 *
 * None of them may hold us up, those of a container least of all. Their input is in the pipe
 * before they start, so that a program that does not read can neither block us nor raise
 * SIGPIPE, and one poll loop is enough.
 */
#include "base/spawn.h"

#include "base/meanwhile.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define KILL_MS 1000 /* a process that can end at all does, once it is killed */
#define END_STEP_MS 5
#define HELPER_MEMORY (64 * 1024 * 1024)
#define HELPER_OUTPUT (64 * 1024) /* of an error that ends it */

static bool is_program(const char *path) {
        struct stat st;

        return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* The path of @name, which stays as it is when it has a slash; 0 or -ENOENT. */
static int program_find(const char *root, const char *name, char path[static PATH_MAX]) {
        static const char *const folders[] = { "/usr/sbin", "/usr/bin", "/sbin", "/bin" };

        if (strchr(name, '/'))
                return snprintf(path, PATH_MAX, "%s", name) < PATH_MAX ? 0 : -ENOENT;
        if (root && *root && snprintf(path, PATH_MAX, "%s/usr/sbin/%s", root, name) < PATH_MAX &&
            is_program(path))
                return 0;
        for (size_t i = 0; i < ELEMENTS(folders); i++)
                if (snprintf(path, PATH_MAX, "%s/%s", folders[i], name) < PATH_MAX &&
                    is_program(path))
                        return 0;
        return -ENOENT;
}

const char *spawn_error(struct arena *a, const char *program, const char *package, int error) {
        if (error != -ENOENT)
                return arena_printf(a, "%s: %s", program, strerror(-error));
        return arena_printf(a, "%s is not in /usr/sbin, /usr/bin, /sbin or /bin (package %s)",
                            program, package);
}

void spawn_show(const struct spawn_result *r) {
        if (r->output.len > 0)
                (void)fwrite(r->output.data, 1, r->output.len, stderr);
}

/* @in is to be read by the child, @out is for what it prints. */
static int child_actions(posix_spawn_file_actions_t *actions, int in, int out) {
        int r = posix_spawn_file_actions_adddup2(actions, in, STDIN_FILENO);

        if (r == 0)
                r = posix_spawn_file_actions_adddup2(actions, out, STDOUT_FILENO);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(actions, out, STDERR_FILENO);
        if (r == 0)
                r = posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
        return r;
}

/* A session of its own; no signal blocked, and as they should be those that our mains ignore. */
static void child_attributes(posix_spawnattr_t *attr) {
        sigset_t none, ignored;

        sigemptyset(&none);
        sigemptyset(&ignored);
        sigaddset(&ignored, SIGPIPE);
        sigaddset(&ignored, SIGXFSZ);
        posix_spawnattr_setsigmask(attr, &none);
        posix_spawnattr_setsigdefault(attr, &ignored);
        posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
                                               POSIX_SPAWN_SETSIGDEF);
}

static int child_start(const struct spawn_job *job, int in, int out, pid_t *ret) {
        static const char *const env[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL };
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attr;
        char path[PATH_MAX];
        int r = program_find(job->root, job->argv[0], path);

        if (r < 0)
                return r;
        r = posix_spawn_file_actions_init(&actions);
        if (r != 0)
                return -r;
        r = posix_spawnattr_init(&attr);
        if (r == 0) {
                child_attributes(&attr);
                r = child_actions(&actions, in, out);
                if (r == 0)
                        r = posix_spawn(ret, path, &actions, &attr, (char **)job->argv,
                                        (char **)env);
                posix_spawnattr_destroy(&attr);
        }
        posix_spawn_file_actions_destroy(&actions);
        return -r;
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

/* @from does not block */
static int output_pipe(int *ret_from, int *ret_to) {
        int fds[2];

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        *ret_from = fds[0];
        *ret_to = fds[1];
        return fcntl(fds[0], F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

/** struct child - one that runs, and the pipe with what it prints */
struct child {
        pid_t pid;
        int from;
        struct strbuf out;
};

/* Until the child has ended (0), or has to be ended (enum spawn_problem). */
static int child_watch(int pidfd, struct child *c, const struct spawn_job *job) {
        struct pollfd fds[] = {
                { .fd = pidfd, .events = POLLIN },
                { .fd = c->from, .events = POLLIN },
        };
        int64_t end = now_ms() + job->timeout_ms;

        for (;;) {
                int64_t left = end - now_ms();

                if (left <= 0)
                        return SPAWN_E_TIMEOUT;
                if (meanwhile_poll(fds, ELEMENTS(fds), left < INT32_MAX ? (int)left : INT32_MAX) <
                            0 &&
                    errno != EINTR)
                        return -errno;
                if (!output_take(c->from, job->max_output, &c->out))
                        return SPAWN_E_OUTPUT;
                if (fds[0].revents)
                        return 0;
                /* the pipe was closed: from here on only the end of the child is of interest */
                if (fds[1].revents & (POLLHUP | POLLERR))
                        fds[1].fd = -1;
        }
}

/* The first of our children. */
static pid_t child_first(void) {
        _cleanup_(cleanup_file) FILE *f = fopen("/proc/thread-self/children", "re");
        int pid = 0;

        return f && fscanf(f, "%d", &pid) == 1 ? pid : 0;
}

/* A process that hangs in the kernel, in a request to a FUSE server that never answers, does not
 * die of SIGKILL. It is left to whoever inherits it. */
static pid_t abandoned;

pid_t spawn_abandoned(void) {
        if (abandoned > 0 && waitpid(abandoned, NULL, WNOHANG) != 0)
                abandoned = 0;
        return abandoned;
}

int spawn_end(pid_t pid, int *ret_status) {
        int64_t end = now_ms() + KILL_MS;
        bool ended = false;

        /* not waited for yet, so neither its number nor its group's can be another's */
        kill(pid, SIGKILL);
        kill(-pid, SIGKILL);
        for (;;) {
                int status;
                pid_t p = waitpid(ended ? -pid : pid, &status, WNOHANG);

                if (p == pid) {
                        ended = true;
                        *ret_status = WIFEXITED(status) ? WEXITSTATUS(status)
                                                        : 128 + WTERMSIG(status);
                } else if (p < 0 && errno != EINTR) {
                        return ended ? 0 : -errno;
                } else if (p == 0 && now_ms() >= end) {
                        abandoned = ended ? child_first() : pid;
                        return SPAWN_E_ABANDONED;
                } else if (p == 0) {
                        (void)meanwhile_poll(NULL, 0, END_STEP_MS);
                }
        }
}

static int child_finish(struct child *c, const struct spawn_job *job, struct spawn_result *ret) {
        _cleanup_(cleanup_close) int pidfd = pidfd_open(c->pid, 0);
        int problem = pidfd < 0 ? -errno : child_watch(pidfd, c, job);
        int r = spawn_end(c->pid, &ret->status);

        ret->abandoned = spawn_abandoned();
        ret->output = strbuf_bytes(&c->out);
        return r ? r : problem;
}

int spawn_run(struct arena *a, const struct spawn_job *job, struct spawn_result *ret) {
        _cleanup_(cleanup_close) int in = pipe_filled(job->input), from = -1, to = -1;
        struct child child = { .out = { .arena = a } };
        int r;

        if (in < 0)
                return in;
        r = output_pipe(&from, &to);
        if (r == 0)
                r = child_start(job, in, to, &child.pid);
        if (r < 0)
                return r;
        cleanup_close(&to);
        to = -1;
        child.from = from;
        return child_finish(&child, job, ret);
}

/** struct shared - what a helper leaves, at the beginning of the arena that it shares with us */
struct shared {
        const void *result;
        pid_t abandoned;
};

/** struct helper - what it needs to begin */
struct helper {
        const struct spawn_call *call;
        struct arena memory; /* shared with us */
        struct shared *shared;
        int out; /* the pipe's end for what it prints */
};

static _Noreturn void helper_run(struct helper *h, pid_t parent) {
        int in = open("/dev/null", O_RDONLY | O_CLOEXEC);

        meanwhile_set(NULL, NULL);
        setpgid(0, 0);
        if (in < 0 || dup2(in, STDIN_FILENO) < 0 || dup2(h->out, STDOUT_FILENO) < 0 ||
            dup2(h->out, STDERR_FILENO) < 0 || close_range(STDERR_FILENO + 1, ~0U, 0) < 0 ||
            chdir("/") < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0 ||
            prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
                _exit(1);
        h->call->call(&h->memory, h->call->user, &h->shared->result);
        fflush(NULL);
        h->shared->abandoned = spawn_abandoned();
        _exit(0);
}

/* Its number, or negative errno. */
static pid_t helper_start(struct helper *h) {
        pid_t parent = getpid(), pid;

        fflush(NULL);
        pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0)
                helper_run(h, parent);
        setpgid(pid, pid); /* whichever of the two comes first */
        return pid;
}

int spawn_call(struct arena *a, const struct spawn_call *call, struct spawn_result *ret) {
        struct spawn_job limits = { .timeout_ms = call->timeout_ms, .max_output = HELPER_OUTPUT };
        _cleanup_(cleanup_close) int from = -1, to = -1;
        struct child child = { .out = { .arena = a } };
        struct helper h = { .call = call };
        int r = output_pipe(&from, &to);

        if (r == 0)
                r = arena_share(HELPER_MEMORY, &h.memory);
        if (r < 0)
                return r;
        h.shared = arena_alloc(&h.memory, sizeof(*h.shared));
        h.out = to;
        child.from = from;
        child.pid = helper_start(&h);
        cleanup_close(&to);
        to = -1;
        r = child.pid < 0 ? child.pid : child_finish(&child, &limits, ret);
        arena_take(a, &h.memory);
        spawn_show(ret);
        ret->result = h.shared->result;
        if (r == 0 && h.shared->abandoned) {
                ret->abandoned = h.shared->abandoned;
                return SPAWN_E_ABANDONED;
        }
        return r == 0 && ret->status != 0 ? -EIO : r;
}
