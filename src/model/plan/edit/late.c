/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * late - lines for what is not there yet
 *
 * NVIDIA's driver makes nvidia-uvm when its first user asks, kfd comes with amdgpu. What is
 * not there now is not gone: a line for it stays, or is taken out and remembered.
 */
#include "model/plan/edit/late.h"

static bool is_below(struct bytes path, struct bytes folder) {
        return folder.len > 0 && path.len > folder.len && path.data[folder.len] == '/' &&
               bytes_equal((struct bytes){ path.data, folder.len }, folder);
}

/* mp0: /dev,mp=/dev */
static struct bytes mount_point(const struct conf_line *l) {
        struct bytes key = l->key, rest = l->value;

        if (!bytes_take_prefix(&key, "mp") || key.len == 0 || !ascii_is_digit(key.data[0]))
                return (struct bytes){ 0 };
        while (rest.len > 0) {
                struct bytes option = bytes_cut(&rest, ',');

                if (bytes_take_prefix(&option, "mp="))
                        return option;
        }
        return (struct bytes){ 0 };
}

/* "create=file" for a target in a folder of the host would make the file there. */
static bool is_in_bound_folder(const struct editor *e, size_t line) {
        struct bytes target = e->lines[line].target_path.clean;

        for (size_t i = 1; i < e->n_lines; i++) {
                const struct conf_line *l = &e->c->lines[i];
                struct devline d = devline_parse(e->a, l);

                if (i == line || l->dropped || l->parked || d.path.scope == PATH_NODE ||
                    devline_is_wide(e->in->facts, &e->lines[i]))
                        continue;
                if (is_below(target,
                             d.type == DEVLINE_MOUNT ? d.target_path.clean : mount_point(l)))
                        return true;
        }
        return false;
}

static bool is_owned(const struct editor *e, uint32_t major) {
        return facts_major_name(e->in->facts, major) != NULL;
}

bool late_may_stay(const struct editor *e, size_t i) {
        const struct devline *d = &e->lines[i];

        if (d->type == DEVLINE_MOUNT)
                return devline_option(d, "optional").len > 0 && !is_in_bound_folder(e, i) &&
                       !(d->at && d->at->kind == SOURCE_DEVICE && is_owned(e, d->at->number.major));
        /* of remembered rules two drivers' may have the same number: they wait for the new ones */
        return d->type != DEVLINE_DEV &&
               !(d->late && (e->c->lines[i].parked || is_owned(e, d->written)));
}

static const char *rule_number(const struct editor *e, const struct devline *d) {
        return d->any_minor ? arena_printf(e->a, "%u:*", d->number.major)
                            : devnum_text(e->a, d->number);
}

/* Whether the owner has added a rule for the major of today himself. */
static bool is_second(const struct editor *e, size_t line) {
        const struct devline *d = &e->lines[line];

        for (size_t i = 1; i < e->n_lines; i++) {
                const struct devline *o = &e->lines[i];

                if (i != line && o->type == d->type && o->legacy == d->legacy && !o->late &&
                    !e->c->lines[i].dropped && !e->c->lines[i].parked && !o->driver &&
                    !o->any_major && o->number.major == d->number.major &&
                    o->any_minor == d->any_minor &&
                    (o->any_minor || o->number.minor == d->number.minor))
                        return true;
        }
        return false;
}

bool late_settle_rule(const struct editor *e, const struct line_class *k, size_t i,
                      struct wants *wants) {
        const struct devline *d = &e->lines[i];
        const struct family *f = devline_rule_family(e->in->facts, d);
        const struct gpu *card = devline_gpu(e->in->facts, d);
        bool moved = d->driver && !d->late;
        const char *text;

        if (!f || f->major != 0 || d->broken || !plan_has_driver(e->p, f->driver) ||
            devline_is_wide(e->in->facts, d) || (card && !gpu_list_has(&e->p->choice.gpus, card)))
                return false;
        text = moved || (d->legacy && !d->by_path)
                       ? devline_replace(e->a, e->c->lines[i].value, d->raw_number,
                                         rule_number(e, d))
                       : editor_text(e, e->c->lines[i].value);
        for (size_t j = 0; j < wants->n; j++) {
                struct want *w = &wants->items[j];

                if (devline_covers(d, w->pn->node)) {
                        w->done = true;
                        w->text = w->text ? w->text : text;
                }
        }
        if (!d->late && (moved || e->c->lines[i].parked) && is_second(e, i)) {
                editor_drop(e, i);
                e->c->lines[i].remember = false;
        } else if (!late_may_stay(e, i))
                editor_drop(e, i);
        else if (d->legacy && !d->late)
                editor_replace(e, i, k->key, text);
        else if (moved)
                editor_change(e, i, text);
        else
                editor_keep(e, i);
        return true;
}

const char *late_text(const struct editor *e, size_t i) {
        const struct conf_line *l = &e->c->lines[i];
        const struct devline *d = &e->lines[i];
        const char *text = d->driver && !d->late ? devline_replace(e->a, l->text, d->raw_number,
                                                                   rule_number(e, d))
                                                 : bytes_dup(e->a, l->text);
        bool cr = bytes_equal(l->eol, BYTES("\r\n")) && streq(e->c->eol, "\n");

        return cr ? arena_printf(e->a, "%s\r", text) : text; /* one CRLF in a file of LF */
}
