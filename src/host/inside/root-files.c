/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * root-files - reading below a root that somebody else owns
 *
 * The kernel resolves a path as if the container's root folder were "/"
 * (openat2), so that no link leads out of it. A file is read only from the file
 * system that the root folder itself is on: the container's root mounts what it
 * likes, FUSE that never answers or /proc with /proc/kmsg, but not there.
 *
 * Where openat2() is missing or filtered, each component is opened by itself
 * with O_PATH | O_NOFOLLOW, and a link at any depth ends the walk. A file's
 * content is read through /proc/self/fd of the descriptor that was looked at,
 * so that it cannot be exchanged in between.
 */
#include "host/inside/root-files.h"

#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

enum { MAX_NAMES = 256, MAX_ENTRIES = 4096 };

int inside_open(unsigned pid) {
        char path[64];
        int fd;

        snprintf(path, sizeof(path), "/proc/%u/root", pid);
        fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

uint64_t inside_namespace(const struct inside *in, const char *kind) {
        struct stat st;

        return stat(arena_printf(in->arena, "/proc/%u/ns/%s", in->pid, kind), &st) == 0
                       ? (uint64_t)st.st_ino
                       : 0;
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

static int find(int root_fd, const char *path, uint64_t flags, uint64_t resolve) {
        struct open_how how = { .flags = O_PATH | O_CLOEXEC | flags,
                                .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve };
        long fd = syscall(SYS_openat2, root_fd, path, &how, sizeof(how));

        return fd < 0 ? -errno : (int)fd;
}

static bool no_openat2(int r) {
        return r == -ENOSYS || r == -EPERM; /* EPERM: a seccomp filter that does not know it */
}

/* What is at @path itself, on whatever file system; the last component may be a link, none before.
 */
static int find_node(int root_fd, const char *path) {
        int fd = find(root_fd, path, O_NOFOLLOW, RESOLVE_NO_SYMLINKS);

        return no_openat2(fd) ? walk(root_fd, path) : fd;
}

static bool same_mount(int x, int y) {
        struct statx a, b;

        return statx(x, "", AT_EMPTY_PATH, STATX_MNT_ID, &a) == 0 &&
               statx(y, "", AT_EMPTY_PATH, STATX_MNT_ID, &b) == 0 &&
               (a.stx_mask & b.stx_mask & STATX_MNT_ID) && a.stx_mnt_id == b.stx_mnt_id;
}

/* What @path leads to, on the root folder's own file system. */
static int find_file(int root_fd, const char *path) {
        int fd = find(root_fd, path, 0, RESOLVE_NO_XDEV);

        if (!no_openat2(fd))
                return fd;
        fd = walk(root_fd, path);
        if (fd >= 0 && !same_mount(root_fd, fd)) {
                close(fd);
                return -EXDEV;
        }
        return fd;
}

int inside_find(int root_fd, const char *path, struct inside_node *ret) {
        int fd = find_node(root_fd, path);
        struct stat st;

        *ret = (struct inside_node){ 0 };
        if (fd < 0)
                return fd;
        if (fstat(fd, &st) < 0 || S_ISLNK(st.st_mode)) {
                close(fd);
                return -ELOOP;
        }
        *ret = (struct inside_node){
                .present = true,
                .is_char = S_ISCHR(st.st_mode),
                .number = { major(st.st_rdev), minor(st.st_rdev), S_ISBLK(st.st_mode) },
                .uid = st.st_uid,
                .gid = st.st_gid,
                .mode = st.st_mode & 07777,
                .device = st.st_dev,
                .removed = st.st_nlink == 0,
        };
        return fd;
}

struct inside_node inside_look(int root_fd, const char *path) {
        struct inside_node n;
        _cleanup_(cleanup_close) _unused_ int fd = inside_find(root_fd, path, &n);

        return n;
}

int inside_read(const struct inside *in, const char *path, size_t max, struct bytes *ret) {
        _cleanup_(cleanup_close) int fd = find_file(in->root_fd, path);
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
        return file_read(in->arena, link, max, ret);
}

/* "libcuda.so.550.163.01" of "/usr/lib/x86_64-linux-gnu/libcuda.so.550.163.01" */
static const char *name_of(struct arena *a, int fd) {
        char link[64], target[PATH_MAX];
        const char *slash;
        ssize_t n;

        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        n = readlink(link, target, sizeof(target) - 1);
        target[n > 0 ? n : 0] = '\0';
        slash = strrchr(target, '/');
        return arena_strdup(a, slash ? slash + 1 : "");
}

int inside_resolve(const struct inside *in, const char *path, struct inside_file *ret) {
        int fd = find(in->root_fd, path, 0, 0);
        struct stat st;

        if (fd < 0)
                return fd;
        if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
                close(fd);
                return -EINVAL;
        }
        *ret = (struct inside_file){ name_of(in->arena, fd), st.st_dev, st.st_ino };
        return fd;
}

bool inside_is_link(const struct inside *in, const char *path) {
        _cleanup_(cleanup_close) int fd = find(in->root_fd, path, O_NOFOLLOW, 0);
        struct stat st;

        return fd >= 0 && fstat(fd, &st) == 0 && S_ISLNK(st.st_mode);
}

int inside_open_folder(const struct inside *in, const char *path) {
        _cleanup_(cleanup_close) int fd = find(in->root_fd, path, O_DIRECTORY, 0);
        int folder = fd < 0 ? fd : openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return fd >= 0 && folder < 0 ? -errno : folder;
}

int inside_list(const struct inside *in, const char *path, const char ***ret, size_t *ret_n) {
        _cleanup_(cleanup_close) int fd = find_node(in->root_fd, path);
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
        for (size_t i = 0; i < MAX_ENTRIES && n < MAX_NAMES; i++) {
                const struct dirent *d = readdir(dir);

                if (!d)
                        break;
                if (d->d_name[0] != '.')
                        *ARENA_PUSH(in->arena, names, n) = arena_strdup(in->arena, d->d_name);
        }
        closedir(dir);
        *ret = names;
        *ret_n = n;
        return 0;
}

size_t inside_drm_nodes(const struct inside *in, struct inside_drm **ret) {
        const struct family *drm = &families[FAMILY_CARD];
        const char **names = NULL;
        struct inside_drm *nodes = NULL;
        size_t n_names = 0, n = 0;

        (void)inside_list(in, drm->folder, &names, &n_names); /* without it, none */
        for (size_t i = 0; i < n_names; i++) {
                const char *path = arena_printf(in->arena, "%s/%s", drm->folder, names[i]);
                struct inside_node node = inside_look(in->root_fd, path);

                if (node.is_char && node.number.major == drm->major)
                        *ARENA_PUSH(in->arena, nodes, n) = (struct inside_drm){
                                path, family_of_number(NULL, node.number)->kind, node
                        };
        }
        *ret = nodes;
        return n;
}
