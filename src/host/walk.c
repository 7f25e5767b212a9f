/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * walk - a path followed component by component, away from everything that may not answer
 *
 * Links are read here, because before each component the list of mounts has to say that it is
 * on a file system that answers. Nothing is opened but with O_PATH.
 *
 * Who mounts is LXC, in the container's first process, before that process changes its root:
 *
 *   - An absolute source is the kernel's to follow, at most 40 links.
 *   - A relative one begins at "/", must not pass a link, and loses its first component:
 *     "./dev/dri" and "x/dev/dri" are /dev/dri, "dev/dri" is /dri (open_without_symlink() of
 *     LXC; measured with 5.0.2, unchanged in 6.0.5 and 7.0.0).
 *   - /proc/1/root is the host's root. Of another process only the root is the same for
 *     everybody, and only in the same mount namespace; its descriptors and folders are not.
 */
#include "host/walk.h"

#include "model/finding/reason.h"

#include <errno.h>
#include <fcntl.h>

enum {
        MAX_LINKS = 40,    /* the kernel's MAXSYMLINKS */
        MAX_STEPS = 16384, /* components of all paths of a file together */
};

/* One path on its way. */
struct walk {
        struct walker *l;
        struct source *s;
        int fd; /* where we are: l->root, or our own */
        struct statx at;
        char path[PATH_MAX]; /* of @fd below the prefix, "" for the root */
        char buffer[4 * PATH_MAX];
        char *rest; /* still to go, at the end of @buffer: a link's target comes before it */
        unsigned links;
        bool relative;
        const char *why; /* it ends here, unknown */
};

void source_set(struct source *s, mode_t mode, struct devnum number) {
        number.block = S_ISBLK(mode);
        s->kind = S_ISCHR(mode) || S_ISBLK(mode) ? SOURCE_DEVICE
                  : S_ISDIR(mode)                ? SOURCE_FOLDER
                                                 : SOURCE_FILE;
        s->number = number;
        s->regular = S_ISREG(mode);
        s->executable = mode & 0111;
}

static bool path_push(char *path, const char *name) {
        size_t len = strlen(path);

        if (len + 1 + strlen(name) >= PATH_MAX)
                return false;
        path[len] = '/';
        strcpy(path + len + 1, name);
        return true;
}

static void path_pop(char *path) {
        char *slash = strrchr(path, '/');

        if (slash)
                *slash = '\0';
}

/* Cuts the next component off what is left; one that is longer than any name stays too long. */
static bool next_name(struct walk *w, char name[NAME_MAX + 2]) {
        size_t n;

        w->rest += strspn(w->rest, "/");
        n = strcspn(w->rest, "/");
        snprintf(name, NAME_MAX + 2, "%.*s", (int)n, w->rest);
        w->rest += n;
        return n > 0;
}

/* Ends a walk before its end: what is left is taken by its spelling. */
static void stop(struct walk *w, enum source_kind kind, const char *why) {
        char name[NAME_MAX + 2];

        while (next_name(w, name))
                if (streq(name, ".."))
                        path_pop(w->path);
                else if (!streq(name, ".") && !path_push(w->path, name))
                        break;
        w->s->kind = kind;
        w->s->why = why;
        w->s->leads_to = arena_strdup(w->l->arena, *w->path ? w->path : "/");
}

/* What has these errors is nothing for LXC too; others are ours alone. */
static void stop_error(struct walk *w, int error) {
        if (w->why)
                stop(w, SOURCE_UNKNOWN, w->why);
        else if (error == ENOENT || error == ENOTDIR || error == ELOOP || error == ENAMETOOLONG)
                stop(w, SOURCE_NOTHING, NULL);
        else
                stop(w, SOURCE_UNKNOWN, arena_strdup(w->l->arena, strerror(error)));
        w->s->failed = w->s->kind == SOURCE_UNKNOWN && !w->why;
}

/* Where we are below the mount point, if that mount is of @type; else NULL. */
static const char *path_on(const struct walk *w, const char *type, const struct mount **ret) {
        const struct mount *m = mounts_find(&w->l->mounts, w->at.stx_mnt_id);
        size_t base = strlen(w->l->base);

        if (!m || !streq(m->type, type) || strncmp(m->point, w->l->base, base) != 0 ||
            !str_has_prefix(w->path, m->point + base))
                return NULL;
        *ret = m;
        return w->path + strlen(m->point + base);
}

/*
 * The end of a walk. There is one devtmpfs however often it is mounted, so what is on it has
 * the name that /dev gives it: /srv/dev/dri of a "mount --bind /dev /srv/dev" is /dev/dri.
 */
static void arrive(struct walk *w) {
        const struct mount *m;
        const char *below = path_on(w, "devtmpfs", &m);

        source_set(w->s, w->at.stx_mode,
                   (struct devnum){ w->at.stx_rdev_major, w->at.stx_rdev_minor, false });
        if (below)
                w->s->leads_to = arena_printf(w->l->arena, "/dev%s%s",
                                              streq(m->root, "/") ? "" : m->root, below);
        else
                w->s->leads_to = arena_strdup(w->l->arena, *w->path ? w->path : "/");
}

static void go_to(struct walk *w, int fd, const struct statx *at) {
        if (w->fd != w->l->root)
                close(w->fd);
        w->fd = fd;
        w->at = *at;
}

static int look(int fd, struct statx *ret) {
        if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT,
                  STATX_TYPE | STATX_MNT_ID, ret) < 0)
                return -errno;
        return ret->stx_mask & STATX_MNT_ID ? 0 : -ENOSYS; /* before Linux 5.8 */
}

static bool same_namespace(int process) {
        char theirs[64] = "", ours[64] = "";

        return readlinkat(process, "ns/mnt", theirs, sizeof(theirs) - 1) > 0 &&
               readlink("/proc/self/ns/mnt", ours, sizeof(ours) - 1) > 0 && streq(theirs, ours);
}

/*
 * The target of the link @name at @link. Below a process's folder in procfs a link stands for
 * what that process has. The root of process 1 is the host's, wherever we are.
 */
static int read_link(struct walk *w, int link, const char *name, char ret[PATH_MAX]) {
        const struct mount *m;
        const char *folder = path_on(w, "proc", &m);
        ssize_t n;

        if (folder && *folder) { /* not /proc/self, /proc/mounts: those are like any other */
                if (!streq(name, "root")) {
                        w->why = WHY_WALK_PROCESS;
                } else if (streq(folder, "/1")) {
                        strcpy(ret, "/");
                        return 0;
                } else if (!same_namespace(w->fd)) {
                        w->why = WHY_WALK_NAMESPACE;
                }
        }
        n = w->why ? -1 : readlinkat(link, "", ret, PATH_MAX);
        if (n < 0)
                return w->why ? -EXDEV : -errno;
        if (n == PATH_MAX)
                return -ENAMETOOLONG;
        ret[n] = '\0';
        return 0;
}

static int follow(struct walk *w, int link, const char *name) {
        char target[PATH_MAX];
        size_t len;
        int r;

        if (w->relative || ++w->links > MAX_LINKS)
                return -ELOOP;
        r = read_link(w, link, name, target);
        if (r < 0)
                return r;
        len = strlen(target) + 1;
        if ((size_t)(w->rest - w->buffer) < len) {
                w->why = WHY_WALK_LONG;
                return -EXDEV;
        }
        w->rest -= len;
        memcpy(w->rest, target, len - 1);
        w->rest[len - 1] = '/';
        if (*target == '/') {
                *w->path = '\0';
                go_to(w, w->l->root, &w->at);
                return look(w->fd, &w->at);
        }
        return 0;
}

/* Where @fd is; an error unless that is a file system that answers. */
static int check_mount(struct walk *w, int fd, struct statx *ret) {
        const struct mount *m;
        int r = look(fd, ret);

        if (r < 0 || ret->stx_mnt_id == w->at.stx_mnt_id || ret->stx_mnt_id == w->l->root_mount)
                return r;
        m = mounts_find(&w->l->mounts, ret->stx_mnt_id);
        if (m && mount_is_local(m))
                return 0;
        w->why = WHY_WALK_NEW_MOUNT;
        return -EXDEV;
}

/* One component further; negative errno when that is the end. */
static int enter(struct walk *w, const char *name) {
        char place[2 * PATH_MAX + NAME_MAX + 2];
        bool up = streq(name, "..");
        const struct mount *barrier;
        struct statx at;
        int fd, r;

        if (streq(name, ".") || (up && !*w->path))
                return 0;
        snprintf(place, sizeof(place), "%s%s/%s", w->l->base, w->path, name);
        barrier = up ? NULL : mounts_barrier(&w->l->mounts, (uint32_t)w->at.stx_mnt_id, place);
        if (barrier) {
                w->why = arena_printf(w->l->arena, WHY_WALK_MOUNT,
                                      barrier->point + strlen(w->l->base), barrier->type);
                return -EXDEV;
        }
        fd = openat(w->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = check_mount(w, fd, &at);
        if (r < 0 || S_ISLNK(at.stx_mode)) {
                r = r < 0 ? r : follow(w, fd, name);
                close(fd);
                return r;
        }
        go_to(w, fd, &at);
        if (up)
                path_pop(w->path);
        else if (!path_push(w->path, name)) /* what is mounted below could not be named any more */
                w->why = WHY_WALK_DEEP;
        return w->why ? -EXDEV : 0;
}

static void walk(struct walk *w) {
        char name[NAME_MAX + 2], *from;
        int r;

        for (;;) {
                from = w->rest;
                if (!next_name(w, name)) {
                        arrive(w);
                        return;
                }
                if (++w->l->steps > MAX_STEPS)
                        w->why = WHY_WALK_MANY;
                r = w->why ? -EXDEV : enter(w, name);
                if (r < 0) {
                        w->rest = from;
                        stop_error(w, -r);
                        return;
                }
        }
}

static const char *path_of(struct arena *a, int fd) {
        char link[64], path[PATH_MAX];
        ssize_t n;

        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        n = readlink(link, path, sizeof(path));
        return n < 0 ? NULL : arena_strndup(a, path, (size_t)n);
}

static int open_root(struct walker *l) {
        l->root = open(*l->prefix ? l->prefix : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        l->base = "";
        if (l->root >= 0 && *l->prefix)
                l->base = path_of(l->arena, l->root);
        return l->root < 0 || !l->base ? -errno : 0;
}

const char *walk_path_of(struct walker *l, int fd) {
        const char *path = path_of(l->arena, fd);

        if (!path || (l->root < 0 && open_root(l) < 0) || !str_has_prefix(path, l->base))
                return NULL;
        return path + strlen(l->base);
}

static void prepare(struct walker *l) {
        struct statx at;
        int r;

        if (l->prepared)
                return;
        l->prepared = true;
        r = l->root < 0 ? open_root(l) : 0;
        if (r == 0)
                r = look(l->root, &at);
        if (r == 0) {
                l->root_mount = at.stx_mnt_id;
                r = mounts_read(l->arena, &l->mounts);
        }
        if (r < 0)
                l->failed = arena_strdup(l->arena, strerror(-r));
}

void walk_source(struct walker *l, struct source *s) {
        struct walk w;
        size_t len = strlen(s->path);

        prepare(l);
        s->leads_to = s->path;
        s->why = l->failed;
        s->kind = l->failed ? SOURCE_UNKNOWN : SOURCE_NOTHING;
        s->failed = l->failed;
        if (l->failed || len >= PATH_MAX)
                return;
        w.l = l;
        w.s = s;
        w.fd = l->root;
        w.at.stx_mnt_id = l->root_mount;
        w.at.stx_mode = S_IFDIR;
        w.path[0] = '\0';
        w.rest = w.buffer + sizeof(w.buffer) - len - 1;
        memcpy(w.rest, s->path, len + 1);
        w.links = 0;
        w.relative = *s->path != '/';
        w.why = NULL;
        if (w.relative)
                w.rest += strcspn(w.rest, "/");
        walk(&w);
        if (w.fd != l->root)
                close(w.fd);
}
