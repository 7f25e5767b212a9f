/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * narrow - a line for many devices becomes lines for the container's own
 */
#include "model/plan/edit/narrow.h"

#include "model/finding/reason.h"

#define MOST_NAMES 8

static bool opens(const struct devline *d, const struct node *n) {
        size_t len = d->path.clean.len;

        if (d->type == DEVLINE_MOUNT || d->type == DEVLINE_DEV)
                return str_has_prefix(n->path, d->path.clean.data) && n->path[len] == '/';
        return d->number.major == n->number.major;
}

struct names {
        struct strbuf text;
        size_t n;
};

static void add_name(struct names *list, const struct node *n, const struct gpu *g) {
        if (list->n++ >= MOST_NAMES)
                return;
        strbuf_printf(&list->text, "%s%s", list->n > 1 ? ", " : "", strrchr(n->path, '/') + 1);
        if (g && node_family(n)->class) /* the name says nothing about the GPU */
                strbuf_printf(&list->text, " (%s)", g->driver ? g->driver : g->address);
}

static const char *names_text(struct arena *a, struct names *list) {
        return list->n > MOST_NAMES ? arena_printf(a, WHY_AND_MORE, strbuf_str(&list->text),
                                                   list->n - MOST_NAMES)
                                    : strbuf_str(&list->text);
}

/** struct remedy - how the container gets what a line does not give it any more */
struct remedy {
        struct gpu_list others; /* that are not its own and have some of these nodes */
        uint32_t kinds; /* NODE_BIT()s that it has no node of */
        struct names lines; /* nodes that no setting adds: only a line names them */
};

static void add_lost(const struct editor *e, struct remedy *r, const struct node *n,
                     const struct gpu *g) {
        const struct gpu *card = g ? g : node_card(e->in->facts, n);

        if (!g && node_family(n) == &families[FAMILY_NVIDIA_CAPS]) {
                add_name(&r->lines, n, g);
                return;
        }
        if (card && !gpu_list_has(&e->p->choice.gpus, card))
                gpu_list_add(e->a, &r->others, card);
        else if (e->p->devices & NODE_BIT(n->kind))
                add_name(&r->lines, n, g);
        r->kinds |= NODE_BIT(n->kind) & ~e->p->devices;
}

static const char *remedy_text(const struct editor *e, struct remedy *r) {
        struct strbuf b = { .arena = e->a };

        if (r->others.n > 0 || r->kinds)
                strbuf_printf(&b, WHY_WIDE_ENABLE, e->in->vmid);
        if (r->others.n > 0 && e->p->choice.missing) /* its own is not to be given up by it */
                strbuf_adds(&b, WHY_WIDE_ALL);
        else if (r->others.n > 0)
                strbuf_printf(&b, WHY_WIDE_GPUS, editor_selectors_with(e, &r->others));
        if (r->kinds)
                strbuf_printf(&b, WHY_WIDE_DEVICES,
                              node_kinds_option(e->a, r->kinds | e->p->devices));
        if (r->lines.n > 0)
                strbuf_printf(&b, b.len ? WHY_WIDE_AND_LINES : WHY_WIDE_LINES,
                              names_text(e->a, &r->lines));
        return strbuf_str(&b);
}

static bool has_node(const struct plan *p, const struct node *n) {
        for (size_t i = 0; i < p->n_nodes; i++)
                if ((p->nodes[i].required || p->nodes[i].hooked) && p->nodes[i].node == n)
                        return true;
        return false;
}

/* What it opens on this host, and what of it the container does not get any more. */
static void report_wide(const struct editor *e, size_t line) {
        const struct facts *f = e->in->facts;
        const struct devline *d = &e->lines[line];
        struct names opened = { { .arena = e->a }, 0 }, lost = { { .arena = e->a }, 0 };
        struct remedy remedy = { .lines.text.arena = e->a };
        const char *what;

        if (e->c->lines[line].parked || !e->f || d->legacy)
                return;
        if (d->broken) {
                editor_report(e, (struct finding){ .code = FINDING_LINE_MENDED,
                                                   .where = editor_where(e, line),
                                                   .what = d->broken });
                return;
        }
        for (size_t i = 0; i <= f->n_gpus; i++) {
                const struct gpu *g = i < f->n_gpus ? &f->gpus[i] : NULL;
                const struct node *nodes = g ? g->nodes : f->shared;

                for (size_t j = 0; j < (g ? g->n_nodes : f->n_shared); j++) {
                        if (!opens(d, &nodes[j]))
                                continue;
                        add_name(&opened, &nodes[j], g);
                        if (has_node(e->p, &nodes[j]))
                                continue;
                        add_name(&lost, &nodes[j], g);
                        add_lost(e, &remedy, &nodes[j], g);
                }
        }
        what = opened.n > 0 ? names_text(e->a, &opened) : WHY_NO_NODE;
        if (lost.n > 0)
                what = arena_printf(e->a, WHY_WIDE_LOST, what, names_text(e->a, &lost));
        editor_report(e, (struct finding){
                                 .code = lost.n > 0 ? FINDING_ACCESS_WIDE : FINDING_ACCESS_LATER,
                                 .where = editor_where(e, line),
                                 .old = editor_text(e, e->c->lines[line].text),
                                 .what = what,
                                 .new = remedy_text(e, &remedy) });
}

/* "rwm" of "rwm # igpu" */
static const char *rule_of(const struct editor *e, const struct devline *d, const struct node *n) {
        struct bytes rest = d->access, access = bytes_word(&rest);

        return arena_printf(e->a, "%s %.*s", devnum_rule(e->a, n->number), (int)access.len,
                            access.data);
}

static bool has_value(const struct editor *e, const char *value) {
        for (size_t i = 0; i < e->n_lines; i++) {
                const struct conf_line *l = &e->c->lines[i];

                if (!l->dropped && (l->new_value ? streq(l->new_value, value)
                                                 : bytes_equal(l->value, bytes_of(value))))
                        return true;
                for (size_t j = 0; j < l->n_behind; j++) {
                        struct bytes line = bytes_of(l->behind[j]);

                        if (bytes_take_suffix(&line, value) && bytes_take_suffix(&line, "= "))
                                return true;
                }
        }
        return false;
}

/*
 * Whether @w still lacks a line. A devN line brings a rule of its own, without "m" for mknod: a
 * rule of the owner is not lost by it.
 */
static bool is_open(const struct editor *e, const struct want *w, bool rule) {
        if (!rule)
                return w->required && !w->done && !w->has_alias;
        if (w->done && (e->c->kind == PCTCONF_PVE || !w->text || has_value(e, w->text)))
                return false;
        return w->late || w->pn->required;
}

void narrow_line(const struct editor *e, const struct line_class *k, size_t i,
                 struct wants *wants) {
        const struct devline *d = &e->lines[i];
        bool rule = d->type == DEVLINE_ALLOW || d->type == DEVLINE_DENY, kept = false;

        report_wide(e, i);
        for (size_t j = 0; j < wants->n; j++) {
                struct want *w = &wants->items[j];

                if (!opens(d, w->pn->node) || !is_open(e, w, rule))
                        continue;
                w->done = true;
                if (rule && !kept) {
                        kept = true;
                        if (!w->text)
                                w->text = devline_replace(e->a, e->c->lines[i].value, d->raw_number,
                                                          devnum_text(e->a, w->pn->node->number));
                        if (d->legacy)
                                editor_replace(e, i, k->key, w->text);
                        else
                                editor_change(e, i, w->text);
                        continue;
                }
                if (!w->text)
                        w->text = rule ? rule_of(e, d, w->pn->node) : k->text(e, NULL, w);
                editor_add(e, i, k->key ? k->key : editor_free_dev_key(e), w->text);
        }
        if (!kept)
                editor_drop(e, i);
}
