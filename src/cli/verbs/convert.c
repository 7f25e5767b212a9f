/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * convert - from bind mounts and holes in the id map to devN lines, or back
 *
 * Planned and proved like any start, with the method forced, and proved once
 * more: the next start must find nothing to change in the result. What a start
 * leaves alone goes too - holes that nothing needs any more, rules that devN
 * brings itself - and since files keep their numeric owner when a hole goes,
 * they are looked for where that is possible.
 */
#include "anchor/apply.h"
#include "cli/output.h"
#include "model/policy/edit.h"
#include "cli/enrol/policy-file.h"
#include "cli/plan-output.h"
#include "cli/precondition.h"
#include "host/package.h"

struct converting {
        struct cli *c;
        struct arena *a;
        uint32_t vmid;
        enum method to;
        struct guest guest;
        struct policy_file policy;
        int lock;
        struct check check;
};

static int read_method(struct converting *v) {
        const char *to = v->c->opt[OPT_TO];

        if (!to)
                return cli_fail(v->c, MSG_DO_CONVERT_HELP, MSG_METHOD_NONE);
        if (!streq(to, "dev") && !streq(to, "idmap"))
                return cli_fail(v->c, "", MSG_METHOD_UNKNOWN, to);
        v->to = streq(to, "dev") ? METHOD_DEV : METHOD_IDMAP;
        return EXIT_DONE;
}

/* devN came with Proxmox VE 8.2; older ones throw such a line away. */
static int check_version(struct converting *v) {
        const char *version;

        if (v->to != METHOD_DEV)
                return EXIT_DONE;
        version = package_version(v->a, v->c->root, "pve-manager");
        if (!version)
                cli_say(v->c, MSG_VERSION_UNKNOWN);
        if (!version || version_at_least(version, 8, 2))
                return EXIT_DONE;
        return cli_fail(v->c, MSG_DO_UPGRADE, MSG_VERSION_OLD, v->vmid, version);
}

/* ---- plan and proof ---- */

static int refuse(struct converting *v) {
        struct check *k = &v->check;

        if (k->left_alone || k->refuse) {
                if (v->c->opt[OPT_JSON])
                        (void)show_plan(v->c, k);
                else
                        out_findings(v->c, &k->findings, v->vmid, EDITS_HIDE);
                return cli_fail(v->c, arena_printf(v->a, MSG_DO_PLAN, v->vmid), MSG_LEFT_ALONE_WHY,
                                v->vmid, k->refuse ? k->refuse : MSG_SEE_ABOVE);
        }
        if (k->plan.incomplete || k->plan.choice.gpus.n == 0)
                return cli_fail(v->c, arena_printf(v->a, MSG_DO_PLAN, v->vmid),
                                MSG_CONVERT_INCOMPLETE, v->vmid, k->plan.missing ? ": " : "",
                                k->plan.missing ? k->plan.missing : "");
        return EXIT_DONE;
}

/* The next start, under the policy as it will be, must leave the new file as it is. */
static int prove(struct converting *v) {
        struct guest g = guest_with(v->a, &v->guest, v->check.new_conf, v->check.new_config);
        struct check_options after = { .guest = &g, .policy = &v->check.new_policy };
        struct check next;
        int r;

        r = anchor_check(&v->c->host, v->vmid, &after, &next);
        if (r != 0)
                return target_problem(v->c, v->vmid, r);
        if (next.left_alone || !bytes_equal(next.new_conf, g.conf))
                return cli_fail(v->c, MSG_DO_REPORT_FILE, MSG_CONVERT_AGAIN, v->vmid);
        return EXIT_DONE;
}

static int plan(struct converting *v) {
        struct setting method = { "method", method_name(v->to) };
        struct check *k = &v->check;
        struct check_options o = { .convert = v->to };
        int r = anchor_check(&v->c->host, v->vmid, &o, k);

        if (r != 0)
                return target_problem(v->c, v->vmid, r);
        r = refuse(v);
        if (r != EXIT_DONE)
                return r;
        if (k->own_method != METHOD_AUTO && k->own_method != v->to) {
                k->new_policy = policy_edit(v->a, k->new_policy, &method, 1);
                k->safe_policy = policy_edit(v->a, k->safe_policy, &method, 1);
        }
        r = prove(v);
        if (r == EXIT_DONE)
                plan_find_files(&v->check, true);
        return r;
}

/* ---- writing ---- */

/* The policy goes with the container file: with the one alone the next start would convert again.
 */
static bool is_converted(struct converting *v) {
        struct guest now;

        return guest_load(&v->c->host.pve, v->vmid, &now) == 0 &&
               bytes_equal(now.conf, v->check.new_conf);
}

static int convert(struct converting *v) {
        struct check *k = &v->check;
        bool changes = anchor_would_change(k);
        int r;

        v->policy.new = changes ? k->safe_policy : k->new_policy;
        r = policy_file_write(v->c, &v->policy);
        if (r != EXIT_DONE)
                return r;
        k->policy.file = v->policy.new;
        r = anchor_apply(k);
        if (r != 0) {
                if (r == GUEST_E_CHANGED)
                        anchor_tell_problem(&k->findings, &k->guest, r);
                if (!is_converted(v))
                        policy_file_restore(v->c, &v->policy);
                return cli_fail_findings(v->c, &k->findings, v->vmid);
        }
        if (v->c->opt[OPT_JSON])
                return show_plan(v->c, k) == EXIT_TROUBLE ? EXIT_TROUBLE
                                                          : show_attention(&k->findings);
        out_findings(v->c, &k->findings, v->vmid, EDITS_TELL);
        if (!changes)
                cli_say(v->c, MSG_CONVERT_NOTHING, v->vmid, method_name(v->to));
        else
                cli_say(v->c, MSG_CONVERTED, v->vmid, method_name(v->to), v->vmid);
        return show_attention(&k->findings);
}

static int run_locked(struct converting *v) {
        int r = target_open(v->c, v->vmid, &v->guest, &v->lock);

        if (r == EXIT_DONE && !guest_is_managed(&v->c->host.pve, v->vmid))
                r = cli_fail(v->c, target_enrol(v->c, v->vmid), MSG_NOT_MANAGED,
                             v->vmid);
        if (r == EXIT_DONE)
                r = policy_file_read(v->c, &v->guest, &v->policy);
        if (r == EXIT_DONE)
                r = check_version(v);
        if (r == EXIT_DONE)
                r = plan(v);
        if (r != EXIT_DONE)
                return r;
        return v->c->opt[OPT_DRY_RUN] ? show_plan(v->c, &v->check) : convert(v);
}

static int run(struct cli *c) {
        struct converting v = { .c = c, .a = &c->arena, .lock = -1 };
        int r;

        if (read_method(&v) != EXIT_DONE || !target_vmid(c, &v.vmid) ||
            (!c->opt[OPT_DRY_RUN] && !target_is_root(c, MSG_WRITES_LINES)))
                return EXIT_TROUBLE;
        r = run_locked(&v);
        cleanup_close(&v.lock);
        return r;
}

const struct verb verb_convert = {
        .name = "convert",
        .args = "VMID",
        .summary = "move a container from one method to the other",
        .example = "gpuanchor convert 101 --to dev --dry-run",
        .about =
                "--to dev: devN lines instead of bind mounts; the holes in the id map that were\n"
                "made for them go, others stay. --to idmap: the other way round. Says which files\n"
                "on the container's disk change their owner with a hole, as far as it can look:\n"
                "only while the container runs. gpuanchor undo takes it back. --json: what was\n"
                "written, as the object of gpuanchor plan.\n",
        .exits = { "converted, or nothing to change",
                   "converted, and something is to be looked at;\n     with --dry-run as for plan",
                   "refused or failed; each file is whole, old or new" },
        .options = OPT_BIT(OPT_TO) | OPT_BIT(OPT_JSON) | OPT_BIT(OPT_DRY_RUN),
        .min_args = 1,
        .max_args = 1,
        .run = run,
};
