/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * check - look at a container and plan
 *
 * Two promises meet here. The right GPU or none: whatever could not be written,
 * the files that are on disk afterwards are judged once more, and lines that
 * name another GPU refuse the start. A container starts: everything else that
 * goes wrong is told, loudly, and does not become an outage.
 */
#include "anchor/judge.h"

#include "model/plan/make.h"
#include "model/policy/memory.h"
#include "pve/mapping.h"

void anchor_tell_problem(struct findings *f, const struct guest *g, int problem) {
        struct finding item = { .where = arena_printf(f->arena, "/etc/pve/lxc/%u.conf", g->vmid) };

        switch (problem) {
        case GUEST_E_NOT_MOUNTED:
                item.code = FINDING_PVE_NOT_MOUNTED;
                item.where = "/etc/pve";
                break;
        case GUEST_E_NONE:
                item.code = FINDING_GUEST_NONE;
                break;
        case GUEST_E_CHANGED:
                item.code = FINDING_GUEST_CHANGED;
                break;
        case GUEST_E_BUSY:
                item.code = FINDING_GUEST_BUSY;
                break;
        default:
                item.code = FINDING_READ_FAILED;
                item.what = problem < 0 ? strerror(-problem) : "unexpected condition";
        }
        finding_add(f, item);
}

static struct plan_input input_of(const struct check *c, const struct pctconf *conf,
                                  const struct survey *s) {
        return (struct plan_input){
                .facts = &c->anchor->facts,
                .policy = &c->policy,
                .node = c->anchor->pve.node,
                .name = c->guest.conf_name,
                .conf = conf,
                .survey = s,
                .convert = c->convert,
        };
}

/* Promise 1 over bytes that will stay: NULL, or the line that names another GPU. */
static const char *wrong_line(struct check *c, enum pctconf_kind kind, struct bytes data,
                              const char *name) {
        struct pctconf conf = { 0 };
        struct survey s = { 0 };
        struct plan_input in = input_of(c, &conf, &s);
        size_t line;

        pctconf_parse(c->arena, kind, data, &conf);
        survey_make(c->arena, &c->anchor->facts, &conf, &s);
        s.userns |= c->plan.userns;
        if (plan_lines_are_right(&c->plan, &in, &line))
                return NULL;
        return arena_printf(
                c->arena, "%s:%zu: %s", name, conf.lines[line].number,
                arena_strndup(c->arena, conf.lines[line].text.data, conf.lines[line].text.len));
}

void anchor_judge_unwritten(struct check *c, const char *why) {
        struct guest now;
        const char *line = NULL;

        if (guest_load(&c->anchor->pve, c->guest.vmid, &now) != 0)
                return;
        line = wrong_line(c, PCTCONF_PVE, now.conf, c->guest.conf_name);
        if (!line && now.has_config)
                line = wrong_line(c, PCTCONF_LXC, now.config,
                                  now.config_path + strlen(c->anchor->pve.root));
        if (line) {
                finding_add(&c->findings, (struct finding){ .code = FINDING_LINES_WRONG_GPU,
                                                            .where = c->guest.conf_name,
                                                            .what = line,
                                                            .old = why });
                c->refuse = arena_printf(c->arena, "%s names another GPU", line);
        } else if (c->policy.refuse_on_error) {
                c->refuse = arena_printf(c->arena, "%s (on-error = refuse)", why);
        }
}

/* A policy that cannot be believed: its pin is all that is left to tell right from wrong. */
static void check_broken_policy(struct check *c) {
        struct findings quiet = { .arena = c->arena };
        struct policy pin_only = c->policy;
        struct gpu_sel automatic = { .kind = SEL_AUTO, .text = "auto" };
        struct pctconf conf = { 0 };
        struct survey s = { 0 };
        struct plan_input in = input_of(c, &conf, &s);

        c->left_alone = true;
        pin_only.gpus = &automatic;
        pin_only.n_gpus = 1;
        in.policy = &pin_only;
        if (policy_pin(&c->policy, c->anchor->pve.node)) {
                pctconf_parse(c->arena, PCTCONF_PVE, c->guest.conf, &conf);
                survey_make(c->arena, &c->anchor->facts, &conf, &s);
                plan_make(c->arena, &in, &quiet, &c->plan);
                anchor_judge_unwritten(c, "its policy cannot be read");
        } else if (c->policy.refuse_on_error) {
                c->refuse = "its policy cannot be read (on-error = refuse)";
        }
}

static void plan_memory(struct check *c, const struct drift *d) {
        struct policy next = c->policy;

        if (c->plan.choice.repin)
                policy_set_pin(c->arena, &next, &c->plan.choice.pin);
        plan_remember_gids(&c->plan, &next);
        next.parked = d->parked;
        next.n_parked = d->n_parked;
        c->new_policy = policy_remember(c->arena, c->policy.file,
                                        c->plan.choice.repin ? c->anchor->pve.node : NULL, &next);
}

static void plan_delegations(struct check *c) {
        for (size_t i = 0; i < c->plan.n_pairs; i++) {
                uint32_t gid = c->plan.pairs[i].outside;

                if (!facts_subgid_delegated(&c->anchor->facts, gid))
                        *ARENA_PUSH(c->arena, c->delegate, c->n_delegate) = gid;
        }
}

static void plan_edits(struct check *c, struct pctconf *conf, const struct survey *s,
                       struct drift *ret) {
        struct plan_input in = input_of(c, conf, s);
        struct pctconf config;

        if (c->guest.has_config)
                pctconf_parse(c->arena, PCTCONF_LXC, c->guest.config, &config);
        drift_apply(c->arena, &in, &c->plan, conf, c->guest.has_config ? &config : NULL,
                    &c->findings, ret);
        c->new_conf = pctconf_write(conf);
        if (c->guest.has_config)
                c->new_config = pctconf_write(&config);
        plan_delegations(c);
}

/* /proc/devices costs as much as all other facts together and is seldom needed. */
static int find_majors(struct check *c, const struct pctconf *conf) {
        struct pctconf config = { 0 };

        if (c->guest.has_config)
                pctconf_parse(c->arena, PCTCONF_LXC, c->guest.config, &config);
        return survey_needs_majors(c->arena, conf) || survey_needs_majors(c->arena, &config)
                       ? anchor_majors(c->anchor)
                       : 0;
}

int anchor_plan(struct check *c, struct drift *ret) {
        struct pctconf conf = { 0 };
        struct survey s = { 0 };
        struct plan_input in = input_of(c, &conf, &s);
        int r;

        pctconf_parse(c->arena, PCTCONF_PVE, c->guest.conf, &conf);
        r = find_majors(c, &conf);
        if (r < 0)
                return r;
        for (size_t i = 0; i < c->policy.n_parked; i++)
                pctconf_park(&conf, c->policy.parked[i]);
        survey_make(c->arena, &c->anchor->facts, &conf, &s);
        plan_make(c->arena, &in, &c->findings, &c->plan);
        c->left_alone = c->plan.failed;
        if (!c->plan.failed)
                plan_edits(c, &conf, &s, ret);
        return 0;
}

static int check_lines(struct check *c) {
        struct drift d = { 0 };
        int r;

        if (c->policy.broken) {
                check_broken_policy(c);
                return 0;
        }
        r = anchor_plan(c, &d);
        if (r < 0)
                return r;
        if (c->plan.failed) {
                anchor_judge_unwritten(c, "its id map cannot be changed safely");
                return 0;
        }
        plan_memory(c, &d);
        if (c->plan.missing && c->policy.missing == MISSING_REFUSE)
                c->refuse = arena_printf(c->arena, "%s is not there (missing = refuse)",
                                         c->plan.missing);
        return 0;
}

/* Policy and plan, once the container's file is there. */
static int check_guest(struct check *c) {
        struct settings own;
        int r;

        if (!c->anchor->pve.node)
                return GUEST_E_NOT_MOUNTED;
        anchor_policy(c->anchor, c->guest.vmid, &own);
        c->policy = own.policy;
        c->findings = own.problems;
        c->own_method = c->policy.method;
        if (c->convert != METHOD_AUTO)
                c->policy.method = c->convert;
        mapping_resolve(&c->anchor->pve, &c->policy);
        r = anchor_facts(c->anchor);
        c->new_conf = c->guest.conf;
        c->new_config = c->guest.config;
        c->new_policy = c->policy.file;
        return r < 0 ? r : check_lines(c);
}

int anchor_check_convert(struct anchor *an, uint32_t vmid, enum method method, struct check *ret) {
        struct check *c = ret;
        int r;

        *c = (struct check){
                .anchor = an,
                .arena = an->pve.arena,
                .findings = { .arena = an->pve.arena },
                .convert = method,
        };
        c->guest.vmid = vmid;
        r = guest_load(&an->pve, vmid, &c->guest);
        if (r == 0)
                r = check_guest(c);
        if (r != 0)
                anchor_tell_problem(&c->findings, &c->guest, r);
        return r;
}

int anchor_check(struct anchor *an, uint32_t vmid, struct check *ret) {
        return anchor_check_convert(an, vmid, METHOD_AUTO, ret);
}

bool anchor_would_change(const struct check *c) {
        return !bytes_equal(c->new_conf, c->guest.conf) || c->n_delegate > 0 ||
               (c->guest.has_config && !bytes_equal(c->new_config, c->guest.config));
}
