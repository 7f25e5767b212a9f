/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * change - by descriptors, in the mount namespace of the container
 *
 * The container's root owns that namespace and may have put anything anywhere. So everything is
 * resolved beneath the /dev that is a tmpfs of its own, without links and without crossing a
 * mount (openat2), and what comes in is moved to a descriptor. What comes in is made before: a
 * clone of the host's node, or a node on a tmpfs that is mounted in a namespace of this process
 * alone and goes with it. /run would not do: it is nodev, and a clone inherits that.
 */
#include "host/live/change.h"

#include "base/file.h"
#include "base/spawn.h"
#include "model/finding/reason.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sched.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#endif
#ifndef OPEN_TREE_CLOEXEC
#define OPEN_TREE_CLOEXEC O_CLOEXEC
#endif
#ifndef MOVE_MOUNT_F_EMPTY_PATH
#define MOVE_MOUNT_F_EMPTY_PATH 0x04
#endif
#ifndef MOVE_MOUNT_T_EMPTY_PATH
#define MOVE_MOUNT_T_EMPTY_PATH 0x40
#endif

enum { CHANGE_MS = 4000, STACKED_MAX = 8, MOUNTINFO_MAX = 16 << 20 };

struct change {
        struct arena *a;
        const struct change_place *at;
        struct follow *f;
        uint32_t root_uid, root_gid; /* host ids of the container's root */
        int *mounts;                 /* one per step: what comes in, not mounted anywhere */
        int namespace, root, dev;
};

bool change_is_frozen(uint32_t vmid) {
        _cleanup_arena_ struct arena a = { 0 };
        struct bytes text;

        return file_read(&a, arena_printf(&a, "/sys/fs/cgroup/lxc/%u/cgroup.events", vmid), 4096,
                         &text) == 0 &&
               bytes_contains(text, "frozen 1");
}

static int open_below(int dir, const char *path, uint64_t flags, uint64_t resolve) {
        struct open_how how = { .flags = O_PATH | O_CLOEXEC | O_NOFOLLOW | flags,
                                .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | resolve };
        long fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));

        return fd < 0 ? -errno : (int)fd;
}

/* ---- what comes in ---- */

static int clone_at(int dir, const char *path, struct devnum number) {
        _cleanup_(cleanup_close) int fd =
                (int)syscall(SYS_open_tree, dir, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
        struct stat st;
        int r = fd;

        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode) || major(st.st_rdev) != number.major ||
            minor(st.st_rdev) != number.minor)
                return -ESTALE; /* it has changed again since it was looked at */
        fd = -1;
        return r;
}

static uint32_t host_id(const struct idmap *map, int64_t inside, uint32_t root) {
        uint32_t id;

        return inside >= 0 && idmap_lookup(map, (uint32_t)inside, &id) ? id : root;
}

/* A namespace that no one else sees, and in it a /dev of our own. */
static int make_workshop(void) {
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount("gpuanchor", "/dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=755,size=64k") < 0)
                return -errno;
        return 0;
}

static int make_node(const struct change *c, size_t i) {
        const struct follow_step *s = &c->f->steps[i];
        char path[64];

        snprintf(path, sizeof(path), "/dev/%zu", i);
        if (mknod(path, S_IFCHR | 0600, makedev(s->number.major, s->number.minor)) < 0 ||
            chown(path, host_id(c->at->uids, s->uid, c->root_uid),
                  host_id(c->at->gids, s->gid, c->root_gid)) < 0 ||
            chmod(path, s->mode) < 0)
                return -errno;
        return clone_at(AT_FDCWD, path, s->number);
}

/* The host's nodes first: in the workshop there are none. */
static int make_mounts(struct change *c) {
        bool own = false;
        int r = 0;

        for (size_t i = 0; i < c->f->n; i++) {
                const struct follow_step *s = &c->f->steps[i];

                own |= s->kind == FOLLOW_GIVE && !s->bound;
                c->mounts[i] = s->kind == FOLLOW_GIVE && s->bound
                                       ? clone_at(AT_FDCWD, s->source, s->number)
                                       : -ENOENT;
        }
        if (own)
                r = make_workshop();
        for (size_t i = 0; r == 0 && own && i < c->f->n; i++)
                if (c->f->steps[i].kind == FOLLOW_GIVE && !c->f->steps[i].bound)
                        c->mounts[i] = make_node(c, i);
        return r;
}

/* ---- the container's /dev ---- */

/* "36 35 98:0 / /mnt ...": whether a file system is mounted on the host */
static bool is_hosts(struct arena *a, dev_t device) {
        struct bytes text, line, number = { 0 };
        const char *wanted = arena_printf(a, "%u:%u", major(device), minor(device));

        if (file_read(a, "/proc/self/mountinfo", MOUNTINFO_MAX, &text) < 0)
                return true; /* not known: nothing is touched */
        while (text.len > 0) {
                line = bytes_cut(&text, '\n');
                (void)bytes_word(&line);
                (void)bytes_word(&line);
                number = bytes_word(&line);
                if (bytes_equal(number, bytes_of(wanted)))
                        return true;
        }
        return false;
}

/* Before the namespace is entered: the mounts of the host are to be known. */
static int open_dev(struct change *c) {
        struct statfs fs;
        struct stat st;
        int fd = open_below(c->root, "dev", O_DIRECTORY, RESOLVE_IN_ROOT);

        if (fd < 0)
                return fd;
        if (fstatfs(fd, &fs) < 0 || fstat(fd, &st) < 0 || fs.f_type != TMPFS_MAGIC ||
            is_hosts(c->a, st.st_dev)) {
                close(fd);
                return -EXDEV;
        }
        return fd;
}

/* The folder that a path is in, made where it is not there, and the last name of the path. */
static int open_folder(const struct change *c, const char *path, bool make, const char **ret_name) {
        const char *rest = path, *slash;
        int fd;

        if (!str_has_prefix(path, "/dev/"))
                return -EXDEV;
        rest += strlen("/dev/");
        slash = strchr(rest, '/');
        *ret_name = slash ? slash + 1 : rest;
        if (!**ret_name || strchr(*ret_name, '/') || streq(*ret_name, ".") ||
            streq(*ret_name, ".."))
                return -EINVAL;
        if (!slash)
                return open_below(c->dev, ".", O_DIRECTORY, RESOLVE_BENEATH | RESOLVE_NO_XDEV);
        rest = arena_strndup(c->a, rest, (size_t)(slash - rest));
        fd = open_below(c->dev, rest, O_DIRECTORY, RESOLVE_BENEATH | RESOLVE_NO_XDEV);
        if (fd == -ENOENT && make && mkdirat(c->dev, rest, 0755) == 0)
                fd = open_below(c->dev, rest, O_DIRECTORY, RESOLVE_BENEATH | RESOLVE_NO_XDEV);
        return fd;
}

static uint64_t mount_of(int fd) {
        struct statx st;

        return statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_MNT_ID, &st) == 0
                       ? st.stx_mnt_id
                       : 0;
}

/* What lies there, on whatever mount; nothing is asked of its file system. */
static int top_at(int folder, const char *name, struct stat *ret_st, bool *ret_mounted) {
        _cleanup_(cleanup_close) int fd = open_below(folder, name, 0, RESOLVE_BENEATH);

        if (fd < 0)
                return fd;
        *ret_mounted = mount_of(fd) != mount_of(folder);
        return fstat(fd, ret_st) < 0 ? -errno : 0;
}

static bool is_leftover(const struct stat *st) {
        return S_ISCHR(st->st_mode) || (S_ISREG(st->st_mode) && st->st_size == 0);
}

/* Mount after mount, and at last the file that they were mounted on. */
static int take_out(int folder, const char *name) {
        struct stat st;
        bool mounted;
        int r = 0;

        if (fchdir(folder) < 0)
                return -errno;
        for (int i = 0; r == 0 && i < STACKED_MAX; i++) {
                r = top_at(folder, name, &st, &mounted);
                if (r < 0)
                        return r == -ENOENT ? 0 : r;
                if (!mounted)
                        return !is_leftover(&st) ? -EEXIST
                               : unlinkat(folder, name, 0) < 0 ? -errno : 0;
                if (!S_ISCHR(st.st_mode))
                        return -EEXIST;
                r = umount2(name, MNT_DETACH | UMOUNT_NOFOLLOW) < 0 ? -errno : 0;
        }
        return r < 0 ? r : -EBUSY;
}

static int put_in(int folder, const char *name, int mount) {
        _cleanup_(cleanup_close) int made = -1, target = -1;
        struct stat st;

        if (mount < 0)
                return mount;
        made = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
        if (made < 0 && errno != EEXIST)
                return -errno;
        target = open_below(folder, name, 0, RESOLVE_BENEATH | RESOLVE_NO_XDEV);
        if (target < 0)
                return target;
        if (fstat(target, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > 0)
                return -EEXIST;
        return syscall(SYS_move_mount, mount, "", target, "",
                       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0
                       ? -errno
                       : 0;
}

/* ---- all of it ---- */

static const char *why_not(int error) {
        return error == -EXDEV    ? WHY_DEV_NOT_OWN
               : error == -EEXIST ? WHY_DEV_OTHER_FILE
               : error == -EBUSY  ? WHY_DEV_STACKED
               : error == -ESTALE ? WHY_DEV_CHANGED
                                  : strerror(-error);
}

static int do_step(struct change *c, size_t i) {
        struct follow_step *s = &c->f->steps[i];
        _cleanup_(cleanup_close) int folder = -1;
        const char *name;

        folder = open_folder(c, s->path, s->kind == FOLLOW_GIVE, &name);
        if (folder < 0)
                return folder == -ENOENT && s->kind == FOLLOW_REVOKE ? 0 : folder;
        return s->kind == FOLLOW_REVOKE ? take_out(folder, name)
                                        : put_in(folder, name, c->mounts[i]);
}

/* Its number may be another process's by now, but not with the same namespaces. */
static int find_container(struct change *c) {
        unsigned pid = c->at->init.pid;
        struct stat mounts, users;

        c->root = inside_open(pid);
        c->namespace = open(arena_printf(c->a, "/proc/%u/ns/mnt", pid), O_RDONLY | O_CLOEXEC);
        if (c->root < 0 || c->namespace < 0 || fstat(c->namespace, &mounts) < 0 ||
            stat(arena_printf(c->a, "/proc/%u/ns/user", pid), &users) < 0 ||
            mounts.st_ino != c->at->init.mounts || users.st_ino != c->at->init.users)
                return -ESRCH;
        return 0;
}

static int prepare(struct change *c) {
        int r = find_container(c);

        if (r < 0)
                return r;
        if (!idmap_lookup(c->at->uids, 0, &c->root_uid) ||
            !idmap_lookup(c->at->gids, 0, &c->root_gid))
                return -EXDEV;
        c->dev = open_dev(c);
        if (c->dev < 0)
                return c->dev;
        r = make_mounts(c);
        if (r < 0)
                return r;
        if (setns(c->namespace, CLONE_NEWNS) < 0)
                return -errno;
        /* the tmpfs belongs to the container's user namespace: a file of ids that it does not have
         * cannot be made there (EOVERFLOW) */
        setfsgid(c->root_gid);
        setfsuid(c->root_uid);
        return 0;
}

/* The child: it has no descriptor of its parent. What it leaves are the steps. */
static void change(struct arena *a, void *user, const void **ret) {
        struct change c = *(const struct change *)user;
        struct follow *f = arena_alloc(a, sizeof(*f));
        int r;

        *f = *c.f;
        f->steps = arena_alloc(a, f->n * sizeof(*f->steps));
        memcpy(f->steps, c.f->steps, f->n * sizeof(*f->steps));
        c.a = a;
        c.f = f;
        c.mounts = arena_alloc(a, f->n * sizeof(*c.mounts));
        *ret = f;
        r = prepare(&c);
        for (size_t i = 0; i < f->n; i++) {
                int done = f->steps[i].done ? 0 : r < 0 ? r : do_step(&c, i);

                f->steps[i].done = done == 0;
                f->steps[i].why = done < 0 ? arena_strdup(a, why_not(done)) : NULL;
        }
}

/* What the child leaves is in memory that our own caller, if we are a helper, does not have. */
void change_nodes(struct arena *a, const struct change_place *at, struct follow *f) {
        _cleanup_arena_ struct arena scratch = { 0 };
        struct change c = { .at = at, .f = f };
        struct spawn_call call = { change, &c, CHANGE_MS };
        struct spawn_result result = { 0 };
        const struct follow *left;

        (void)spawn_call(&scratch, &call, &result); /* steps that are not done say so */
        left = result.result;
        for (size_t i = 0; left && i < f->n; i++) {
                f->steps[i].done = left->steps[i].done;
                f->steps[i].why = left->steps[i].why ? arena_strdup(a, left->steps[i].why) : NULL;
        }
}
