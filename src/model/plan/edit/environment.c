/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * environment - what programs are told by variables
 *
 *     lxc.environment.runtime: DRINODE=/dev/dri/renderD128
 *
 * A variable set twice has the later value, as putenv(3) of LXC leaves it.
 */
#include "model/plan/edit/environment.h"

#include "model/conf/application.h"
#include "model/plan/edit/environment-gid.h"
#include "model/plan/edit/variable.h"

/** struct variables - a file whose variables are settled */
struct variables {
        const struct editor *e;
        struct node_names names;
        size_t *last; /* of each variable of guest-environment the last line that sets it for init; 0: none */
};

/* @text as it shall stand: followed where that is asked for, else reported. */
static struct bytes settle(const struct variables *v, const char *where, struct bytes text) {
        const struct editor *e = v->e;
        struct bytes now = variable_renewed(&v->names, text), name, value, path;

        if (bytes_equal(now, text) || !bytes_split(text, '=', &name, &value))
                return text;
        path = variable_path(value, 0);
        if (e->in->policy->follow_environment && bytes_equal(path, value))
                return now;
        editor_report(e, (struct finding){ .code = FINDING_ENVIRONMENT_STALE,
                                           .where = where,
                                           .what = editor_text(e, name),
                                           .old = editor_text(e, value),
                                           .new = editor_text(e, bytes_from(now, name.len + 1)) });
        return text;
}

#define NOT_WANTED SIZE_MAX

/* Which variable of guest-environment has that name, the last one. */
static size_t wanted(const struct editor *e, struct bytes name) {
        const struct policy *p = e->in->policy;

        for (size_t i = p->n_guest_environment; e->in->survey->application && i-- > 0;) {
                struct bytes own, value;

                if (bytes_split(bytes_of(p->guest_environment[i]), '=', &own, &value) &&
                    bytes_equal(own, name))
                        return i;
        }
        return NOT_WANTED;
}

/* An image may bring any number of lines: once through all of them. */
static void find_last(const struct variables *v) {
        const struct editor *e = v->e;
        struct bytes name, value;

        for (size_t i = 1; i < e->c->n_lines; i++) {
                bool own = environment_parse(&e->c->lines[i], &name, &value) == ENVIRONMENT_RUNTIME;
                size_t at = own ? wanted(e, name) : NOT_WANTED;

                if (at != NOT_WANTED)
                        v->last[at] = i;
        }
}

/* The last line about variables, broken or not: of two that set the same, the later one counts. */
static size_t last_of_all(const struct editor *e) {
        for (size_t i = e->c->n_lines; i-- > 1;)
                if (environment_of(e->c->lines[i].key) != ENVIRONMENT_NONE)
                        return i;
        return 0;
}

static void settle_line(const struct variables *v, size_t i) {
        const struct editor *e = v->e;
        const struct conf_line *l = &e->c->lines[i];
        struct bytes name, value, text = l->value;
        size_t at;

        if (l->parked || environment_parse(l, &name, &value) == ENVIRONMENT_NONE)
                return;
        at = wanted(e, name);
        if (at != NOT_WANTED && v->last[at] == i)
                text = bytes_of(e->in->policy->guest_environment[at]);
        text = settle(v, editor_where(e, i), text);
        variable_remember(&v->names, text);
        if (!bytes_equal(text, l->value))
                editor_change(e, i, editor_text(e, text));
}

/* Behind its like; else before the other lxc lines, where Proxmox puts them. */
static void add_wanted(const struct variables *v) {
        const struct editor *e = v->e;
        const struct policy *p = e->in->policy;

        for (size_t i = 0; e->in->survey->application && i < p->n_guest_environment; i++) {
                struct bytes name, value, text = bytes_of(p->guest_environment[i]);
                size_t behind = last_of_all(e);

                if (!bytes_split(text, '=', &name, &value) || v->last[i] > 0 ||
                    wanted(e, name) != i)
                        continue;
                if (behind == 0)
                        behind = e->c->kind == PCTCONF_PVE ? pctconf_key_end(e->c)
                                                           : pctconf_last(e->c);
                text = settle(v, e->name, text);
                variable_remember(&v->names, text);
                editor_add(e, behind, "lxc.environment.runtime", editor_text(e, text));
        }
}

/* LXC's NVIDIA hook reads variables of hooks; init's do not reach it. */
static void report_nvidia(const struct editor *e) {
        size_t runtime = 0;
        bool hook = false, reaches = false;

        for (size_t i = 1; i < e->c->n_lines; i++) {
                const struct conf_line *l = &e->c->lines[i];
                struct bytes name, value;
                enum environment whom = environment_parse(l, &name, &value);

                hook |= bytes_equal(l->key, BYTES("lxc.hook.mount")) &&
                        bytes_contains(l->value, "/hooks/nvidia");
                if (whom == ENVIRONMENT_NONE || !bytes_equal(name, BYTES("NVIDIA_VISIBLE_DEVICES")))
                        continue;
                if (whom == ENVIRONMENT_RUNTIME)
                        runtime = i;
                else
                        reaches = true;
        }
        if (hook && runtime > 0 && !reaches)
                editor_report(
                        e, (struct finding){ .code = FINDING_ENVIRONMENT_UNHEARD,
                                             .where = editor_where(e, runtime),
                                             .what = editor_text(e, e->c->lines[runtime].value) });
}

void edit_environment(const struct editor *e) {
        struct variables v = { e, variable_names(e),
                               arena_alloc(e->a, (e->in->policy->n_guest_environment + 1) *
                                                         sizeof(*v.last)) };

        report_nvidia(e);
        find_last(&v);
        for (size_t i = 1; i < e->n_lines; i++)
                settle_line(&v, i);
        add_wanted(&v);
        for (size_t i = 0; e->in->survey->application && i < e->in->policy->n_guest_environment;
             i++)
                variable_remember(&v.names, bytes_of(e->in->policy->guest_environment[i]));
        environment_gids_report(e);
}
