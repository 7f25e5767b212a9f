/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * drm - nodes that the DRM and accel classes have made
 *
 * /sys/class/drm also lists connectors (card1-HDMI-A-1), controlD64 of kernels
 * before 4.13, ttm and version; only cardN and renderDN are nodes. Which device
 * a node belongs to is in the target of its link, so one readlink() answers:
 *
 *     ../../devices/pci0000:00/0000:00:08.1/0000:c1:00.0/drm/card1
 *     ../../devices/pci0000:00/0000:00:05.0/virtio1/drm/card0
 *     ../../devices/platform/axi/1002000000.v3d/drm/renderD128
 *
 * Only virtio may stand between a node and its PCI device. A DisplayLink
 * adapter hangs below a PCI device too, the USB controller, and the firmware's
 * framebuffer below the card that its own driver will take: neither is that
 * device's node, and a container that may have the one must not get the other.
 */
#include "host/probe/drm.h"

#include "host/probe/sysfs.h"

#include <fcntl.h>
#include <limits.h>

struct device_class {
        const char *name;
        const char *sys;
        const char *dev;
};

static const struct device_class class_drm = { "drm", "/sys/class/drm", "/dev/dri" };
static const struct device_class class_accel = { "accel", "/sys/class/accel", "/dev/accel" };

static bool entry_kind(const char *name, enum node_kind *ret_kind) {
        uint32_t number;

        if (name_number(name, "card", &number))
                *ret_kind = NODE_CARD;
        else if (name_number(name, "renderD", &number))
                *ret_kind = NODE_RENDER;
        else if (name_number(name, "accel", &number))
                *ret_kind = NODE_ACCEL;
        else
                return false;
        return true;
}

/* cuts the last component off @path and returns it, NULL when none is left */
static char *path_pop(char *path) {
        char *slash = strrchr(path, '/');

        if (!slash)
                return NULL;
        *slash = '\0';
        return slash + 1;
}

/* name of the device that owns a node; @link, the target of the node's link, is cut up */
static const char *link_owner(const struct device_class *class, char *link, bool *ret_pci) {
        char *node = path_pop(link), *owner = path_pop(link), *above;

        if (owner && streq(owner, class->name))
                owner = path_pop(link);
        if (!node || !owner)
                return NULL;
        /* a node without a parent device, as old vgem made them, is a device of its own */
        if (streq(owner, "virtual"))
                owner = node;
        above = str_has_prefix(owner, "virtio") ? path_pop(link) : NULL;
        if (above && is_pci_address(above))
                owner = above;
        *ret_pci = is_pci_address(owner);
        return owner;
}

/** struct entry - one name in the directory of a class */
struct entry {
        const struct device_class *class;
        int dir;
        const char *name;
        enum node_kind kind;
};

static int entry_probe(struct probe *p, const struct entry *e) {
        struct node node = { .kind = e->kind };
        char link[PATH_MAX], path[NAME_MAX + sizeof("/device/driver")];
        const char *owner;
        struct gpu *g;
        ssize_t len;
        bool pci;
        int r;

        len = readlinkat(e->dir, e->name, link, sizeof(link) - 1);
        if (len < 0)
                return errno == EINVAL || is_gone(-errno) ? 0 : -errno;
        link[len] = '\0';
        owner = link_owner(e->class, link, &pci);
        if (!owner)
                return 0;

        snprintf(path, sizeof(path), "%s/dev", e->name);
        r = attr_dev(e->dir, path, &node.number);
        if (r < 0)
                return is_gone(r) ? 0 : r;
        r = probe_gpu(p, owner, pci, &g);
        if (r < 0 || !g)
                return r;
        if (!pci && !g->driver) {
                snprintf(path, sizeof(path), "%s/device/driver", e->name);
                r = attr_link(p->arena, e->dir, path, &g->driver);
                if (r < 0 && !is_gone(r))
                        return r;
        }
        node.path = arena_printf(p->arena, "%s/%s", e->class->dev, e->name);
        return probe_gpu_node(p, g, node);
}

static int class_probe(struct probe *p, const struct device_class *class) {
        _cleanup_(cleanup_dir) DIR *dir = NULL;
        struct dirent *de;
        int r;

        r = probe_dir(p, class->sys, &dir);
        if (r < 0 || !dir)
                return r;
        while ((de = readdir(dir))) {
                struct entry e = { .class = class, .dir = dirfd(dir), .name = de->d_name };

                if (!entry_kind(de->d_name, &e.kind))
                        continue;
                r = entry_probe(p, &e);
                if (r < 0)
                        return r;
        }
        return 0;
}

int probe_drm(struct probe *p) {
        return class_probe(p, &class_drm);
}

int probe_accel(struct probe *p) {
        return class_probe(p, &class_accel);
}
