/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * host-files - files of root: the history of the cards, the pins of the node, the drivers' majors,
 * the lines of /etc/subgid that gpuanchor added
 *
 * On the host's own disk, not below /etc/pve: cards are this machine's, and a start reads one
 * file instead of the policies of all containers, each a round trip to pmxcfs.
 */
#include "pve/host-files.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>

#define FOLDER "/var/lib/gpuanchor/host"
#define FILE_MAX (1024 * 1024)
#define MAX_TRIES 10 /* other starts write, too */

static const char *path_of(const struct pve *pve, const char *name) {
        return arena_printf(pve->arena, "%s" FOLDER "/%s", pve->root, name);
}

static const char *new_id(const struct pve *pve) {
        uint32_t id[2] = { 0 };

        if (getrandom(id, sizeof(id), GRND_NONBLOCK) != sizeof(id))
                return "-";
        return arena_printf(pve->arena, "%08x%08x", id[0], id[1]);
}

static bool has_container(const struct pve *pve, uint32_t vmid) {
        return access(arena_printf(pve->arena, "%s/etc/pve/lxc/%u.conf", pve->root, vmid), F_OK) ==
                       0 ||
               errno != ENOENT;
}

static void drop_gone(const struct pve *pve, struct host_memory *m) {
        size_t n = 0;

        for (size_t i = 0; i < m->n_pins; i++)
                if (has_container(pve, m->pins[i].pinned.owner))
                        m->pins[n++] = m->pins[i];
        m->n_pins = n;
}

/* Read @name of the memory; false when there is no text that can be used. */
static bool load(const struct pve *pve, const char *name, struct host_memory *m,
                 struct bytes *ret) {
        const char *path = path_of(pve, name);
        int r = file_read(pve->arena, path, FILE_MAX, ret);

        if (r < 0 && r != -ENOENT) {
                m->unread = path + strlen(pve->root);
                m->unread_why = strerror(-r);
                m->partial = true;
        }
        return r == 0;
}

static void is_damaged(const struct pve *pve, const char *name, struct host_memory *m) {
        m->damaged[m->n_damaged++] = path_of(pve, name);
        m->partial = true;
}

void host_memory_load(const struct pve *pve, struct host_memory *ret) {
        struct host_memory m = { 0 };
        bool there = load(pve, "cards", &m, &m.cards_text);
        bool good = there && history_read(pve->arena, m.cards_text, &m.history);

        if (!good)
                m.history = (struct history){ .id = new_id(pve) };
        if (there && !good)
                is_damaged(pve, "cards", &m);
        if (load(pve, "pins", &m, &m.pins_text)) {
                m.has_pins = pins_read(pve->arena, m.pins_text, &m);
                if (!m.has_pins)
                        is_damaged(pve, "pins", &m);
        }
        if (!good) /* its sets are not those that the pins were written with */
                pins_unfollowed(&m);
        drop_gone(pve, &m);
        *ret = m;
}

/* What can be read again is what it was made of: the cards that are here, and the policies. */
static int set_aside(const struct pve *pve, const struct host_memory *m, const char **ret_path) {
        for (size_t i = 0; i < m->n_damaged; i++) {
                *ret_path = m->damaged[i];
                if (rename(*ret_path, arena_printf(pve->arena, "%s.damaged", *ret_path)) < 0)
                        return -errno;
        }
        return 0;
}

static struct bytes seen(const struct pve *pve, const struct host_memory *m, const char *name,
                         struct bytes text) {
        for (size_t i = 0; i < m->n_damaged; i++)
                if (streq(m->damaged[i], path_of(pve, name)))
                        return (struct bytes){ 0 };
        return text;
}

/*
 * For one comparison and rename, so that starts at the same time do not lose what one of them
 * writes in between. Never waits long: without the lock the comparison is all there is.
 */
static int lock_folder(const struct pve *pve) {
        int fd = open(arena_printf(pve->arena, "%s" FOLDER, pve->root),
                      O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd >= 0)
                (void)file_lock(fd, 1000, 10);
        return fd;
}

static int replace(const struct pve *pve, const char *path, struct bytes before,
                   struct bytes text) {
        _cleanup_(cleanup_close) int lock = -1;
        int r;

        r = mkdir_parents(arena_printf(pve->arena, "%s" FOLDER, pve->root), 0755);
        if (r < 0)
                return r;
        lock = lock_folder(pve);
        return file_edit(path, &(struct file_edit){ before, text }, 0644, 0);
}

static int store(const struct pve *pve, const char *path, struct bytes before, struct bytes text) {
        return bytes_equal(before, text) ? 0 : replace(pve, path, before, text);
}

int host_memory_store(const struct pve *pve, const struct host_memory *m, const char **ret_path) {
        int r;

        if (m->unread)
                return 0;
        r = set_aside(pve, m, ret_path);
        if (r < 0)
                return r;
        *ret_path = path_of(pve, "cards");
        if (!m->same_cards || m->n_damaged > 0)
                r = store(pve, *ret_path, seen(pve, m, "cards", m->cards_text),
                          history_write(pve->arena, &m->history));
        if (r != 0)
                return r;
        *ret_path = path_of(pve, "pins");
        if (!m->has_pins) /* also an empty list: without one all policies are read */
                return replace(pve, *ret_path, (struct bytes){ 0 }, pins_write(pve->arena, m));
        return store(pve, *ret_path, m->pins_text, pins_write(pve->arena, m));
}

void host_pin_forget(const struct pve *pve, uint32_t vmid) {
        const char *path;
        int r = FILE_E_CHANGED;

        for (int i = 0; i < MAX_TRIES && r == FILE_E_CHANGED; i++) {
                struct host_memory m;
                size_t n;

                host_memory_load(pve, &m);
                n = m.n_pins;
                host_memory_forget(pve->arena, &m, vmid);
                if (m.n_pins == n || m.partial)
                        return;
                m.same_cards = true;
                r = host_memory_store(pve, &m, &path);
        }
}

int host_sightings_load(const struct pve *pve, const char *id, struct sightings *ret) {
        const char *path = path_of(pve, "lines");
        struct bytes text;
        int r = file_read(pve->arena, path, FILE_MAX, &text);

        *ret = (struct sightings){ 0 };
        if (r == 0)
                (void)sightings_read(pve->arena, text, id, ret);
        if (r == 0 || r == -ENOENT)
                return 0;
        ret->unread = path + strlen(pve->root);
        return r;
}

int host_sightings_store(const struct pve *pve, const struct sightings *s, const char *id,
                         const char **ret_path) {
        *ret_path = path_of(pve, "lines");
        return store(pve, *ret_path, s->text, sightings_write(pve->arena, s, id));
}

struct majors host_majors_load(const struct pve *pve) {
        struct majors list = { 0 };
        struct bytes text;

        if (file_read(pve->arena, path_of(pve, "majors"), FILE_MAX, &text) == 0)
                while (text.len > 0)
                        (void)majors_parse(pve->arena, bytes_cut(&text, '\n'), &list);
        return list;
}

int host_majors_store(const struct pve *pve, const struct facts *f, const char **ret_path) {
        struct majors next = majors_learn(pve->arena, f, &f->seen);

        *ret_path = path_of(pve, "majors");
        return store(pve, *ret_path, majors_write(pve->arena, "", &f->seen),
                     majors_write(pve->arena, "", &next));
}

static struct bytes delegations_text(const struct pve *pve) {
        struct bytes text = { 0 };

        (void)file_read(pve->arena, path_of(pve, "subgid"), FILE_MAX, &text);
        return text;
}

struct delegations host_delegations_load(const struct pve *pve) {
        struct delegations d;

        delegations_parse(pve->arena, delegations_text(pve), &d);
        return d;
}

int host_delegations_set(const struct pve *pve, uint32_t gid, bool have, const char **ret_path) {
        int r = FILE_E_CHANGED;

        *ret_path = path_of(pve, "subgid");
        for (int i = 0; i < MAX_TRIES && r == FILE_E_CHANGED; i++) {
                struct bytes before = delegations_text(pve);
                struct delegations d;

                delegations_parse(pve->arena, before, &d);
                delegations_set(pve->arena, &d, gid, have);
                r = store(pve, *ret_path, before, delegations_write(pve->arena, &d));
        }
        return r;
}
