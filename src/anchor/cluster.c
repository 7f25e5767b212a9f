/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* cluster - files of nodes, and a choice for each of them */
#include "anchor/cluster.h"

#include "base/file.h"
#include "base/folder.h"
#include "model/gpu/pci-address.h"
#include "model/plan/choose/choose.h"
#include "pve/mapping.h"

#include <sys/stat.h>
#include <time.h>

#define PUBLISHED "/etc/pve/gpuanchor/nodes"
#define PUBLISHED_MAX (256 * 1024)
#define NODES_MAX 256

const char *cluster_state_name(enum cluster_state s) {
        static const char *const names[] = { [NODE_OWN] = "own",
                                             [NODE_ONLINE] = "online",
                                             [NODE_OFFLINE] = "offline",
                                             [NODE_LEFT] = "left",
                                             [NODE_UNKNOWN] = "unknown" };

        return names[s];
}

const char *cluster_finds_name(enum cluster_finds f) {
        static const char *const names[] = { [FINDS_UNKNOWN] = "unknown",
                                             [FINDS_NONE] = "none",
                                             [FINDS_CHOICE] = "choice",
                                             [FINDS_GPU] = "gpu" };

        return names[f];
}

/* ---- what is published ---- */

static void add_mapping(struct anchor *an, const char *name, struct bytes file,
                        struct published *p) {
        struct gpu_sel sel = { .kind = SEL_MAPPING, .name = name };

        mapping_parse(an->pve.arena, file, an->pve.node, &sel);
        for (size_t i = 0; i < p->facts.n_gpus; i++)
                for (size_t j = 0; j < sel.n_paths; j++)
                        if (pci_path_has(sel.paths[j], p->facts.gpus[i].address)) {
                                *ARENA_PUSH(an->pve.arena, p->mappings, p->n_mappings) =
                                        (struct published_mapping){ name,
                                                                    p->facts.gpus[i].address };
                                break;
                        }
}

static void add_mappings(struct anchor *an, struct published *p) {
        struct arena *a = an->pve.arena;
        struct bytes file = { 0 }, name, value;
        struct sectioncfg walk = { 0 };
        enum sectioncfg_item item;

        (void)file_read(a, arena_printf(a, "%s/etc/pve/mapping/pci.cfg", an->pve.root), PMXCFS_MAX,
                        &file);
        walk.rest = file;
        while ((item = sectioncfg_next(&walk, &name, &value)) != SECTIONCFG_END)
                if (item == SECTIONCFG_HEADING && bytes_is_name(bytes_trim(name), "-_."))
                        add_mapping(an, bytes_dup(a, bytes_trim(name)), file, p);
}

static struct published inventory_of(struct anchor *an) {
        struct published p = { .facts = { .gpus = an->facts.gpus, .n_gpus = an->facts.n_gpus } };

        add_mappings(an, &p);
        return p;
}

bool anchor_publish(struct anchor *an) {
        struct arena *a = an->pve.arena;
        const char *folder = arena_printf(a, "%s" PUBLISHED, an->pve.root), *path;
        struct bytes before = { 0 }, now;
        struct published p;

        if (!an->pve.node || anchor_facts(an) < 0 ||
            !pve_may_write(arena_printf(a, "%s/etc/pve/nodes/%s", an->pve.root, an->pve.node)))
                return false;
        p = inventory_of(an);
        now = published_write(a, &p);
        path = arena_printf(a, "%s/%s", folder, an->pve.node);
        if (file_read(a, path, PUBLISHED_MAX, &before) == 0 && bytes_equal(before, now))
                return false;
        return mkdir_parents(folder, 0755) == 0 && file_replace(path, now, 0640, FILE_SYNC) == 0;
}

/* ---- nodes ---- */

/* What Proxmox takes for the name of a node; no temporary file has such a name. */
static bool is_node_name(const char *name) {
        return bytes_is_name(bytes_of(name), "-");
}

static int compare_names(const void *x, const void *y) {
        return strcmp(((const struct cluster_node *)x)->name,
                      ((const struct cluster_node *)y)->name);
}

static void add_names(struct anchor *an, const char *folder, struct cluster *c) {
        struct names names = { 0 };

        (void)folder_names(an->pve.arena, arena_printf(an->pve.arena, "%s%s", an->pve.root, folder),
                           "", &names);
        for (size_t i = 0; i < names.n; i++) {
                bool known = !is_node_name(names.items[i]) || c->n_nodes >= NODES_MAX;

                for (size_t j = 0; j < c->n_nodes && !known; j++)
                        known = streq(c->nodes[j].name, names.items[i]);
                if (!known)
                        *ARENA_PUSH(an->pve.arena, c->nodes, c->n_nodes) =
                                (struct cluster_node){ .name = names.items[i], .age = -1 };
        }
}

/*
 * Of pmxcfs (cfs_create_memberlist_msg): "cluster": { ... }, "nodelist": { "pve1": { "id": 1,
 * "online": 1, "ip": "..."}, ... }; the address may be missing. A host outside of a cluster has no
 * list. A node may be called "cluster" or "nodelist".
 */
#define NODELIST "\"nodelist\": {"

static enum cluster_state state_of(const struct anchor *an, const char *node) {
        struct arena *a = an->pve.arena;
        struct bytes text, entry;
        const char *at;

        if (streq(node, an->pve.node))
                return NODE_OWN;
        if (file_read(a, arena_printf(a, "%s/etc/pve/.members", an->pve.root), PMXCFS_MAX, &text) <
                    0 ||
            !(at = strstr(text.data, NODELIST)))
                return NODE_UNKNOWN;
        at = strstr(at + strlen(NODELIST), arena_printf(a, "\"%s\": {", node));
        if (!at)
                return NODE_LEFT;
        entry = (struct bytes){ at, strcspn(at, "}") };
        return bytes_contains(entry, "\"online\": 1") ? NODE_ONLINE : NODE_OFFLINE;
}

static void read_node(struct anchor *an, struct cluster_node *n) {
        struct arena *a = an->pve.arena;
        const char *path = arena_printf(a, "%s" PUBLISHED "/%s", an->pve.root, n->name);
        int64_t age;
        struct bytes text;
        struct stat st;
        int r;

        n->state = state_of(an, n->name);
        if (n->state == NODE_OWN) {
                n->published = true;
                n->inventory = inventory_of(an);
                return;
        }
        r = file_read(a, path, PUBLISHED_MAX, &text);
        n->published = r != -ENOENT;
        n->damaged = n->published && (r < 0 || !published_read(a, text, &n->inventory));
        if (!n->published || stat(path, &st) < 0)
                return;
        age = (int64_t)time(NULL) - (int64_t)st.st_mtime;
        n->age = age > 0 ? age : 0;
}

/* ---- containers ---- */

/* Its lines count where they are, and no other node's: numbers mean nothing there. */
static enum cluster_finds find_on(struct anchor *an, uint32_t vmid, const struct cluster_node *n,
                                  struct gpu_list *ret) {
        struct anchor there = *an;
        struct findings ignored = { .arena = an->pve.arena };
        struct survey survey = { 0 };
        struct pctconf none = { 0 };
        struct choice choice;
        struct settings own;
        struct plan_input in;

        if (!n->published || n->damaged)
                return FINDS_UNKNOWN;
        there.pve.node = n->name;
        anchor_policy(&there, vmid, NULL, &own);
        if (own.policy.broken || !mapping_resolve(&there.pve, &own.policy))
                return FINDS_UNKNOWN;
        in = (struct plan_input){ .facts = &n->inventory.facts,
                                  .vmid = vmid,
                                  .policy = &own.policy,
                                  .node = n->name,
                                  .name = "",
                                  .conf = &none,
                                  .survey = &survey };
        choose_gpus(an->pve.arena, &in, &ignored, &choice);
        *ret = choice.gpus;
        return choice_is_settled(&choice) && !choice.undecided ? FINDS_GPU
               : choice.undecided || choice.ambiguity.gpus.n > 0 ? FINDS_CHOICE
                                                                 : FINDS_NONE;
}

/* Where it is, by all that is known there. */
static enum cluster_finds find_here(struct anchor *an, uint32_t vmid, struct gpu_list *ret) {
        struct check c;

        if (anchor_check(an, vmid, NULL, &c) != 0 || c.policy.broken)
                return FINDS_UNKNOWN;
        *ret = c.plan.choice.gpus;
        return c.plan.choice.undecided || c.plan.choice.ambiguity.gpus.n > 0 ? FINDS_CHOICE
               : choice_is_settled(&c.plan.choice)                          ? FINDS_GPU
                                                                            : FINDS_NONE;
}

static const char *hostname_of(struct arena *a, uint32_t vmid, struct bytes conf) {
        struct guest g = guest_with(a, &(struct guest){ .vmid = vmid, .root = "" }, conf,
                                    (struct bytes){ 0 });
        const char *name = guest_setting(a, &g, "hostname");

        return name ? name : "";
}

static void add_container(struct anchor *an, struct cluster *c, const struct cluster_node *n,
                          uint32_t vmid) {
        struct arena *a = an->pve.arena;
        struct cluster_container x = { .vmid = vmid, .node = n->name };
        struct bytes conf;

        if (file_read(a, arena_printf(a, "%s/etc/pve/nodes/%s/lxc/%u.conf", an->pve.root, n->name,
                                      vmid),
                      PMXCFS_MAX, &conf) < 0 ||
            !guest_conf_is_managed(&an->pve, vmid, conf))
                return;
        x.name = hostname_of(a, vmid, conf);
        x.finds = arena_alloc(a, c->n_nodes * sizeof(*x.finds));
        x.gpus = arena_alloc(a, c->n_nodes * sizeof(*x.gpus));
        for (size_t i = 0; i < c->n_nodes; i++) {
                bool here = &c->nodes[i] == n && n->state == NODE_OWN;

                x.finds[i] = here ? find_here(an, vmid, &x.gpus[i])
                                  : find_on(an, vmid, &c->nodes[i], &x.gpus[i]);
        }
        *ARENA_PUSH(a, c->containers, c->n_containers) = x;
}

int anchor_cluster(struct anchor *an, struct cluster *ret) {
        struct arena *a = an->pve.arena;
        struct cluster c = { 0 };
        int r = an->pve.node ? anchor_majors(an) : guest_no_node(&an->pve);

        if (r != 0)
                return r;
        add_names(an, "/etc/pve/nodes", &c);
        add_names(an, PUBLISHED, &c);
        if (c.n_nodes > 1)
                qsort(c.nodes, c.n_nodes, sizeof(*c.nodes), compare_names);
        for (size_t i = 0; i < c.n_nodes; i++)
                read_node(an, &c.nodes[i]);
        for (size_t i = 0; i < c.n_nodes; i++) {
                uint32_t *vmids = NULL;
                size_t n = 0;

                (void)vmids_in(a, arena_printf(a, "%s/etc/pve/nodes/%s/lxc", an->pve.root,
                                               c.nodes[i].name),
                               &vmids, &n); /* a node that left has no such folder */
                for (size_t j = 0; j < n; j++)
                        add_container(an, &c, &c.nodes[i], vmids[j]);
        }
        *ret = c;
        return 0;
}
