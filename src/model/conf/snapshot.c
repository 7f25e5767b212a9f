/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * snapshot - device lines that were right when the snapshot was made
 *
 * A rollback replaces the current section with the snapshot's, device lines and
 * all (PVE::AbstractConfig, snapshot_rollback). Nothing is changed in there:
 * the first start afterwards corrects what came back.
 */
#include "model/conf/snapshot.h"

#include "model/conf/recognise.h"
#include "model/conf/survey.h"

/* A line that gives one node, of a GPU that is not meant; a folder gives them all and names none. */
static bool is_stale(const struct snapshot_query *q, const struct devline *d) {
        const struct gpu *g;

        if ((d->type != DEVLINE_MOUNT && d->type != DEVLINE_DEV) || d->path.scope == PATH_FOLDER)
                return false;
        g = devline_gpu(q->facts, d);
        return g ? !gpu_list_has(q->gpus, g)
                 : (devline_kinds(q->facts, d) & ~family_shared_kinds()) != 0;
}

static void check_one(const struct snapshot_query *q, const struct pctconf *c,
                      struct bytes snapshot, struct findings *f) {
        struct arena *a = f->arena;

        for (size_t i = 1; i < c->n_lines; i++) {
                struct devline d;

                if (c->lines[i].key.len == 0)
                        continue;
                d = recognise_line(a, q->facts, &c->lines[i]);
                if (!is_stale(q, &d))
                        continue;
                finding_add(f, (struct finding){ .code = FINDING_SNAPSHOT_STALE,
                                                 .what = bytes_dup(a, snapshot),
                                                 .where = q->name,
                                                 .old = bytes_dup(a, c->lines[i].text) });
                return;
        }
}

void snapshots_check(const struct snapshot_query *q, struct bytes tail, struct findings *f) {
        if (q->gpus->n == 0 || !bytes_contains(tail, "/dev/"))
                return;
        while (tail.len > 0) {
                /* "[name]", or it would not be a section */
                struct bytes title = bytes_trim(bytes_cut(&tail, '\n'));
                struct pctconf c;

                pctconf_parse(f->arena, PCTCONF_PVE, tail, &c);
                if (title.len > 2 && !bytes_contains_char(title, ':'))
                        check_one(q, &c, (struct bytes){ title.data + 1, title.len - 2 }, f);
                tail = c.tail;
        }
}
