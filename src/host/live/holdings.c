/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * holdings - names in the container's /dev, and what is there
 *
 * Names are the container's to choose: those that would not fit into a line of text are left
 * out here. What they are good for is shut by number (model/live/refused.h).
 */
#include "host/live/holdings.h"

#include "base/file.h"
#include "base/number.h"
#include "host/inside/gather.h"
#include "model/conf/devline.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

enum { MAX_NODES = 256, MAX_PATH = 200, LIST_MAX = 64 * 1024 };

struct holdings {
        const struct inside *in;
        const struct holdings_search *search;
        struct idmap uids, gids;
        struct held *held;
        uint64_t host_dev; /* file system of the host's /dev */
};

static bool fits_a_line(const char *path) {
        size_t len = strlen(path);

        for (size_t i = 0; i < len; i++)
                if (path[i] <= ' ' || path[i] > '~')
                        return false;
        return len <= MAX_PATH && path[0] == '/';
}

static bool is_known(const struct held *h, const char *path) {
        for (size_t i = 0; i < h->n_nodes; i++)
                if (streq(h->nodes[i].path, path))
                        return true;
        return false;
}

static int64_t inner_id(const struct idmap *map, uint32_t host) {
        uint32_t id;

        return idmap_lookup_outside(map, host, &id) ? (int64_t)id : -1;
}

static void look_at(struct holdings *h, const char *path) {
        struct held *held = h->held;
        struct inside_node n;

        if (held->n_nodes >= MAX_NODES || !fits_a_line(path) || is_known(held, path))
                return;
        n = inside_look(h->in->root_fd, path);
        if (!n.is_char ||
            (!facts_family(h->search->facts, n.number) && !family_of_path(bytes_of(path))))
                return;
        *ARENA_PUSH(h->in->arena, held->nodes, held->n_nodes) = (struct held_node){
                .path = arena_strdup(h->in->arena, path),
                .number = n.number,
                .mode = n.mode,
                .uid = inner_id(&h->uids, n.uid),
                .gid = inner_id(&h->gids, n.gid),
                .gpu = n.removed ? "none" : held_identity(h->search->facts, n.number),
                .bound = n.device == h->host_dev,
        };
}

static void look_into(struct holdings *h, const char *folder) {
        const char **names = NULL;
        size_t n = 0;

        (void)inside_list(h->in, folder, &names, &n); /* without it, none */
        for (size_t i = 0; i < n; i++)
                look_at(h, arena_printf(h->in->arena, "%s/%s", folder, names[i]));
}

static void look_at_nodes_of_host(struct holdings *h) {
        const struct facts *f = h->search->facts;

        for (size_t i = 0; i < f->n_shared; i++)
                look_at(h, f->shared[i].path);
        for (size_t i = 0; i < f->n_gpus; i++)
                for (size_t j = 0; j < f->gpus[i].n_nodes; j++)
                        look_at(h, f->gpus[i].nodes[j].path);
}

static int compare_paths(const void *a, const void *b) {
        return strcmp(((const struct held_node *)a)->path, ((const struct held_node *)b)->path);
}

/* "4711 (name) S 4700 ...": field 4 of proc_pid_stat(5) */
static uint32_t parent_of(const struct inside *in) {
        struct bytes text;
        uint32_t pid = 0;
        const char *name_end;

        if (file_read(in->arena, arena_printf(in->arena, "/proc/%u/stat", in->pid), 4096, &text) <
            0)
                return 0;
        name_end = memrchr(text.data, ')', text.len);
        if (!name_end)
                return 0;
        text = bytes_from(text, (size_t)(name_end + 1 - text.data));
        (void)bytes_word(&text);
        return parse_u32(bytes_word(&text), &pid) ? pid : 0;
}

bool inside_is_set_up(const struct inside *in) {
        struct stat own, parents;

        return stat(arena_printf(in->arena, "/proc/%u/exe", in->pid), &own) == 0 &&
               (stat(arena_printf(in->arena, "/proc/%u/exe", parent_of(in)), &parents) < 0 ||
                own.st_ino != parents.st_ino || own.st_dev != parents.st_dev);
}

void holdings_look(const struct inside *in, const struct holdings_search *s, struct held *ret) {
        struct holdings h = { .in = in, .search = s, .held = ret };
        const char *folders[NODE_FAMILIES];
        size_t n = family_folders(folders);
        struct stat dev;

        *ret = (struct held){ .init = { .pid = in->pid,
                                        .mounts = inside_namespace(in, "mnt"),
                                        .users = inside_namespace(in, "user") } };
        h.uids = inside_id_map(in->arena, in->pid, "uid_map");
        h.gids = inside_id_map(in->arena, in->pid, "gid_map");
        h.host_dev = stat("/dev", &dev) == 0 ? (uint64_t)dev.st_dev : 0;
        for (size_t i = 0; i < s->n_paths; i++)
                look_at(&h, s->paths[i]);
        look_at_nodes_of_host(&h);
        for (size_t i = 0; i < n; i++)
                look_into(&h, folders[i]);
        look_into(&h, "/dev");
        if (ret->n_nodes > 0)
                qsort(ret->nodes, ret->n_nodes, sizeof(*ret->nodes), compare_paths);
}

/* "c:226:128:/dev/dri/renderD128" */
static bool lists(struct bytes list, const char *path) {
        while (list.len > 0) {
                struct bytes line = bytes_trim(bytes_cut(&list, '\n'));

                for (int i = 0; i < 3; i++)
                        (void)bytes_cut(&line, ':');
                if (bytes_equal(line, bytes_of(path)))
                        return true;
        }
        return false;
}

/*
 * In /var/lib/lxc/VMID/passthrough, its pre-start hook and `pct set` make the nodes; only the
 * hook writes down which (pve-container: lxc-pve-prestart-hook, device_passthrough_hotplug()).
 */
void holdings_find_added(const struct inside *in, struct held *held) {
        const char *folder = arena_printf(in->arena, "/proc/%u/root/var/lib/lxc/%u/passthrough",
                                          parent_of(in), in->vmid);
        struct bytes list = { 0 };
        int r = file_read(in->arena, arena_printf(in->arena, "%s/devices", folder), LIST_MAX,
                          &list);

        if (r < 0 && r != -ENOENT)
                return;
        for (size_t i = 0; i < held->n_nodes; i++) {
                struct held_node *n = &held->nodes[i];
                struct inside_node there = inside_look(in->root_fd, n->path);
                struct stat st;

                if (there.is_char && !lists(list, n->path) &&
                    lstat(arena_printf(in->arena, "%s%s", folder, n->path), &st) == 0 &&
                    S_ISCHR(st.st_mode) && st.st_dev == there.device &&
                    major(st.st_rdev) == there.number.major &&
                    minor(st.st_rdev) == there.number.minor)
                        n->added = n->gpu;
        }
}
