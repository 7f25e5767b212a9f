/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * doctor - gather what the checks of doctor need to know
 *
 * The verdicts are made in src/model/doctor. Nothing is written and no lock is taken;
 * what only root can read is asked for and, when refused, reported as skipped.
 */
#include "anchor/doctor.h"

#include "anchor/exclusive.h"
#include "anchor/status.h"
#include "host/leftovers.h"
#include "host/mounts.h"
#include "host/probe/subid.h"
#include "model/finding/reason.h"
#include "model/doctor/container.h"
#include "model/conf/snapshot.h"
#include "model/gpu/gpu-list.h"
#include "pve/storage.h"
#include "render/inventory.h"

#include <errno.h>
#include <sys/stat.h>

static void unreadable(struct doctor *d, enum doctor_check check, const char *where, int r) {
        doctor_add(&d->report, (struct doctor_item){ .check = check,
                                                     .outcome = OUTCOME_UNREADABLE,
                                                     .where = where,
                                                     .what = strerror(-r) });
}

/* ---- the host ---- */

static bool drives_another(const struct facts *f, const char *module) {
        for (size_t i = 0; i < f->n_gpus; i++)
                if (f->gpus[i].driver && streq(f->gpus[i].driver, module))
                        return true;
        return false;
}

static void look_at_host(struct doctor *d) {
        struct inventory inv = { .facts = &d->anchor->facts, .problems = { .arena = d->arena } };
        bool *loaded = arena_alloc(d->arena, d->anchor->facts.n_gpus * sizeof(*loaded) + 1);
        struct doctor_host h = {
                .facts = &d->anchor->facts,
                .problems = &inv.problems,
                .module_loaded = loaded,
                .libraries = d->anchor->libraries,
                .subuids = d->subuids,
                .n_subuids = d->n_subuids,
        };
        struct leftovers left = { .arena = d->arena, .root = d->root };
        enum cgroups cgroups = cgroups_look(d->arena, d->root);
        int r;

        inventory_check(&inv);
        for (size_t i = 0; i < d->anchor->facts.n_gpus; i++) {
                const char *module = doctor_module(&d->anchor->facts.gpus[i]);

                loaded[i] = module && (drives_another(&d->anchor->facts, module) ||
                                       module_is_loaded(d->arena, d->root, module));
        }
        r = leftovers_strays(&left, &d->anchor->facts);
        if (r < 0)
                unreadable(d, DOCTOR_STRAY, "/dev", r);
        r = leftovers_rules(&left);
        if (r < 0)
                unreadable(d, DOCTOR_UDEV_RULE, WHY_UDEV_RULES, r);
        h.no_pve = !d->anchor->pve.node;
        h.cgroups_v1 = cgroups == CGROUPS_V1;
        h.cgroups_v2 = cgroups == CGROUPS_V2;
        h.strays = left.strays;
        h.n_strays = left.n_strays;
        h.rules = left.lines;
        h.n_rules = left.n_lines;
        doctor_check_host(&d->report, &h);
}

/* ---- the container file ---- */

static struct doctor_hook hook_of(struct doctor *d, const char *volume) {
        return (struct doctor_hook){
                .volume = volume,
                .problem = volume ? anchor_hook_problem(d->anchor, volume) : HOOK_OK,
                .wrapper = volume && !streq(volume, HOOK_VOLUME),
        };
}

/* A script of this host; a link that leads out of a folder that stands for one is left alone. */
static void read_script(struct doctor *d, const char *name, struct leftovers *scripts) {
        const char *path = arena_printf(d->arena, "%s%s", d->root, name);
        struct stat st;
        int r;

        if (*d->root && lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
                return;
        r = leftovers_chmods(scripts, name);
        if (r < 0)
                unreadable(d, DOCTOR_CHMOD, name, r);
}

static void read_snippet(struct doctor *d, const char *volume, struct leftovers *scripts) {
        const char *path = volume ? storage_snippet_path(&d->anchor->pve, volume) : NULL;

        if (path)
                read_script(d, path + strlen(d->root), scripts);
}

/* Every word of a hook line that is a path may be the script: "/usr/bin/sh /root/fix.sh". */
static void read_hook_lines(struct doctor *d, const struct pctconf *conf,
                            struct leftovers *scripts) {
        for (size_t i = 1; i < conf->n_lines; i++) {
                struct bytes rest = conf->lines[i].value, word;

                if (!bytes_has_prefix(conf->lines[i].key, "lxc.hook."))
                        continue;
                while ((word = bytes_word(&rest)).len > 0)
                        if (word.data[0] == '/' && !bytes_contains(word, "/dev/"))
                                read_script(d, bytes_dup(d->arena, word), scripts);
        }
}

/* Promised for tomorrow: edits of the file, delegations. */
static const char *edits_of(struct doctor *d) {
        return bytes_equal(d->check.new_conf, d->check.guest.conf)
                       ? NULL
                       : status_edits_text(d->arena, &d->check.findings);
}

/* Who has its GPU now; one that runs has it itself. */
static const char *taken_by(struct doctor *d) {
        struct check now = d->check;

        now.findings = (struct findings){ .arena = d->arena };
        now.refuse = NULL;
        if (!anchor_runs(d->anchor, d->vmid))
                exclusive_judge(&now);
        return now.refuse;
}

static void look_at_container(struct doctor *d) {
        struct check *c = &d->check;
        struct findings snapshots = { .arena = d->arena };
        struct leftovers scripts = { .arena = d->arena, .root = d->root };
        struct doctor_guest g = {
                .vmid = d->vmid,
                .name = c->guest.conf_name,
                .path = c->guest.conf_path + strlen(d->root),
                .managed = guest_is_managed(&d->anchor->pve, d->vmid),
                .has_policy = c->policy.present,
                .left_alone = c->left_alone,
                .facts = &d->anchor->facts,
                .plan = &c->plan,
                .conf = &c->guest.lines,
                .survey = &c->survey,
                .findings = &c->findings,
                .snapshots = &snapshots,
                .subuids = d->subuids,
                .n_subuids = d->n_subuids,
                .edits = edits_of(d),
                .refuse = c->refuse,
                .too_large = c->new_conf.len > PMXCFS_MAX,
        };

        anchor_snapshot_sources(d->anchor, c->guest.lines.tail);
        snapshots_check(&(struct snapshot_query){ &d->anchor->facts, &c->plan.choice.gpus, g.name },
                        c->guest.lines.tail, &snapshots);
        g.exclusive = c->policy.exclusive;
        g.devices_set = c->policy.devices_set;
        g.taken = g.managed ? taken_by(d) : NULL;
        g.hook = hook_of(d, guest_setting(d->arena, &c->guest, "hookscript"));
        g.next = hook_of(d, g.managed ? c->policy.next_hook : NULL);
        if (!g.managed)
                read_snippet(d, g.hook.volume, &scripts);
        read_snippet(d, g.next.volume, &scripts);
        read_hook_lines(d, &c->guest.lines, &scripts);
        g.chmods = scripts.lines;
        g.n_chmods = scripts.n_lines;
        doctor_check_file(&d->report, &g);
        doctor_check_cgroup(&d->report, &g);
        doctor_check_conf(&d->report, &g);
}

/* The container's files are root's and www-data's to read. */
static void skip_container(struct doctor *d) {
        const enum doctor_check checks[] = { DOCTOR_OWNER, DOCTOR_DEVICE_GATE, DOCTOR_LINE,
                                             DOCTOR_RUNNING };

        for (size_t i = 0; i < ELEMENTS(checks); i++)
                doctor_add(&d->report, (struct doctor_item){ .check = checks[i],
                                                             .outcome = OUTCOME_NEEDS_ROOT });
        d->blind = true;
}

static int look_at_guest(struct doctor *d) {
        int r = anchor_check(d->anchor, d->vmid, NULL, &d->check);

        if (r == -EACCES && geteuid() != 0) {
                skip_container(d);
                return 0;
        }
        if (r != 0)
                return r;
        d->running = anchor_runs(d->anchor, d->vmid);
        look_at_container(d);
        anchor_doctor_inside(d);
        return 0;
}

static int begin(struct anchor *an, uint32_t vmid, struct doctor *d) {
        struct arena *a = an->pve.arena;
        int r = anchor_majors(an);

        anchor_driver(an);
        *d = (struct doctor){ .anchor = an,
                              .arena = a,
                              .root = an->pve.root,
                              .vmid = vmid,
                              .report = { .arena = a } };
        return r < 0 ? r : subuids_read(a, d->root, &d->subuids, &d->n_subuids);
}

static void name_gpus(struct doctor_report *r, const struct facts *f) {
        for (size_t i = 0; i < r->n; i++) {
                struct doctor_item *item = &r->items[i];
                const struct gpu *g = item->gpu ? facts_find_gpu(f, item->gpu) : NULL;

                if (g)
                        item->gpu = gpu_label(r->arena, g->name, g->address);
        }
}

int anchor_doctor(struct anchor *an, uint32_t vmid, struct doctor *ret) {
        int r = begin(an, vmid, ret);

        if (r < 0)
                return r;
        look_at_host(ret);
        if (vmid)
                r = look_at_guest(ret);
        name_gpus(&ret->report, &an->facts);
        doctor_sort(&ret->report);
        return r;
}

int anchor_doctor_file(struct anchor *an, uint32_t vmid, struct doctor *ret) {
        int r = begin(an, vmid, ret);

        if (r == 0)
                r = anchor_check(an, vmid, NULL, &ret->check);
        if (r == 0)
                look_at_container(ret);
        return r;
}
