/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* entries - GPUs by their address, and nodes as /dev has them */
#include "host/probe/entries.h"

#include "base/number.h"
#include "host/probe/sysfs.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

const char *probe_path(struct probe *p, const char *path) {
        return *p->root ? arena_printf(p->arena, "%s%s", p->root, path) : path;
}

int probe_dir(struct probe *p, const char *path, DIR **ret_dir) {
        DIR *dir = opendir(probe_path(p, path));

        if (!dir && !is_gone(-errno))
                return -errno;
        *ret_dir = dir;
        return 0;
}

/*
 * amdgpu has unique_id for most cards since Vega, and reading it does not wake them. What only
 * root may read, or what wakes a card, was read before: see serials.h.
 */
static int gpu_read_identity(struct probe *p, struct gpu *g, int dir) {
        char buf[SYSFS_ATTR_SIZE], link[PATH_MAX];
        const struct kept_serials *kept = serials_find(&p->serials, g->address);
        struct bytes text = { buf, 0 };
        ssize_t len = readlinkat(p->pci, g->address, link, sizeof(link) - 1);
        int r;

        if (len < 0)
                return is_gone(-errno) || errno == EINVAL ? 0 : -errno;
        link[len] = '\0';
        g->port = card_port(p->arena, link);
        if (kept) {
                memcpy(g->serials, kept->serials, sizeof(g->serials));
                g->name = kept->name;
        }
        if (!g->driver || !streq(g->driver, "amdgpu"))
                return 0;
        r = attr_read(dir, "unique_id", buf, &text);
        if (r >= 0 && text.len > 0) {
                const char *serial = bytes_dup(p->arena, text);

                if (serial_is_plausible(serial))
                        g->serials[SERIAL_AMD] = serial;
        }
        if (r >= 0 && !g->serials[SERIAL_AMD])
                g->none = SERIAL_BIT(SERIAL_AMD);
        return r < 0 && !is_gone(r) ? r : 0;
}

/* virtfn0 of the card is its first function: the number stays when one before it was removed. */
static void gpu_read_function(struct probe *p, struct gpu *g) {
        char link[NAME_MAX + sizeof("/virtfn4294967295")];
        const char *target;
        int r = 0;

        for (uint32_t i = 0; i < PROBE_MAX_GPUS && !g->function; i++) {
                snprintf(link, sizeof(link), "%s/virtfn%u", g->physfn, i);
                r = attr_link(p->arena, p->pci, link, &target);
                if (r >= 0 && streq(target, g->address))
                        g->function = i + 1;
        }
}

/* The kernel has 16 bits for each, and writes them with more digits. */
static bool are_ids(const struct pci_ids *x) {
        return (x->vendor | x->device | x->subvendor | x->subdevice) <= UINT16_MAX;
}

/*
 * All ids in one read; "uevent" may wait for a driver, and "config" wakes the card.
 * "pci:v00001002d0000150Esv00001F66sd00000031bc03sc80i00" (drivers/pci/pci-sysfs.c)
 */
static bool gpu_read_alias(int dir, struct gpu *g) {
        static const char *const keys[] = { "pci:v", "d", "sv", "sd", "bc", "sc", "i" };
        uint32_t n[ELEMENTS(keys)];
        char buf[SYSFS_ATTR_SIZE];
        struct bytes text = { 0 };

        if (attr_read(dir, "modalias", buf, &text) < 0)
                return false;
        for (size_t i = 0; i < ELEMENTS(keys); i++) {
                size_t digits = i < 4 ? 8 : 2;

                if (!bytes_take_prefix(&text, keys[i]) || text.len < digits ||
                    !parse_hex((struct bytes){ text.data, digits }, (unsigned)digits, &n[i]))
                        return false;
                text = bytes_from(text, digits);
        }
        g->ids = (struct pci_ids){ n[0], n[1], n[2], n[3] };
        g->class = n[4] << 16 | n[5] << 8 | n[6];
        return are_ids(&g->ids);
}

static int gpu_read_attributes(int dir, struct gpu *g) {
        struct {
                const char *name;
                uint32_t *value;
                bool optional;
        } attrs[] = {
                { "vendor", &g->ids.vendor, false },
                { "device", &g->ids.device, false },
                { "subsystem_vendor", &g->ids.subvendor, true },
                { "subsystem_device", &g->ids.subdevice, true },
                { "class", &g->class, true },
        };
        bool complete = true;
        int r;

        for (size_t i = 0; i < ELEMENTS(attrs); i++) {
                r = attr_hex(dir, attrs[i].name, attrs[i].value);
                if (r < 0 && !is_gone(r))
                        return r;
                complete &= r >= 0 || attrs[i].optional;
        }
        if (!complete || !are_ids(&g->ids))
                g->ids = (struct pci_ids){ 0 };
        return 0;
}

static int gpu_read_pci(struct probe *p, struct gpu *g) {
        _cleanup_(cleanup_close) int dir = -1;
        int r;

        if (p->pci < 0)
                return 0;
        dir = openat(p->pci, g->address, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0)
                return is_gone(-errno) ? 0 : -errno;
        r = gpu_read_alias(dir, g) ? 0 : gpu_read_attributes(dir, g);
        if (r < 0)
                return r;
        r = attr_link(p->arena, dir, "driver", &g->driver);
        if (r < 0 && !is_gone(r))
                return r;
        r = attr_link(p->arena, dir, "physfn", &g->physfn);
        if (r < 0 && !is_gone(r))
                return r;
        if (g->physfn)
                gpu_read_function(p, g);
        return gpu_read_identity(p, g, dir);
}

int probe_gpu(struct probe *p, const char *address, bool pci, struct gpu **ret_gpu) {
        struct gpu *g = NULL;
        int r;

        for (size_t i = 0; i < p->facts.n_gpus && !g; i++)
                if (streq(p->facts.gpus[i].address, address))
                        g = &p->facts.gpus[i];
        if (!g && p->facts.n_gpus < PROBE_MAX_GPUS) {
                g = ARENA_PUSH(p->arena, p->facts.gpus, p->facts.n_gpus);
                g->address = arena_strdup(p->arena, address);
                g->pci = pci;
                r = pci ? gpu_read_pci(p, g) : 0;
                if (r < 0)
                        return r;
        }
        *ret_gpu = g;
        return 0;
}

static int node_look(struct probe *p, struct node *node) {
        struct stat st;

        /* an absolute path, not fstatat(): umockdev fakes device numbers only there */
        if (lstat(probe_path(p, node->path), &st) < 0)
                return is_gone(-errno) ? 0 : -errno;
        if (!S_ISCHR(st.st_mode))
                node->state = NODE_FAKE;
        else if (st.st_rdev != makedev(node->number.major, node->number.minor))
                node->state = NODE_WRONG_NUMBER;
        else
                node->state = NODE_CHAR;
        node->uid = st.st_uid;
        node->gid = st.st_gid;
        node->mode = st.st_mode & 07777;
        return 0;
}

int probe_shared_node(struct probe *p, struct node node) {
        int r = node_look(p, &node);

        if (r < 0)
                return r;
        *ARENA_PUSH(p->arena, p->facts.shared, p->facts.n_shared) = node;
        return 0;
}

int probe_gpu_node(struct probe *p, struct gpu *g, struct node node) {
        struct node *old = NULL;
        int r = node_look(p, &node);

        if (r < 0)
                return r;
        for (size_t i = 0; i < g->n_nodes && !node_family(&node)->several; i++)
                if (g->nodes[i].kind == node.kind)
                        old = &g->nodes[i];
        if (!old)
                *ARENA_PUSH(p->arena, g->nodes, g->n_nodes) = node;
        else if (node.number.minor < old->number.minor)
                *old = node;
        return 0;
}
