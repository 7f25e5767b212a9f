/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * hwdb - names of GPUs
 *
 * Only for people to read: nothing is ever decided by a name. systemd's compiled
 * database answers in a third of a millisecond; pci.ids is text and takes seven.
 */
#include "cli/hwdb.h"

#include <systemd/sd-hwdb.h>

static const char *find_name(struct arena *a, sd_hwdb *db, const struct gpu *g) {
        const char *name = NULL, *modalias;

        if (!pci_ids_known(&g->ids))
                return NULL;
        modalias = arena_printf(a, "pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X",
                                g->ids.vendor, g->ids.device, g->ids.subvendor, g->ids.subdevice,
                                g->class >> 16 & 0xff, g->class >> 8 & 0xff, g->class & 0xff);
        if (sd_hwdb_get(db, modalias, "ID_MODEL_FROM_DATABASE", &name) < 0)
                return NULL;
        return arena_strdup(a, name);
}

const char **hwdb_names(struct arena *a, const struct facts *f) {
        const char **names = arena_alloc(a, (f->n_gpus + 1) * sizeof(*names));
        sd_hwdb *db;

        if (sd_hwdb_new(&db) < 0)
                return names;
        for (size_t i = 0; i < f->n_gpus; i++)
                names[i] = find_name(a, db, &f->gpus[i]);
        sd_hwdb_unref(db);
        return names;
}
