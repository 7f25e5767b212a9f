/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * display - whether a screen hangs on a GPU
 *
 * Connectors are entries beside their card, /sys/class/drm/card1-HDMI-A-1. Their
 * status is what the driver saw last; reading it does not wake the GPU.
 */
#include "host/probe/display.h"

#include "host/probe/sysfs.h"

#include <fcntl.h>

static bool attr_is(int dir, const char *name, const char *value) {
        char buf[SYSFS_ATTR_SIZE];
        struct bytes text;

        return attr_read(dir, name, buf, &text) == 0 && bytes_equal(text, bytes_of(value));
}

static bool any_connected(const char *folder, const char *card) {
        _cleanup_(cleanup_dir) DIR *dir = opendir(folder);
        char status[NAME_MAX + sizeof("/status")];
        size_t n = strlen(card);

        for (struct dirent *de; dir && (de = readdir(dir));) {
                if (!str_has_prefix(de->d_name, card) || de->d_name[n] != '-')
                        continue;
                snprintf(status, sizeof(status), "%s/status", de->d_name);
                if (attr_is(dirfd(dir), status, "connected"))
                        return true;
        }
        return false;
}

struct display display_look(struct arena *a, const char *root, const struct gpu *g) {
        const struct node *card = gpu_node(g, NODE_CARD);
        const char *boot = arena_printf(a, "%s/sys/bus/pci/devices/%s/boot_vga", root, g->address);

        return (struct display){
                .attached = card && any_connected(arena_printf(a, "%s/sys/class/drm", root),
                                                  strrchr(card->path, '/') + 1),
                .boot = g->pci && attr_is(AT_FDCWD, boot, "1"),
        };
}
