/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* spawn - other programs, without a shell and without leaving anything behind */
#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#define MAX_OUTPUT (64 * 1024)

static int child_start(const char *const argv[], int out, pid_t *ret) {
        static const char *const env[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL };
        posix_spawn_file_actions_t actions;
        int r;

        r = posix_spawn_file_actions_init(&actions);
        if (r != 0)
                return -r;
        r = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        if (r == 0 && out >= 0)
                r = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
        else if (r == 0)
                r = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
        if (r == 0)
                r = posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
        if (r == 0)
                r = posix_spawnp(ret, argv[0], &actions, NULL, (char **)argv, (char **)env);
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
        int r = child_start(argv, -1, &pid);

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
        r = child_start(argv, fds[1], &pid);
        close(fds[1]);
        if (r < 0)
                return r;
        while ((n = read(from, chunk, sizeof(chunk))) > 0 || (n < 0 && errno == EINTR))
                if (n > 0 && out.len < MAX_OUTPUT)
                        strbuf_add(&out, chunk, (size_t)n);
        *ret = strbuf_bytes(&out);
        return child_wait(pid, ret_status);
}
