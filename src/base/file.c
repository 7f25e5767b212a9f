/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * file - reading and replacing whole files
 *
 * Shaped by /etc/pve: no O_TMPFILE, no links, no chmod; rename() is atomic and
 * needs the temporary file in the same directory, a file is at most 1 MiB.
 */
#include "base/file.h"

#include "base/folder.h"
#include "base/meanwhile.h"
#include "base/number.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

int file_read(struct arena *a, const char *path, size_t max, struct bytes *ret) {
        _cleanup_(cleanup_close) int fd = -1;
        size_t size, len = 0;
        char *buffer;
        struct stat st;

        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EINVAL;
        if (st.st_size > 0 && (size_t)st.st_size > max)
                return -EFBIG;

        /* files of sysfs and procfs report a size that is not theirs: read until the end, which
         * it is when one byte more was asked for than came */
        size = (st.st_size > 0 ? (size_t)st.st_size : 4094) + 2;
        buffer = arena_alloc(a, size);
        for (;;) {
                ssize_t n = read(fd, buffer + len, size - 1 - len);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                len += (size_t)n;
                if (len > max)
                        return -EFBIG;
                if (n == 0 || len == (size_t)st.st_size)
                        break;
                if (len == size - 1) {
                        char *bigger = arena_alloc(a, 2 * size);

                        memcpy(bigger, buffer, len);
                        buffer = bigger;
                        size *= 2;
                }
        }
        *ret = (struct bytes){ buffer, len };
        return 0;
}

struct file_mode {
        unsigned mode, flags;
};

static int write_all(int fd, struct bytes content) {
        while (content.len > 0) {
                ssize_t n = write(fd, content.data, content.len);

                if (n < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                content.data += n;
                content.len -= (size_t)n;
        }
        return 0;
}

static int temp_fill(int fd, const char *path, struct bytes content, unsigned flags) {
        struct stat st;
        int r;

        if (!(flags & FILE_NEW) && stat(path, &st) == 0 && fchmod(fd, st.st_mode & 07777) < 0 &&
            errno != EPERM)
                return -errno;
        r = write_all(fd, content);
        if (r < 0)
                return r;
        if ((flags & FILE_SYNC) && fsync(fd) < 0)
                return -errno;
        return 0;
}

/*
 * "101.conf.tmp.4711", not written by a process that still runs; we have none open ourselves.
 * @name: "101.conf"; "": any
 */
static bool is_leftover(const char *entry, const char *name) {
        const char *end = strstr(entry, ".tmp.");
        uint32_t pid;

        return end &&
               (!*name || bytes_equal((struct bytes){ entry, (size_t)(end - entry) },
                                      bytes_of(name))) &&
               parse_u32(bytes_of(end + strlen(".tmp.")), &pid) && pid > 0 && pid <= INT_MAX &&
               (pid == (uint32_t)getpid() || (kill((pid_t)pid, 0) < 0 && errno == ESRCH));
}

void file_sweep(const char *path) {
        const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
        char folder[PATH_MAX];
        _cleanup_(cleanup_dir) DIR *dir = NULL;

        if ((size_t)snprintf(folder, sizeof(folder), "%.*s.", (int)(name - path), path) >=
            sizeof(folder))
                return;
        dir = opendir(folder);
        for (const struct dirent *d; dir && (d = readdir(dir));)
                if (is_leftover(d->d_name, name))
                        (void)unlinkat(dirfd(dir), d->d_name, 0);
}

/* Whether @path has these bytes; without data: whether it is not there. 0, FILE_E_CHANGED, errno */
static int compare(const char *path, struct bytes seen) {
        _cleanup_arena_ struct arena scratch = { 0 };
        struct bytes now;
        int r = file_read(&scratch, path, seen.len, &now);

        if (r == -ENOENT)
                return seen.data ? FILE_E_CHANGED : 0;
        if (r == -EFBIG)
                return FILE_E_CHANGED;
        if (r < 0)
                return r;
        return seen.data && bytes_equal(now, seen) ? 0 : FILE_E_CHANGED;
}

/*
 * A file that has no name before it is whole: a run that is killed leaves nothing, and of a file
 * that is made once no later run would know. -EOPNOTSUPP: this file system has none.
 */
static int link_new(const char *path, struct bytes content, const struct file_mode *m) {
        const char *slash = strrchr(path, '/');
        _cleanup_(cleanup_close) int fd = -1;
        char name[PATH_MAX];
        int r;

        if ((size_t)snprintf(name, sizeof(name), "%.*s.", slash ? (int)(slash + 1 - path) : 0,
                             path) >= sizeof(name))
                return -ENAMETOOLONG;
        fd = open(name, O_WRONLY | O_TMPFILE | O_CLOEXEC, m->mode);
        if (fd < 0)
                return errno == EISDIR ? -EOPNOTSUPP : -errno;
        r = temp_fill(fd, path, content, m->flags);
        if (r < 0)
                return r;
        snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
        if (linkat(AT_FDCWD, name, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0)
                return 0;
        return errno == EEXIST ? -EEXIST : -EOPNOTSUPP; /* no /proc, no links */
}

/* Old ZFS knows no RENAME_NOREPLACE, FAT no hard link. */
static int rename_new(const char *temp, const char *path) {
        if (renameat2(AT_FDCWD, temp, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
                return 0;
        if (errno != EINVAL && errno != ENOSYS)
                return -errno;
        if (link(temp, path) < 0)
                return -errno;
        unlink(temp);
        return 0;
}

static int swap(const char *temp, const char *path, unsigned flags) {
        return renameat2(AT_FDCWD, temp, AT_FDCWD, path, flags) < 0 ? -errno : 0;
}

#define PUT_BACK_MAX (16 * 1024 * 1024)

/*
 * Somebody wrote between comparison and exchange: what he wrote goes back, and so on as long as
 * what comes out of @path is not what went in the time before, because then it is newer.
 */
static int put_back(const char *temp, const char *path, struct bytes in) {
        _cleanup_arena_ struct arena a = { 0 };
        int r = FILE_E_CHANGED;

        while (r == FILE_E_CHANGED) {
                struct bytes newest;

                if (file_read(&a, temp, PUT_BACK_MAX, &newest) < 0 ||
                    swap(temp, path, RENAME_EXCHANGE) < 0)
                        return rename(temp, path) < 0 ? -errno : FILE_E_CHANGED;
                r = compare(temp, in);
                in = newest;
        }
        return r < 0 ? r : FILE_E_CHANGED;
}

/* In place of what was seen, and of nothing else; pmxcfs has no flags, so there rename(2) has to do. */
static int rename_seen(const char *temp, const char *path, const struct file_edit *e) {
        int r = swap(temp, path, e->seen.data ? RENAME_EXCHANGE : RENAME_NOREPLACE);

        if (r == -EINVAL || r == -ENOSYS)
                return rename(temp, path) < 0 ? -errno : 0;
        if (r == -EEXIST || r == -ENOENT)
                return FILE_E_CHANGED;
        if (r < 0 || !e->seen.data)
                return r;
        r = compare(temp, e->seen) == FILE_E_CHANGED ? put_back(temp, path, e->content) : 0;
        unlink(temp);
        return r;
}

static int temp_rename(const char *temp, const char *path, const struct file_edit *e,
                       unsigned flags) {
        if (flags & FILE_NEW)
                return rename_new(temp, path);
        if (e)
                return rename_seen(temp, path, e);
        return rename(temp, path) < 0 ? -errno : 0;
}

/* @e: NULL if the file may have any content */
static int replace(const char *path, const struct file_edit *e, struct bytes content,
                   const struct file_mode *m) {
        char temp[PATH_MAX];
        int fd, r;

        if ((size_t)snprintf(temp, sizeof(temp), "%s.tmp.%d", path, (int)getpid()) >= sizeof(temp))
                return -ENAMETOOLONG;

        file_sweep(path);
        r = (m->flags & FILE_NEW) ? link_new(path, content, m) : -EOPNOTSUPP;
        if (r != -EOPNOTSUPP)
                return r;
        fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, m->mode);
        if (fd < 0)
                return -errno;
        r = temp_fill(fd, path, content, m->flags);
        if (close(fd) < 0 && r == 0)
                r = -errno;
        if (r == 0 && e)
                r = compare(path, e->seen);
        if (r == 0)
                r = temp_rename(temp, path, e, m->flags);
        if (r != 0)
                unlink(temp);
        return r;
}

int file_replace(const char *path, struct bytes content, unsigned mode, unsigned flags) {
        return replace(path, NULL, content, &(struct file_mode){ mode, flags });
}

int file_edit(const char *path, const struct file_edit *e, unsigned mode, unsigned flags) {
        return replace(path, e, e->content, &(struct file_mode){ mode, flags });
}

static int64_t clock_ms(void) {
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* By the clock: on a busy host a short sleep takes as long as a much longer one. */
int file_lock(int fd, unsigned timeout_ms, unsigned step_ms) {
        int64_t end = clock_ms() + timeout_ms;

        while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
                if (errno != EWOULDBLOCK && errno != EINTR)
                        return -errno;
                if (clock_ms() >= end)
                        return -ETIMEDOUT;
                (void)meanwhile_poll(NULL, 0, (int)step_ms);
        }
        return 0;
}

int mkdir_parents(const char *path, unsigned mode) {
        char part[PATH_MAX];
        size_t len = strlen(path);

        if (len >= sizeof(part))
                return -ENAMETOOLONG;
        for (size_t i = 1; i <= len; i++) {
                if (path[i] != '/' && path[i] != '\0')
                        continue;
                memcpy(part, path, i);
                part[i] = '\0';
                if (mkdir(part, mode) < 0 && errno != EEXIST)
                        return -errno;
        }
        return 0;
}
