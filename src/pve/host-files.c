/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * host-files - files of root: the history of the cards, the pins of the node, the drivers' majors
 *
 * On the host's own disk, not below /etc/pve: cards are this machine's, and a start reads one
 * file instead of the policies of all containers, each a round trip to pmxcfs.
 */
#include "pve/host-files.h"

#include "base/file.h"

#include <errno.h>
#include <sys/random.h>

#define FOLDER "/var/lib/gpuanchor/host"
#define FILE_MAX (1024 * 1024)

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

void host_memory_load(const struct pve *pve, struct host_memory *ret) {
        struct host_memory m = { 0 };
        int r = file_read(pve->arena, path_of(pve, "cards"), FILE_MAX, &m.cards_text);

        if (r < 0 || !history_read(pve->arena, m.cards_text, &m.history)) {
                m.partial = r != -ENOENT;
                m.history = (struct history){ .id = new_id(pve) };
        }
        r = file_read(pve->arena, path_of(pve, "pins"), FILE_MAX, &m.pins_text);
        m.partial |= r < 0 ? r != -ENOENT : !pins_read(pve->arena, m.pins_text, &m);
        drop_gone(pve, &m);
        *ret = m;
}

static int store(const struct pve *pve, const char *path, struct bytes before, struct bytes text) {
        int r;

        if (bytes_equal(before, text))
                return 0;
        r = mkdir_parents(arena_printf(pve->arena, "%s" FOLDER, pve->root), 0755);
        return r < 0 ? r : file_edit(path, &(struct file_edit){ before, text }, 0644, 0);
}

int host_memory_store(const struct pve *pve, const struct host_memory *m, const char **ret_path) {
        int r;

        if (m->partial)
                return 0;
        *ret_path = path_of(pve, "cards");
        r = store(pve, *ret_path, m->cards_text, history_write(pve->arena, &m->history));
        if (r != 0)
                return r;
        *ret_path = path_of(pve, "pins");
        return store(pve, *ret_path, m->pins_text, pins_write(pve->arena, m));
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
        return store(pve, *ret_path, majors_write(pve->arena, &f->seen),
                     majors_write(pve->arena, &next));
}
