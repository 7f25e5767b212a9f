/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * ways - what the container gets beside the lines that are managed
 *
 * Nothing is edited here: what else of such a line the container needs is its owner's to say.
 */
#include "model/plan/ways.h"

static bool is_unseen(const struct devline *d) {
        return d->type == DEVLINE_NONE && d->at && d->at->kind == SOURCE_UNKNOWN &&
               (d->target_path.scope == PATH_FOLDER || d->target_path.scope == PATH_ALL);
}

const char *ways_report(struct arena *a, const struct plan_input *in, struct findings *f) {
        const char *first = NULL;

        for (size_t i = 1; i < in->survey->n_lines; i++) {
                const struct conf_line *l = &in->conf->lines[i];
                const struct devline *d = &in->survey->lines[i];
                struct finding item = { .where = arena_printf(a, "%s:%zu", in->name, l->number),
                                        .old = bytes_dup(a, l->text) };

                if (d->type == DEVLINE_WHOLE) {
                        item.code = d->broken ? FINDING_MOUNT_POINT : FINDING_EVERY_GPU;
                        item.what = d->broken;
                        item.new = bytes_dup(a, l->key);
                        finding_add(f, item);
                        first = first ? first : item.where;
                } else if (is_unseen(d)) {
                        item.code = FINDING_SOURCE_UNSEEN;
                        item.old = d->source;
                        item.what = d->at->why;
                        finding_add(f, item);
                }
        }
        return first;
}
