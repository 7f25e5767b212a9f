/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* vm - /etc/pve/qemu-server, read only */
#include "pve/vm.h"

#include "base/file.h"
#include "pve/guest.h"
#include "pve/mapping.h"

#include <errno.h>


int vm_list(const struct pve *pve, uint32_t **ret, size_t *ret_n) {
        int r = vmids_in(pve->arena, arena_printf(pve->arena, "%s/etc/pve/qemu-server", pve->root),
                         ret, ret_n);

        return r == -ENOENT ? 0 : r;
}

/* False: what it stands for cannot be read, and may be any card. */
static bool resolve(const struct pve *pve, struct hostpci *h) {
        struct gpu_sel sel = { .kind = SEL_MAPPING, .name = h->mapping };
        struct policy p = { .gpus = &sel, .n_gpus = 1 };
        bool read = mapping_resolve(pve, &p);

        h->paths = sel.paths;
        h->n_paths = sel.n_paths;
        return read;
}

int vm_hostpci(const struct pve *pve, uint32_t vmid, struct hostpci **ret, size_t *ret_n) {
        struct arena *a = pve->arena;
        struct bytes conf;
        int r = file_read(a, arena_printf(a, "%s/etc/pve/qemu-server/%u.conf", pve->root, vmid),
                          PMXCFS_MAX, &conf);

        if (r < 0)
                return r;
        *ret_n = hostpci_parse(a, conf, ret);
        for (size_t i = 0; i < *ret_n; i++)
                if ((*ret)[i].mapping && !resolve(pve, &(*ret)[i]))
                        r = -EIO;
        return r;
}
