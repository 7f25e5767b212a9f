/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * processes - from the host's /proc: who they are, what they hold, what they can open
 *
 * The host's view is asked because the container's own /proc is the container's to forge.
 * A service's main process is known inside by another number: NSpid: in its status tells
 * both. What it can open is tried with its ids, in its cgroup and on the nodes of its own
 * mount namespace: exactly what its systemd has left it.
 */
#include "host/inside/processes.h"

#include "base/file.h"
#include "base/number.h"
#include "host/inside/root-files.h"
#include "host/inside/try-open.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

enum {
        MAX_PROCESSES = 8192,
        MAX_DESCRIPTORS = 1024,
        MAX_HOLDERS = 16,
        STATUS_MAX = 64 * 1024,
        OPEN_MS = 2 * 1000,
};

struct process {
        unsigned pid;   /* on the host */
        uint32_t inner; /* in the container */
        struct bytes status;
};

static bool pid_namespace(unsigned pid, struct stat *ret) {
        char path[64];

        snprintf(path, sizeof(path), "/proc/%u/ns/pid", pid);
        return stat(path, ret) == 0;
}

/* "Uid:\t100998\t100998\t100998\t100998" */
static struct bytes status_field(struct bytes status, const char *key) {
        while (status.len > 0) {
                struct bytes line = bytes_cut(&status, '\n');

                if (bytes_equal(bytes_cut(&line, ':'), bytes_of(key)))
                        return line;
        }
        return status;
}

static bool read_process(struct arena *a, unsigned pid, struct process *ret) {
        struct bytes numbers, word;

        *ret = (struct process){ .pid = pid };
        if (file_read(a, arena_printf(a, "/proc/%u/status", pid), STATUS_MAX, &ret->status) < 0)
                return false;
        numbers = status_field(ret->status, "NSpid");
        while ((word = bytes_word(&numbers)).len > 0)
                if (!parse_u32(word, &ret->inner))
                        return false;
        return ret->inner > 0;
}

/* ---- who has a node open ---- */

static bool is_held(const struct inside_facts *f, uint32_t pid, const char *path) {
        for (size_t i = 0; i < f->n_holders; i++)
                if (f->holders[i].pid == pid && streq(f->holders[i].path, path))
                        return true;
        return false;
}

static void add_holder(struct arena *a, const struct process *p, const char *target,
                       struct inside_facts *f) {
        struct bytes name = { 0 };

        if (f->n_holders >= MAX_HOLDERS || is_held(f, p->inner, target))
                return;
        (void)file_read(a, arena_printf(a, "/proc/%u/comm", p->pid), 4096, &name);
        name = bytes_trim(name);
        *ARENA_PUSH(a, f->holders, f->n_holders) = (struct inside_holder){
                .name = bytes_dup(a, name), .pid = p->inner, .path = arena_strdup(a, target)
        };
}

static void find_held(struct arena *a, const struct process *p, struct inside_facts *f) {
        DIR *dir = opendir(arena_printf(a, "/proc/%u/fd", p->pid));

        for (int i = 0; dir && i < MAX_DESCRIPTORS; i++) {
                const struct dirent *d = readdir(dir);
                char target[PATH_MAX];
                ssize_t n;

                if (!d)
                        break;
                n = readlinkat(dirfd(dir), d->d_name, target, sizeof(target) - 1);
                target[n > 0 ? n : 0] = '\0';
                if (path_is_gpu(bytes_of(target)))
                        add_holder(a, p, target, f);
        }
        if (dir)
                closedir(dir);
}

/* ---- what a service can open ---- */

/* Host ids as container ids, those that are mapped; their number. */
static size_t inner_ids(struct bytes numbers, const struct idmap *map, uint32_t *ids, size_t max) {
        struct bytes word;
        size_t n = 0;
        uint32_t host;

        while (n < max && (word = bytes_word(&numbers)).len > 0)
                if (parse_u32(word, &host) && idmap_lookup_outside(map, host, &ids[n]))
                        n++;
        return n;
}

static bool ids_of(const struct process *p, const struct inside_facts *f, struct inside_as *ret) {
        uint32_t uids[4], gids[4]; /* real, effective, saved, of the file system */

        if (inner_ids(status_field(p->status, "Uid"), &f->uids, uids, 4) != 4 ||
            inner_ids(status_field(p->status, "Gid"), &f->gids, gids, 4) != 4)
                return false;
        ret->uid = uids[3];
        ret->gid = gids[3];
        ret->n_groups =
                inner_ids(status_field(p->status, "Groups"), &f->gids, ret->groups, TRY_MAX_GROUPS);
        return true;
}

bool inside_init_ids(struct arena *a, unsigned init, const struct inside_facts *f,
                     struct inside_as *ret) {
        struct process p = { .pid = init };

        return file_read(a, arena_printf(a, "/proc/%u/status", init), STATUS_MAX, &p.status) == 0 &&
               ids_of(&p, f, ret);
}

static void try_device(const struct process *p, int root_fd, const struct inside_as *as,
                       struct inside_device *d) {
        struct inside_node n;
        int fd = inside_find(root_fd, d->path, &n);

        d->present = n.present;
        d->is_char = n.is_char;
        d->open = n.is_char ? inside_try(p->pid, fd, as, OPEN_MS) : (struct open_result){ 0 };
        cleanup_close(&fd);
}

static void look_at_main(struct arena *a, const struct process *p, struct inside_facts *f) {
        _cleanup_(cleanup_close) int root_fd = inside_open(p->pid);
        struct inside_main *m = ARENA_PUSH(a, f->mains, f->n_mains);
        struct inside_as as;

        m->pid = p->inner;
        (void)file_read(a, arena_printf(a, "/proc/%u/environ", p->pid), 256 * 1024,
                        &m->environment);
        if (root_fd < 0 || !ids_of(p, f, &as))
                return;
        for (size_t i = 0; i < f->n_devices; i++) {
                if (!f->devices[i].expected || !f->devices[i].is_char)
                        continue;
                *ARENA_PUSH(a, m->devices, m->n_devices) = f->devices[i];
                try_device(p, root_fd, &as, &m->devices[m->n_devices - 1]);
        }
}

static bool is_main(const struct process *p, const struct process_search *s) {
        for (size_t i = 0; i < s->n_units; i++)
                if (s->units[i].main_pid == p->inner)
                        return true;
        return false;
}

void inside_processes(struct arena *a, const struct process_search *s, struct inside_facts *f) {
        struct stat ours, theirs;
        DIR *dir;

        if (!pid_namespace(s->init, &ours))
                return;
        dir = opendir("/proc");
        for (int i = 0; dir && i < MAX_PROCESSES;) {
                const struct dirent *d = readdir(dir);
                struct process p;
                uint32_t pid;

                if (!d)
                        break;
                if (!parse_u32(bytes_of(d->d_name), &pid))
                        continue;
                i++;
                if (!pid_namespace(pid, &theirs) || theirs.st_ino != ours.st_ino ||
                    !read_process(a, pid, &p))
                        continue;
                find_held(a, &p, f);
                if (is_main(&p, s))
                        look_at_main(a, &p, f);
        }
        if (dir)
                closedir(dir);
}
