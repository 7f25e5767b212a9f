/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * hooks-and-locks - the choice, hookscript, lock, pending changes, snapshots and the next start
 */
#include "model/doctor/container.h"
#include "model/gpu/gpu-list.h"

/* ---- the choice ---- */

static bool is_about_choice(enum finding_code code) {
        return code == FINDING_GPU_MISSING || code == FINDING_GPU_AMBIGUOUS ||
               code == FINDING_GPU_UNDECIDED || code == FINDING_GPU_HELD ||
               code == FINDING_GPU_NO_DRIVER || code == FINDING_GPU_NO_NODE ||
               code == FINDING_MAPPING_BROKEN;
}

/* Whether a line names a node that does not exist: the check of the line reports it, and it is the
 * reason why no GPU could be chosen. */
static bool names_nothing(struct arena *a, const struct doctor_guest *g) {
        struct doctor_given *given;
        size_t n = doctor_given(a, g, &given);

        for (size_t i = 0; i < n; i++)
                if (!given[i].node && given[i].d->path.scope != PATH_FOLDER)
                        return true;
        return false;
}

static void add_choice_problem(struct doctor_report *r, const struct doctor_guest *g,
                               const struct finding *f) {
        struct doctor_item item = { .outcome = choice_is_settled(&g->plan->choice)
                                                       ? OUTCOME_CHOICE_PARTLY
                                                       : OUTCOME_CHOICE_PROBLEM,
                                    .finding = f };

        /* with its GPUs settled it is an accelerator that is to be chosen, which no correction does */
        if (f->code == FINDING_GPU_AMBIGUOUS && item.outcome != OUTCOME_CHOICE_PARTLY)
                doctor_correct_lines(g, &item);
        if (!*doctor_remedies[item.remedy].command) {
                item.remedy = REMEDY_OWN; /* the finding's */
        } else if (names_nothing(r->arena, g)) {
                item.outcome = OUTCOME_CHOICE_SEE_LINE;
                item.remedy = REMEDY_OWN;
        }
        doctor_add(r, item);
}

/* A container that has nothing of a GPU, and of which nobody said that it shall. */
static bool is_plain(const struct doctor_guest *g) {
        bool plain = !g->managed && !g->has_policy && !g->survey->nvidia_hook.gives;

        for (size_t i = 1; plain && i < g->survey->n_lines; i++)
                plain = g->survey->lines[i].type == DEVLINE_NONE ||
                        g->survey->lines[i].type == DEVLINE_IDMAP;
        return plain && g->plan->choice.undecided;
}

static void check_choice(struct doctor_report *r, const struct doctor_guest *g) {
        struct doctor_item item = { .outcome = OUTCOME_CHOICE_MADE };

        if (is_plain(g)) {
                doctor_add(r, (struct doctor_item){ .outcome = OUTCOME_CHOICE_NOT_MEANT });
                return;
        }
        for (size_t i = 0; i < g->findings->n; i++)
                if (is_about_choice(g->findings->items[i].code))
                        add_choice_problem(r, g, &g->findings->items[i]);
        if (doctor_has(r, DOCTOR_CHOICE))
                return;
        item.what = gpu_list_text(r->arena, &g->plan->choice.gpus);
        if (!choice_is_settled(&g->plan->choice)) {
                item.outcome = g->left_alone ? OUTCOME_CHOICE_SEE_POLICY : OUTCOME_CHOICE_MISSING;
                item.what = g->plan->choice.missing;
        }
        doctor_add(r, item);
}

/* What renders alone may be all that is wanted, so nothing is wrong with it. */
static void check_cuda(struct doctor_report *r, const struct doctor_guest *g) {
        const struct plan *p = g->plan;
        uint32_t nvidia = NODE_BIT(NODE_NVIDIA);

        if (!choice_is_settled(&p->choice) || g->left_alone || g->devices_set ||
            (p->devices & nvidia) || plan_has_kind(p, NODE_NVIDIA))
                return;
        for (size_t i = 0; i < p->choice.gpus.n; i++) {
                const struct gpu *gpu = p->choice.gpus.items[i];

                if (gpu->driver && streq(gpu->driver, families[FAMILY_NVIDIA].driver))
                        doctor_add(r,
                                   (struct doctor_item){ .outcome = OUTCOME_CHOICE_NO_CUDA,
                                                         .subject = gpu->address,
                                                         .arg = node_kinds_option(
                                                                 r->arena, p->devices | nvidia) });
        }
}

/* ---- hookscript ---- */

static enum doctor_outcome outcome_of_hook(const struct doctor_guest *g) {
        static const enum doctor_outcome broken[] = {
                [HOOK_NO_STORAGE] = OUTCOME_HOOKSCRIPT_NO_STORAGE,
                [HOOK_ABSENT] = OUTCOME_HOOKSCRIPT_ABSENT,
                [HOOK_NOT_EXECUTABLE] = OUTCOME_HOOKSCRIPT_NOT_EXECUTABLE,
        };

        if (g->hook.problem)
                return broken[g->hook.problem];
        if (g->has_policy && !g->managed)
                return OUTCOME_HOOKSCRIPT_NOT_OURS;
        if (!g->hook.volume)
                return OUTCOME_HOOKSCRIPT_NONE;
        if (!g->managed)
                return OUTCOME_HOOKSCRIPT_FOREIGN;
        return g->next.volume ? OUTCOME_HOOKSCRIPT_CHAINED : OUTCOME_HOOKSCRIPT_OURS;
}

static void check_hook(struct doctor_report *r, const struct doctor_guest *g) {
        static const enum doctor_outcome broken[] = {
                [HOOK_NO_STORAGE] = OUTCOME_HOOKSCRIPT_NEXT_NO_STORAGE,
                [HOOK_ABSENT] = OUTCOME_HOOKSCRIPT_NEXT_ABSENT,
                [HOOK_NOT_EXECUTABLE] = OUTCOME_HOOKSCRIPT_NEXT_NOT_EXECUTABLE,
        };
        struct finding missing = { .code = FINDING_HOOK_MISSING };
        struct enrolment enrolment = doctor_enrolment(g);
        struct doctor_item item = { .outcome = outcome_of_hook(g),
                                    .subject = g->hook.volume,
                                    .what = g->next.volume,
                                    .where = g->name };

        if (item.outcome == OUTCOME_HOOKSCRIPT_NOT_OURS || (g->hook.problem && g->managed))
                doctor_enrol(r->arena, g, &item);
        if (item.outcome == OUTCOME_HOOKSCRIPT_NOT_OURS)
                item.finding = &missing;
        else if (g->hook.problem && !g->managed)
                item.remedy = REMEDY_NO_HOOKSCRIPT;
        if (g->hook.problem && g->managed && g->hook.wrapper) {
                item.remedy = REMEDY_ENROL;
                item.arg = enrol_hook_remedy(r->arena, &enrolment, true);
        }
        doctor_add(r, item);
        if (g->next.problem)
                doctor_add(r, (struct doctor_item){ .outcome = broken[g->next.problem],
                                                    .subject = g->next.volume });
}

static void check_hook_lines(struct doctor_report *r, const struct doctor_guest *g) {
        /* FINDING_HOOK_CHANGES is a matter of check_chmod() */
        static const struct doctor_said said[] = { { FINDING_HOOK_NAMES, OUTCOME_HOOK_NAMES },
                                                   { FINDING_OTHER_FILE, OUTCOME_HOOK_NAMES },
                                                   { FINDING_HOOK_STALE, OUTCOME_HOOK_STALE },
                                                   { FINDING_WAY_ENDS, OUTCOME_HOOK_ENDS } };

        doctor_add_said(r, g->findings, said, ELEMENTS(said));
        doctor_add_if_silent(r, OUTCOME_HOOK_NONE);
}

static void check_chmod(struct doctor_report *r, const struct doctor_guest *g) {
        struct arena *a = r->arena;

        for (size_t i = 1; i < g->conf->n_lines; i++) {
                const struct conf_line *l = &g->conf->lines[i];

                if (doctor_hook_chmods(l))
                        doctor_add(r, (struct doctor_item){
                                              .outcome = OUTCOME_CHMOD_LINE,
                                              .subject = doctor_where(a, g, i),
                                              .what = arena_strndup(a, l->text.data, l->text.len),
                                              .edit.line = i });
        }
        for (size_t i = 0; i < g->n_chmods; i++)
                doctor_add(r, (struct doctor_item){ .outcome = OUTCOME_CHMOD_SCRIPT,
                                                    .subject = doctor_line_where(a, &g->chmods[i]),
                                                    .what = g->chmods[i].text });
        doctor_add_if_silent(r, OUTCOME_CHMOD_NONE);
}

/* ---- state of the container ---- */

static void check_lock(struct doctor_report *r, const struct doctor_guest *g) {
        struct finding f = { .where = g->path };
        struct doctor_item item = { .outcome = OUTCOME_LOCK_NONE };
        struct bytes value;

        if (pctconf_get(g->conf, "lock", &value)) {
                f.code = FINDING_GUEST_LOCKED;
                f.what = arena_strndup(r->arena, value.data, value.len);
                item.outcome = OUTCOME_LOCK_LOCKED;
                item.finding = &f;
        } else if (pctconf_is_template(g->conf)) {
                f.code = FINDING_GUEST_TEMPLATE;
                item.outcome = OUTCOME_LOCK_TEMPLATE;
                item.finding = &f;
        }
        doctor_add(r, item);
}

static bool concerns_gpus(struct bytes key) {
        static const char *const keys[] = { "dev", "hookscript", "unprivileged", "delete", "lxc" };

        for (size_t i = 0; i < ELEMENTS(keys); i++)
                if (bytes_has_prefix(key, keys[i]))
                        return true;
        return false;
}

static void check_pending(struct doctor_report *r, const struct doctor_guest *g) {
        struct bytes tail = g->conf->tail;
        struct strbuf keys = { .arena = r->arena };
        struct pctconf c = { 0 };

        if (bytes_has_prefix(bytes_cut(&tail, '\n'), "[pve:pending]"))
                pctconf_parse(r->arena, PCTCONF_PVE, tail, &c);
        for (size_t i = 1; i < c.n_lines; i++) {
                struct bytes key = c.lines[i].key;

                if (key.len > 0 && concerns_gpus(key) && keys.len < 200)
                        strbuf_printf(&keys, "%s%.*s", keys.len ? ", " : "", (int)key.len,
                                      key.data);
        }
        doctor_add(r, (struct doctor_item){ .outcome = keys.len ? OUTCOME_PENDING_CHANGES
                                                                : OUTCOME_PENDING_NONE,
                                            .what = strbuf_str(&keys) });
}

/* In a managed container gpuanchor corrects the lines after a rollback. */
static void check_snapshots(struct doctor_report *r, const struct doctor_guest *g) {
        for (size_t i = 0; i < g->snapshots->n; i++) {
                struct doctor_item item = { .outcome = OUTCOME_SNAPSHOT_STALE,
                                            .subject = g->snapshots->items[i].what,
                                            .finding = &g->snapshots->items[i] };

                if (!g->managed) {
                        item.outcome = OUTCOME_SNAPSHOT_STALE_UNMANAGED;
                        doctor_enrol(r->arena, g, &item);
                }
                doctor_add(r, item);
        }
        doctor_add_if_silent(r, OUTCOME_SNAPSHOT_NONE);
}

/* ---- the next start ---- */

static bool is_named_above(const struct doctor_report *r) {
        for (size_t i = 0; i < r->n; i++)
                if (r->items[i].verdict >= DOCTOR_WARNING && r->items[i].check != DOCTOR_CHMOD &&
                    r->items[i].check != DOCTOR_SNAPSHOT && r->items[i].check != DOCTOR_HOOKSCRIPT)
                        return true;
        return false;
}

static void check_next_start(struct doctor_report *r, const struct doctor_guest *g) {
        struct finding stale = { .code = FINDING_CONTAINER_STALE,
                                 .where = g->name,
                                 .what = g->edits };
        struct finding large = { .code = FINDING_WRITE_TOO_LARGE, .where = g->path };
        struct doctor_item item = { .outcome = g->managed ? OUTCOME_NEXT_START_NOTHING
                                                          : OUTCOME_NEXT_START_NOTHING_UNMANAGED,
                                    .what = g->edits };

        if (g->refuse && g->managed) {
                item.outcome = OUTCOME_NEXT_START_REFUSED;
                item.what = g->refuse;
        } else if (g->too_large) {
                item.outcome = OUTCOME_NEXT_START_TOO_LARGE;
                item.finding = &large;
        } else if (!g->managed && g->survey->given == 0) {
                item.what = NULL; /* no one has asked for a GPU in it */
        } else if (g->edits && is_named_above(r)) {
                item.outcome = OUTCOME_NEXT_START_SEE_ABOVE;
        } else if (g->edits) {
                item.outcome = OUTCOME_NEXT_START_CHANGES;
                item.finding = &stale;
                doctor_correct_lines(g, &item);
        }
        doctor_add(r, item);
}

static void check_exclusive(struct doctor_report *r, const struct doctor_guest *g) {
        doctor_add(r, (struct doctor_item){ .outcome = g->taken ? OUTCOME_EXCLUSIVE_TAKEN
                                                       : g->exclusive
                                                               ? OUTCOME_EXCLUSIVE_ALONE
                                                               : OUTCOME_EXCLUSIVE_SHARED,
                                            .what = g->taken });
}

void doctor_check_conf(struct doctor_report *r, const struct doctor_guest *g) {
        doctor_check_lines(r, g);
        check_choice(r, g);
        check_cuda(r, g);
        check_hook(r, g);
        check_hook_lines(r, g);
        check_chmod(r, g);
        check_exclusive(r, g);
        check_lock(r, g);
        check_pending(r, g);
        check_snapshots(r, g);
        check_next_start(r, g);
}
