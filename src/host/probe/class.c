/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * class - nodes that a class in sysfs lists
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
 *
 * /dev/kfd is one node for all AMD GPUs: which of them it may use is decided by the
 * render nodes that its user can open. Its major is given out dynamically; the driver
 * makes the class together with the number, so /proc/devices need not be asked.
 */
#include "host/probe/class.h"

#include "base/folder.h"

#include "host/probe/sysfs.h"

#include <fcntl.h>
#include <limits.h>

/* cuts the last component off @path and returns it, NULL when none is left */
static char *path_pop(char *path) {
        char *slash = strrchr(path, '/');

        if (!slash)
                return NULL;
        *slash = '\0';
        return slash + 1;
}

/* name of the device that owns a node; @link, the target of the node's link, is cut up */
static const char *link_owner(const char *class, char *link, bool *ret_pci) {
        char *node = path_pop(link), *owner = path_pop(link), *above;

        if (owner && streq(owner, class))
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
        int dir;
        const char *name;
        const struct family *family;
};

/* the GPU whose node it is; *@ret_gpu is NULL when that cannot be found */
static int entry_gpu(struct probe *p, const struct entry *e, struct gpu **ret_gpu) {
        char link[PATH_MAX], path[NAME_MAX + sizeof("/device/driver")];
        const char *owner;
        ssize_t len;
        bool pci;
        int r;

        *ret_gpu = NULL;
        len = readlinkat(e->dir, e->name, link, sizeof(link) - 1);
        if (len < 0)
                return errno == EINVAL || is_gone(-errno) ? 0 : -errno;
        link[len] = '\0';
        owner = link_owner(e->family->class, link, &pci);
        if (!owner)
                return 0;
        r = probe_gpu(p, owner, pci, ret_gpu);
        if (r < 0 || !*ret_gpu || pci || (*ret_gpu)->driver)
                return r;
        snprintf(path, sizeof(path), "%s/device/driver", e->name);
        r = attr_link(p->arena, e->dir, path, &(*ret_gpu)->driver);
        return r < 0 && !is_gone(r) ? r : 0;
}

static int entry_probe(struct probe *p, const struct entry *e) {
        struct node node = { .kind = e->family->kind };
        char path[NAME_MAX + sizeof("/dev")];
        struct gpu *g;
        int r;

        snprintf(path, sizeof(path), "%s/dev", e->name);
        r = attr_dev(e->dir, path, &node.number);
        if (r < 0)
                return is_gone(r) ? 0 : r;
        node.path = arena_printf(p->arena, "%s/%s", e->family->folder, e->name);
        if (e->family->shared)
                return probe_shared_node(p, node);
        r = entry_gpu(p, e, &g);
        return r < 0 || !g ? r : probe_gpu_node(p, g, node);
}

static int class_probe(struct probe *p, const char *class) {
        _cleanup_(cleanup_dir) DIR *dir = NULL;
        struct dirent *de;
        int r;

        r = probe_dir(p, arena_printf(p->arena, "/sys/class/%s", class), &dir);
        if (r < 0 || !dir)
                return r;
        while ((r = folder_next(dir, &de)) > 0) {
                struct entry e = { dirfd(dir), de->d_name, family_of_entry(class, de->d_name) };

                r = e.family ? entry_probe(p, &e) : 0;
                if (r < 0)
                        return r;
        }
        return r;
}

int probe_classes(struct probe *p) {
        const char *classes[NODE_FAMILIES];
        size_t n = family_classes(classes);
        int r = 0;

        for (size_t i = 0; i < n && r >= 0; i++)
                r = class_probe(p, classes[i]);
        return r;
}
