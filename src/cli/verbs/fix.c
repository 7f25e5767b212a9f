/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * fix - remove or add the lines of the container file that doctor names
 *
 * For lines that a start leaves alone, because they are not about one GPU: a rule for all devices,
 * a hook that changes nodes of the host, an id map without uids. Nothing is done that was not
 * asked for by the name of a check.
 */
#include "anchor/doctor.h"
#include "cli/diff.h"
#include "cli/output.h"
#include "cli/precondition.h"
#include "model/doctor/container.h"

/* Marks the check of that name; false after telling that there is none. */
static bool ask(struct cli *c, const char *name, bool *asked) {
        for (enum doctor_check i = 0; i < DOCTOR_CHECKS; i++)
                if (streq(doctor_checks[i].name, name)) {
                        asked[i] = true;
                        return true;
                }
        cli_fail(c, MSG_DO_MAN_CHECKS, MSG_CHECK_UNKNOWN, name);
        return false;
}

static int fix(struct cli *c, const struct doctor *d, const bool *asked) {
        const struct guest *g = &d->check.guest;
        const char *diff, *name = g->conf_path + strlen(g->root);
        struct pctconf conf = pctconf_copy(&g->lines);
        struct bytes content;
        int r;

        for (enum doctor_check i = 0; i < DOCTOR_CHECKS; i++)
                if (asked[i] && doctor_fix(&d->report, i, &conf) == 0)
                        cli_say(c, MSG_FIX_NOTHING, doctor_checks[i].name, name);
        content = pctconf_write(&conf);
        if (bytes_equal(content, g->conf))
                return EXIT_DONE;
        if (diff_make(&c->arena, &(struct file_change){ name, g->conf, content }, &diff) == 0)
                out_diff(c, diff);
        if (c->opt[OPT_DRY_RUN])
                return EXIT_ATTENTION;
        r = target_store(c, g, content);
        if (r == EXIT_DONE)
                cli_say(c, MSG_FIXED, name, d->vmid);
        return r;
}

static int run(struct cli *c) {
        _cleanup_(cleanup_close) int lock = -1;
        bool asked[DOCTOR_CHECKS] = { 0 };
        struct doctor d;
        struct guest g;
        uint32_t vmid;
        int r;

        if (!target_vmid(c, &vmid) || !target_is_root(c, "/etc/pve"))
                return EXIT_TROUBLE;
        for (int i = 1; i < c->n_args; i++)
                if (!ask(c, c->args[i], asked))
                        return EXIT_TROUBLE;
        r = target_open(c, vmid, &g, &lock);
        if (r != EXIT_DONE)
                return r;
        r = anchor_doctor_file(&c->host, vmid, &d);
        return r != 0 ? target_problem(c, vmid, r) : fix(c, &d, asked);
}

const struct verb verb_fix = {
        .name = "fix",
        .args = "VMID CHECK...",
        .summary = "correct lines of the container file that doctor names",
        .example = "gpuanchor fix 101 chmod --dry-run",
        .about = "For the checks with which gpuanchor doctor names this command: chmod,\n"
                 "legacy-key, device-line and idmap. Shows what is changed; only lines of the\n"
                 "current configuration are, never those of a snapshot. gpuanchor undo takes it\n"
                 "back.\n",
        .exits = { "written, or nothing to change", "with --dry-run: something would change",
                   "refused or failed; the file is whole, old or new" },
        .options = OPT_BIT(OPT_DRY_RUN),
        .min_args = 2,
        .max_args = DOCTOR_CHECKS,
        .run = run,
};
