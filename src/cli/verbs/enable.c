/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * enable - hand a container's GPU lines over to gpuanchor
 *
 * Takes over what is there: the GPU that the lines mean, the form they have, the
 * gids, the hookscript. Everything is tried on paper first; then three things
 * change - link, policy file, hookscript line - and when the last one fails the
 * policy file is taken back.
 */
#include "anchor/apply.h"
#include "cli/enrol/all.h"
#include "cli/enrol/ask-gpu.h"
#include "cli/enrol/gpu-word.h"
#include "cli/enrol/policy-file.h"
#include "cli/enrol/snippet.h"
#include "cli/hwdb.h"
#include "cli/output.h"
#include "cli/plan-output.h"
#include "cli/precondition.h"
#include "model/finding/reason.h"
#include "model/policy/edit.h"
#include "model/policy/preset.h"
#include "render/text.h"

#define MAX_SETTINGS 12
/* options whose list may have commas, and those of which "none" is the empty value */
#define COMMAS (OPT_BIT(OPT_DEVICES) | OPT_BIT(OPT_GUEST_USERS) | OPT_BIT(OPT_GUEST_SERVICE))
#define NONE                                                                                       \
        (OPT_BIT(OPT_NEXT_HOOK) | OPT_BIT(OPT_GUEST_USERS) | OPT_BIT(OPT_GUEST_SERVICE) |          \
         OPT_BIT(OPT_GUEST_ENVIRONMENT))
#define ENABLE_ASK (EXIT_TROUBLE + 1) /* of prepare(): a person can say which GPU */

struct enabling {
        struct cli *c;
        struct arena *a;
        uint32_t vmid;
        struct guest guest;
        int lock;
        struct setting settings[MAX_SETTINGS];
        size_t n_settings;
        const char *hook; /* the present hookscript, NULL for none */
        bool set_hook;    /* the hookscript line has to be set */
        struct policy_file policy;
        struct check check; /* under the new policy */
};

static void cleanup_enabling(struct enabling *e) {
        cleanup_close(&e->lock);
}

/* What is said later about the same key wins. */
static void add_setting(struct enabling *e, const char *key, const char *value) {
        size_t i = 0;

        while (i < e->n_settings && !streq(e->settings[i].key, key))
                i++;
        e->settings[i] = (struct setting){ key, value };
        e->n_settings += i == e->n_settings;
}

static const char *blanks_for_commas(struct arena *a, const char *list) {
        char *copy = arena_strdup(a, list);

        for (char *c = copy; *c; c++)
                if (*c == ',')
                        *c = ' ';
        return copy;
}

/* A preset is what stands in the policy from then on: the file says all that is done. */
static int add_preset(struct enabling *e, const char *name) {
        const struct preset *p = preset_find(name);

        if (!p)
                return cli_fail(e->c, arena_printf(e->a, MSG_DO_CHOOSE_OF, preset_names(e->a)),
                                MSG_PRESET_UNKNOWN, name);
        add_setting(e, "guest-groups", "ensure");
        add_setting(e, "guest-users", p->users);
        add_setting(e, "guest-service", p->services);
        return EXIT_DONE;
}

/* What the preset's service needs of the GPU, which is known by now. Return: whether that says a key. */
static bool add_preset_variables(struct enabling *e) {
        const struct choice *choice = &e->check.plan.choice;

        if (!e->c->opt[OPT_PRESET] || e->c->opt[OPT_GUEST_ENVIRONMENT] || !choice_is_settled(choice))
                return false;
        add_setting(e, "guest-environment",
                    preset_environment(e->a, preset_find(e->c->opt[OPT_PRESET]), &choice->gpus));
        return true;
}

static const struct {
        enum cli_opt opt;
        const char *key;
} setting_options[] = {
#define SETTING_OPTION(key, set, report, accepted, opt, ...) { OPT_##opt, key },
#include "model/policy/key.def"
};

static void add_options(struct enabling *e, bool guest) {
        for (size_t i = 0; i < ELEMENTS(setting_options); i++) {
                const char *value = e->c->opt[setting_options[i].opt];
                unsigned bit = OPT_BIT(setting_options[i].opt);

                if (!value || str_has_prefix(setting_options[i].key, "guest-") != guest)
                        continue;
                if (bit & COMMAS)
                        value = blanks_for_commas(e->a, value);
                if ((bit & NONE) && streq(value, "none"))
                        value = "";
                add_setting(e, setting_options[i].key, value);
        }
}

/* What was asked for on the command line, and only that; first what a preset is about. */
static int read_settings(struct enabling *e) {
        struct cli *c = e->c;

        if (c->opt[OPT_GPU] && !(c->opt[OPT_GPU] = gpu_words(c, c->opt[OPT_GPU])))
                return EXIT_TROUBLE;
        if (c->opt[OPT_PRESET] && add_preset(e, c->opt[OPT_PRESET]) != EXIT_DONE)
                return EXIT_TROUBLE;
        add_options(e, true);
        add_options(e, false);
        for (size_t i = 0; i < e->n_settings; i++) {
                const char *problem = setting_problem(e->a, &e->settings[i]);

                if (problem)
                        return cli_fail(c, "", "--%s", problem);
        }
        return EXIT_DONE;
}

static int check_next_hook(struct enabling *e, const char *next) {
        const char *problem = setting_problem(e->a, &(struct setting){ "next-hook", next });

        if (!problem && !hookscript_is_usable(e->c, next))
                problem = arena_printf(e->a, MSG_HOOK_NO_FILE, e->vmid, next);
        if (problem)
                return cli_fail(e->c, arena_printf(e->a, MSG_DO_NEXT_NONE, e->vmid), "%s", problem);
        return hookscript_runs_hook(e->c, next)
                       ? cli_fail(e->c, MSG_DO_HOOK_AGAIN, MSG_HOOK_AGAIN, e->vmid, next)
                       : EXIT_DONE;
}

/* Whether the container runs the hook through our link, now or from now on. */
static bool needs_link(const struct enabling *e) {
        return e->set_hook || streq(e->hook, HOOK_VOLUME);
}

/* The container's own hookscript runs after ours from now on. */
static int chain_hook(struct enabling *e) {
        const char *chained = policy_value(e->a, e->policy.base, "next-hook");
        const char *next = e->c->opt[OPT_NEXT_HOOK] ? e->settings[e->n_settings - 1].value : NULL;

        e->hook = guest_setting(e->a, &e->guest, "hookscript");
        e->set_hook = !guest_is_managed(&e->c->host.pve, e->vmid);
        if (!next && e->hook && e->set_hook) {
                if (chained && !streq(chained, e->hook))
                        return cli_fail(e->c, MSG_DO_NEXT_HOOK, MSG_HOOK_TWO, e->vmid, e->hook,
                                        chained);
                next = e->hook;
                add_setting(e, "next-hook", next);
        }
        return next && *next ? check_next_hook(e, next) : EXIT_DONE;
}

/* The choices in lines to paste. */
static void tell_choices(struct enabling *e, const struct ambiguity *choices) {
        cli_fail(e->c, MSG_DO_CHOOSE, "%u: %s", e->vmid, choices->why);
        for (size_t i = 0; i < choices->gpus.n; i++) {
                const struct gpu *g = choices->gpus.items[i];

                fprintf(stderr, MSG_ENABLE_CHOICE, e->vmid,
                        text_escape(e->a, gpu_selector(e->a, g)),
                        text_escape(e->a, gpu_choice(e->a, g)));
        }
        if (choices->all)
                fprintf(stderr, MSG_ENABLE_CHOICE, e->vmid, "all", WHY_ALL_AS_NOW);
}

static int tell_why_not(struct enabling *e) {
        const struct ambiguity *choices = &e->check.plan.choice.ambiguity;
        struct findings others = { .arena = e->a };

        if (choices->gpus.n > 0)
                tell_choices(e, choices);
        for (size_t i = 0; i < e->check.findings.n; i++) {
                const struct finding *f = &e->check.findings.items[i];

                if (choices->gpus.n == 0 ||
                    (f->code != FINDING_GPU_AMBIGUOUS && f->code != FINDING_GPU_UNDECIDED) ||
                    !streq(f->what, choices->why))
                        finding_add(&others, *f);
        }
        return cli_fail_findings(e->c, &others, e->vmid);
}

/* Other settings of a container that has its GPU: they may be what a start without it needs. */
static bool leaves_choice(const struct enabling *e) {
        return e->policy.present && e->n_settings > 0 && !e->c->opt[OPT_GPU] && !e->set_hook;
}

static int check_new_policy(struct enabling *e) {
        struct check_options o = { .guest = &e->guest,
                                   .policy = &e->policy.new,
                                   .choose = e->c->opt[OPT_GPU] };

        e->policy.new = policy_edit(e->a, e->policy.base, e->settings, e->n_settings);
        return anchor_check(&e->c->host, e->vmid, &o, &e->check);
}

/* Nothing may be wrong with the policy and the choice before anything is written. */
static int try_on_paper(struct enabling *e) {
        const struct check *k = &e->check;
        int r = check_new_policy(e);

        if (r == 0 && add_preset_variables(e))
                r = check_new_policy(e);
        if (r != 0)
                return target_problem(e->c, e->vmid, r);
        e->policy.new = k->new_policy;
        if (!k->left_alone && (choice_is_settled(&k->plan.choice) || leaves_choice(e)))
                return EXIT_DONE;
        if (!e->c->opt[OPT_GPU] && !e->c->opt[OPT_ALL] && ask_possible(e->c) && k->plan.choice.ambiguity.gpus.n > 0)
                return ENABLE_ASK;
        return tell_why_not(e);
}

static int prepare(struct enabling *e) {
        int r;

        r = read_settings(e);
        if (r == EXIT_DONE)
                r = target_open(e->c, e->vmid, &e->guest, &e->lock);
        if (r == EXIT_DONE)
                r = policy_file_read(e->c, &e->guest, &e->policy);
        if (r == EXIT_DONE)
                r = chain_hook(e);
        if (r == EXIT_DONE && needs_link(e))
                r = snippet_check(e->c);
        return r == EXIT_DONE ? try_on_paper(e) : r;
}

/* prepare(), and once more with what a person said; the lock is free while we wait for him. */
static int prepare_asking(struct enabling *e) {
        int r = prepare(e);
        const char *answer;

        if (r != ENABLE_ASK)
                return r;
        cleanup_close(&e->lock);
        ask_show_lines(e->c, &e->check);
        answer = ask_gpu(e->c, e->vmid, &e->check.plan.choice);
        if (!answer)
                return cli_fail(e->c, MSG_NOTHING_CHANGED, MSG_ENABLE_NO_CHOICE, e->vmid);
        e->c->opt[OPT_GPU] = answer;
        e->c->host = host_open(e->a, e->c->root);
        *e = (struct enabling){ .c = e->c, .a = e->a, .vmid = e->vmid, .lock = -1 };
        return prepare(e);
}

static int change_files(struct enabling *e) {
        int r = 0;

        if (needs_link(e))
                r = snippet_install(e->c);
        if (r < 0)
                return cli_fail(e->c, "", MSG_LINK_FAILED, snippet_path(e->c), strerror(-r));
        return policy_file_write(e->c, &e->policy);
}

/* Policy and hookscript: both or none. The link harms nobody. */
static int change(struct enabling *e) {
        int announced = guest_announce(&e->c->host.pve, e->vmid), r = change_files(e);

        cleanup_close(&e->lock); /* pct takes it */
        e->lock = -1;
        if (r == EXIT_DONE && e->set_hook) {
                r = hookscript_set(e->c, e->vmid, HOOK_VOLUME);
                if (r != EXIT_DONE) {
                        policy_file_restore(e->c, &e->policy);
                        host_pin_forget(&e->c->host.pve, e->vmid);
                }
        }
        guest_announce_end(&e->c->host.pve, e->vmid, announced);
        return r;
}

static void say_done(struct enabling *e, const char *would) {
        struct findings advice = { .arena = e->a }, earlier = { .arena = e->a };
        const char *next = policy_value(e->a, e->policy.new, "next-hook");

        if (e->policy.earlier_of) {
                finding_add(&earlier, e->policy.earlier);
                out_findings(e->c, &earlier, e->vmid, EDITS_TELL);
        }
        if (!bytes_equal(e->policy.old, e->policy.new))
                cli_say(e->c, MSG_FILE_WRITTEN, e->policy.name, would);
        if (e->set_hook)
                cli_say(e->c, MSG_HOOK_SET_CHAIN, e->vmid, would, HOOK_VOLUME,
                        next ? MSG_HOOK_AFTER : "", next ? next : "");
        if (e->set_hook && e->hook && (!next || !streq(next, e->hook)))
                cli_say(e->c, MSG_HOOK_NOT_RUN, e->hook);
        snippet_advise(e->c, &advice);
        if (e->set_hook)
                out_findings(e->c, &advice, e->vmid, EDITS_TELL);
}

static int show(struct enabling *e) {
        struct check k;
        int r;

        say_done(e, "");
        e->c->host = host_open(e->a, e->c->root);
        r = anchor_check(&e->c->host, e->vmid, NULL, &k);
        if (r != 0)
                return target_problem(e->c, e->vmid, r);
        if (show_plan(e->c, &k) == EXIT_TROUBLE)
                return EXIT_TROUBLE;
        if (anchor_would_change(&k) && !check_missing_dev(&k))
                cli_say(e->c, MSG_ENABLE_NEXT, e->vmid, e->vmid);
        return EXIT_DONE; /* it is enrolled, whatever else there is to look at */
}

/*
 * The host remembers the pin with the cards that it was chosen from: before a look finds it, which
 * may know less. Only of a container that is enrolled: of any other one it would stay for good.
 */
static void remember_pin(struct enabling *e) {
        int tries = ANCHOR_TRIES;

        while (anchor_store_memory(&e->check) == GUEST_E_CHANGED && --tries > 0) {
                e->c->host = host_open(e->a, e->c->root);
                (void)check_new_policy(e);
        }
}

static int enable_one(struct cli *c, uint32_t vmid) {
        _cleanup_(cleanup_enabling) struct enabling e = { c, &c->arena, vmid, .lock = -1 };
        int r = prepare_asking(&e);

        if (r != EXIT_DONE)
                return r;
        if (c->opt[OPT_DRY_RUN]) {
                say_done(&e, MSG_WOULD_BE);
                return show_plan(c, &e.check);
        }
        r = change(&e);
        if (r != EXIT_DONE)
                return r;
        remember_pin(&e);
        if (!c->opt[OPT_NOW])
                return show(&e);
        say_done(&e, "");
        return verb_apply.run(c);
}

static int run(struct cli *c) {
        uint32_t vmid = 0;

        if ((!c->opt[OPT_ALL] && !target_vmid(c, &vmid)) ||
            (!c->opt[OPT_DRY_RUN] && !target_is_root(c, MSG_WRITES_HOOK)))
                return EXIT_TROUBLE;
        if (c->opt[OPT_ALL] && (c->opt[OPT_GPU] || c->opt[OPT_NOW]))
                return cli_fail(c, MSG_DO_ENABLE_EACH, MSG_ENABLE_ALL_ALONE);
        if (!c->opt[OPT_DRY_RUN])
                cards_renew(&c->arena, c->root, true);
        return c->opt[OPT_ALL] ? enable_all(c, enable_one) : enable_one(c, vmid);
}

const struct verb verb_enable = {
        .name = "enable",
        .args = "VMID | --all",
        .summary = "hand a container's GPU lines over to gpuanchor",
        .example = "gpuanchor enable 101",
        .about = "Takes over what the container has: the GPU that its lines name, their form,\n"
                 "its gids and its hookscript, which runs after gpuanchor's. Where the lines do\n"
                 "not tell which GPU is meant, it asks; without a terminal it lists the choices\n"
                 "and ends. With --gpu it never asks. --all: every container of this node that\n"
                 "has GPU lines; those in doubt are listed with their choices.\n"
                 "Changes the policy file and the hookscript; the device lines are written at\n"
                 "the next start, and what --preset asks for inside the container is done once\n"
                 "that start is through, or by apply. --now applies at once: a container that\n"
                 "runs gets its GPU without a restart.\n",
        .exits = { "enabled",
                   "with --dry-run as for plan; with --now as for apply;\n     with --all: not every "
                   "container could be enabled",
                   "refused or failed, nothing was changed" },
        .options = OPT_BIT(OPT_ALL) | OPT_BIT(OPT_DRY_RUN) | OPT_BIT(OPT_NOW) | OPT_BIT(OPT_PRESET)
#define SETTING_OPTION(key, set, report, accepted, opt, ...) | OPT_BIT(OPT_##opt)
#include "model/policy/key.def"
        ,
        .min_args = 1,
        .max_args = 1,
        .run = run,
};
