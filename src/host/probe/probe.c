/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * probe - the machine, read once
 *
 * Runs inside every container start, so it is plain reads of sysfs: a libudev
 * enumeration takes seven times as long, and needs udev's database, which an
 * early start may meet half-filled. What /dev holds is looked at, not assumed:
 * groupmod leaves old numbers on nodes, and LXC leaves empty files where a bind
 * mount found no source.
 *
 * The ids of a PCI device are taken from "modalias": "config" has them together, too, but
 * wakes a sleeping card, and "uevent" waits, on some kernels, for a driver that is
 * just being bound.
 */
#include "host/probe/probe.h"

#include "base/folder.h"

#include "host/probe/class.h"
#include "host/probe/groups.h"
#include "host/probe/majors.h"
#include "host/probe/nvidia.h"
#include "host/probe/serials.h"
#include "host/probe/subid.h"
#include "host/probe/sysfs.h"
#include "model/finding/reason.h"

static int gpu_compare(const void *a, const void *b) {
        const struct gpu *x = a, *y = b;
        size_t x_len = strlen(x->address), y_len = strlen(y->address);

        if (x->pci != y->pci)
                return x->pci ? -1 : 1;
        /* 1000:… is before 10000:… */
        if (x->pci && x_len != y_len)
                return x_len < y_len ? -1 : 1;
        return strcmp(x->address, y->address);
}

static int node_compare(const void *a, const void *b) {
        const struct node *x = a, *y = b;

        if (x->kind != y->kind)
                return (int)x->kind - (int)y->kind;
        return (x->number.minor > y->number.minor) - (x->number.minor < y->number.minor);
}

/* directories come in any order; facts do not */
static void facts_sort(struct facts *f) {
        for (size_t i = 0; i < f->n_gpus; i++)
                if (f->gpus[i].n_nodes > 1)
                        qsort(f->gpus[i].nodes, f->gpus[i].n_nodes, sizeof(struct node),
                              node_compare);
        if (f->n_gpus > 1)
                qsort(f->gpus, f->n_gpus, sizeof(struct gpu), gpu_compare);
}

/*
 * Devices that no driver has made nodes for count, too: "bound to vfio-pci" is a better answer than
 * "no such GPU", and equal cards are judged together. Accelerators of other drivers are none of
 * ours.
 */
static int is_idle_gpu(struct probe *p, const char *address, uint32_t class) {
        char path[NAME_MAX + sizeof("/driver")];
        const char *driver = NULL;
        int r;

        if (class >> 16 != CLASS_ACCELERATOR)
                return class >> 16 == CLASS_DISPLAY;
        snprintf(path, sizeof(path), "%s/driver", address);
        r = attr_link(p->arena, p->pci, path, &driver);
        if (r < 0)
                return is_gone(r) ? true : r;
        return strstr(driver, "vfio") != NULL;
}

static int probe_pci(struct probe *p, DIR *dir) {
        char path[NAME_MAX + sizeof("/class")];
        struct dirent *de;
        struct gpu *g;
        int r;

        while ((r = folder_next(dir, &de)) > 0) {
                uint32_t class;

                if (!is_pci_address(de->d_name) || facts_find_gpu(&p->facts, de->d_name))
                        continue;
                snprintf(path, sizeof(path), "%s/class", de->d_name);
                r = attr_hex(p->pci, path, &class);
                if (r >= 0)
                        r = is_idle_gpu(p, de->d_name, class);
                if (r > 0)
                        r = probe_gpu(p, de->d_name, true, &g);
                if (r < 0 && !is_gone(r))
                        return r;
        }
        return r;
}

static int devices_probe(struct probe *p) {
        _cleanup_(cleanup_dir) DIR *pci = NULL;
        int r;

        r = probe_dir(p, "/sys/bus/pci/devices", &pci);
        if (r < 0)
                return r;
        p->pci = pci ? dirfd(pci) : -1;
        serials_load(p->arena, p->root, p->pci, &p->serials);
        r = probe_classes(p);
        if (r < 0)
                return r;
        r = pci ? probe_pci(p, pci) : 0;
        if (r < 0)
                return r;
        return probe_nvidia(p);
}

void facts_unread(struct facts *f, const char *path, int r) {
        if (r >= 0 || f->unread)
                return;
        f->unread = path;
        f->unread_why = r == -EINVAL ? WHY_FILE_NOT_REGULAR : strerror(-r);
}

int probe_gpus(struct arena *a, const char *root, struct facts *ret) {
        struct probe p = { .arena = a, .root = root, .pci = -1 };
        struct facts *f = &p.facts;
        int r;

        r = devices_probe(&p);
        if (r < 0)
                return r;
        facts_unread(f, "/etc/group", groups_read(a, root, f));
        facts_unread(f, "/etc/subgid", subgids_read(a, root, &f->subgids, &f->n_subgids));
        facts_sort(f);
        *ret = *f;
        return 0;
}

int probe_facts(struct arena *a, const char *root, struct facts *ret) {
        struct facts f;
        int r;

        r = probe_gpus(a, root, &f);
        if (r < 0)
                return r;
        facts_unread(&f, "/proc/devices", majors_read(a, root, &f));
        *ret = f;
        return 0;
}
