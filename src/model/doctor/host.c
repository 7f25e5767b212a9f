/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * host - is there a GPU, and may anybody who is meant to open it
 *
 * A host without its GPU's driver or with a wrong owner on a node breaks the chain for
 * every container, so this comes first and is told even where no container is asked for.
 */
#include "model/doctor/host.h"

#include "model/gpu/gpu-list.h"
#include "model/idmap/idmap.h"

#define RELOAD_RULES "udevadm control --reload && udevadm trigger --action=add"

static const char *udev_again(void) {
        return finding_kinds[FINDING_NODE_GROUP_WRONG].remedy;
}

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

/* What a driver means for containers, where that is not plain. */
static const char *driver_note(const struct gpu *g) {
        if (is_held(g))
                return ": held for a virtual machine, it has no nodes and no container can have it";
        if (!gpu_is_usable(g))
                return gpu_node(g, NODE_ACCEL) ? ": an accelerator, no GPU"
                                               : ": display only, it has no render node";
        if (g->driver && streq(g->driver, "nouveau"))
                return ": renders, but without CUDA and NVENC, which only NVIDIA's own driver has";
        return "";
}

static void check_gpu(struct doctor_report *r, const struct gpu *g) {
        struct finding f = { .code = g->driver ? FINDING_GPU_HELD : FINDING_GPU_NO_DRIVER,
                             .gpu = g->address,
                             .what = g->driver };

        if (g->n_nodes == 0 && !is_held(g))
                doctor_add(r, (struct doctor_item){ .check = DOCTOR_GPU,
                                                    .verdict = DOCTOR_WARNING,
                                                    .subject = g->address,
                                                    .finding = &f });
        else
                doctor_add(r,
                           (struct doctor_item){ .check = DOCTOR_GPU,
                                                 .verdict = DOCTOR_OK,
                                                 .subject = g->address,
                                                 .evidence = arena_printf(r->arena, "%s%s",
                                                                          gpu_describe(r->arena, g),
                                                                          driver_note(g)) });
}

static void check_gpus(struct doctor_report *r, const struct doctor_host *h) {
        bool usable = false;

        for (size_t i = 0; i < h->facts->n_gpus; i++) {
                check_gpu(r, &h->facts->gpus[i]);
                usable |= gpu_is_usable(&h->facts->gpus[i]);
        }
        if (!usable)
                doctor_add(r, (struct doctor_item){
                                      .check = DOCTOR_GPU,
                                      .verdict = DOCTOR_FAILED,
                                      .evidence = h->facts->n_gpus > 0
                                                          ? "no GPU of this host has a render node"
                                                          : "this host has no GPU",
                                      .advice = "see which cards there are: lspci -k" });
}

static void check_module(struct doctor_report *r, const struct gpu *g, bool loaded) {
        const char *module = doctor_module(g);

        if (!module)
                return;
        doctor_add(r,
                   (struct doctor_item){
                           .check = DOCTOR_MODULE,
                           .verdict = DOCTOR_WARNING,
                           .subject = g->address,
                           .evidence = arena_printf(r->arena,
                                                    loaded ? "%s is loaded and does not drive it"
                                                           : "%s is not loaded",
                                                    module),
                           .advice = loaded ? "why is in the kernel's log: dmesg" : NULL,
                           .mend = loaded ? NULL : arena_printf(r->arena, "modprobe %s", module) });
}

static bool has_major(const struct facts *f, const char *name) {
        for (size_t i = 0; i < f->n_majors; i++)
                if (streq(f->majors[i].name, name))
                        return true;
        return false;
}

static void check_modules(struct doctor_report *r, const struct doctor_host *h) {
        struct strbuf drivers = { .arena = r->arena };
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
                nvidia |= streq(g->driver, "nvidia");
        }
        if (drivers.len)
                doctor_add(r, (struct doctor_item){ .check = DOCTOR_MODULE,
                                                    .verdict = DOCTOR_OK,
                                                    .evidence = strbuf_str(&drivers) });
        if (nvidia && !has_major(h->facts, "nvidia-uvm"))
                doctor_add(r, (struct doctor_item){
                                      .check = DOCTOR_MODULE,
                                      .verdict = DOCTOR_WARNING,
                                      .subject = "nvidia-uvm",
                                      .evidence = "not loaded: CUDA does not work without it",
                                      .mend = "nvidia-modprobe -u -c 0" });
}

/* ---- nodes ---- */

/* Neither the kernel nor udev makes a node anew; udev gives one that is there its owner. */
const char *doctor_node_mend(struct arena *a, const struct node *n) {
        const char *slash = strrchr(n->path, '/');

        return arena_printf(a,
                            "%s %.*s%s && mknod -m %s %s %s && udevadm trigger --action=add",
                            n->state == NODE_ABSENT ? "mkdir -p" : "rm",
                            n->state == NODE_ABSENT ? (int)(slash - n->path) : 0, n->path,
                            n->state == NODE_ABSENT ? "" : n->path,
                            n->kind == NODE_NVIDIA ? "666" : "660", n->path,
                            devnum_mknod(a, n->number));
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
        struct doctor_item item = { .check = DOCTOR_NODE_MODE,
                                    .subject = n->path,
                                    .mend = arena_printf(r->arena, "chmod 660 %s", n->path) };

        if (n->kind == NODE_NVIDIA)
                return; /* its driver makes them 0666 */
        if ((n->mode & 06) == 06) {
                item.verdict = DOCTOR_WARNING;
                item.evidence = arena_printf(r->arena,
                                             "mode %04o: every user of the host, and everybody in "
                                             "a container that has it, may use the GPU",
                                             n->mode);
        } else if ((n->mode & 060) != 060) {
                item.verdict = DOCTOR_FAILED;
                item.evidence =
                        arena_printf(r->arena, "mode %04o: its group may not open it", n->mode);
        } else {
                return;
        }
        doctor_add(r, item);
}

static void check_node(struct doctor_report *r, const struct doctor_host *h, const struct node *n) {
        const struct finding *state = problem_of(h, n, false), *owner = problem_of(h, n, true);
        const char *group = facts_group_name(h->facts, n->gid);
        struct arena *a = r->arena;

        if (state) {
                doctor_add(r, (struct doctor_item){ .check = DOCTOR_NODE,
                                                    .verdict = DOCTOR_FAILED,
                                                    .subject = n->path,
                                                    .finding = state,
                                                    .mend = doctor_node_mend(a, n) });
                return;
        }
        doctor_add(r, (struct doctor_item){ .check = DOCTOR_NODE,
                                            .verdict = DOCTOR_OK,
                                            .subject = n->path,
                                            .evidence = arena_printf(a, "%s %s:%s (%u:%u) %04o",
                                                                     devnum_text(a, n->number),
                                                                     n->uid ? "?" : "root",
                                                                     group ? group : "?", n->uid,
                                                                     n->gid, n->mode) });
        /* root because there is no such group: see group */
        if (owner && group_of(h->facts, n)->present)
                doctor_add(r, (struct doctor_item){ .check = DOCTOR_NODE_OWNER,
                                                    .verdict = DOCTOR_FAILED,
                                                    .subject = n->path,
                                                    .finding = owner,
                                                    .mend = udev_again() });
        check_mode(r, n);
}

static void ok_if_silent(struct doctor_report *r, enum doctor_check check, const char *evidence) {
        if (!doctor_has(r, check))
                doctor_add(r, (struct doctor_item){
                                      .check = check, .verdict = DOCTOR_OK, .evidence = evidence });
}

static void check_nodes(struct doctor_report *r, const struct doctor_host *h) {
        for (size_t i = 0; i < h->facts->n_gpus; i++)
                for (size_t j = 0; j < h->facts->gpus[i].n_nodes; j++)
                        check_node(r, h, &h->facts->gpus[i].nodes[j]);
        for (size_t i = 0; i < h->facts->n_shared; i++)
                check_node(r, h, &h->facts->shared[i]);
        if (!doctor_has(r, DOCTOR_NODE))
                return;
        ok_if_silent(r, DOCTOR_NODE_OWNER, "as the group database has it");
        ok_if_silent(r, DOCTOR_NODE_MODE, "for their group");
}

static void check_strays(struct doctor_report *r, const struct doctor_host *h) {
        for (size_t i = 0; i < h->n_strays; i++)
                doctor_add(r, (struct doctor_item){
                                      .check = DOCTOR_STRAY,
                                      .verdict = DOCTOR_FAILED,
                                      .subject = h->strays[i],
                                      .evidence = "no device: LXC leaves such a file where it "
                                                  "should bind a node that is not there",
                                      .mend = arena_printf(
                                              r->arena, "rm %s",
                                              doctor_shell_word(r->arena, h->strays[i])) });
        ok_if_silent(r, DOCTOR_STRAY, "none");
}

/* ---- groups and delegations ---- */

static bool has_node(const struct facts *f, enum node_kind kind) {
        for (size_t i = 0; i < f->n_gpus; i++)
                if (gpu_node(&f->gpus[i], kind))
                        return true;
        return false;
}

static void check_group(struct doctor_report *r, const char *name, const struct host_group *g,
                        bool needed) {
        struct doctor_item item = { .check = DOCTOR_GROUP, .subject = name };

        if (g->present) {
                item.evidence = arena_printf(r->arena, "gid %u", g->gid);
        } else if (!needed) {
                item.verdict = DOCTOR_SKIPPED;
                item.evidence = "there is no such group, and no node that would need it";
        } else {
                item.verdict = DOCTOR_FAILED;
                item.evidence = "there is no such group, so its nodes belong to root alone";
                item.mend = arena_printf(r->arena, "groupadd --system %s; %s", name, udev_again());
        }
        doctor_add(r, item);
}

bool doctor_ids_delegated(const struct subid_range *ranges, size_t n, uint32_t start,
                          uint32_t count) {
        uint64_t at = start, end = (uint64_t)start + count;

        for (size_t i = 0; at < end && i < n;) {
                uint64_t last = (uint64_t)ranges[i].start + ranges[i].count;

                if (ranges[i].start <= at && last > at) {
                        at = last;
                        i = 0; /* an earlier line may hold what follows */
                } else {
                        i++;
                }
        }
        return at >= end;
}

bool doctor_is_base(uint32_t start, uint32_t count) {
        struct extent base = idmap_default();

        return start >= base.outside && start < base.outside + base.count &&
               count <= base.outside + base.count - start;
}

static void check_subids(struct doctor_report *r, enum doctor_check check,
                         const struct subid_range *ranges, size_t n, const char *what) {
        struct strbuf b = { .arena = r->arena };
        struct doctor_item item = { .check = check };
        struct extent base = idmap_default();

        for (size_t i = 0; i < n && i < 16; i++)
                strbuf_printf(&b, "%sroot:%u:%u", i ? " " : "", ranges[i].start, ranges[i].count);
        item.evidence = n ? strbuf_str(&b) : "root has no line";
        if (!doctor_ids_delegated(ranges, n, base.outside, base.count)) {
                item.verdict = DOCTOR_FAILED;
                item.evidence = arena_printf(r->arena,
                                             "%s; root:%u:%u is missing, without which no "
                                             "unprivileged container starts",
                                             item.evidence, base.outside, base.count);
                item.mend = arena_printf(r->arena, "usermod --add-%s %u-%u root", what,
                                         base.outside, base.outside + base.count - 1);
        }
        doctor_add(r, item);
}

static void check_rules(struct doctor_report *r, const struct doctor_host *h) {
        for (size_t i = 0; i < h->n_rules; i++) {
                const struct doctor_line *l = &h->rules[i];
                struct arena *a = r->arena;

                doctor_add(r, (struct doctor_item){
                                      .check = DOCTOR_UDEV_RULE,
                                      .verdict = DOCTOR_WARNING,
                                      .subject = arena_printf(a, "%s:%zu", l->file, l->number),
                                      .evidence = l->text,
                                      .mend = arena_printf(a, "%s && %s", doctor_comment_out(a, l),
                                                           RELOAD_RULES) });
        }
        ok_if_silent(r, DOCTOR_UDEV_RULE, "none");
}

void doctor_check_host(struct doctor_report *r, const struct doctor_host *h) {
        const struct facts *f = h->facts;

        check_gpus(r, h);
        check_modules(r, h);
        check_nodes(r, h);
        check_strays(r, h);
        check_group(r, "video", &f->groups[GID_VIDEO], has_node(f, NODE_CARD));
        check_group(r, "render", &f->groups[GID_RENDER],
                    has_node(f, NODE_RENDER) || has_node(f, NODE_ACCEL));
        check_subids(r, DOCTOR_SUBUID, h->subuids, h->n_subuids, "subuids");
        check_subids(r, DOCTOR_SUBGID, f->subgids, f->n_subgids, "subgids");
        check_rules(r, h);
}
