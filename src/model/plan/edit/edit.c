/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * edit - both files
 *
 * The same code goes over the container file and over the configuration that
 * Proxmox generated from it. The first pass settles the text of every line, the
 * second one writes that text, so that the two cannot come to say different things.
 */
#include "model/plan/edit/edit.h"

#include "model/finding/reason.h"
#include "model/gpu/majors.h"
#include "model/plan/edit/edit-idmap.h"
#include "model/plan/edit/environment.h"
#include "model/plan/edit/late.h"
#include "model/plan/edit/line-class.h"

static void report_foreign(const struct editor *e) {
        for (size_t i = 1; i < e->n_lines; i++) {
                const struct devline *d = &e->lines[i];
                const char *why = NULL;

                if (d->type == DEVLINE_MENTION)
                        why = WHY_NAMES_NODE;
                else if (d->type != DEVLINE_NONE && d->at && d->at->kind == SOURCE_UNKNOWN)
                        editor_report(e, (struct finding){ .code = FINDING_SOURCE_UNKNOWN,
                                                         .where = editor_where(e, i),
                                                         .old = d->source,
                                                         .what = d->at->why });
                else if ((d->type == DEVLINE_ALLOW || d->type == DEVLINE_DENY) && d->any_major &&
                         d->broken)
                        editor_report(e, (struct finding){ .code = FINDING_LINE_BROKEN,
                                                         .where = editor_where(e, i),
                                                         .old = editor_text(e, e->c->lines[i].text),
                                                         .what = d->broken });
                else if (d->type == DEVLINE_ALLOW && d->device_type != 'b' && d->any_major)
                        why = WHY_ALLOWS_ALL;
                if (why)
                        editor_report(e,
                                      (struct finding){ .code = FINDING_LINE_FOREIGN,
                                                        .where = editor_where(e, i),
                                                        .what = editor_text(e, e->c->lines[i].text),
                                                        .old = why });
        }
}

/* The driver that has the major of a rule, if the kernel chooses it. */
static const char *dynamic_driver(const struct editor *e, const struct devline *d) {
        const struct family *f = devline_rule_family(e->in->facts, d);

        if (!f || f->major != 0)
                return NULL;
        return d->late ? d->driver : facts_major_name(e->in->facts, d->number.major);
}

/* Remembered and in the file still, which now loses it: a start was killed between the two. */
static bool is_again(const struct editor *e, size_t line) {
        const struct conf_line *l = &e->c->lines[line];

        for (size_t i = 1; l->parked && i < e->n_lines; i++)
                if (e->c->lines[i].remember && !e->c->lines[i].parked &&
                    bytes_equal(bytes_trim(e->c->lines[i].text), bytes_trim(l->text)))
                        return true;
        return false;
}

/* The lines that went while something is away, and whose the majors are. */
static void remember(const struct editor *e) {
        struct edit_memory *m = e->memory;

        for (size_t i = 1; i < e->n_lines; i++) {
                const struct conf_line *l = &e->c->lines[i];
                const struct devline *d = &e->lines[i];
                const char *driver = dynamic_driver(e, d);

                if (l->remember && !is_again(e, i)) {
                        struct parked_line *p = ARENA_PUSH(e->a, m->parked.lines, m->parked.n);

                        p->line = late_text(e, i);
                        p->driver = driver;
                        pctconf_place(e->c, i, p);
                } else if (!l->remember && driver && !l->dropped) {
                        majors_add(e->a, &m->majors, d->late ? d->written : d->number.major,
                                   driver);
                }
        }
        for (size_t i = 0; i < e->p->n_nodes; i++) {
                const struct plan_node *pn = &e->p->nodes[i];
                const struct family *family = node_family(pn->node);

                if (family->major == 0 && (pn->rule || (pn->required && pn->form == METHOD_IDMAP)))
                        majors_add(e->a, &m->majors, pn->node->number.major, family->owner);
        }
}

/* The nodes of one form; METHOD_AUTO: rules for all of them, which only bound ones need. */
static struct wants make_wants(struct arena *a, const struct plan *p, enum method form) {
        struct wants w = { 0 };

        for (size_t i = 0; i < p->n_late; i++)
                if (form == METHOD_AUTO ? p->late[i].node->number.major != 0
                                        : p->late[i].form == form)
                        *ARENA_PUSH(a, w.items, w.n) =
                                (struct want){ .pn = &p->late[i], .late = true };
        for (size_t i = 0; i < p->n_nodes; i++) {
                const struct plan_node *pn = &p->nodes[i];

                if (form == METHOD_AUTO || (pn->required && pn->form == form))
                        *ARENA_PUSH(a, w.items, w.n) = (struct want){
                                .pn = pn,
                                .required = pn->rule ||
                                            (pn->required &&
                                             (form != METHOD_AUTO || pn->form == METHOD_IDMAP)),
                        };
        }
        return w;
}

/* Rules that may stay in the container file: a devN line brings its own. */
static struct wants make_rules(const struct editor *e) {
        bool own = e->in->convert == METHOD_DEV && e->c->kind == PCTCONF_PVE;

        return make_wants(e->a, e->p, own ? METHOD_IDMAP : METHOD_AUTO);
}

static void edit_config(struct editor *e, struct wants *mounts, struct wants *devs,
                        struct wants *allows) {
        struct wants denials = { 0 };

        edit_idmap(e);
        for (size_t i = 0; i < devs->n; i++) {
                struct want *w = &devs->items[i];

                if (w->deny_write)
                        *ARENA_PUSH(e->a, denials.items, denials.n) =
                                (struct want){ .pn = w->pn, .required = w->required };
                for (size_t j = 0; j < allows->n; j++)
                        if (allows->items[j].pn == w->pn) {
                                allows->items[j].required = true;
                                allows->items[j].deny_write = w->deny_write;
                        }
        }
        if (denials.n > 0)
                settle_lines(e, &class_deny, &denials);
        settle_lines(e, &class_allow, allows);
        settle_lines(e, &class_mount, mounts);
        edit_environment(e);
}

static void edit_hook(const struct editor *e) {
        if (e->p->hook_value)
                editor_change(e, e->in->survey->nvidia_hook.env, e->p->hook_value);
}

/* Both files name the same GPUs: a start that corrected the one may have been killed before this. */
static void edit_hook_of(const struct editor *e, const struct edit *edit) {
        size_t own = edit->in->survey->nvidia_hook.env, env = edit->config_survey->nvidia_hook.env;

        if (own > 0 && env > 0)
                editor_change(e, env,
                              e->p->hook_value ? e->p->hook_value
                                               : editor_text(e, edit->conf->lines[own].value));
}

/* A remembered line comes in because a node is given by it, and for no other reason. */
static void drop_unused(const struct editor *e) {
        for (size_t i = 1; i < e->n_lines; i++) {
                const struct conf_line *l = &e->c->lines[i];

                if (l->parked && !l->dropped && !l->new_value)
                        editor_drop(e, i);
        }
}

void edit_apply(struct arena *a, const struct edit *edit, struct findings *f,
                struct edit_memory *ret) {
        const struct plan_input *in = edit->in;
        const struct plan *p = edit->plan;
        struct edit_memory memory = { 0 };
        struct wants mounts = make_wants(a, p, METHOD_IDMAP), devs = make_wants(a, p, METHOD_DEV);
        struct wants allows = make_wants(a, p, METHOD_AUTO), rules;
        struct editor e = {
                .a = a,
                .in = in,
                .p = p,
                .c = edit->conf,
                .lines = in->survey->lines,
                .n_lines = in->survey->n_lines,
                .name = in->name,
                .f = f,
                .memory = &memory,
        };

        report_foreign(&e);
        edit_idmap(&e);
        settle_lines(&e, &class_dev, &devs);
        rules = in->convert == METHOD_DEV ? make_rules(&e) : allows;
        settle_lines(&e, &class_allow, &rules);
        settle_lines(&e, &class_mount, &mounts);
        edit_environment(&e);
        edit_hook(&e);
        drop_unused(&e);
        remember(&e);
        if (edit->config) {
                e.c = edit->config;
                e.lines = edit->config_survey->lines;
                e.n_lines = edit->config_survey->n_lines;
                e.f = NULL;
                edit_config(&e, &mounts, &devs, &allows);
                edit_hook_of(&e, edit);
        }
        *ret = memory;
}
