/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * disable - take gpuanchor out of a container, or out of a node
 *
 * Undoes what enable did, in the order that never leaves a container with a
 * hookscript that is gone: first the hookscript line, then the policy. The link
 * to the hook is the package's, and goes with it. The device lines stay as they
 * are: they are right today.
 */
#include "anchor/apply.h"
#include "anchor/live/delegations.h"
#include "anchor/live/gates.h"
#include "anchor/live/running.h"
#include "anchor/inside/upkeep.h"
#include "cli/hwdb.h"
#include "cli/output.h"
#include "cli/plan-output.h"
#include "model/conf/application.h"
#include "model/policy/edit.h"
#include "cli/enrol/policy-file.h"
#include "cli/enrol/snippet.h"
#include "cli/precondition.h"
#include "pve/record.h"
#include "model/guest/upkeep.h"
#include "pve/settings.h"

struct disabling {
        struct cli *c;
        struct arena *a;
        uint32_t vmid;
        struct guest guest;
        struct policy_file policy;
        bool has_hook;
        const char *next;    /* hookscript to put back, NULL for none */
        const char *wrapper; /* hookscript that calls the hook, NULL for none */
        struct settings own; /* what the policy says until it is gone */
};

/* The hookscript that enable chained; a path is nothing that hookscript: takes. */
static void find_next(struct disabling *d) {
        const char *next = policy_value(d->a, d->policy.base, "next-hook");

        if (!next || !d->has_hook)
                return;
        if (*next != '/')
                d->next = next;
        else
                cli_say(d->c, MSG_NEXT_IS_PATH, next);
}

static int read_container(struct disabling *d) {
        _cleanup_(cleanup_close) int lock = -1;
        int r;

        r = target_open(d->c, d->vmid, &d->guest, &lock);
        if (r == EXIT_DONE)
                r = policy_file_read(d->c, &d->guest, &d->policy);
        if (r != EXIT_DONE)
                return r;
        d->has_hook = guest_has_hook(&d->guest);
        if (guest_is_managed(&d->c->host.pve, d->vmid))
                d->wrapper = guest_setting(d->a, &d->guest, "hookscript");
        find_next(d);
        if (d->next && !hookscript_is_usable(d->c, d->next))
                return cli_fail(d->c, arena_printf(d->a, MSG_DO_NEXT_HOOK_CORRECT, d->policy.name),
                                MSG_NEXT_NO_FILE, d->next);
        return r;
}

/* Lines that wait in the memory for their GPU would be gone with it. */
static void tell_parked(struct disabling *d) {
        const struct policy *p = &d->own.policy;

        if (p->parked.n == 0)
                return;
        cli_say(d->c, MSG_PARKED, p->parked.n,
                p->parked.n == 1 ? MSG_PARKED_ONE : MSG_PARKED_SEVERAL);
        for (size_t i = 0; i < p->parked.n; i++)
                cli_say(d->c, "  %s", p->parked.lines[i].line);
}

/* Whether there is a policy file, and it is to go. */
static bool drops_policy(const struct disabling *d) {
        return d->policy.present && !d->c->opt[OPT_KEEP_POLICY];
}

static int remove_policy(struct disabling *d) {
        _cleanup_(cleanup_close) int lock = -1;
        int r;

        if (!drops_policy(d))
                return EXIT_DONE;
        r = guest_lock(&d->c->host.pve, d->vmid, LOCK_TIMEOUT_MS, &lock);
        return r != 0 ? target_problem(d->c, d->vmid, r) : policy_file_remove(d->c, &d->policy);
}

static int change_both(struct disabling *d) {
        int r = EXIT_DONE;

        if (d->has_hook)
                r = hookscript_set(d->c, d->vmid, d->next);
        if (r != EXIT_DONE)
                return r;
        r = remove_policy(d);
        if (r != EXIT_DONE && d->has_hook)
                (void)hookscript_set(d->c, d->vmid, guest_setting(d->a, &d->guest, "hookscript"));
        return r;
}

static int change(struct disabling *d) {
        int announced = guest_announce(&d->c->host.pve, d->vmid), r;

        anchor_sweep(&d->c->host.pve, d->vmid);
        r = change_both(d);
        guest_announce_end(&d->c->host.pve, d->vmid, announced);
        return r;
}

static void say_done(struct disabling *d, const char *would) {
        if (d->has_hook && d->next)
                cli_say(d->c, MSG_HOOK_SET, d->vmid, would, d->next);
        else if (d->has_hook)
                cli_say(d->c, MSG_HOOK_REMOVED, d->vmid, would);
        if (drops_policy(d))
                cli_say(d->c, MSG_FILE_REMOVED, d->policy.name, would);
        if (!d->has_hook && d->wrapper)
                cli_say(d->c, MSG_WRAPPER_STAYS, d->wrapper);
        cli_say(d->c, MSG_LINES_STAY, d->vmid);
}

/* Nothing is kept in a container whose init is its application. */
static bool has_inside(const struct disabling *d) {
        return conf_application(&d->guest.lines).len == 0;
}

/* Inside, a stopped container keeps what it has: nothing of it is mounted here. */
static int clear_inside(struct disabling *d) {
        struct findings f = { .arena = d->a };
        bool runs;

        if (!has_inside(d))
                return EXIT_DONE;
        runs = anchor_upkeep_undo(&d->c->host, d->vmid, &d->own.policy, &f);
        out_findings(d->c, &f, d->vmid, EDITS_TELL);
        for (size_t i = 0; !runs && i < d->own.policy.n_guest_services; i++)
                cli_say(d->c, MSG_INSIDE_STAYS, d->vmid,
                        upkeep_path(d->a, d->own.policy.guest_services[i]));
        if (d->own.policy.guest_groups || d->own.policy.n_guest_users > 0)
                cli_say(d->c, MSG_GROUPS_STAY, d->vmid);
        return findings_worst(&f) <= SEV_WARNING ? EXIT_ATTENTION : EXIT_DONE;
}

static void say_inside(struct disabling *d) {
        for (size_t i = 0; has_inside(d) && i < d->own.policy.n_guest_services; i++)
                cli_say(d->c, MSG_INSIDE_WOULD_GO,
                        upkeep_path(d->a, d->own.policy.guest_services[i]), d->vmid);
}

/* A policy that pct destroy has left: of a container that no node has, and no virtual machine. */
static bool is_orphan(struct cli *c, uint32_t vmid) {
        struct guest g;

        return access(settings_path(&c->host.pve, vmid), F_OK) == 0 &&
               guest_load(&c->host.pve, vmid, &g) == GUEST_E_NONE && !target_elsewhere(c, vmid);
}

static int clear_orphan(struct cli *c, uint32_t vmid) {
        struct guest g = { .vmid = vmid, .root = c->root };
        struct policy_file p = { .path = settings_path(&c->host.pve, vmid),
                                 .name = settings_name(&c->arena, vmid) };

        cli_say(c, MSG_ORPHAN, vmid, p.name,
                c->opt[OPT_DRY_RUN] ? MSG_WOULD_BE : MSG_IS);
        return c->opt[OPT_DRY_RUN] ? EXIT_DONE : policy_file_set_aside(c, &g, &p);
}

static int clear_orphans(struct cli *c) {
        const char *folder = arena_printf(&c->arena, "%s/etc/pve/gpuanchor", c->root);
        uint32_t *vmids = NULL;
        int worst = EXIT_DONE;
        size_t n = 0;

        (void)vmids_in(&c->arena, folder, &vmids, &n);
        for (size_t i = 0; i < n; i++)
                if (is_orphan(c, vmids[i]) && clear_orphan(c, vmids[i]) != EXIT_DONE)
                        worst = EXIT_TROUBLE;
        return worst;
}

/* The nodes that gpuanchor gave leave the running container; others that it has stay. */
static int withdraw(struct disabling *d) {
        struct anchor host = host_open(d->a, d->c->root);
        struct running_look now;
        struct check k;

        if (anchor_check(&host, d->vmid, NULL, &k) != 0)
                return EXIT_DONE;
        k.findings = (struct findings){ .arena = d->a };
        running_withdraw(&k, &now);
        out_findings(d->c, &k.findings, d->vmid, EDITS_TELL);
        if (!now.why_not)
                return findings_worst(&k.findings) <= SEV_WARNING ? EXIT_ATTENTION : EXIT_DONE;
        cli_say(d->c, MSG_LIVE_STAYS, now.why_not);
        return EXIT_ATTENTION;
}

static void say_withdrawal(struct disabling *d) {
        struct anchor host = host_open(d->a, d->c->root);
        struct follow live;
        struct check k;

        if (anchor_check(&host, d->vmid, NULL, &k) == 0 && running_preview_withdrawal(&k, &live))
                show_live(d->c, &live);
}

static int disable_one(struct cli *c, uint32_t vmid) {
        struct disabling d = { .c = c, .a = &c->arena, .vmid = vmid };
        int r, now = EXIT_DONE;

        if (!c->opt[OPT_KEEP_POLICY] && is_orphan(c, vmid))
                return clear_orphan(c, vmid);
        r = read_container(&d);
        if (r != EXIT_DONE)
                return r;
        if (!d.has_hook && !drops_policy(&d)) {
                cli_say(c, MSG_DISABLE_NOTHING, vmid);
                return EXIT_DONE;
        }
        anchor_policy(&c->host, vmid, NULL, &d.own);
        tell_parked(&d);
        if (c->opt[OPT_DRY_RUN]) {
                say_done(&d, MSG_WOULD_BE);
                say_inside(&d);
                if (c->opt[OPT_NOW])
                        say_withdrawal(&d);
                return EXIT_DONE;
        }
        r = change(&d);
        if (r != EXIT_DONE)
                return r;
        if (c->opt[OPT_NOW])
                now = withdraw(&d);
        gates_clear(&c->host.pve, vmid);
        record_clear(&c->host.pve, vmid);
        if (!c->opt[OPT_KEEP_POLICY])
                host_pin_forget(&c->host.pve, vmid);
        say_done(&d, "");
        r = clear_inside(&d);
        return r > now ? r : now;
}

static void end_delegations(struct cli *c) {
        struct findings f = { .arena = &c->arena };

        delegations_end(&c->host.pve, true, &f);
        out_findings(c, &f, 0, EDITS_TELL);
}

static int disable_all(struct cli *c) {
        uint32_t *vmids = NULL;
        int r, worst;
        size_t n = 0;

        worst = target_list(c, &vmids, &n);
        for (size_t i = 0; i < n; i++) {
                if (!guest_is_managed(&c->host.pve, vmids[i]) &&
                    access(settings_path(&c->host.pve, vmids[i]), F_OK) < 0)
                        continue;
                r = disable_one(c, vmids[i]);
                worst = r > worst ? r : worst;
        }
        if (worst != EXIT_TROUBLE && !c->opt[OPT_KEEP_POLICY])
                worst = clear_orphans(c) == EXIT_DONE ? worst : EXIT_TROUBLE;
        if (!c->opt[OPT_DRY_RUN])
                end_delegations(c);
        return worst;
}

static int run(struct cli *c) {
        uint32_t vmid;

        if (!c->opt[OPT_DRY_RUN] && !target_is_root(c, MSG_WRITES_HOOK))
                return EXIT_TROUBLE;
        if (c->opt[OPT_ALL])
                return disable_all(c);
        return target_vmid(c, &vmid) ? disable_one(c, vmid) : EXIT_TROUBLE;
}

const struct verb verb_disable = {
        .name = "disable",
        .args = "VMID|--all",
        .summary = "take gpuanchor out of a container",
        .example = "gpuanchor disable 101",
        .about = "Puts the container's own hookscript back (or removes the line) and removes the\n"
                 "policy file. The device lines stay, so the container starts with what it has.\n"
                 "The files that gpuanchor keeps inside for guest-service are removed when the\n"
                 "container runs; with --now its GPU nodes leave it, too.\n"
                 "--all goes on after a failure, and takes lines back that gpuanchor added to\n"
                 "/etc/subgid and no container needs. The link to the hook stays: it is the\n"
                 "package's.\n",
        .exits = { "disabled, or was not managed",
                   "disabled, and a file inside or a node has to stay",
                   "refused or failed: that container is as it was" },
        .options = OPT_BIT(OPT_ALL) | OPT_BIT(OPT_KEEP_POLICY) | OPT_BIT(OPT_NOW) |
                   OPT_BIT(OPT_DRY_RUN),
        .min_args = 1,
        .max_args = 1,
        .run = run,
};
