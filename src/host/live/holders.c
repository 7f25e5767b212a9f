/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * holders - descriptors, and mount namespaces other than that of its init
 *
 * A descriptor stays with the device that it was opened for, which may be gone; a copy of a node in a
 * namespace that Docker or systemd has made keeps its number. Neither reaches another GPU, and
 * neither reaches its own any more.
 */
#include "host/live/holders.h"

#include "base/file.h"
#include "base/folder.h"
#include "base/number.h"
#include "host/inside/gather.h"
#include "host/live/gate.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

enum { MAX_GROUPS = 4096, MAX_PROCESSES = 8192, MAX_DESCRIPTORS = 4096, MAX_NAMESPACES = 64 };
enum { MAX_DEPTH = 16, MAX_HOLDERS = 16, TEXT_MAX = 64 * 1024 };
enum { MAX_MOUNTS = 1024, MOUNTINFO_MAX = 4 << 20 };

struct search {
        const struct inside *in;
        const struct holders_search *asked;
        struct holders *found;
        uint64_t own, seen[MAX_NAMESPACES]; /* mount namespaces: of its init; others */
        size_t n_seen, n_groups, n_processes;
};

static bool is_looked_for(const struct search *s, struct devnum number) {
        for (size_t i = 0; i < s->asked->n_numbers; i++)
                if (devnum_equal(s->asked->numbers[i], number))
                        return true;
        return false;
}

/* ---- what a process is called ---- */

/* "NSpid:\t4711\t312\t7": on the host, in the container, in a namespace below it */
static uint32_t inner_pid(struct arena *a, unsigned pid) {
        struct bytes text;
        uint32_t inner = 0;

        if (file_read(a, arena_printf(a, "/proc/%u/status", pid), TEXT_MAX, &text) < 0)
                return 0;
        while (text.len > 0) {
                struct bytes line = bytes_cut(&text, '\n');

                if (!bytes_equal(bytes_cut(&line, ':'), BYTES("NSpid")))
                        continue;
                /* of a container without one of its own */
                (void)parse_u32(bytes_word(&line), &inner);
                (void)parse_u32(bytes_word(&line), &inner);
                return inner;
        }
        return 0;
}

/* It becomes part of a command that a person copies, and the container chose it. */
static bool is_plain_unit(struct bytes name) {
        for (size_t i = 0; i < name.len; i++)
                if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_.@-",
                            name.data[i]))
                        return false;
        return name.len < 256 && !bytes_has_prefix(name, "-") &&
               (bytes_take_suffix(&name, ".service") || bytes_take_suffix(&name, ".scope"));
}

/* "0::/lxc/101/ns/system.slice/jellyfin.service" */
static const char *unit_of(struct arena *a, unsigned pid) {
        struct bytes text, unit = { 0 };

        if (file_read(a, arena_printf(a, "/proc/%u/cgroup", pid), TEXT_MAX, &text) < 0)
                return NULL;
        while (text.len > 0) {
                struct bytes line = bytes_cut(&text, '\n');

                while (line.len > 0) {
                        struct bytes part = bytes_cut(&line, '/');

                        if (is_plain_unit(part))
                                unit = part;
                }
        }
        return unit.len > 0 ? bytes_dup(a, unit) : NULL;
}

static void add(struct search *s, unsigned pid, struct holder h) {
        struct arena *a = s->in->arena;
        struct bytes name = { 0 };

        if (s->found->n >= MAX_HOLDERS)
                return;
        (void)file_read(a, arena_printf(a, "/proc/%u/comm", pid), 4096, &name);
        h.name = bytes_dup(a, bytes_trim(name));
        h.pid = inner_pid(a, pid);
        h.unit = unit_of(a, pid);
        for (size_t i = 0; i < s->found->n; i++) {
                const struct holder *o = &s->found->items[i];

                if (o->open == h.open && streq(o->name, h.name) && streq(o->path, h.path) &&
                    o->unit && h.unit && streq(o->unit, h.unit))
                        return; /* one restart is for all of them */
        }
        *ARENA_PUSH(a, s->found->items, s->found->n) = h;
}

/* ---- what it has ---- */

static void look_at_descriptors(struct search *s, unsigned pid) {
        struct arena *a = s->in->arena;
        _cleanup_(cleanup_dir) DIR *dir = opendir(arena_printf(a, "/proc/%u/fd", pid));
        struct dirent *d;

        for (int i = 0; dir && i < MAX_DESCRIPTORS && folder_next(dir, &d) == 1; i++) {
                struct devnum number;
                char path[PATH_MAX];
                struct statx st;
                ssize_t n = readlinkat(dirfd(dir), d->d_name, path, sizeof(path) - 1);

                if (n <= 0 || path[0] != '/' || /* no server is asked for what it has of it */
                    statx(dirfd(dir), d->d_name, AT_STATX_DONT_SYNC, STATX_TYPE, &st) < 0 ||
                    !S_ISCHR(st.stx_mode))
                        continue;
                path[n] = '\0';
                number = (struct devnum){ st.stx_rdev_major, st.stx_rdev_minor };
                if (is_looked_for(s, number))
                        add(s, pid, (struct holder){ .path = arena_strdup(a, path),
                                                     .number = number,
                                                     .open = true });
        }
}

static bool is_new_namespace(struct search *s, const struct inside *other) {
        uint64_t mounts = inside_namespace(other, "mnt");

        for (size_t i = 0; i < s->n_seen; i++)
                if (s->seen[i] == mounts)
                        return false;
        if (mounts == 0 || mounts == s->own || s->n_seen >= MAX_NAMESPACES)
                return false;
        s->seen[s->n_seen++] = mounts;
        return true;
}

static void add_copy(struct search *s, unsigned pid, const char *path, struct devnum number) {
        if (is_looked_for(s, number))
                add(s, pid, (struct holder){ .path = path, .number = number });
}

/*
 * "36 35 0:6 /dri/renderD128//deleted /srv/gpu rw - devtmpfs udev rw": where a file of a /dev is bound.
 * NULL: nothing like it, or a name with characters that are escaped there.
 */
static const char *bound_file(struct arena *a, struct bytes line) {
        struct bytes root, point, word;

        for (int i = 0; i < 3; i++)
                (void)bytes_word(&line);
        root = bytes_word(&line);
        point = bytes_word(&line);
        do
                word = bytes_word(&line);
        while (word.len > 0 && !bytes_equal(word, BYTES("-")));
        word = bytes_word(&line);
        return root.len > 1 && !bytes_contains_char(point, '\\') &&
                               (bytes_equal(word, BYTES("devtmpfs")) ||
                                bytes_equal(word, BYTES("tmpfs")))
                       ? bytes_dup(a, point)
                       : NULL;
}

/* Nodes that were bound outside of its /dev. */
static void look_at_mounts(struct search *s, const struct inside *other) {
        struct arena *a = s->in->arena;
        struct bytes text;

        if (file_read(a, arena_printf(a, "/proc/%u/mountinfo", other->pid), MOUNTINFO_MAX, &text) <
            0)
                return;
        for (int i = 0; i < MAX_MOUNTS && text.len > 0; i++) {
                const char *path = bound_file(a, bytes_cut(&text, '\n'));
                struct inside_node n = { 0 };

                if (path && !str_has_prefix(path, "/dev/"))
                        n = inside_look(other->root_fd, path);
                if (n.is_char)
                        add_copy(s, other->pid, path, n.number);
        }
}

static void look_at_namespace(struct search *s, unsigned pid) {
        struct inside other = { .arena = s->in->arena, .vmid = s->in->vmid, .pid = pid };
        _cleanup_(cleanup_close) int root = -1;
        struct held held;

        if (!is_new_namespace(s, &other))
                return;
        root = inside_open(pid);
        if (root < 0)
                return;
        other.root_fd = root;
        holdings_look(&other, &s->asked->nodes, &held);
        for (size_t i = 0; i < held.n_nodes; i++)
                add_copy(s, pid, held.nodes[i].path, held.nodes[i].number);
        look_at_mounts(s, &other);
}

/* ---- all of them ---- */

static void look_at_processes(struct search *s, const char *group) {
        struct arena *a = s->in->arena;
        struct bytes text;
        uint32_t pid;

        /* a threaded group has none of its own: EOPNOTSUPP */
        if (file_read(a, arena_printf(a, "%s/cgroup.procs", group), 1 << 20, &text) < 0)
                return;
        while (text.len > 0 && s->n_processes < MAX_PROCESSES) {
                if (!parse_u32(bytes_cut(&text, '\n'), &pid) || pid == 0)
                        continue;
                s->n_processes++;
                look_at_descriptors(s, pid);
                look_at_namespace(s, pid);
        }
}

static void look_at_groups(struct search *s, const char *group, unsigned depth) {
        _cleanup_(cleanup_dir) DIR *dir = opendir(group);
        struct dirent *d;

        look_at_processes(s, group);
        while (dir && depth < MAX_DEPTH && s->n_groups < MAX_GROUPS && folder_next(dir, &d) == 1)
                /* with names that begin with a dot: LXC puts whoever it attaches into ".lxc" */
                if (d->d_type == DT_DIR && !streq(d->d_name, ".") && !streq(d->d_name, "..")) {
                        s->n_groups++;
                        look_at_groups(s, arena_printf(s->in->arena, "%s/%s", group, d->d_name),
                                       depth + 1);
                }
}

void holders_find(const struct inside *in, const struct holders_search *asked,
                  struct holders *ret) {
        struct search s = { .in = in, .asked = asked, .found = ret };

        *ret = (struct holders){ 0 };
        s.own = inside_namespace(in, "mnt");
        if (asked->n_numbers > 0)
                look_at_groups(&s, gate_cgroup(in->arena, in->vmid), 0);
}
