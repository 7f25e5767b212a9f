/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * editor - the edits of a line, and their findings
 */
#include "model/plan/edit/editor.h"

#include "model/finding/reason.h"

void editor_report(const struct editor *e, struct finding item) {
        if (e->f)
                finding_add(e->f, item);
}

const char *editor_where(const struct editor *e, size_t i) {
        /* a parked line is not in the file, so it has no number there */
        return e->c->lines[i].parked ? e->name
                                     : arena_printf(e->a, "%s:%zu", e->name, e->c->lines[i].number);
}

const char *editor_text(const struct editor *e, struct bytes b) {
        return arena_strndup(e->a, b.data, b.len);
}

/* ---- the edits ---- */

const char *editor_free_dev_key(const struct editor *e) {
        for (unsigned n = 0;; n++) {
                const char *key = arena_printf(e->a, "dev%u", n);
                const char *start = arena_printf(e->a, "%s: ", key);
                bool taken = false;

                for (size_t i = 0; i < e->c->n_lines; i++) {
                        const struct conf_line *l = &e->c->lines[i];

                        taken |= !l->dropped && bytes_equal(l->key, bytes_of(key));
                        for (size_t j = 0; j < l->n_behind; j++)
                                taken |= str_has_prefix(l->behind[j], start);
                }
                if (!taken)
                        return key;
        }
}

/* A remembered devN whose number another device has by now. */
static bool key_is_taken(const struct editor *e, size_t i) {
        for (size_t j = 1; j < e->c->n_lines; j++) {
                const struct conf_line *l = &e->c->lines[j];

                if (j != i && !l->dropped && (!l->parked || l->new_value) &&
                    bytes_equal(l->key, e->c->lines[i].key))
                        return true;
        }
        return false;
}

void editor_add(const struct editor *e, size_t behind, const char *key, const char *value) {
        pctconf_insert(e->c, behind, key, value);
        editor_report(e, (struct finding){ .code = FINDING_LINE_ADDED,
                                           .where = e->name,
                                           .new = arena_printf(e->a, "%s: %s", key, value) });
}

void editor_change(const struct editor *e, size_t i, const char *value) {
        const struct conf_line *l = &e->c->lines[i];
        struct finding item = { .code = l->parked ? FINDING_LINE_ADDED : FINDING_LINE_CHANGED,
                                .where = editor_where(e, i),
                                .old = l->parked ? NULL : editor_text(e, bytes_trim(l->text)) };

        if (!l->parked && bytes_equal(l->value, bytes_of(value)))
                return;
        if (l->parked && e->lines[i].type == DEVLINE_DEV && key_is_taken(e, i)) {
                pctconf_drop(e->c, i);
                editor_add(e, i, editor_free_dev_key(e), value);
                return;
        }
        pctconf_set(e->c, i, value);
        item.new = l->parked ? editor_text(e, bytes_trim(bytes_of(pctconf_line_text(e->c, i))))
                             : value;
        editor_report(e, item);
}

void editor_replace(const struct editor *e, size_t i, const char *key, const char *value) {
        const char *line = arena_printf(e->a, "%s: %s", key, value);

        pctconf_insert(e->c, i, key, value);
        pctconf_drop(e->c, i);
        editor_report(e, (struct finding){
                                 .code = e->c->lines[i].parked ? FINDING_LINE_ADDED
                                                               : FINDING_LINE_CHANGED,
                                 .where = editor_where(e, i),
                                 .old = editor_text(e, bytes_trim(e->c->lines[i].text)),
                                 .new = line });
}

void editor_keep(const struct editor *e, size_t i) {
        if (e->c->lines[i].parked)
                editor_change(e, i, editor_text(e, e->c->lines[i].value));
}

static const char *line_text(const struct editor *e, size_t i) {
        return editor_text(e, bytes_trim(e->c->lines[i].text));
}

/* A second line for a node that the container has waits for nothing. */
static bool is_second(const struct editor *e, size_t i) {
        const struct gpu *g;
        const struct node *n = devline_node(e->in->facts, &e->lines[i], &g);

        for (size_t j = 0; n && j < e->p->n_nodes; j++)
                if (e->p->nodes[j].node == n && e->p->nodes[j].required)
                        return true;
        return false;
}

void editor_drop(const struct editor *e, size_t i) {
        pctconf_drop(e->c, i);
        e->c->lines[i].remember = e->p->incomplete && !is_second(e, i);
        if (!e->c->lines[i].parked)
                editor_report(e, (struct finding){ .code = FINDING_LINE_REMOVED,
                                                   .where = editor_where(e, i),
                                                   .old = line_text(e, i) });
}

const char *editor_selectors_with(const struct editor *e, const struct gpu_list *others) {
        const struct gpu_list *gpus = &e->p->choice.gpus;
        struct strbuf b = { .arena = e->a };

        for (size_t i = 0; i < gpus->n; i++)
                strbuf_printf(&b, "%s ", gpu_selector(e->a, gpus->items[i]));
        for (size_t i = 0; i < others->n; i++)
                strbuf_printf(&b, "%s%s", i ? " " : "", gpu_selector(e->a, others->items[i]));
        return strbuf_str(&b);
}

void editor_park(const struct editor *e, size_t i, const struct gpu *other) {
        const char *key = editor_text(e, e->c->lines[i].key);
        const char *without = e->lines[i].type == DEVLINE_DEV
                                      ? arena_printf(e->a, WHY_DO_DELETE_DEV, e->in->vmid, key)
                                      : arena_printf(e->a, WHY_DO_REMOVE_LINE, e->name);

        pctconf_drop(e->c, i);
        e->c->lines[i].remember = true;
        if (!e->c->lines[i].parked)
                editor_report(e, (struct finding){ .code = FINDING_LINE_OTHER_GPU,
                                                   .gpu = other->address,
                                                   .where = editor_where(e, i),
                                                   .old = line_text(e, i),
                                                   .what = without,
                                                   .new = editor_selectors_with(
                                                           e, &(struct gpu_list){ &other, 1 }) });
}
