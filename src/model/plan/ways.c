/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * ways - what the container gets beside the lines that are managed
 *
 * Nothing is edited here: what else of such a line the container needs is its owner's to say.
 */
#include "model/plan/ways.h"

#include "model/conf/legacy.h"
#include "model/finding/reason.h"

static bool is_unseen(const struct devline *d) {
        return d->type == DEVLINE_NONE && d->at && d->at->kind == SOURCE_UNKNOWN &&
               (d->target_path.scope == PATH_FOLDER || d->target_path.scope == PATH_ALL);
}

/* A rule for GPUs becomes one of cgroup v2 when the plan is carried out, and that is said then. */
static bool will_go(const struct plan_input *in, const struct devline *d, const struct plan *p) {
        return p && d->type == DEVLINE_ALLOW && (devline_kinds(in->facts, d) & p->devices);
}

static const char *legacy_remedy(struct arena *a, const struct plan_input *in,
                                 const struct conf_line *l) {
        struct legacy r = legacy_replacement(a, in->facts, l);

        return r.key ? arena_printf(a, WHY_V1_REPLACE, r.key, r.value) : r.why;
}

const char *ways_report(struct arena *a, const struct plan_input *in, const struct plan *p,
                        struct findings *f) {
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
                } else if (legacy_is_key(l->key) && !will_go(in, d, p)) {
                        item.code = in->facts->lxc_is_7 ? FINDING_LEGACY_KEY_ENDS : FINDING_LEGACY_KEY;
                        item.new = legacy_remedy(a, in, l);
                        finding_add(f, item);
                } else if (is_unseen(d)) {
                        item.code = FINDING_SOURCE_UNSEEN;
                        item.old = d->source;
                        item.what = d->at->why;
                        finding_add(f, item);
                }
        }
        return first;
}
