/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * doctor - where the chain from the GPU to a program breaks, and what corrects it
 */
#include "anchor/doctor.h"
#include "cli/output.h"
#include "cli/precondition.h"
#include "render/doctor.h"
#include "render/json.h"

static void print(struct cli *c, const struct doctor *d) {
        struct doctor_view v = {
                .report = &d->report,
                .node = c->host.pve.node,
                .vmid = d->vmid,
                .quiet = c->opt[OPT_QUIET],
                .color = c->color,
        };

        if (c->opt[OPT_JSON]) {
                fputs(json_doctor(&c->arena, &v), stdout);
        } else if (c->opt[OPT_PLAIN]) {
                doctor_plain(&c->arena, &v);
        } else {
                v.width = cli_width();
                doctor_text(&c->arena, &v);
                if (!d->vmid)
                        cli_say(c, MSG_DOCTOR_HOST);
        }
}

static int run(struct cli *c) {
        struct doctor d;
        uint32_t vmid = 0;
        int r;

        if (c->n_args > 0 && !target_vmid(c, &vmid))
                return EXIT_TROUBLE;
        r = anchor_doctor(&c->host, vmid, &d);
        if (r != 0 && vmid)
                return target_problem(c, vmid, r);
        if (r != 0)
                return cli_fail(c, "", MSG_HOST_UNREAD, strerror(-r));
        print(c, &d);
        if (d.blind)
                return cli_fail(c, MSG_DO_SUDO, MSG_NOT_LOOKED_AT, vmid);
        return doctor_exit(&d.report) ? EXIT_ATTENTION : EXIT_DONE;
}

const struct verb verb_doctor = {
        .name = "doctor",
        .args = "[VMID]",
        .summary = "where the chain to the GPU breaks, and what corrects it",
        .example = "gpuanchor doctor 101",
        .about = "Host, file permission, device cgroup, container file, and of a running\n"
                 "container its inside and its services. One line per check: ok, skipped,\n"
                 "warning or failed, what was found, and the command that corrects it.\n"
                 "Changes nothing; without VMID the host alone.\n",
        .exits = { "all is ok", "a warning or a failure",
                   "wrong usage, no such container, or it cannot be read" },
        .options = OPT_BIT(OPT_JSON) | OPT_BIT(OPT_PLAIN),
        .min_args = 0,
        .max_args = 1,
        .run = run,
};
