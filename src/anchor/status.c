/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * status - every container checked as its next start would check it
 *
 * What is the same for all of them - the host, its settings, a hookscript - is
 * read once for one look, and never kept for the next. What belongs to one
 * container goes before the next one comes, so that a thousand need the memory
 * of one.
 */
#include "anchor/status.h"

#include "anchor/exclusive.h"
#include "host/mounts.h"
#include "model/conf/snapshot.h"
#include "model/finding/reason.h"
#include "pve/storage.h"
#include "render/inventory.h"

#include <errno.h>
#include <sys/stat.h>
#include <time.h>

#define REBOOT_SECONDS 3
#define UNIT_GROUP PVE_SLICE "/pve-container@%u.service"

struct look {
        struct anchor *anchor; /* its arena is that of the result */
        struct arena *arena;
        struct arena scratch; /* of one container */
        struct host_status *st;
        struct hook { /* each hookscript is looked at once for all that have it */
                const char *volume, *problem;
        } * hooks;
        size_t n_hooks;
        uint32_t *down; /* containers that seem to be */
        size_t n_down;
        bool blind; /* which containers run cannot be seen */
};

static void add_about(struct look *l, uint32_t vmid, struct finding item) {
        item.vmid = vmid;
        finding_add(&l->st->findings, item);
}

/* ---- the container's file ---- */

bool status_no_start(const struct check *c, struct findings *f) {
        const char *path = check_missing_dev(c);
        bool managed = guest_is_managed(&c->anchor->pve, c->guest.vmid);

        if (path)
                finding_add(f, (struct finding){ .code = FINDING_CONTAINER_NO_START,
                                                 .what = path,
                                                 .new = managed ? ""
                                                                : arena_printf(c->arena,
                                                                               WHY_ENABLE_FIRST,
                                                                               check_enrol(c)),
                                                 .where = c->guest.conf_name,
                                                 .vmid = c->guest.vmid });
        return path;
}

static void look_at_lines(struct look *l, struct check *c) {
        if (c->refuse) /* then neither it nor apply corrects the file */
                add_about(l, c->guest.vmid,
                          (struct finding){ .code = FINDING_CONTAINER_REFUSED,
                                            .what = c->refuse });
        else if (!status_no_start(c, &l->st->findings) &&
                 !bytes_equal(c->new_conf, c->guest.conf))
                add_about(l, c->guest.vmid,
                          (struct finding){ .code = FINDING_CONTAINER_STALE,
                                            .what = status_edits_text(c->arena, &c->findings),
                                            .where = c->guest.conf_name });
        for (size_t i = 0; i < c->n_delegate; i++)
                add_about(l, c->guest.vmid,
                          (struct finding){ .code = FINDING_SUBGID_MISSING,
                                            .new = arena_printf(c->arena, "%u", c->delegate[i]),
                                            .name = facts_gid_text(c->arena, &c->anchor->facts,
                                                                   c->delegate[i]) });
}

static void look_at_snapshots(struct look *l, struct check *c) {
        struct findings f = { .arena = c->arena };

        anchor_snapshot_sources(c->anchor, c->guest.lines.tail);
        snapshots_check(&(struct snapshot_query){ &c->anchor->facts, &c->plan.choice.gpus,
                                                  c->guest.conf_name },
                        c->guest.lines.tail, &f);
        for (size_t i = 0; i < f.n; i++)
                add_about(l, c->guest.vmid, f.items[i]);
}

/* ---- its hookscript ---- */

enum hook_problem anchor_hook_problem(struct anchor *an, const char *volume) {
        const char *path = storage_snippet_path(&an->pve, volume);
        struct stat st;

        if (!path)
                return HOOK_NO_STORAGE;
        if (*an->pve.root && lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
                return HOOK_OK; /* leads out of the folder that is our host */
        if (stat(path, &st) < 0)
                return errno == ENOENT || errno == ENOTDIR ? HOOK_ABSENT : HOOK_OK;
        return S_ISREG(st.st_mode) && (st.st_mode & 0111) ? HOOK_OK : HOOK_NOT_EXECUTABLE;
}

static const char *hook_text(struct arena *a, enum hook_problem problem, const char *volume) {
        switch (problem) {
        case HOOK_NO_STORAGE:
                return arena_printf(a, WHY_HOOK_NO_STORAGE, volume);
        case HOOK_ABSENT:
                return arena_printf(a, WHY_HOOK_ABSENT, volume);
        case HOOK_NOT_EXECUTABLE:
                return arena_printf(a, WHY_HOOK_NO_EXEC, volume);
        case HOOK_OK:
                break;
        }
        return NULL;
}

static const char *hook_problem(struct look *l, const char *volume) {
        for (size_t i = 0; i < l->n_hooks; i++)
                if (streq(l->hooks[i].volume, volume))
                        return l->hooks[i].problem;
        *ARENA_PUSH(l->arena, l->hooks, l->n_hooks) =
                (struct hook){ arena_strdup(l->arena, volume),
                               hook_text(l->arena, anchor_hook_problem(l->anchor, volume),
                                         volume) };
        return l->hooks[l->n_hooks - 1].problem;
}

static void look_at_hook(struct look *l, struct check *c) {
        const char *volume = guest_setting(c->arena, &c->guest, "hookscript");
        const char *what = volume ? hook_problem(l, volume) : NULL;

        struct enrolment e = { c->guest.vmid, &c->plan.choice, c->left_alone };

        if (what)
                add_about(l, c->guest.vmid,
                          (struct finding){ .code = FINDING_HOOK_UNUSABLE,
                                            .what = what,
                                            .where = enrol_hook_remedy(c->arena, &e,
                                                                       !streq(volume, HOOK_VOLUME)) });
}

/* A policy that no start reads: pct set --delete hookscript, or a rollback to before enrolment. */
static void look_at_unmanaged(struct look *l, struct anchor *one, uint32_t vmid) {
        struct check c;

        l->st->n_unmanaged++;
        if (access(settings_path(&one->pve, vmid), F_OK) < 0 ||
            guest_is_announced(&one->pve, vmid))
                return;
        add_about(l, vmid,
                  (struct finding){ .code = FINDING_HOOK_MISSING,
                                    .where = anchor_check(one, vmid, NULL, &c) == 0
                                                     ? check_enrol(&c)
                                                     : arena_printf(l->arena, WHY_ENROL, vmid),
                                    .what = arena_printf(l->arena, WHY_HOOK_NO_LINE,
                                                         arena_printf(l->arena, "%u.conf", vmid)) });
}

bool anchor_runs(const struct anchor *an, uint32_t vmid) {
        struct record record;

        return *an->pve.root ? record_read(&an->pve, vmid, &record) == 0
                             : access(arena_printf(an->pve.arena, "/sys/fs/cgroup/lxc/%u", vmid),
                                      F_OK) == 0;
}

/*
 * Every stop clears the record, also one from inside; a reboot inside that fails in Proxmox's
 * post-stop hook does not. Nor has a start cleared it that is under way.
 */
static bool is_down(const struct anchor *an, uint32_t vmid) {
        struct arena *a = an->pve.arena;
        struct record record;

        return !*an->pve.root && !anchor_runs(an, vmid) &&
               record_read(&an->pve, vmid, &record) == 0 &&
               access(arena_printf(a, "/run/gpuanchor/%u.start", vmid), F_OK) < 0 &&
               access(arena_printf(a, UNIT_GROUP, vmid), F_OK) < 0;
}

/* For a moment of every reboot inside a container is neither up nor coming. */
static void look_at_those_down(struct look *l) {
        if (l->n_down == 0)
                return;
        nanosleep(&(struct timespec){ .tv_sec = REBOOT_SECONDS }, NULL);
        for (size_t i = 0; i < l->n_down; i++)
                if (is_down(l->anchor, l->down[i]))
                        add_about(l, l->down[i],
                                  (struct finding){ .code = FINDING_CONTAINER_DOWN });
}

/* ---- one container ---- */

static void add_named(struct look *l, const char *address) {
        *ARENA_PUSH(l->arena, l->st->named, l->st->n_named) = arena_strdup(l->arena, address);
}

static void keep_named(struct look *l, const struct check *c) {
        const struct pin *pin = policy_pin(&c->policy, c->anchor->pve.node);

        for (size_t i = 0; pin && i < pin->n_gpus; i++)
                add_named(l, pin->gpus[i].address);
        for (size_t i = 0; i < c->policy.n_gpus; i++)
                if (c->policy.gpus[i].kind == SEL_PCI || c->policy.gpus[i].kind == SEL_PLATFORM)
                        add_named(l, c->policy.gpus[i].name);
}

static const char *copy(struct look *l, const char *s) {
        return s ? arena_strdup(l->arena, s) : NULL;
}

static struct container_status *keep_container(struct look *l, const struct check *c) {
        struct host_status *st = l->st;
        struct container_status *cs = ARENA_PUSH(l->arena, st->containers, st->n_containers);
        struct bytes name = { 0 };

        (void)pctconf_get(&c->guest.lines, "hostname", &name);
        *cs = (struct container_status){
                .vmid = c->guest.vmid,
                .name = bytes_dup(l->arena, name),
                .missing = copy(l, c->plan.missing),
                .refuse = copy(l, c->refuse),
                .exclusive = c->policy.exclusive,
        };
        (void)held_load(&l->anchor->pve, cs->vmid, &cs->held); /* none: not looked at yet */
        for (size_t i = 0; i < c->plan.choice.gpus.n; i++)
                *ARENA_PUSH(l->arena, cs->gpus, cs->n_gpus) =
                        arena_strdup(l->arena, c->plan.choice.gpus.items[i]->address);
        return cs;
}

/* Return: 0, or GUEST_E_NOT_MOUNTED when /etc/pve went away. */
static int look_at_container(struct look *l, uint32_t vmid) {
        struct arena *scratch = &l->scratch;
        struct anchor one;
        struct container_status *cs;
        struct check c;
        bool running;
        int r;

        arena_reset(scratch);
        one = anchor_for_one(l->anchor, scratch);
        if (!guest_is_managed(&one.pve, vmid)) {
                look_at_unmanaged(l, &one, vmid);
                return 0;
        }
        r = anchor_check(&one, vmid, NULL, &c);
        if (r == GUEST_E_NONE || r == GUEST_E_NOT_MOUNTED)
                return r == GUEST_E_NONE ? 0 : r; /* gone since the folder was read */
        for (size_t i = 0; i < c.findings.n; i++)
                if (status_tells(&c.findings.items[i]))
                        add_about(l, vmid, c.findings.items[i]);
        if (r != 0)
                return 0;
        running = anchor_runs(&one, vmid);
        if (!running)
                exclusive_judge(&c);
        cs = keep_container(l, &c);
        keep_named(l, &c);
        if (guest_is_template(&c.guest))
                return 0;
        look_at_lines(l, &c);
        look_at_hook(l, &c);
        look_at_snapshots(l, &c);
        cs->running = running;
        if (!l->blind && is_down(&one, vmid))
                *ARENA_PUSH(l->arena, l->down, l->n_down) = vmid;
        if (cs->running) {
                struct findings live = { .arena = scratch };

                anchor_status_running(&c, &live);
                for (size_t i = 0; i < live.n; i++)
                        add_about(l, vmid, live.items[i]);
        }
        return 0;
}

/* ---- how old is what was looked at ---- */

bool anchor_look_is_old(const struct anchor *an, int64_t *ret_age) {
        struct timespec up = { 0 };

        *ret_age = held_look_age(&an->pve);
        if (!*an->pve.root)
                clock_gettime(CLOCK_MONOTONIC, &up);
        return *ret_age != LOOK_UNKNOWN && status_look_is_old(*ret_age, (int64_t)up.tv_sec);
}

static void look_at_age(struct look *l) {
        struct host_status *st = l->st;
        bool runs = false, old = anchor_look_is_old(l->anchor, &st->looked_age);

        for (size_t i = 0; i < st->n_containers; i++)
                runs |= st->containers[i].running;
        if (runs && st->looked_age >= 0)
                st->looked = status_age_text(l->arena, st->looked_age);
        if (runs && old)
                finding_add(&st->findings,
                            (struct finding){ .code = FINDING_LOOK_OLD,
                                              .old = status_age_text(l->arena, st->looked_age) });
}

/* ---- all ---- */

static int look_at_containers(struct look *l) {
        uint32_t *vmids = NULL;
        size_t n = 0;
        int r;

        r = guest_list(&l->anchor->pve, &vmids, &n);
        for (size_t i = 0; r == 0 && i < n; i++)
                r = look_at_container(l, vmids[i]);
        arena_done(&l->scratch);
        return r;
}

/* Cards without a driver or held by vfio-pci are a choice of the owner; broken nodes are not. */
static void look_at_nodes(struct look *l) {
        struct inventory inv = { .facts = &l->st->facts, .problems = { .arena = l->arena } };

        inventory_check(&inv);
        for (size_t i = 0; i < inv.problems.n; i++)
                if (inv.problems.items[i].code != FINDING_GPU_HELD &&
                    inv.problems.items[i].code != FINDING_GPU_NO_DRIVER)
                        finding_add(&l->st->findings, inv.problems.items[i]);
}

/* Containers are found by control groups that are not where they ought to be. */
static void look_at_cgroups(struct look *l) {
        l->blind = cgroups_look(l->arena, l->anchor->pve.root) == CGROUPS_V1;
        if (l->blind)
                finding_add(&l->st->findings, (struct finding){ .code = FINDING_CGROUPS_OLD });
}

/* A package that was updated without a reboot: its libraries are refused by the module. */
static void look_at_driver(struct look *l) {
        const char *loaded = l->anchor->facts.nvidia_version;

        for (int i = 0; loaded && i < DRIVER_LIBRARIES; i++) {
                const struct driver_library *library = &l->anchor->libraries[i];

                if (library_judge(library, loaded) != VERDICT_DIFFERS)
                        continue;
                finding_add(&l->st->findings, (struct finding){ .code = FINDING_DRIVER_NOT_LOADED,
                                                                .what = library->path,
                                                                .old = loaded,
                                                                .new = library->version });
                return;
        }
}

int anchor_status(struct anchor *an, const struct baseline *before, struct host_status *ret) {
        struct arena *a = an->pve.arena;
        struct host_status st = { .node = an->pve.node, .findings = { .arena = a } };
        struct look l = { .anchor = an, .arena = a, .st = &st };
        int r;

        r = anchor_majors(an);
        if (r < 0)
                return r;
        anchor_driver(an);
        st.facts = an->facts;
        if (before)
                baseline_compare(before, &st.facts, &st.findings);
        baseline_next(a, before, &st.facts, &st.next);
        look_at_nodes(&l);
        look_at_driver(&l);
        look_at_cgroups(&l);
        r = look_at_containers(&l);
        look_at_those_down(&l);
        look_at_age(&l);
        if (r != 0) {
                st.blind = true;
                finding_add(&st.findings,
                            (struct finding){
                                    .code = r == GUEST_E_NOT_MOUNTED ? FINDING_PVE_NOT_MOUNTED
                                                                     : FINDING_READ_FAILED,
                                    .where = r == GUEST_E_NOT_MOUNTED ? "/etc/pve" : "/etc/pve/lxc",
                                    .what = r < 0 ? strerror(-r) : NULL });
        }
        facts_name(&st.facts, &st.findings);
        *ret = st;
        return 0;
}
