/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * hwdb - names of GPUs
 *
 * Only for people to read: nothing is ever decided by a name. systemd's compiled
 * database answers in a third of a millisecond; pci.ids is text and takes seven.
 */
#include "cli/hwdb.h"

#include "host/probe/serials.h"
#include "model/gpu/gpu-list.h"

#include <systemd/sd-hwdb.h>

static const char *find_name(struct arena *a, sd_hwdb *db, const struct gpu *g) {
        const char *name = NULL, *modalias;

        if (!pci_ids_known(&g->ids))
                return NULL;
        modalias = arena_printf(a, "pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X",
                                g->ids.vendor, g->ids.device, g->ids.subvendor, g->ids.subdevice,
                                g->class >> 16 & 0xff, g->class >> 8 & 0xff, g->class & 0xff);
        if (sd_hwdb_get(db, modalias, "ID_MODEL_FROM_DATABASE", &name) < 0 || !*name)
                return NULL;
        return gpu_name(a, g->ids.vendor, name);
}

/* Where systemd-hwdb update, and a package, put it (hwdb(7)). */
static int open_database(struct arena *a, const char *root, sd_hwdb **ret) {
        if (!*root)
                return sd_hwdb_new(ret);
        if (sd_hwdb_new_from_path(arena_printf(a, "%s/etc/udev/hwdb.bin", root), ret) >= 0)
                return 0;
        return sd_hwdb_new_from_path(arena_printf(a, "%s/usr/lib/udev/hwdb.bin", root), ret);
}

/* A host in a folder has a database of its own, or none. */
static void add_names(struct arena *a, const char *root, struct facts *f) {
        sd_hwdb *db;

        if (open_database(a, root, &db) < 0)
                return;
        for (size_t i = 0; i < f->n_gpus; i++)
                if (!f->gpus[i].name)
                        f->gpus[i].name = find_name(a, db, &f->gpus[i]);
        sd_hwdb_unref(db);
}

struct anchor host_open(struct arena *a, const char *root) {
        struct anchor host = anchor_open(a, root);

        host.name = add_names;
        return host;
}

void cards_renew(struct arena *a, const char *root, bool again) {
        struct anchor host = host_open(a, root);

        (void)serials_renew(a, root, again);
        if (anchor_facts(&host) == 0)
                (void)serials_keep_names(a, root, &host.facts);
}
