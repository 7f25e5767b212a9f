/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * nvidia - nodes of NVIDIA's own driver
 *
 * That driver registers its character devices without sysfs: there is no class
 * and no "dev" file. Numbers come from /proc/devices (the open kernel modules
 * call major 195 nvidia, nvidiactl and nvidia-modeset; older ones call all of
 * it nvidia-frontend; uvm and caps get a dynamic major) and a GPU's minor from
 *
 *     /proc/driver/nvidia/gpus/0000:01:00.0/information: "Device Minor: \t 0"
 *
 * which does not follow PCI order. Reading that wakes the card, so it is done only where root
 * has not kept it (serials.h). Nodes are made by nvidia-modprobe, not by udev, often only when
 * the first program asks; until then they are absent.
 */
#include "host/probe/nvidia.h"

#include "base/file.h"
#include "base/folder.h"
#include "base/number.h"
#include "host/probe/majors.h"
#include "host/probe/serials.h"
#include "host/probe/sysfs.h"

enum {
        VENDOR_NVIDIA = 0x10de,
        INFORMATION_MAX = 64 * 1024,
        CAPS_MAX = 1024,
};

static int shared_node(struct probe *p, enum node_family family, uint32_t major) {
        const struct family *f = &families[family];

        return probe_shared_node(p, (struct node){ .kind = f->kind,
                                                   .path = f->path,
                                                   .number = { major, f->minor, false } });
}

static int gpu_nvidia(struct probe *p, struct gpu *g, bool *loaded) {
        const struct family *f = &families[FAMILY_NVIDIA];
        const struct kept_serials *kept = serials_find(&p->serials, g->address);
        struct node node = { .kind = f->kind, .number.major = f->major };
        struct bytes text;
        const char *uuid;
        int r;

        if (kept && kept->silent && serials_same_driver(&p->serials, kept))
                return 0; /* it holds nobody else */
        if (kept && kept->has_minor && serials_same_driver(&p->serials, kept)) {
                *loaded = true;
                node.number.minor = kept->minor;
                node.path = family_path(p->arena, f, kept->minor);
                return probe_gpu_node(p, g, node);
        }
        r = information_read(p->arena, p->root, g->address, &text);
        if (is_gone(r))
                return 0; /* nouveau, vfio-pci, or nothing drives it */
        if (r < 0)
                return r;
        if (!information_minor(text, &node.number.minor))
                return 0;
        uuid = information_uuid(p->arena, text);
        g->serials[SERIAL_NVIDIA] = uuid ? uuid : g->serials[SERIAL_NVIDIA];
        *loaded = true;
        node.path = family_path(p->arena, f, node.number.minor);
        return probe_gpu_node(p, g, node);
}

static int node_compare(const void *a, const void *b) {
        const struct node *x = a, *y = b;

        return (x->number.minor > y->number.minor) - (x->number.minor < y->number.minor);
}

/* The file "access" of an instance below @mig, the card's folder, names the minor of its node. */
static int instance_node(struct probe *p, const struct gpu *g, const char *mig,
                         const char *instance) {
        const char *path = arena_printf(p->arena, "%s%s/%s/access", p->root, mig, instance);
        struct bytes text, value;
        uint32_t minor;
        int r = file_read(p->arena, path, INFORMATION_MAX, &text);

        if (r < 0)
                return is_gone(r) ? 0 : r;
        while (text.len > 0) {
                value = bytes_cut(&text, '\n');
                if (!bytes_take_prefix(&value, "DeviceFileMinor:") ||
                    !parse_u32(bytes_trim(value), &minor))
                        continue;
                for (size_t i = 0; i < p->facts.n_shared; i++) {
                        struct node *n = &p->facts.shared[i];

                        if (node_family(n) != &families[FAMILY_NVIDIA_CAPS] ||
                            n->number.minor != minor)
                                continue;
                        n->card = g->address;
                        n->instance = arena_strdup(p->arena, instance);
                }
        }
        return 0;
}

/* "gi1" and "gi1/ci0" of a card: a program needs the nodes of both. */
static int instances_probe(struct probe *p, const struct gpu *g, const char *mig,
                           const char *above) {
        _cleanup_(cleanup_dir) DIR *dir = NULL;
        struct dirent *de;
        int r = probe_dir(p, arena_printf(p->arena, "%s%s", mig, above), &dir);

        for (size_t i = 0; r >= 0 && dir && i < CAPS_MAX && (r = folder_next(dir, &de)) > 0; i++) {
                const char *name = arena_printf(p->arena, "%s%s%s", *above ? above + 1 : "",
                                                *above ? "/" : "", de->d_name);

                if (!str_has_prefix(de->d_name, *above ? "ci" : "gi"))
                        continue;
                r = instance_node(p, g, mig, name);
                if (r == 0 && !*above)
                        r = instances_probe(p, g, mig, arena_printf(p->arena, "/%s", name));
        }
        return r < 0 ? r : 0;
}

/* Which card's are the nodes behind those of partitioning and monitoring, which are for all. */
static int mig_probe(struct probe *p, size_t first) {
        const uint32_t monitor = 2;
        bool any = false;
        int r = 0;

        for (size_t i = first; i < p->facts.n_shared; i++)
                any |= p->facts.shared[i].number.minor > monitor;
        for (size_t i = 0; any && r == 0 && i < p->facts.n_gpus; i++) {
                const struct gpu *g = &p->facts.gpus[i];
                const struct node *n = gpu_node(g, NODE_NVIDIA);

                if (n)
                        r = instances_probe(
                                p, g,
                                arena_printf(p->arena, "/proc/driver/nvidia/capabilities/gpu%u/mig",
                                             n->number.minor),
                                "");
        }
        return r;
}

/*
 * /proc/driver/nvidia/capabilities is a tree with a file for each MIG instance, gpu0/mig/gi1/access
 * and gpu0/mig/gi1/ci0/access, that names its minor; gpu0 is the card of /dev/nvidia0. The node
 * of minor N is always nvidia-capN, and one that is not made yet is of no use to a container.
 */
static int caps_probe(struct probe *p) {
        _cleanup_(cleanup_dir) DIR *dir = NULL;
        const struct family *f = &families[FAMILY_NVIDIA_CAPS];
        struct node node = { .kind = f->kind };
        size_t first = p->facts.n_shared;
        struct dirent *de;
        int r;

        if (!facts_major_of(&p->facts, f->owner, &node.number.major))
                return 0;
        r = probe_dir(p, f->folder, &dir);
        if (r < 0 || !dir)
                return r;
        while ((r = folder_next(dir, &de)) > 0 && p->facts.n_shared - first < CAPS_MAX) {
                node.path = arena_printf(p->arena, "%s/%s", f->folder, de->d_name);
                if (!family_path_number(f, bytes_of(node.path), &node.number.minor))
                        continue;
                r = probe_shared_node(p, node);
                if (r < 0)
                        return r;
        }
        if (p->facts.n_shared > first)
                qsort(p->facts.shared + first, p->facts.n_shared - first, sizeof(struct node),
                      node_compare);
        return r < 0 ? r : mig_probe(p, first);
}

/* a driver that calls everything nvidia-frontend does not tell whether modesetting is loaded */
static int modeset_probe(struct probe *p) {
        const struct family *f = &families[FAMILY_NVIDIA_MODESET];
        uint32_t major = f->major;

        if (!facts_major_of(&p->facts, f->owner, &major) &&
            access(probe_path(p, f->path), F_OK) < 0)
                return is_gone(-errno) ? 0 : -errno;
        return shared_node(p, FAMILY_NVIDIA_MODESET, major);
}

static int uvm_probe(struct probe *p) {
        uint32_t major;
        int r;

        if (!facts_major_of(&p->facts, families[FAMILY_NVIDIA_UVM].owner, &major))
                return 0;
        r = shared_node(p, FAMILY_NVIDIA_UVM, major);
        return r < 0 ? r : shared_node(p, FAMILY_NVIDIA_UVM_TOOLS, major);
}

int probe_nvidia(struct probe *p) {
        const uint32_t major = families[FAMILY_NVIDIA].major;
        bool loaded;
        int r;

        if (access(probe_path(p, "/proc/driver/nvidia"), F_OK) < 0)
                return is_gone(-errno) ? 0 : -errno;
        r = majors_read(p->arena, p->root, &p->facts);
        if (r < 0)
                return r;
        loaded = facts_major_name(&p->facts, major);
        for (size_t i = 0; i < p->facts.n_gpus; i++) {
                struct gpu *g = &p->facts.gpus[i];

                if (!g->pci || g->ids.vendor != VENDOR_NVIDIA)
                        continue;
                r = gpu_nvidia(p, g, &loaded);
                if (r < 0)
                        return r;
        }
        if (!loaded)
                return 0;

        r = shared_node(p, FAMILY_NVIDIA_CTL, major);
        if (r < 0)
                return r;
        r = modeset_probe(p);
        if (r < 0)
                return r;
        r = uvm_probe(p);
        return r < 0 ? r : caps_probe(p);
}
