/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * host - GPUs, their drivers and nodes, the groups and ids of the host
 *
 * A missing driver or a wrong owner of a node breaks the chain for every container, so this group
 * comes first and is checked without a container, too.
 */
#include "model/doctor/host.h"

#include "model/gpu/gpu-list.h"
#include "model/idmap/idmap.h"

/* ---- GPUs and their drivers ---- */

/*
 * Intel's GPUs from Lunar Lake and Battlemage on are unknown to i915 (the kernel's
 * include/drm/intel/pciids.h): 64xx, e2xx, b0xx, fdxx.
 */
static const char *intel_module(const struct gpu *g) {
        uint32_t family = g->ids.device >> 8;

        return family == 0x64 || family == 0xe2 || family == 0xb0 || family == 0xfd ? "xe" : "i915";
}

const char *doctor_module(const struct gpu *g) {
        switch (g->ids.vendor) {
        case 0x1002:
                return "amdgpu";
        case 0x8086:
                return intel_module(g);
        case 0x10de:
                return "nvidia";
        case 0x1af4:
                return "virtio_gpu";
        case 0x1a03:
                return "ast";
        default:
                return NULL;
        }
}

/* Bound to a driver that keeps it for a virtual machine, or a function made for one. */
static bool is_held(const struct gpu *g) {
        return g->driver ? streq(g->driver, "vfio-pci") || streq(g->driver, "pci-stub")
                         : g->physfn && g->n_nodes == 0;
}

static enum doctor_outcome outcome_of_gpu(const struct gpu *g) {
        if (is_held(g))
                return OUTCOME_GPU_HELD;
        if (g->n_nodes == 0)
                return OUTCOME_GPU_NO_NODES;
        if (!gpu_is_usable(g))
                return gpu_node(g, NODE_ACCEL) ? OUTCOME_GPU_ACCELERATOR : OUTCOME_GPU_DISPLAY;
        return g->driver && streq(g->driver, "nouveau") ? OUTCOME_GPU_NOUVEAU : OUTCOME_GPU_DRIVEN;
}

static void check_gpu(struct doctor_report *r, const struct gpu *g) {
        struct finding f = { .code = g->driver ? FINDING_GPU_HELD : FINDING_GPU_NO_DRIVER,
                             .gpu = g->address,
                             .what = g->driver };
        enum doctor_outcome outcome = outcome_of_gpu(g);

        doctor_add(r,
                   (struct doctor_item){ .outcome = outcome,
                                         .subject = g->address,
                                         .what = gpu_choice(r->arena, g),
                                         .finding = outcome == OUTCOME_GPU_NO_NODES ? &f : NULL });
}

static void check_gpus(struct doctor_report *r, const struct doctor_host *h) {
        bool usable = false;

        for (size_t i = 0; i < h->facts->n_gpus; i++) {
                check_gpu(r, &h->facts->gpus[i]);
                usable |= gpu_is_usable(&h->facts->gpus[i]);
        }
        if (!usable)
                doctor_add(r, (struct doctor_item){ .outcome = h->facts->n_gpus > 0
                                                                       ? OUTCOME_GPU_NO_RENDER
                                                                       : OUTCOME_GPU_NONE });
}

static void check_module(struct doctor_report *r, const struct gpu *g, bool loaded) {
        const char *module = doctor_module(g);

        if (module)
                doctor_add(r, (struct doctor_item){ .outcome = loaded ? OUTCOME_MODULE_IDLE
                                                                      : OUTCOME_MODULE_ABSENT,
                                                    .subject = g->address,
                                                    .what = module });
}

static void check_modules(struct doctor_report *r, const struct doctor_host *h) {
        const struct family *uvm = &families[FAMILY_NVIDIA_UVM];
        struct strbuf drivers = { .arena = r->arena };
        uint32_t major;
        bool nvidia = false;

        for (size_t i = 0; i < h->facts->n_gpus; i++) {
                const struct gpu *g = &h->facts->gpus[i];

                if (!g->driver) {
                        if (g->n_nodes == 0 && !is_held(g))
                                check_module(r, g, h->module_loaded[i]);
                        continue;
                }
                if (is_held(g) || strstr(strbuf_str(&drivers), g->driver))
                        continue;
                strbuf_printf(&drivers, "%s%s", drivers.len ? ", " : "", g->driver);
                nvidia |= streq(g->driver, uvm->driver);
        }
        if (drivers.len)
                doctor_add(r, (struct doctor_item){ .outcome = OUTCOME_MODULE_LOADED,
                                                    .what = strbuf_str(&drivers) });
        if (nvidia && !facts_major_of(h->facts, uvm->owner, &major))
                doctor_add(r, (struct doctor_item){ .outcome = OUTCOME_MODULE_NO_UVM,
                                                    .subject = uvm->owner });
}

static void check_driver(struct doctor_report *r, const struct doctor_host *h) {
        const char *loaded = h->facts->nvidia_version;

        for (int i = 0; loaded && i < DRIVER_LIBRARIES; i++) {
                const struct driver_library *l = &h->libraries[i];
                enum library_verdict verdict = library_judge(l, loaded);

                doctor_add(r,
                           (struct doctor_item){
                                   .outcome = verdict == VERDICT_SAME ? OUTCOME_DRIVER_LOADED_SAME
                                              : verdict == VERDICT_NONE
                                                      ? OUTCOME_DRIVER_LOADED_NO_LIBRARIES
                                              : verdict == VERDICT_DIFFERS
                                                      ? OUTCOME_DRIVER_LOADED_DIFFERS
                                                      : OUTCOME_DRIVER_LOADED_UNTOLD,
                                   .subject = driver_library_names[i],
                                   .what = l->path,
                                   .old = l->version,
                                   .new = loaded });
        }
}

/* ---- nodes ---- */

/* Neither the kernel nor udev creates a removed node again; udev sets owner and mode. */
static void add_node_problem(struct doctor_report *r, const struct node *n,
                             const struct finding *problem) {
        bool absent = n->state == NODE_ABSENT, nvidia = n->kind == NODE_NVIDIA;
        struct arena *a = r->arena;

        doctor_add(r, (struct doctor_item){
                              .outcome = nvidia ? absent ? OUTCOME_NODE_NVIDIA_ABSENT
                                                         : OUTCOME_NODE_NVIDIA_FAKE
                                         : absent ? OUTCOME_NODE_ABSENT
                                                  : OUTCOME_NODE_FAKE,
                              .subject = n->path,
                              .where = arena_strndup(a, n->path,
                                                     (size_t)(strrchr(n->path, '/') - n->path)),
                              .what = node_kind_has_group(n->kind) ? "660" : "666",
                              .new = devnum_mknod(a, n->number),
                              .finding = problem });
}

static const struct host_group *group_of(const struct facts *f, const struct node *n) {
        return &f->groups[gid_group_of(n->kind)];
}

static const struct finding *problem_of(const struct doctor_host *h, const struct node *n,
                                        bool owner) {
        for (size_t i = 0; i < h->problems->n; i++) {
                const struct finding *f = &h->problems->items[i];
                bool about_owner =
                        f->code == FINDING_NODE_GROUP_WRONG || f->code == FINDING_NODE_GROUP_ROOT;

                if (f->what && streq(f->what, n->path) && about_owner == owner)
                        return f;
        }
        return NULL;
}

static void check_mode(struct doctor_report *r, const struct node *n) {
        bool open = (n->mode & 06) == 06;

        if (!node_kind_has_group(n->kind))
                return;
        if (open || (n->mode & 060) != 060)
                doctor_add(r,
                           (struct doctor_item){ .outcome = open ? OUTCOME_NODE_MODE_OPEN
                                                                 : OUTCOME_NODE_MODE_CLOSED,
                                                 .subject = n->path,
                                                 .old = arena_printf(r->arena, "%04o", n->mode) });
}

static void check_node(struct doctor_report *r, const struct doctor_host *h, const struct node *n) {
        const struct finding *state = problem_of(h, n, false), *owner = problem_of(h, n, true);
        const char *group = facts_group_name(h->facts, n->gid);

        if (state) {
                add_node_problem(r, n, state);
                return;
        }
        doctor_add(r, (struct doctor_item){ .outcome = OUTCOME_NODE_THERE,
                                            .subject = n->path,
                                            .what = arena_printf(r->arena, "%s %s:%s (%u:%u) %04o",
                                                                 devnum_text(r->arena, n->number),
                                                                 n->uid ? "?" : "root",
                                                                 group ? group : "?", n->uid,
                                                                 n->gid, n->mode) });
        /* it is root when there is no such group: see group */
        if (owner && group_of(h->facts, n)->present)
                doctor_add(r, (struct doctor_item){ .outcome = OUTCOME_NODE_OWNER_WRONG,
                                                    .subject = n->path,
                                                    .finding = owner });
        check_mode(r, n);
}

static void check_nodes(struct doctor_report *r, const struct doctor_host *h) {
        for (size_t i = 0; i < h->facts->n_gpus; i++)
                for (size_t j = 0; j < h->facts->gpus[i].n_nodes; j++)
                        check_node(r, h, &h->facts->gpus[i].nodes[j]);
        for (size_t i = 0; i < h->facts->n_shared; i++)
                check_node(r, h, &h->facts->shared[i]);
        if (!doctor_has(r, DOCTOR_NODE))
                return;
        doctor_add_if_silent(r, OUTCOME_NODE_OWNER_RIGHT);
        doctor_add_if_silent(r, OUTCOME_NODE_MODE_RIGHT);
}

static void check_strays(struct doctor_report *r, const struct doctor_host *h) {
        for (size_t i = 0; i < h->n_strays; i++)
                doctor_add(r, (struct doctor_item){
                                      .outcome = OUTCOME_STRAY_FILE,
                                      .subject = h->strays[i],
                                      .what = doctor_shell_word(r->arena, h->strays[i]) });
        doctor_add_if_silent(r, OUTCOME_STRAY_NONE);
}

/* ---- groups and delegations ---- */

static bool has_node_of(const struct facts *f, enum gid_group group) {
        for (size_t i = 0; i < f->n_gpus; i++)
                for (size_t j = 0; j < f->gpus[i].n_nodes; j++)
                        if (node_family(&f->gpus[i].nodes[j])->group == group)
                                return true;
        return false;
}

static void check_group(struct doctor_report *r, const char *name, const struct host_group *g,
                        bool needed) {
        doctor_add(r, (struct doctor_item){ .outcome = g->present ? OUTCOME_GROUP_THERE
                                                       : needed   ? OUTCOME_GROUP_ABSENT
                                                                  : OUTCOME_GROUP_NOT_NEEDED,
                                            .subject = name,
                                            .new = arena_printf(r->arena, "%u", g->gid) });
}

bool doctor_is_base(uint32_t start, uint32_t count) {
        struct extent base = idmap_default();

        return start >= base.outside && start < base.outside + base.count &&
               count <= base.outside + base.count - start;
}

/* Of a folder that stands for a host there is nothing to say. */
static void check_cgroups(struct doctor_report *r, const struct doctor_host *h) {
        struct finding old = { .code = FINDING_CGROUPS_OLD };

        if (h->cgroups_v1)
                doctor_add(r, (struct doctor_item){ .outcome = OUTCOME_CONTROL_GROUPS_V1,
                                                    .finding = &old });
        else if (h->cgroups_v2)
                doctor_add(r, (struct doctor_item){ .outcome = OUTCOME_CONTROL_GROUPS_V2 });
}

/* Whose containers use what cannot be told then; that it is there is nothing to say. */
static void check_pve(struct doctor_report *r, const struct doctor_host *h) {
        struct finding gone = { .code = FINDING_PVE_NOT_MOUNTED, .where = "/etc/pve" };

        if (h->no_pve)
                doctor_add(r, (struct doctor_item){ .outcome = OUTCOME_PVE_GONE, .finding = &gone });
}

struct subid_outcomes {
        enum doctor_outcome there, none, no_base;
};

/* "root:993:1 (render)"; @f: NULL where they are uids. */
static void add_range(struct strbuf *b, const struct facts *f, const struct subid_range *x) {
        const char *group = f && x->count == 1 ? facts_group_name(f, x->start) : NULL;

        strbuf_printf(b, "%sroot:%u:%u", b->len ? " " : "", x->start, x->count);
        if (group)
                strbuf_printf(b, " (%s)", group);
}

struct subids {
        const struct facts *groups; /* NULL where they are uids */
        const struct subid_range *items;
        size_t n;
};

static void check_subids(struct doctor_report *r, const struct subids *s,
                         struct subid_outcomes outcomes) {
        struct strbuf b = { .arena = r->arena };
        struct extent base = idmap_default();
        struct doctor_item item = {
                .outcome = outcomes.there,
                .new = arena_printf(r->arena, "%u:%u", base.outside, base.count),
                .arg = arena_printf(r->arena, "%u-%u", base.outside, base.outside + base.count - 1)
        };

        for (size_t i = 0; i < s->n && i < 16; i++)
                add_range(&b, s->groups, &s->items[i]);
        item.what = strbuf_str(&b);
        if (!subids_delegated(s->items, s->n, base.outside, base.count))
                item.outcome = s->n ? outcomes.no_base : outcomes.none;
        doctor_add(r, item);
}

static void check_rules(struct doctor_report *r, const struct doctor_host *h) {
        for (size_t i = 0; i < h->n_rules; i++) {
                const struct doctor_line *l = &h->rules[i];

                doctor_add(r, (struct doctor_item){ .outcome = OUTCOME_UDEV_RULE_OPENS,
                                                    .subject = doctor_line_where(r->arena, l),
                                                    .what = l->text });
        }
        doctor_add_if_silent(r, OUTCOME_UDEV_RULE_NONE);
}

void doctor_check_host(struct doctor_report *r, const struct doctor_host *h) {
        const struct facts *f = h->facts;

        check_gpus(r, h);
        check_modules(r, h);
        check_driver(r, h);
        check_nodes(r, h);
        check_strays(r, h);
        for (int i = 0; i < GID_GROUPS; i++)
                check_group(r, gid_group_name(i), &f->groups[i], has_node_of(f, i));
        check_cgroups(r, h);
        check_pve(r, h);
        check_subids(r, &(struct subids){ NULL, h->subuids, h->n_subuids },
                     (struct subid_outcomes){ OUTCOME_SUBUID_THERE, OUTCOME_SUBUID_NONE,
                                              OUTCOME_SUBUID_NO_BASE });
        check_subids(r, &(struct subids){ f, f->subgids, f->n_subgids },
                     (struct subid_outcomes){ OUTCOME_SUBGID_THERE, OUTCOME_SUBGID_NONE,
                                              OUTCOME_SUBGID_NO_BASE });
        check_rules(r, h);
}
