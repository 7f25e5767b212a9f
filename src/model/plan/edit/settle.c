/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * settle - which line gives which node
 */
#include "model/plan/edit/settle.h"

#include "model/conf/recognise.h"
#include "model/plan/edit/late.h"
#include "model/plan/edit/narrow.h"

/* A link that has a name of its own ought to lead to the same GPU always; /dev/char/226:128 not. */
static bool is_own_link(const struct devline *d) {
        const char *from = strrchr(d->source, '/'), *to = strrchr(d->at->leads_to, '/');

        return from && !streq(from, to) && !str_has_prefix(d->source, "/dev/char/") &&
               !bytes_equal(d->path.clean, bytes_of(d->at->leads_to));
}

static void report_why(const struct editor *e, size_t i) {
        const struct devline *d = &e->lines[i];
        const struct gpu *g;
        const struct node *n = devline_node(e->in->facts, d, &g);
        struct finding item = { .where = editor_where(e, i),
                                .old = editor_text(e, e->c->lines[i].text) };

        if (e->c->lines[i].parked)
                return;
        if (d->broken && !d->by_path) { /* a node that is not there is what goes stale */
                item.code = FINDING_LINE_MENDED;
                item.what = d->broken;
                editor_report(e, item);
        } else if (d->path.scope == PATH_NUMBER && g && !gpu_list_has(&e->p->choice.gpus, g) &&
                   is_own_link(d)) {
                item.code = FINDING_SOURCE_ELSEWHERE;
                item.old = d->source;
                item.what = n->path;
                item.gpu = g->address;
                editor_report(e, item);
        }
}

/* The name inside the container changes: its programs may be configured with the old one. */
static void report_renamed(const struct editor *e, size_t i, const struct want *w) {
        const struct devline *d = &e->lines[i];
        struct bytes source = d->path.clean, inside = recognise_inside(d);
        const struct gpu *g;
        const struct node *n = devline_node(e->in->facts, d, &g);

        if ((d->type != DEVLINE_MOUNT && d->type != DEVLINE_DEV) || d->broken ||
            (d->path.scope == PATH_NODE && bytes_equal(inside, source)) ||
            (n && bytes_equal(inside, bytes_of(n->path))) ||
            bytes_equal(inside, bytes_of(w->pn->node->path)))
                return;
        editor_report(e, (struct finding){ .code = FINDING_NODE_RENAMED,
                                           .where = editor_where(e, i),
                                           .old = editor_text(e, inside),
                                           .new = w->pn->node->path });
}

/* Whether this host has a node of one of @kinds, which a line for one then gives. */
static bool host_has(const struct facts *f, uint32_t kinds) {
        bool any = false;

        for (size_t i = 0; i < f->n_gpus; i++)
                for (size_t j = 0; j < f->gpus[i].n_nodes; j++)
                        any |= kinds & NODE_BIT(f->gpus[i].nodes[j].kind);
        for (size_t i = 0; i < f->n_shared; i++)
                any |= kinds & NODE_BIT(f->shared[i].kind);
        return any;
}

/* Families beside DRM are managed only when devices = covers them. */
static bool is_managed(const struct editor *e, const struct line_class *k, size_t i) {
        const struct devline *d = &e->lines[i];
        uint32_t drm = NODE_BIT(NODE_CARD) | NODE_BIT(NODE_RENDER), kinds;

        if (d->type != k->type)
                return false;
        kinds = devline_kinds(e->in->facts, d);
        if (kinds == 0 || (kinds & drm) || (kinds & e->p->devices))
                return kinds != 0;
        if (!e->c->lines[i].parked && !d->legacy && host_has(e->in->facts, kinds))
                editor_report(e, (struct finding){ .code = FINDING_UNCOVERED,
                                                   .where = editor_where(e, i),
                                                   .old = editor_text(e, e->c->lines[i].text) });
        return false;
}

/* One line more for a node that is given already. */
static void drop_second(const struct editor *e, size_t i, const struct node *n) {
        if (!e->c->lines[i].parked)
                editor_report(e, (struct finding){ .code = FINDING_TARGET_TWICE,
                                                 .where = editor_where(e, i),
                                                 .what = n->path });
        editor_drop(e, i);
}

/* A line with a name of its own is there beside the one that has the node's, or instead of it. */
static void keep_alias(const struct editor *e, size_t i, struct want *w, struct wants *wants) {
        const struct devline *d = &e->lines[i];
        struct bytes name = recognise_inside(d);
        const struct plan_node *pn = w->pn;

        for (size_t j = 0; j < wants->n; j++)
                if (bytes_equal(wants->items[j].alias, name)) {
                        drop_second(e, i, pn->node);
                        return;
                }
        w->has_alias = true;
        w->deny_write = d->deny_write;
        *ARENA_PUSH(e->a, wants->items, wants->n) =
                (struct want){ .pn = pn,
                               .alias = name,
                               .text = editor_text(e, e->c->lines[i].value),
                               .done = true };
        editor_keep(e, i);
}

/* First the lines that are right as they are; true when line @i needs nothing more. */
static bool settle_right(const struct editor *e, const struct line_class *k, size_t i,
                         struct wants *wants) {
        struct want *first = NULL;
        bool fresh = false;

        for (size_t j = 0; j < wants->n; j++) {
                struct want *w = &wants->items[j];

                if (!k->fits(e, i, w))
                        continue;
                if (w->late && !late_may_stay(e, i)) {
                        w->done = true;
                        editor_drop(e, i);
                        return true;
                }
                if (e->c->kind == PCTCONF_PVE && recognise_own_name(&e->lines[i], w->pn->node)) {
                        keep_alias(e, i, w, wants);
                        return true;
                }
                first = first ? first : w;
                fresh |= !w->done;
                if (!w->done) {
                        w->done = true;
                        w->deny_write = e->lines[i].deny_write;
                        if (!w->text)
                                w->text = editor_text(e, e->c->lines[i].value);
                }
        }
        if (!first)
                return false;
        if (fresh || !k->exclusive)
                editor_keep(e, i);
        else
                drop_second(e, i, first->pn->node);
        return true;
}

/*
 * Whether a stale NVIDIA line is one for such a node: of the same family, if that has one node
 * or one for each GPU, or the same MIG instance; a rule for 195 is none for a dynamic major.
 */
static bool same_nvidia(const struct facts *f, const struct devline *d,
                        const struct plan_node *pn) {
        const struct family *family = node_family(pn->node);
        const struct gpu *g;
        const struct node *named = devline_node(f, d, &g);

        if (pn->node->instance)
                return named && named->instance && streq(named->instance, pn->node->instance);

        if ((d->type == DEVLINE_ALLOW && !d->by_path) || d->type == DEVLINE_DENY)
                return family_of_number(NULL, pn->node->number) != NULL;
        return d->path.family == family && !(family->shared && family->several);
}

/* A line that names its GPU by address, or leads to one of the container's, gets that GPU's node. */
static struct want *want_for(const struct editor *e, const struct devline *d, struct wants *wants) {
        const struct gpu *named = devline_gpu(e->in->facts, d);
        uint32_t kinds = devline_kinds(e->in->facts, d);
        struct want *tolerated = NULL;

        if (d->path.scope != PATH_ADDRESS &&
            !(d->path.scope == PATH_NUMBER && gpu_list_has(&e->p->choice.gpus, named)))
                named = NULL;
        for (size_t i = 0; i < wants->n; i++) {
                struct want *w = &wants->items[i];

                if (w->done || !(kinds & NODE_BIT(w->pn->node->kind)) ||
                    (named && w->pn->gpu != named))
                        continue;
                if (w->pn->node->kind == NODE_NVIDIA && !same_nvidia(e->in->facts, d, w->pn))
                        continue;
                if (w->required)
                        return w;
                tolerated = tolerated ? tolerated : w;
        }
        return tolerated;
}

/*
 * The GPU of a line that was written for another one than the container's, NULL for a line that is
 * only stale: no node of the container's lacks a line, and what this one names is there.
 */
static const struct gpu *for_another(const struct editor *e, size_t i) {
        const struct devline *d = &e->lines[i];
        const struct gpu *g = d->broken || e->p->incomplete || devline_is_wide(e->in->facts, d)
                                      ? NULL
                                      : devline_gpu(e->in->facts, d);

        if (!g || (d->type != DEVLINE_DEV && d->type != DEVLINE_MOUNT))
                return NULL;
        return gpu_list_has(&e->p->choice.gpus, g) ? NULL : g;
}

/* Then the stale ones: corrected in their place for a want of their kind, or taken out. */
static void settle_stale(const struct editor *e, const struct line_class *k, size_t i,
                         struct wants *wants) {
        const struct devline *d = &e->lines[i];
        struct want *w = want_for(e, d, wants);
        const struct gpu *other;

        report_why(e, i);
        if (!w || (w->late && !late_may_stay(e, i))) {
                other = w ? NULL : for_another(e, i);
                if (other)
                        editor_park(e, i, other);
                else
                        editor_drop(e, i);
                return;
        }
        report_renamed(e, i, w);
        w->done = true;
        w->deny_write = d->deny_write;
        if (!w->text || k->type != DEVLINE_MOUNT)
                w->text = k->text(e, d, w);
        if (d->legacy)
                editor_replace(e, i, k->key, w->text);
        else if (d->twice)
                editor_replace(e, i, editor_free_dev_key(e), w->text);
        else
                editor_change(e, i, w->text);
}

/* One rule may cover several nodes: "c 511:*". */
static bool is_added(const struct wants *wants, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (wants->items[i].done && wants->items[i].text &&
                    streq(wants->items[i].text, wants->items[n].text))
                        return true;
        return false;
}

static void add_rest(const struct editor *e, const struct line_class *k, size_t anchor,
                     struct wants *wants) {
        if (anchor == 0)
                anchor = k->key ? pctconf_last(e->c) : pctconf_key_end(e->c);
        for (size_t j = 0; j < wants->n; j++) {
                struct want *w = &wants->items[j];

                if (w->done || !w->required || w->has_alias)
                        continue;
                w->done = true;
                if (!w->text)
                        w->text = k->text(e, NULL, w);
                if (is_added(wants, j))
                        continue;
                editor_add(e, anchor, k->key ? k->key : editor_free_dev_key(e), w->text);
        }
}

void settle_lines(const struct editor *e, const struct line_class *k, struct wants *wants) {
        bool *stale = arena_alloc(e->a, e->n_lines);
        size_t anchor = 0;

        for (size_t j = 0; j < wants->n; j++)
                wants->items[j].done = false;
        for (size_t i = 1; i < e->n_lines; i++) {
                if (!is_managed(e, k, i))
                        continue;
                anchor = i;
                stale[i] = !late_settle_rule(e, k, i, wants) && !settle_right(e, k, i, wants);
        }
        for (size_t i = 1; i < e->n_lines; i++)
                if (stale[i] && !devline_is_wide(e->in->facts, &e->lines[i]))
                        settle_stale(e, k, i, wants);
        for (size_t i = 1; i < e->n_lines; i++)
                if (stale[i] && devline_is_wide(e->in->facts, &e->lines[i]))
                        narrow_line(e, k, i, wants);
        add_rest(e, k, anchor, wants);
}
