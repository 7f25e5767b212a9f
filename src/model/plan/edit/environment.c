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

static bool is_path_character(char c) {
        return ascii_is_alnum(c) || c == '/' || c == '.' || c == '_' || c == '-';
}

/* The next path below /dev in @value from @from on; empty when there is none. */
static struct bytes next_path(struct bytes value, size_t from) {
        for (size_t i = from; i + 5 <= value.len; i++) {
                size_t end = i;

                if ((i > 0 && is_path_character(value.data[i - 1])) ||
                    memcmp(value.data + i, "/dev/", 5) != 0)
                        continue;
                while (end < value.len && is_path_character(value.data[end]))
                        end++;
                return (struct bytes){ value.data + i, end - i };
        }
        return (struct bytes){ 0 };
}

/** struct variables - the editor of a file whose variables are settled */
struct variables {
        const struct editor *e;
        const char **names; /* of the plan's nodes in the container */
        size_t *last; /* of each variable of guest-environment the last line that sets it for init; 0: none */
};

/*
 * What the container has instead of the node at @path; NULL when it has that very node, none, or
 * several of the kind: then it cannot be told.
 */
static const char *replacement(const struct variables *v, struct bytes path) {
        const struct editor *e = v->e;
        struct gpu_path named = gpu_path_parse(e->a, path);
        const char *only = NULL;
        size_t n = 0;

        if (named.scope != PATH_NODE || named.family->shared || e->p->incomplete)
                return NULL;
        for (size_t i = 0; i < e->p->n_nodes; i++) {
                const struct plan_node *pn = &e->p->nodes[i];

                if (bytes_equal(named.clean, bytes_of(v->names[i])) ||
                    bytes_equal(named.clean, bytes_of(pn->node->path)))
                        return NULL;
                if (!pn->required || node_family(pn->node) != named.family)
                        continue;
                only = v->names[i];
                n++;
        }
        return n == 1 ? only : NULL;
}

/* "NAME=VALUE" with the nodes of today; @text itself when nothing in it is stale. */
static struct bytes renewed(const struct variables *v, struct bytes text) {
        struct bytes path = next_path(text, 0);

        while (path.len > 0) {
                const char *now = replacement(v, path);
                size_t at = (size_t)(path.data - text.data) + path.len;

                if (now) {
                        at = at - path.len + strlen(now);
                        text = bytes_of(devline_replace(v->e->a, text, path, now));
                }
                path = next_path(text, at);
        }
        return text;
}

/* @text as it shall stand: followed where that is asked for, else reported. */
static struct bytes settle(const struct variables *v, const char *where, struct bytes text) {
        const struct editor *e = v->e;
        struct bytes now = renewed(v, text), name, value, path;

        if (bytes_equal(now, text) || !bytes_split(text, '=', &name, &value))
                return text;
        path = next_path(value, 0);
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
                editor_add(e, behind, "lxc.environment.runtime",
                           editor_text(e, settle(v, e->name, text)));
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
        struct variables v = {
                e, arena_alloc(e->a, (e->p->n_nodes + 1) * sizeof(*v.names)),
                arena_alloc(e->a, (e->in->policy->n_guest_environment + 1) * sizeof(*v.last))
        };

        for (size_t i = 0; i < e->p->n_nodes; i++)
                v.names[i] = survey_name(e->a, e->in->survey, e->p->nodes[i].node);
        report_nvidia(e);
        find_last(&v);
        for (size_t i = 1; i < e->n_lines; i++)
                settle_line(&v, i);
        add_wanted(&v);
        environment_gids_report(e);
}
