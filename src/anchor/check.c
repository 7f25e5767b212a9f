/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * check - look at a container and plan
 *
 * Two promises meet here. The right GPU or none: whatever could not be written,
 * the files that are on disk afterwards are judged once more, and lines that
 * name another GPU refuse the start. A container starts: everything else that
 * goes wrong is reported and does not stop the start.
 */
#include "anchor/check.h"

#include "host/lookup.h"
#include "host/package.h"
#include "host/udev.h"
#include "model/conf/recognise.h"
#include "model/finding/reason.h"
#include "model/plan/choose/choose-accel.h"
#include "model/plan/choose/pin.h"
#include "model/plan/make.h"
#include "model/plan/open-rule.h"
#include "model/plan/ways.h"
#include "model/ways/other-way.h"
#include "pve/mapping.h"

#include <errno.h>

#define DEVICES "/sys" /* what the probe reads */

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
                item.where = g->unread ? g->unread : item.where;
                item.what = problem == -EINVAL ? WHY_FILE_NOT_REGULAR
                            : problem < 0      ? strerror(-problem)
                                               : WHY_UNEXPECTED;
        }
        finding_add(f, item);
}

/* A container without hookscript has only verbs, and enable is the first of them. */
static bool has_hookscript(const struct check *c) {
        struct bytes value;

        return pctconf_get(&c->guest.lines, "hookscript", &value);
}

struct plan_input check_input(const struct check *c, const struct pctconf *conf,
                              const struct survey *s) {
        return (struct plan_input){
                .facts = &c->anchor->facts,
                .memory = &c->anchor->memory,
                .sightings = &c->anchor->sightings,
                .vmid = c->guest.vmid,
                .policy = &c->policy,
                .node = c->anchor->pve.node,
                .name = c->guest.conf_name,
                .conf = conf,
                .survey = s,
                .convert = c->convert,
                .asked = c->trial || c->convert != METHOD_AUTO || !has_hookscript(c),
                .is_taken = anchor_vm_has,
                .user = c->anchor,
        };
}

static void plan_delegations(struct check *c) {
        for (size_t i = 0; i < c->plan.n_pairs; i++) {
                uint32_t gid = c->plan.pairs[i].outside;

                if (!facts_subgid_delegated(&c->anchor->facts, gid))
                        *ARENA_PUSH(c->arena, c->delegate, c->n_delegate) = gid;
        }
}

/* What a plan for the likely GPUs would do is not done. */
static void keep_undecided(struct findings *f, size_t before) {
        size_t n = before;

        for (size_t i = before; i < f->n; i++)
                if (f->items[i].code == FINDING_GPU_UNDECIDED)
                        f->items[n++] = f->items[i];
        f->n = n;
}

/* Nodes and id map, and the edits of both files that give them. */
static void plan_lines(struct check *c, struct edit_memory *ret) {
        struct pctconf conf = pctconf_copy(&c->all_lines);
        struct pctconf config = pctconf_copy(&c->guest.config_lines);
        struct plan_input in = check_input(c, &conf, &c->all_survey);
        struct edit edit = { .in = &in,
                             .plan = &c->plan,
                             .conf = &conf,
                             .config = c->guest.has_config ? &config : NULL,
                             .config_survey = &c->config_survey };

        size_t before = c->findings.n;

        plan_make(c->arena, &in, &c->findings, &c->plan);
        if (check_owner_is_unread(c))
                c->plan.choice.unread = c->anchor->sightings.unread;
        c->left_alone = c->plan.failed || c->plan.choice.undecided || c->plan.choice.unread;
        if (c->plan.choice.undecided)
                keep_undecided(&c->findings, before);
        else if (c->plan.choice.unread)
                c->findings.n = before;
        if (c->left_alone)
                return;
        edit_apply(c->arena, &edit, &c->findings, ret);
        c->new_conf = pctconf_write(&conf);
        if (c->guest.has_config)
                c->new_config = pctconf_write(&config);
        plan_delegations(c);
}

static void check_lines(struct check *c) {
        struct edit_memory memory = { 0 };

        if (c->policy.broken) {
                check_judge_broken(c);
                return;
        }
        if (c->anchor->facts.unread) {
                check_judge_unread(c, c->anchor->facts.unread, c->anchor->facts.unread_why);
                return;
        }
        plan_lines(c, &memory);
        if (c->plan.choice.unread) {
                check_judge_unread(c, c->plan.choice.unread, c->anchor->memory.unread_why);
                return;
        }
        if (c->plan.failed) {
                anchor_judge(c, &c->guest, WHY_MAP_UNSAFE);
                return;
        }
        if (c->plan.choice.undecided) {
                if (c->policy.missing == MISSING_REFUSE)
                        c->refuse = WHY_REFUSE_UNDECIDED;
                return;
        }
        check_remember(c, &memory);
        if (c->plan.missing && c->policy.missing == MISSING_REFUSE)
                c->refuse = arena_printf(c->arena, WHY_REFUSE_MISSING, c->plan.missing);
}

/* What the container is to have, also where it is not there at this start. */
static void find_wanted(struct check *c) {
        const struct choice *choice = &c->plan.choice;
        const struct pin *pin = choice->repin ? &choice->pin
                                              : policy_pin(&c->policy, c->anchor->pve.node);
        struct record *r = &c->planned;
        struct plan_input in = check_input(c, &c->guest.lines, &c->survey);

        for (size_t i = 0; i < choice->gpus.n; i++)
                *ARENA_PUSH(c->arena, r->cards, r->n_cards) =
                        gpu_card(&c->anchor->facts, choice->gpus.items[i]);
        for (size_t i = 0; pin && choice->missing && !choice->ambiguity.why && i < pin->n_gpus; i++)
                *ARENA_PUSH(c->arena, r->cards, r->n_cards) = pin->gpus[i];
        r->kinds = c->plan.devices;
        r->form = c->policy.method == METHOD_AUTO ? input_form(&in) : c->policy.method;
        for (int i = 0; i < GID_GROUPS; i++)
                r->gids[i] = c->plan.gids[i].inside;
}

/* Proxmox ends a start with a devN path that is gone before it calls any hook. */
static void check_guard(struct check *c) {
        static const char *const units[] = { "gpuanchor-boot.service", "gpuanchor-look.path" };

        for (size_t i = 0; c->plan.opened && i < ELEMENTS(units); i++)
                if (access(arena_printf(c->arena,
                                        "%s/etc/systemd/system/multi-user.target.wants/%s",
                                        c->anchor->pve.root, units[i]),
                           F_OK) < 0)
                        finding_add(&c->findings, (struct finding){ .code = FINDING_DEV_UNGUARDED,
                                                                    .where = c->guest.conf_name,
                                                                    .what = units[i] });
}

static void find_planned(struct check *c) {
        find_wanted(c);
        for (size_t i = 0; i < c->plan.n_nodes; i++) {
                const struct plan_node *pn = &c->plan.nodes[i];

                if (pn->required || pn->hooked)
                        *ARENA_PUSH(c->arena, c->planned.nodes, c->planned.n_nodes) =
                                (struct record_node){
                                        .path = survey_name(c->arena, &c->survey, pn->node),
                                        .number = pn->node->number,
                                        .gpu = pn->gpu ? pn->gpu->address : "-",
                                };
        }
}

void check_given(struct check *c) {
        c->recorded = record_read(&c->anchor->pve, c->guest.vmid, &c->given) == 0;
        if (!c->recorded)
                c->given = c->planned;
}

/* A start that was killed may have corrected one file and not the other. */
static void survey_file(struct check *c, const struct pctconf *lines, struct survey *ret) {
        c->anchor->facts.then = check_majors(c, lines);
        survey_make(c->arena, &c->anchor->facts, lines, ret);
}

static void survey_lines(struct check *c) {
        recognise_bound(c->arena, &c->anchor->facts, &c->guest.lines);
        survey_file(c, &c->guest.config_lines, &c->config_survey);
        survey_file(c, &c->guest.lines, &c->survey);
        other_ways_find(c->arena, &c->anchor->facts, &c->guest.lines, &c->survey);
        c->all_survey = c->survey;
        if (c->policy.parked.n == 0)
                return;
        survey_make(c->arena, &c->anchor->facts, &c->all_lines, &c->all_survey);
        other_ways_find(c->arena, &c->anchor->facts, &c->all_lines, &c->all_survey);
}

/*
 * What the lines are on this host. /proc/devices costs as much as all other facts together and
 * is seldom needed.
 */
static int find_facts(struct check *c) {
        int r;

        c->all_lines = pctconf_copy(&c->guest.lines);
        for (size_t i = 0; i < c->policy.parked.n; i++)
                pctconf_park(&c->all_lines, &c->policy.parked.lines[i]);
        while (other_ways_ask(c->arena, &c->guest.lines, &c->anchor->facts.sources))
                lookup_sources(c->arena, c->anchor->pve.root, &c->anchor->facts.sources);
        anchor_sources(c->anchor, &c->all_lines, &c->guest.config_lines);
        survey_lines(c);
        if (c->survey.has_legacy)
                c->anchor->facts.lxc_is_7 = lxc_is_7(c->arena, c->anchor->pve.root);
        if (!c->all_survey.needs_majors && !c->config_survey.needs_majors)
                return 0;
        r = anchor_majors(c->anchor);
        survey_lines(c);
        return r;
}

static void check_ways(struct check *c) {
        struct plan_input in = check_input(c, &c->guest.lines, &c->survey);
        const char *line = ways_report(c->arena, &in, c->left_alone ? NULL : &c->plan,
                                       &c->findings);

        if (!c->left_alone)
                open_rule_report(c->arena, &in, &c->plan, &c->findings);
        if (line && c->policy.refuse_on_error && !c->refuse)
                c->refuse = arena_printf(c->arena, WHY_REFUSE_WAY, line);
}

/* Whether the lines have to say which GPU is meant: auto, and no pin that was made by it. */
static bool asks_lines(const struct check *c) {
        const struct pin *pin = policy_pin(&c->policy, c->anchor->pve.node);

        for (size_t i = 0; pin && i < pin->n_gpus; i++)
                if (!pin->gpus[i].by)
                        return false;
        for (size_t i = 0; i < c->policy.n_gpus; i++)
                if (c->policy.gpus[i].kind == SEL_AUTO)
                        return true;
        return false;
}

static bool has_accel_pin(const struct check *c) {
        const struct pin *pin = policy_pin(&c->policy, c->anchor->pve.node);

        for (size_t i = 0; pin && i < pin->n_gpus; i++)
                if (pin_is_accel(&pin->gpus[i]))
                        return true;
        return false;
}

/* Whether the lines have to say which accelerator is meant: there is one, and none is pinned. */
static bool asks_accel(const struct check *c) {
        return accel_list(c->arena, &c->anchor->facts).n > 0 && !has_accel_pin(c);
}

/* Policy and plan, once the container's file is there. */
static int check_guest(struct check *c, const struct check_options *o) {
        const struct bytes *policy = o ? o->policy : NULL;
        struct settings own;
        bool renewed;
        int r;

        if (!c->anchor->pve.node)
                return guest_no_node(&c->anchor->pve);
        anchor_policy(c->anchor, c->guest.vmid, policy, &own);
        c->policy = own.policy;
        c->findings = own.problems;
        /* who chooses again has seen which accelerator is pinned: it is not looked for any more */
        renewed = o && o->choose && has_accel_pin(c);
        if (o && o->choose)
                policy_forget_pin(c->arena, &c->policy, c->anchor->pve.node);
        r = anchor_memory(c->anchor);
        if (r < 0) {
                c->guest.unread = DEVICES;
                return r;
        }
        check_owner(c);
        if (asks_lines(c) || (!renewed && asks_accel(c)))
                anchor_sightings(c->anchor);
        check_caller(c, o && o->called);
        c->own_method = c->policy.method;
        if (c->convert == METHOD_AUTO && c->policy.converting &&
            streq(c->policy.converting, method_name(c->policy.method)))
                c->convert = c->policy.method; /* `convert` was killed */
        if (c->convert != METHOD_AUTO)
                c->policy.method = c->convert;
        c->unmapped = !mapping_resolve(&c->anchor->pve, &c->policy);
        c->new_conf = c->guest.conf;
        c->new_config = c->guest.config;
        if (c->whose != OWNER_OTHER)
                c->new_policy = policy ? *policy : c->policy.file;
        r = find_facts(c);
        if (r < 0)
                return r;
        check_lines(c);
        check_ways(c);
        check_guard(c);
        find_planned(c);
        return 0;
}

int anchor_check(struct anchor *an, uint32_t vmid, const struct check_options *o,
                 struct check *ret) {
        struct check *c = ret;
        int r = 0;

        *c = (struct check){
                .anchor = an,
                .arena = an->pve.arena,
                .guest = { .vmid = vmid },
                .findings = { .arena = an->pve.arena },
                .trial = o && o->policy,
                .convert = o ? o->convert : METHOD_AUTO,
        };
        if (o && o->guest)
                c->guest = *o->guest;
        else
                r = guest_load(&an->pve, vmid, &c->guest);
        if (r == 0)
                r = check_guest(c, o);
        if (r != 0)
                anchor_tell_problem(&c->findings, &c->guest, r);
        if (r < 0)
                check_judge_blind(c);
        facts_name(&an->facts, &c->findings);
        return r;
}

const char *anchor_awaits(const struct check *c) {
        const struct plan *p = &c->plan;

        if (c->policy.missing != MISSING_WAIT)
                return NULL;
        for (size_t i = 0; !p->missing && i < p->n_nodes; i++)
                if (p->nodes[i].required && node_kind_has_group(p->nodes[i].node->kind) &&
                    !udev_is_through(c->arena, c->anchor->pve.root, p->nodes[i].node))
                        return p->nodes[i].node->path;
        return p->missing;
}

const char *check_missing_dev(const struct check *c) {
        for (size_t i = 1; i < c->survey.n_lines; i++) {
                const struct devline *d = &c->survey.lines[i];

                if (d->type == DEVLINE_DEV && !d->broken && d->at && d->at->kind == SOURCE_NOTHING)
                        return d->source;
        }
        return NULL;
}

bool anchor_would_change(const struct check *c) {
        return !bytes_equal(c->new_conf, c->guest.conf) || c->n_delegate > 0 ||
               (c->guest.has_config && !bytes_equal(c->new_config, c->guest.config));
}

const char *check_enrol(const struct check *c) {
        return enrol_command(c->arena, &(struct enrolment){ c->guest.vmid, &c->plan.choice,
                                                            c->left_alone });
}
