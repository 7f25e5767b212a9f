/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * apply - do now what the next start would do
 *
 * The start does it anyway; a container with devN lines whose node is gone needs
 * it before, because Proxmox ends such a start ahead of every hook. That is what
 * the boot service runs it for.
 */
#include "anchor/apply.h"
#include "anchor/cluster.h"
#include "anchor/live/running.h"
#include "anchor/inside/upkeep.h"
#include "anchor/status.h"
#include "cli/hwdb.h"
#include "cli/output.h"
#include "cli/plan-output.h"
#include "cli/precondition.h"
#include "model/conf/application.h"

#include <time.h>

#define BOOT_LOCK_MS 1000
#define BOOT_SECONDS 30 /* after that no lock is waited for any more */

struct job {
        struct cli *c;
        struct arena arena;
        struct anchor host; /* seen anew for each container: apply changes it */
        uint32_t vmid;
        struct check check;
        bool changes; /* files of the container were changed */
};

static int lock_timeout(const struct cli *c) {
        struct timespec since_boot;
        static time_t begin;

        if (!c->opt[OPT_BOOT])
                return LOCK_TIMEOUT_MS;
        clock_gettime(CLOCK_MONOTONIC, &since_boot);
        begin = begin ? begin : since_boot.tv_sec;
        return since_boot.tv_sec - begin < BOOT_SECONDS ? BOOT_LOCK_MS : 0;
}

/* Whether the checked container may be written; else the reason was printed. */
static bool may_write(struct job *j) {
        struct check *k = &j->check;
        struct findings f = { .arena = &j->arena };

        if (anchor_refuses(&k->guest, &f)) {
                cli_fail_findings(j->c, &f, j->vmid);
                return false;
        }
        if (!k->refuse && !k->left_alone)
                return true;
        out_findings(j->c, &k->findings, j->vmid, EDITS_HIDE);
        cli_fail(j->c, arena_printf(&j->arena, MSG_DO_PLAN, j->vmid), MSG_LEFT_ALONE_WHY, j->vmid,
                 k->refuse ? k->refuse : MSG_SEE_ABOVE);
        return false;
}

static const char *what_was_done(const struct job *j) {
        if (!j->changes)
                return MSG_NOTHING;
        return j->check.running ? MSG_WRITTEN : MSG_WRITTEN_STOPPED;
}

static int tell(struct job *j, int problem) {
        struct cli *c = j->c;
        struct check *k = &j->check;

        if (problem == GUEST_E_CHANGED)
                anchor_tell_problem(&k->findings, &k->guest, problem);
        out_findings(c, &k->findings, j->vmid, problem == 0 ? EDITS_TELL : EDITS_HIDE);
        if (problem != 0)
                return EXIT_TROUBLE;
        cli_say(c, "%s: %s", gpu_list_text(&c->arena, &k->plan.choice.gpus), what_was_done(j));
        return show_attention(&k->findings);
}

static int apply_locked(struct job *j) {
        int r = GUEST_E_CHANGED;

        for (int i = 0; i < ANCHOR_TRIES && r == GUEST_E_CHANGED; i++) {
                j->host = host_open(&j->arena, j->c->root);
                r = anchor_check(&j->host, j->vmid, NULL, &j->check);
                if (r != 0)
                        return target_problem(j->c, j->vmid, r);
                if (!may_write(j))
                        return EXIT_TROUBLE;
                j->changes = anchor_would_change(&j->check);
                j->check.running = !*j->c->root && anchor_runs(&j->host, j->vmid);
                r = anchor_apply(&j->check);
        }
        return tell(j, r);
}

static int dry_run(struct job *j) {
        int r = anchor_check(&j->host, j->vmid, NULL, &j->check);

        return r != 0 ? target_problem(j->c, j->vmid, r) : show_plan(j->c, &j->check);
}

static int apply_job(struct job *j) {
        _cleanup_(cleanup_close) int lock = -1;
        struct cli *c = j->c;
        struct guest g;
        int r;

        /* first whether it is there: taking a lock would leave a file for any number */
        r = guest_load(&j->host.pve, j->vmid, &g);
        if (r != 0)
                return target_problem(c, j->vmid, r);
        if (!guest_is_managed(&j->host.pve, j->vmid))
                return cli_fail(c, target_enrol(c, j->vmid), MSG_NOT_MANAGED,
                                j->vmid);
        if (c->opt[OPT_ALL] && guest_is_template(&g)) {
                cli_say(c, MSG_TEMPLATE);
                return EXIT_DONE;
        }
        anchor_sweep(&j->host.pve, j->vmid);
        r = guest_lock(&j->host.pve, j->vmid, lock_timeout(c), &lock);
        return r != 0 ? target_problem(c, j->vmid, r) : apply_locked(j);
}

/* ---- the container that runs ---- */

/* a container that runs, after its lines were written */
struct applied {
        const struct check *before; /* with what was written */
        struct check *now;          /* with what it was given, running_apply() */
        const struct running_look *look;
        bool changes; /* its files were changed */
};

/* Whether it holds all that it shall, by the look that has just ended. */
static bool has_its_nodes(struct check *k) {
        struct findings f = { .arena = k->arena };

        anchor_status_running(k, &f);
        for (size_t i = 0; i < f.n; i++)
                if (f.items[i].code == FINDING_INSIDE_MISSING ||
                    f.items[i].code == FINDING_INSIDE_UNUSABLE ||
                    f.items[i].code == FINDING_CONTAINER_WRONG_GPU)
                        return false;
        return true;
}

/* What the kernel took over when init was started: nobody can change it from outside. */
static bool map_changes(const struct check *k) {
        return k->plan.userns && !k->left_alone &&
               !idmap_equal(k->arena, &k->plan.map_now, &k->plan.map);
}

static struct bytes environment_lines(struct arena *a, struct bytes conf) {
        struct strbuf text = { .arena = a };
        struct pctconf lines;

        pctconf_parse(a, PCTCONF_PVE, conf, &lines);
        for (size_t i = 1; i < lines.n_lines; i++)
                if (environment_of(lines.lines[i].key) != ENVIRONMENT_NONE) {
                        strbuf_add_bytes(&text, lines.lines[i].text);
                        strbuf_adds(&text, "\n");
                }
        return strbuf_bytes(&text);
}

/* What of the new lines is so already, and what the next start brings. */
static void tell_in_effect(struct cli *c, const struct applied *a) {
        const struct check *k = a->before;
        const char *waits = a->look->soon ? MSG_EFFECT_UDEV : a->look->why_not;
        struct strbuf later = { .arena = &c->arena };
        bool has = a->look->seen && has_its_nodes(a->now);

        if (waits)
                cli_say(c, MSG_LIVE_WAITS, waits);
        else if (has && (a->changes || a->look->changed))
                cli_say(c, MSG_EFFECT_NOW);
        else if (a->look->seen && !has)
                strbuf_adds(&later, MSG_EFFECT_NODES);
        if (map_changes(k))
                strbuf_printf(&later, "%s%s", later.len ? ", " : "", MSG_EFFECT_MAP);
        if (!bytes_equal(environment_lines(k->arena, k->guest.conf),
                         environment_lines(k->arena, k->new_conf)))
                strbuf_printf(&later, "%s%s", later.len ? ", " : "", MSG_EFFECT_ENVIRONMENT);
        if (later.len)
                cli_say(c, MSG_EFFECT_LATER, strbuf_str(&later));
}

/* Its GPU, and what the policy asks for inside: a container that runs need not wait for a start. */
static int keep_inside(struct job *j) {
        struct findings f = { .arena = &j->arena };
        struct running_look now = { 0 };
        struct check k;
        bool checked;

        j->host = host_open(&j->arena, j->c->root);
        checked = anchor_check(&j->host, j->vmid, NULL, &k) == 0;
        if (checked) {
                k.findings = f;
                running_apply(&k, &now);
                f = k.findings;
        }
        if (now.unfinished == UNFINISHED_ALL)
                anchor_upkeep_changed(&j->host, j->vmid, &f);
        else
                anchor_upkeep(&j->host, j->vmid, &f);
        if (now.seen) /* else the next look begins again */
                running_finished(&j->host.pve, j->vmid, true);
        facts_name(&j->host.facts, &f);
        out_findings(j->c, &f, j->vmid, EDITS_TELL);
        if (checked && j->check.running)
                tell_in_effect(j->c, &(struct applied){ &j->check, &k, &now, j->changes });
        return now.why_not ? EXIT_ATTENTION : show_attention(&f);
}

/* ---- one after the other ---- */

static int apply_one(struct cli *c, uint32_t vmid) {
        struct job j = { .c = c, .vmid = vmid };
        int r;

        j.host = host_open(&j.arena, c->root);
        if (c->opt[OPT_DRY_RUN]) {
                r = dry_run(&j);
        } else {
                c->prefix = arena_printf(&c->arena, "%u: ", vmid);
                r = apply_job(&j);
                if (r != EXIT_TROUBLE && !c->opt[OPT_BOOT] && keep_inside(&j) != EXIT_DONE)
                        r = EXIT_ATTENTION;
                c->prefix = "";
        }
        arena_done(&j.arena);
        return r;
}

/* Before the lines are corrected: what is not managed is seen here, too. */
static void sight(struct cli *c) {
        struct anchor host;
        const char *path;

        cards_renew(&c->arena, c->root, false);
        host = host_open(&c->arena, c->root);
        (void)anchor_sight(&host, &path); /* without it enable asks */
        (void)anchor_publish(&host);
        backup_sweep(&c->arena, c->root);
}

static int apply_all(struct cli *c) {
        uint32_t *vmids = NULL;
        int r, worst = EXIT_DONE;
        size_t n = 0, managed = 0;

        if (!c->opt[OPT_DRY_RUN])
                sight(c);
        r = target_list(c, &vmids, &n);
        if (r != EXIT_DONE)
                return r;
        for (size_t i = 0; i < n; i++) {
                if (!guest_is_managed(&c->host.pve, vmids[i]))
                        continue;
                managed++;
                r = apply_one(c, vmids[i]);
                worst = r > worst ? r : worst;
        }
        if (managed == 0)
                cli_say(c, MSG_NONE_MANAGED);
        return c->opt[OPT_BOOT] ? EXIT_DONE : worst;
}

static int run(struct cli *c) {
        uint32_t vmid;
        int r;

        if (!c->opt[OPT_DRY_RUN] && !target_is_root(c, MSG_WRITES_LINES))
                return EXIT_TROUBLE;
        if (c->opt[OPT_ALL])
                return apply_all(c);
        if (!target_vmid(c, &vmid))
                return EXIT_TROUBLE;
        r = apply_one(c, vmid);
        return c->opt[OPT_BOOT] && c->host.pve.node ? EXIT_DONE : r;
}

const struct verb verb_apply = {
        .name = "apply",
        .args = "VMID|--all",
        .summary = "write now what the next start would write",
        .example = "gpuanchor apply 101",
        .about = "Refuses on a locked container, a template, and without quorum. --all goes on\n"
                 "after a failure; the exit status is then the worst of all containers. One that\n"
                 "runs gets its GPU now, and what its policy asks for inside is done.\n",
        .exits = { "written, or nothing to change; with --boot also else",
                   "written, and something is to be looked at;\n     with --dry-run as for plan",
                   "refused or failed; each file is whole, old or new" },
        .options = OPT_BIT(OPT_ALL) | OPT_BIT(OPT_BOOT) | OPT_BIT(OPT_DRY_RUN),
        .min_args = 1,
        .max_args = 1,
        .run = run,
};
