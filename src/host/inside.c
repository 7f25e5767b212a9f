/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * inside - reading below a root that somebody else owns
 *
 * The paths are ours and short, so each component is opened by itself with
 * O_PATH | O_NOFOLLOW: a link planted at any depth ends the walk, on every
 * kernel. A file's content is read through /proc/self/fd of the descriptor that
 * was looked at, so that it cannot be exchanged in between.
 */
#include "host/inside.h"

#include "base/file.h"
#include "base/spawn.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define MAX_NAMES 256

int inside_open(unsigned pid) {
        char path[64];
        int fd;

        snprintf(path, sizeof(path), "/proc/%u/root", pid);
        fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

/* Descriptor (O_PATH) of what is at @path, which may be a link only as the last component. */
static int walk(int root_fd, const char *path) {
        int fd = fcntl(root_fd, F_DUPFD_CLOEXEC, 3);

        while (fd >= 0 && *path) {
                size_t n = strcspn(path, "/");
                char name[256];
                int next;

                if (n == 0) {
                        path++;
                        continue;
                }
                if (n >= sizeof(name) || (n == 2 && path[0] == '.' && path[1] == '.')) {
                        close(fd);
                        return -EINVAL;
                }
                memcpy(name, path, n);
                name[n] = '\0';
                path += n;
                next = openat(fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
                if (next < 0)
                        next = -errno;
                close(fd);
                fd = next;
        }
        return fd;
}

struct inside_node inside_look(int root_fd, const char *path) {
        _cleanup_(cleanup_close) int fd = walk(root_fd, path);
        struct inside_node n = { 0 };
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0 || S_ISLNK(st.st_mode))
                return n;
        n.present = true;
        n.is_char = S_ISCHR(st.st_mode);
        n.major = major(st.st_rdev);
        n.minor = minor(st.st_rdev);
        return n;
}

int inside_read(struct arena *a, int root_fd, const char *path, size_t max, struct bytes *ret) {
        _cleanup_(cleanup_close) int fd = walk(root_fd, path);
        char link[64];
        struct stat st;

        if (fd < 0)
                return fd;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (S_ISLNK(st.st_mode))
                return -ELOOP;
        if (!S_ISREG(st.st_mode))
                return -EINVAL;
        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        return file_read(a, link, max, ret);
}

int inside_list(struct arena *a, int root_fd, const char *path, const char ***ret, size_t *ret_n) {
        _cleanup_(cleanup_close) int fd = walk(root_fd, path);
        const char **names = NULL;
        size_t n = 0;
        int dir_fd;
        DIR *dir;

        if (fd < 0)
                return fd;
        dir_fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir_fd < 0)
                return -errno;
        dir = fdopendir(dir_fd);
        if (!dir) {
                close(dir_fd);
                return -ENOMEM;
        }
        for (struct dirent *d; n < MAX_NAMES && (d = readdir(dir));)
                if (d->d_name[0] != '.')
                        *ARENA_PUSH(a, names, n) = arena_strdup(a, d->d_name);
        closedir(dir);
        *ret = names;
        *ret_n = n;
        return 0;
}

unsigned inside_init_pid(struct arena *a, uint32_t vmid) {
        const char *name = arena_printf(a, "%u", vmid);
        const char *const argv[] = { "lxc-info", "-n", name, "-p", "-H", NULL };
        struct bytes out;
        uint32_t pid;
        int status;

        if (spawn_read(a, argv, &status, &out) < 0 || status != 0 ||
            !parse_u32(bytes_trim(out), &pid))
                return 0;
        return pid;
}
