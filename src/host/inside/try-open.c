/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * inside-try - permission, tried instead of computed
 *
 * Three things refuse: the ids (EACCES), the BPF program of the cgroup or of one above it
 * (EPERM), the driver (anything else). A computed answer would have to know all three.
 */
#include "host/inside/try-open.h"

#include "base/file.h"
#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/*
 * The cgroup that restricts devices for @pid, of lines such as
 *
 *     5:devices:/lxc/101                 cgroup v1, where a host still has it
 *     0::/lxc/101/ns/init.scope          cgroup v2
 */
static int cgroup_path(char *path, size_t size, unsigned pid) {
        _cleanup_arena_ struct arena a = { 0 };
        const char *hierarchy = NULL;
        struct bytes text, where = { 0 };
        int r;

        r = file_read(&a, arena_printf(&a, "/proc/%u/cgroup", pid), 64 * 1024, &text);
        if (r < 0)
                return r;
        while (text.len > 0) {
                struct bytes line = bytes_cut(&text, '\n'), id = bytes_cut(&line, ':');
                struct bytes controllers = bytes_cut(&line, ':');
                bool v1 = bytes_equal(controllers, BYTES("devices"));

                if (!v1 && (hierarchy || !bytes_equal(id, BYTES("0"))))
                        continue;
                hierarchy = v1 ? "/devices" : "";
                where = line;
        }
        if (!hierarchy)
                return -ENOENT;
        r = snprintf(path, size, "/sys/fs/cgroup%s%.*s/cgroup.procs", hierarchy, (int)where.len,
                     where.data);
        return (size_t)r < size ? 0 : -ENAMETOOLONG;
}

static bool same_namespace(unsigned pid, int ns_fd) {
        struct stat ours, theirs;

        return stat("/proc/self/ns/user", &ours) == 0 && fstat(ns_fd, &theirs) == 0 &&
               ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev;
}

static int enter_cgroup(const char *procs) {
        _cleanup_(cleanup_close) int fd = open(procs, O_WRONLY | O_CLOEXEC);

        return fd >= 0 && write(fd, "0", 1) == 1 ? 0 : -errno;
}

/* The ids, and none of the capabilities that entering the namespace has given. */
static int become(const struct inside_as *as) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct none[2] = { 0 };
        gid_t groups[TRY_MAX_GROUPS];

        for (size_t i = 0; i < as->n_groups; i++)
                groups[i] = as->groups[i];
        if (setgroups(as->n_groups, groups) < 0 || setresgid(as->gid, as->gid, as->gid) < 0 ||
            setresuid(as->uid, as->uid, as->uid) < 0)
                return -errno;
        /* setresuid() drops them only when it leaves uid 0 of the namespace; ours is the host's */
        if (as->uid != 0 && syscall(SYS_capset, &header, none) < 0)
                return -errno;
        return 0;
}

/* The child. Everything that /proc of the host tells is asked before the namespace is entered. */
static struct open_result attempt(unsigned pid, int node_fd, const struct inside_as *as) {
        char procs[PATH_MAX], path[64], name[16];
        int self_fd, ns_fd, r;

        snprintf(path, sizeof(path), "/proc/%u/ns/user", pid);
        snprintf(name, sizeof(name), "%d", node_fd);
        self_fd = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
        ns_fd = open(path, O_RDONLY | O_CLOEXEC);
        if (self_fd < 0 || ns_fd < 0)
                return (struct open_result){ OPEN_USERNS, errno };
        r = cgroup_path(procs, sizeof(procs), pid);
        if (r == 0)
                r = enter_cgroup(procs);
        if (r < 0)
                return (struct open_result){ OPEN_CGROUP, -r };
        if (!same_namespace(pid, ns_fd) && setns(ns_fd, CLONE_NEWUSER) < 0)
                return (struct open_result){ OPEN_USERNS, errno };
        r = become(as);
        if (r < 0)
                return (struct open_result){ OPEN_IDS, -r };
        r = openat(self_fd, name, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        return (struct open_result){ OPEN_DONE, r < 0 ? errno : 0 };
}

struct open_result inside_try(unsigned pid, int node_fd, const struct inside_as *as,
                              unsigned timeout_ms) {
        struct open_result result = { OPEN_PREPARE, 0 };
        struct pollfd answer = { .events = POLLIN };
        int fds[2], status;
        pid_t child;

        if (spawn_abandoned()) /* one that hangs is enough */
                return (struct open_result){ OPEN_PREPARE, EBUSY };
        if (pipe2(fds, O_CLOEXEC) < 0)
                return (struct open_result){ OPEN_PREPARE, errno };
        child = fork();
        if (child == 0) {
                result = attempt(pid, node_fd, as);
                _exit(write(fds[1], &result, sizeof(result)) != sizeof(result));
        }
        result.error = errno;
        close(fds[1]);
        answer.fd = fds[0];
        if (child > 0) {
                result.error = 0;
                if (poll(&answer, 1, (int)timeout_ms) == 0)
                        result.step = OPEN_SLOW;
                else if (read(fds[0], &result, sizeof(result)) != sizeof(result))
                        result = (struct open_result){ OPEN_PREPARE, EIO };
                (void)spawn_end(child, &status);
        }
        close(fds[0]);
        return result;
}
