/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * judge - may a container start with files that stay as they are?
 *
 * The lines of both files against a plan; where no plan can be made, against the pin. Which GPU a
 * line names needs neither groups nor delegations.
 */
#include "anchor/check.h"

#include "model/finding/reason.h"
#include "model/plan/make.h"

static const char *wrong_line(const struct anchor *an, const struct plan *p,
                              const struct pctconf *conf, const char *name) {
        struct survey s = { 0 };
        struct plan_input in = { .facts = &an->facts, .conf = conf, .survey = &s };
        struct bytes text;
        size_t line;

        survey_make(an->pve.arena, &an->facts, conf, &s);
        s.userns |= p->userns;
        if (plan_lines_are_right(an->pve.arena, p, &in, &line))
                return NULL;
        text = conf->lines[line].text;
        return arena_printf(an->pve.arena, "%s:%zu: %s", name, conf->lines[line].number,
                            bytes_dup(an->pve.arena, text));
}

/* the first line that names a GPU which @p does not give: "101.conf:12: dev0: /dev/dri/card1" */
static const char *judge_files(const struct anchor *an, const struct plan *p,
                               const struct guest *g) {
        const char *line = wrong_line(an, p, &g->lines, g->conf_name);

        return line || !g->has_config
                       ? line
                       : wrong_line(an, p, &g->config_lines, g->config_path + strlen(g->root));
}

/* Proxmox generates the other file before pre-start, and makes devN nodes from this one after it. */
static struct pctconf dev_lines(const struct pctconf *conf) {
        struct pctconf dev = pctconf_copy(conf);

        for (size_t i = 1; i < dev.n_lines; i++)
                dev.lines[i].parked |= !bytes_has_prefix(dev.lines[i].key, "dev");
        return dev;
}

/* For the boot that is under way. Where there is such a line, the first one of the container file is what a person corrects. */
static const char *judge_boot(const struct anchor *an, const struct plan *p,
                              const struct guest *g) {
        struct guest boot = *g;

        if (g->has_config)
                boot.lines = dev_lines(&g->lines);
        return judge_files(an, p, &boot) ? judge_files(an, p, g) : NULL;
}

/* @line: that would give another GPU, NULL if none */
static void sentence(struct check *c, const char *line, const char *why) {
        if (line) {
                finding_add(&c->findings, (struct finding){ .code = FINDING_LINES_WRONG_GPU,
                                                            .where = c->guest.conf_name,
                                                            .what = line,
                                                            .old = why });
                c->refuse = arena_printf(c->arena, WHY_REFUSE_LINE, line);
        } else if (c->policy.refuse_on_error) {
                c->refuse = arena_printf(c->arena, WHY_REFUSE_ERROR, why);
        }
}

void anchor_judge(struct check *c, const struct guest *g, const char *why) {
        sentence(c, judge_files(c->anchor, &c->plan, g), why);
}

void anchor_judge_boot(struct check *c, const struct guest *g, const char *why) {
        sentence(c, judge_boot(c->anchor, &c->plan, g), why);
}

bool check_recall_pin(struct check *c, struct policy *p) {
        const struct host_memory *m = &c->anchor->memory;
        struct pin pin = { .node = c->anchor->pve.node };

        for (size_t i = 0; i < m->n_pins; i++)
                if (m->pins[i].pinned.owner == c->guest.vmid) {
                        struct card *card = ARENA_PUSH(c->arena, pin.gpus, pin.n_gpus);

                        *card = m->pins[i].source;
                        card->by = NULL; /* the selector has gone with the policy */
                }
        if (pin.n_gpus == 0 || policy_pin(p, pin.node))
                return false;
        policy_set_pin(c->arena, p, &pin);
        return true;
}

/* Nothing is changed: may the lines give what they give? Before there is a choice they may. */
static void judge_as_they_are(struct check *c, const struct policy *p, const char *why) {
        struct findings quiet = { .arena = c->arena };
        struct plan_input in = check_input(c, &c->guest.lines, &c->survey);

        c->left_alone = true;
        in.policy = p;
        plan_make(c->arena, &in, &quiet, &c->plan);
        if (p->gpus[0].kind != SEL_AUTO || policy_pin(p, in.node) ||
            choice_is_settled(&c->plan.choice))
                anchor_judge(c, &c->guest, why);
        else if (p->refuse_on_error)
                c->refuse = arena_printf(c->arena, WHY_REFUSE_ERROR, why);
}

/* The pin's cards count, whatever chose them. */
static void pin_without_selectors(struct check *c, struct policy *p) {
        const struct pin *pin = policy_pin(p, c->anchor->pve.node);
        struct pin all = { 0 };

        if (!pin)
                return;
        all = *pin;
        all.gpus = arena_alloc(c->arena, pin->n_gpus * sizeof(*all.gpus));
        for (size_t i = 0; i < pin->n_gpus; i++) {
                all.gpus[i] = pin->gpus[i];
                all.gpus[i].by = NULL;
        }
        policy_set_pin(c->arena, p, &all);
}

/* A policy that cannot be believed: its pin is all that is left to tell right from wrong. */
void check_judge_broken(struct check *c) {
        struct policy pin_only = c->policy;
        struct gpu_sel automatic = { .kind = SEL_AUTO, .text = "auto" };

        pin_only.gpus = &automatic;
        pin_only.n_gpus = 1;
        (void)check_recall_pin(c, &pin_only);
        pin_without_selectors(c, &pin_only);
        if (policy_pin(&pin_only, c->anchor->pve.node)) {
                judge_as_they_are(c, &pin_only, WHY_POLICY_UNREAD);
                return;
        }
        c->left_alone = true;
        if (c->policy.refuse_on_error)
                c->refuse = WHY_REFUSE_POLICY;
}

void check_judge_unread(struct check *c, const char *path, const char *why) {
        finding_add(&c->findings, (struct finding){ .code = FINDING_READ_FAILED,
                                                    .where = path,
                                                    .what = why });
        judge_as_they_are(c, &c->policy, arena_printf(c->arena, WHY_UNREAD, path));
}

void check_judge_blind(struct check *c) {
        if (!c->guest.conf_name || conf_names_gpu(c->arena, &c->anchor->facts, c->guest.conf))
                c->refuse = arena_printf(c->arena, WHY_REFUSE_BLIND, c->guest.unread);
}
