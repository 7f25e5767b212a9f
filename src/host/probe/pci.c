/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * pci - display devices that no DRM driver has made nodes for
 *
 * A PCI display device counts even without a node: "bound to vfio-pci" is a
 * better answer than "no such GPU".
 */
#include "host/probe/pci.h"

#include "host/probe/sysfs.h"

#include <fcntl.h>

enum { CLASS_DISPLAY = 0x03 };

int probe_pci(struct probe *p, DIR *dir) {
        char path[NAME_MAX + sizeof("/class")];
        struct dirent *de;
        struct gpu *g;
        int r;

        while ((de = readdir(dir))) {
                uint32_t class;

                if (!is_pci_address(de->d_name) || facts_find_gpu(&p->facts, de->d_name))
                        continue;
                snprintf(path, sizeof(path), "%s/class", de->d_name);
                r = attr_hex(p->pci, path, &class);
                if (r >= 0 && class >> 16 == CLASS_DISPLAY)
                        r = probe_gpu(p, de->d_name, true, &g);
                if (r < 0 && !is_gone(r))
                        return r;
        }
        return 0;
}
