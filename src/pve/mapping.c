/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * mapping - a GPU by the name it has in Proxmox's resource mappings
 *
 * /etc/pve/mapping/pci.cfg is the cluster's: one name, and for each node the
 * addresses that it means there.
 *
 *     igpu
 *             description the small one
 *             map id=8086:46a6,node=pve1,path=0000:00:02.0;0000:00:02.1
 *             map id=8086:46a6,node=pve2,path=0000:00:02
 *
 * Read as PVE::SectionConfig reads it, so that the same GPU is found here
 * than in Proxmox's own dialogs: `#` lines count nowhere, a section ends at an
 * empty line and at nothing else, of two sections of one name the last counts.
 */
#include "pve/mapping.h"

#include <errno.h>

#include "base/file.h"
#include "model/finding/reason.h"
#include "model/gpu/pci-address.h"

#define MAPPING_FILE "/etc/pve/mapping/pci.cfg"
#define PMXCFS_MAX (1024 * 1024) /* pmxcfs has no larger file */

enum sectioncfg_item sectioncfg_next(struct sectioncfg *s, struct bytes *ret_name,
                                     struct bytes *ret_value) {
        while (s->rest.len > 0) {
                struct bytes line = bytes_cut(&s->rest, '\n'), text = bytes_trim(line);
                bool indented = text.len > 0 && text.data != line.data;

                if (text.len > 0 && text.data[0] == '#')
                        continue;
                if (line.len == 0 || (line.len == 1 && line.data[0] == '\r')) {
                        s->inside = false;
                } else if (!s->inside && text.len > 0 && !indented) {
                        s->inside = true;
                        *ret_name = text;
                        return SECTIONCFG_HEADING;
                } else if (s->inside && indented) {
                        *ret_name = bytes_word(&text);
                        *ret_value = bytes_trim(text);
                        return SECTIONCFG_PROPERTY;
                }
        }
        return SECTIONCFG_END;
}

/** struct map - one map line */
struct map {
        struct bytes node, path, id;
};

/* id=8086:46a6,iommugroup=5,node=pve1,path=0000:00:02.0;0000:00:02.1,subsystem-id=8086:7270 */
static struct map split_map(struct bytes value) {
        struct map m = { 0 };

        while (value.len > 0) {
                struct bytes key, v;

                if (!bytes_split(bytes_cut(&value, ','), '=', &key, &v))
                        continue;
                if (bytes_equal(key, BYTES("node")))
                        m.node = v;
                else if (bytes_equal(key, BYTES("path")))
                        m.path = v;
                else if (bytes_equal(key, BYTES("id")))
                        m.id = v;
        }
        return m;
}

/* append the paths of one map line; false when the line cannot be believed */
static bool add_map(struct arena *a, struct gpu_sel *sel, const struct map *m) {
        struct gpu_sel s = *sel;
        struct bytes rest = m->path;
        struct pci_ids ids = { 0 };

        if (m->id.len != strlen("8086:46a6") ||
            !pci_ids_parse(m->id, &ids.vendor, &ids.device) || rest.len == 0)
                return false;
        if (s.n_paths > 0 && !pci_ids_same_model(&ids, &s.ids))
                return true;
        while (rest.len > 0) {
                const char *address = pci_path_normalize(a, bytes_cut(&rest, ';'));

                if (!address)
                        return false;
                *ARENA_PUSH(a, s.paths, s.n_paths) = address;
        }
        s.ids = ids;
        *sel = s;
        return true;
}

static void reset(struct gpu_sel *sel) {
        sel->paths = NULL;
        sel->n_paths = 0;
        sel->ids = (struct pci_ids){ 0 };
        sel->problem = NULL;
}

void mapping_parse(struct arena *a, struct bytes content, const char *node, struct gpu_sel *sel) {
        struct sectioncfg walk = { .rest = content };
        struct bytes name, value = { 0 }, broken = { 0 };
        bool ours = false, found = false;
        enum sectioncfg_item item;

        reset(sel);
        while ((item = sectioncfg_next(&walk, &name, &value)) != SECTIONCFG_END) {
                if (item == SECTIONCFG_HEADING) {
                        struct bytes rest = name, word = bytes_word(&rest);

                        walk.inside = rest.len == 0;
                        ours = walk.inside && bytes_equal(word, bytes_of(sel->name));
                        if (ours) {
                                reset(sel);
                                broken.len = 0;
                                found = true;
                        }
                } else if (ours && bytes_equal(name, BYTES("map"))) {
                        struct map m = split_map(value);

                        if (bytes_equal(m.node, bytes_of(node)) && !add_map(a, sel, &m))
                                broken = value;
                }
        }
        if (sel->n_paths > 0)
                return;
        if (!found)
                sel->problem = arena_printf(a, WHY_MAPPING_UNKNOWN, MAPPING_FILE);
        else if (broken.len > 0)
                sel->problem = arena_printf(a, WHY_MAPPING_LINE, node);
        else
                sel->problem = arena_printf(a, WHY_MAPPING_NO_LINE, node);
}

bool mapping_resolve(const struct pve *pve, struct policy *p) {
        struct bytes content = { 0 };
        struct arena *a = pve->arena;
        const char *problem = NULL;
        bool read = false;

        for (size_t i = 0; i < p->n_gpus; i++) {
                struct gpu_sel *sel = &p->gpus[i];
                int r = 0;

                if (sel->kind != SEL_MAPPING)
                        continue;
                if (!read) {
                        r = file_read(a, arena_printf(a, "%s" MAPPING_FILE, pve->root), PMXCFS_MAX,
                                      &content);
                        read = true;
                }
                if (r < 0 && r != -ENOENT)
                        problem = arena_printf(a, WHY_MAPPING_UNREAD, MAPPING_FILE, strerror(-r));
                mapping_parse(a, content, pve->node, sel);
                sel->unread = problem;
                if (problem)
                        sel->problem = problem;
        }
        return !problem;
}
