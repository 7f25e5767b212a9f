/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * conf-lines - the policy, and the container file line by line
 *
 * A line that is named by one check is not named by the next-start check again: one fault, one
 * answer.
 */
#include "model/conf/recognise.h"
#include "model/doctor/container.h"
#include "model/finding/reason.h"
#include "model/plan/ways.h"

#define MAX_COMPARED 1000 /* of the lines that give a node, for those given twice */

static const char *line_text(struct arena *a, const struct doctor_guest *g, size_t line) {
        struct bytes text = g->conf->lines[line].text;

        return arena_strndup(a, text.data, text.len);
}

static bool has_choice(const struct doctor_guest *g) {
        return choice_is_settled(&g->plan->choice);
}

/* ---- the policy ---- */

static void check_policy(struct doctor_report *r, const struct doctor_guest *g) {
        struct doctor_item item = { .outcome = OUTCOME_POLICY_RIGHT };

        for (size_t i = 0; i < g->findings->n; i++) {
                const struct finding *f = &g->findings->items[i];

                if (f->code == FINDING_POLICY_KEY || f->code == FINDING_POLICY_BROKEN)
                        doctor_add(r,
                                   (struct doctor_item){ .outcome = f->code == FINDING_POLICY_KEY
                                                                            ? OUTCOME_POLICY_KEY
                                                                            : OUTCOME_POLICY_BROKEN,
                                                         .finding = f });
        }
        if (doctor_has(r, DOCTOR_POLICY))
                return;
        if (!g->managed) {
                item.outcome = OUTCOME_POLICY_UNMANAGED;
                doctor_enrol(r->arena, g, &item);
                item.remedy = REMEDY_ENROL;
        }
        doctor_add(r, item);
}

/* ---- lines that give a node ---- */

static enum doctor_outcome outcome_of_line(const struct doctor_guest *g,
                                           const struct doctor_given *given) {
        struct bytes options = given->d->options;

        if (!given->node && given->d->type == DEVLINE_DEV)
                return OUTCOME_LINE_NO_NODE_DEV;
        if (!given->node)
                return bytes_contains(options, "optional") ? OUTCOME_LINE_NO_NODE_OPTIONAL
                                                           : OUTCOME_LINE_NO_NODE;
        if (given->node->state != NODE_CHAR)
                return OUTCOME_LINE_SEE_NODE;
        if (given->gpu && has_choice(g) && !gpu_list_has(&g->plan->choice.gpus, given->gpu))
                return OUTCOME_LINE_OTHER_GPU;
        return given->gpu ? OUTCOME_LINE_NODE : OUTCOME_LINE_SHARED_NODE;
}

/*
 * What has its remedies in a finding: a line that rightly stays while its node is not there, and
 * one that was added for another GPU, which its owner may want.
 */
static const struct finding *finding_of_line(const struct doctor_guest *g,
                                             const struct doctor_item *item) {
        for (size_t i = 0; i < g->findings->n; i++) {
                const struct finding *f = &g->findings->items[i];

                if (item->outcome == OUTCOME_LINE_NO_NODE_OPTIONAL
                            ? f->code == FINDING_NODE_LATE && streq(f->what, item->what)
                            : item->outcome == OUTCOME_LINE_OTHER_GPU &&
                                      f->code == FINDING_LINE_OTHER_GPU &&
                                      streq(f->where, item->subject))
                        return f;
        }
        return NULL;
}

static void check_given(struct doctor_report *r, const struct doctor_guest *g,
                        const struct doctor_given *given) {
        struct bytes path = given->d->path.clean;
        struct arena *a = r->arena;
        struct doctor_item item = { .outcome = outcome_of_line(g, given),
                                    .subject = doctor_where(a, g, given->line),
                                    .what = arena_strndup(a, path.data, path.len),
                                    .gpu = given->gpu ? given->gpu->address : NULL,
                                    .new = given->gpu ? gpu_describe(a, given->gpu) : NULL };

        if (given->d->path.scope == PATH_FOLDER)
                return;
        item.finding = finding_of_line(g, &item);
        if (item.finding && item.outcome == OUTCOME_LINE_OTHER_GPU) {
                item.outcome = OUTCOME_LINE_ADDED;
                item.subject = NULL; /* the finding begins with it */
        } else if (item.finding) {
                item.outcome = OUTCOME_LINE_LATE;
        } else if (doctor_outcomes[item.outcome].verdict == DOCTOR_FAILED) {
                doctor_correct_lines(g, &item);
        }
        doctor_add(r, item);
}

static bool is_given(const struct doctor_given *given, size_t n, const struct node *node) {
        for (size_t i = 0; i < n; i++) {
                const struct gpu_path *p = &given[i].d->path;

                if (given[i].node == node ||
                    (p->scope == PATH_FOLDER && str_has_prefix(node->path, p->clean.data)))
                        return true;
        }
        return false;
}

/* What a start says of the lines and leaves to their owner. */
static const struct doctor_said said[] = {
        { FINDING_NVIDIA_HOOK, OUTCOME_LINE_HOOKED },
        { FINDING_NVIDIA_HOOK_OTHER, OUTCOME_LINE_HOOKED_OTHER },
        { FINDING_NVIDIA_HOOK_ENDS, OUTCOME_LINE_HOOK_ENDS },
        { FINDING_DEVICE_ABSENT, OUTCOME_LINE_SAID_ENDS },
        { FINDING_NVIDIA_NO_CTL, OUTCOME_LINE_SAID },
        { FINDING_ENVIRONMENT_STALE, OUTCOME_LINE_SAID },
        { FINDING_ENVIRONMENT_GID, OUTCOME_LINE_SAID },
        { FINDING_ENVIRONMENT_UNHEARD, OUTCOME_LINE_SAID },
        { FINDING_HOLE_NOT_ASKED, OUTCOME_LINE_SAID },
        { FINDING_GID_CONFLICT, OUTCOME_LINE_SAID },
        { FINDING_GID_TAKEN, OUTCOME_LINE_SAID },
        { FINDING_SOURCE_UNKNOWN, OUTCOME_LINE_SAID },
        { FINDING_SOURCE_UNSEEN, OUTCOME_LINE_SAID },
};

/* A devN line would end the start, so it is remembered: no line of the file names the node now. */
static void check_remembered(struct doctor_report *r, const struct doctor_guest *g,
                             const struct doctor_given *given, size_t n) {
        for (size_t i = 0; i < g->findings->n; i++) {
                const struct finding *f = &g->findings->items[i];
                bool named = false;

                if (f->code != FINDING_NODE_LATE)
                        continue;
                for (size_t j = 0; j < n; j++)
                        named |= bytes_equal(given[j].d->path.clean, bytes_of(f->what));
                if (!named)
                        doctor_add(r, (struct doctor_item){ .outcome = OUTCOME_LINE_LATE,
                                                            .finding = f });
        }
}

static void check_lines(struct doctor_report *r, const struct doctor_guest *g,
                        const struct doctor_given *given, size_t n) {
        bool none = n == 0 && !g->survey->nvidia_hook.gives &&
                    !g->survey->ways_only;

        doctor_add_said(r, g->findings, said, ELEMENTS(said));
        if (none && !g->managed)
                doctor_add(r, (struct doctor_item){ .outcome = OUTCOME_LINE_UNMANAGED });
        else if (none && g->survey->other_ways.n_unread > 0)
                doctor_add(r, (struct doctor_item){ .outcome = OUTCOME_LINE_UNREAD });
        else if (none)
                doctor_add_lines(r, g, (struct doctor_item){ .outcome = OUTCOME_LINE_NONE });
        for (size_t i = 0; i < n; i++)
                check_given(r, g, &given[i]);
        check_remembered(r, g, given, n);
        for (size_t i = 0; n > 0 && i < g->plan->n_nodes; i++) {
                const struct plan_node *pn = &g->plan->nodes[i];

                if (pn->required && !is_given(given, n, pn->node))
                        doctor_add_lines(r, g,
                                         (struct doctor_item){ .outcome = OUTCOME_LINE_NOT_GIVEN,
                                                               .subject = pn->node->path });
        }
}

static void check_syntax(struct doctor_report *r, const struct doctor_guest *g) {
        for (size_t i = 1; i < g->survey->n_lines; i++) {
                const struct devline *d = &g->survey->lines[i];
                struct doctor_item item;

                if (d->type == DEVLINE_NONE || d->type == DEVLINE_WHOLE || !d->broken)
                        continue;
                item = (struct doctor_item){ .outcome = OUTCOME_SYNTAX_BROKEN,
                                             .subject = doctor_where(r->arena, g, i),
                                             .old = d->broken,
                                             .what = line_text(r->arena, g, i) };
                if (devline_kinds(g->facts, d)) {
                        doctor_add_lines(r, g, item);
                } else { /* of no GPU, or nobody knows of what: nothing corrects it */
                        item.outcome = OUTCOME_SYNTAX_FOREIGN;
                        doctor_add(r, item);
                }
        }
        doctor_add_if_silent(r, OUTCOME_SYNTAX_RIGHT);
}

/* @given gives the same name in the container as @earlier. */
static void add_twice(struct doctor_report *r, const struct doctor_guest *g,
                      const struct doctor_given *earlier, const struct doctor_given *given) {
        bool dev = given->d->type == DEVLINE_DEV || earlier->d->type == DEVLINE_DEV;
        struct bytes name = recognise_inside(given->d);
        struct arena *a = r->arena;

        doctor_add_lines(
                r, g,
                (struct doctor_item){
                        .outcome = dev ? OUTCOME_TARGET_TWICE_DEV : OUTCOME_TARGET_TWICE,
                        .subject = doctor_where(a, g, given->line),
                        .what = arena_strndup(a, name.data, name.len),
                        .old = arena_printf(a, "%zu", g->conf->lines[earlier->line].number) });
}

static void check_targets(struct doctor_report *r, const struct doctor_guest *g,
                          const struct doctor_given *given, size_t n) {
        for (size_t i = 0; i < n && i < MAX_COMPARED; i++)
                for (size_t j = 0; j < i; j++)
                        if (bytes_equal(recognise_inside(given[i].d),
                                        recognise_inside(given[j].d))) {
                                add_twice(r, g, &given[j], &given[i]);
                                break;
                        }
        doctor_add_if_silent(r, OUTCOME_TARGET_ONCE);
}

static void check_folder(struct doctor_report *r, const struct doctor_guest *g, size_t line) {
        const struct devline *d = &g->survey->lines[line];
        struct doctor_item item = { .outcome = OUTCOME_FOLDER_KEPT,
                                    .subject = doctor_where(r->arena, g, line),
                                    .what = line_text(r->arena, g, line),
                                    .arg = ways_devices(r->arena, g->survey, g->plan) };

        if (d->type == DEVLINE_WHOLE) {
                item.outcome = d->broken ? OUTCOME_FOLDER_MOUNT_POINT : OUTCOME_FOLDER_WHOLE;
                item.new = bytes_dup(r->arena, g->conf->lines[line].key);
        } else if (!has_choice(g) || g->edits) {
                /* the plan keeps a folder that has only wanted nodes */
                item.outcome = OUTCOME_FOLDER_BOUND;
                doctor_correct_lines(g, &item);
        }
        doctor_add(r, item);
}

static void check_folders(struct doctor_report *r, const struct doctor_guest *g) {
        const struct other_ways *ways = &g->survey->other_ways;

        for (size_t i = 1; i < g->survey->n_lines; i++) {
                const struct devline *d = &g->survey->lines[i];

                if (d->type == DEVLINE_WHOLE ||
                    ((d->type == DEVLINE_MOUNT || d->type == DEVLINE_DEV) &&
                     d->path.scope == PATH_FOLDER))
                        check_folder(r, g, i);
        }
        for (size_t i = 0; i < ways->n; i++) {
                const struct other_way *w = &ways->items[i];

                if (ways_give_others(g->facts, g->plan, w))
                        doctor_add(r, (struct doctor_item){
                                              .outcome = OUTCOME_FOLDER_WHOLE,
                                              .subject = doctor_where(r->arena, g, w->line),
                                              .what = arena_printf(r->arena, WHY_IN_FILE, w->text,
                                                                   w->file),
                                              .arg = ways_devices(r->arena, g->survey, g->plan) });
        }
        doctor_add_if_silent(r, OUTCOME_FOLDER_NONE);
}

static void check_names(struct doctor_report *r, const struct doctor_guest *g,
                        const struct doctor_given *given, size_t n) {
        struct arena *a = r->arena;

        for (size_t i = 0; i < n; i++) {
                struct bytes inside = recognise_inside(given[i].d);
                const char *real;

                if (given[i].d->path.scope == PATH_FOLDER || given[i].d->broken)
                        continue;
                real = given[i].node ? given[i].node->path
                       : given[i].d->path.scope == PATH_NODE
                               ? arena_strndup(a, given[i].d->path.clean.data,
                                               given[i].d->path.clean.len)
                               : NULL;
                if (!real || bytes_equal(inside, bytes_of(real)) ||
                    (given[i].node && recognise_own_name(given[i].d, given[i].node)))
                        continue;
                doctor_add_lines(
                        r, g,
                        (struct doctor_item){ .outcome = OUTCOME_RENAMED_OTHER,
                                              .subject = doctor_where(a, g, given[i].line),
                                              .old = real,
                                              .new = arena_strndup(a, inside.data, inside.len) });
        }
        doctor_add_if_silent(r, OUTCOME_RENAMED_NONE);
}

/* The form that most of the nodes have; a folder is one line for several of them. */
static const char *most_used(const struct doctor_guest *g) {
        size_t n_dev = 0, n_mount = 0;

        for (size_t i = 0; i < g->plan->n_nodes; i++)
                if (g->plan->nodes[i].required)
                        ++*(g->plan->nodes[i].form == METHOD_DEV ? &n_dev : &n_mount);
        return n_dev >= n_mount ? "dev" : "idmap";
}

static void check_method(struct doctor_report *r, const struct doctor_guest *g) {
        const struct forms *there = &g->survey->there;
        struct doctor_item item = { .outcome = there->n_dev     ? OUTCOME_METHOD_DEV
                                               : there->n_mount ? OUTCOME_METHOD_MOUNT
                                                                : OUTCOME_METHOD_NONE };

        if (there->n_dev > 0 && there->n_mount > 0) {
                item.outcome = OUTCOME_METHOD_MIXED;
                item.old = arena_printf(r->arena, "%zu", there->n_dev);
                item.new = arena_printf(r->arena, "%zu", there->n_mount);
                item.arg = most_used(g);
                if (has_choice(g) && !g->left_alone)
                        item.remedy = REMEDY_ENABLE_METHOD;
        }
        doctor_add(r, item);
}

void doctor_check_lines(struct doctor_report *r, const struct doctor_guest *g) {
        struct doctor_given *given;
        size_t n = doctor_given(r->arena, g, &given);

        check_policy(r, g);
        check_lines(r, g, given, n);
        check_syntax(r, g);
        check_targets(r, g, given, n);
        check_folders(r, g);
        check_names(r, g, given, n);
        check_method(r, g);
}
