/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * ways - what the container gets beside the lines that are managed
 *
 * Nothing is edited here: what else of such a line the container needs is its owner's to say.
 */
#include "model/plan/ways.h"

#include "model/conf/legacy.h"
#include "model/finding/reason.h"
#include "model/ways/other-way.h"
#include "model/ways/way-file.h"

struct teller {
        const struct plan_input *in;
        const struct plan *p;
        struct findings *f;
};

static bool is_unseen(const struct devline *d) {
        return d->type == DEVLINE_NONE && d->at && d->at->kind == SOURCE_UNKNOWN &&
               (d->target_path.scope == PATH_FOLDER || d->target_path.scope == PATH_ALL);
}

/* Proxmox looks at the last line of a name. */
static bool is_absent(const struct plan_input *in, size_t line) {
        const struct devline *d = &in->survey->lines[line];
        struct bytes key = in->conf->lines[line].key;

        if (d->type != DEVLINE_NONE || !d->at || d->at->kind != SOURCE_NOTHING ||
            !bytes_has_prefix(key, "dev"))
                return false;
        for (size_t i = line + 1; i < in->survey->n_lines; i++)
                if (bytes_equal(in->conf->lines[i].key, key))
                        return false;
        return true;
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

static const char *line_for(struct arena *a, const struct other_way *w, const struct node *n) {
        if (w->allows)
                return arena_printf(a, WHY_RULE_LINE, devnum_rule(a, n->number));
        return arena_printf(a, WHY_MOUNT_LINE,
                            devline_mount_value(a, bytes_of(n->path), n->path,
                                                (struct bytes){ 0 }));
}

/* The line that gives the container's own node of that kind. */
static const char *line_instead(const struct teller *t, const struct other_way *w) {
        struct arena *a = t->f->arena;
        const struct plan *p = t->p;
        const struct gpu *gpu;
        const struct node *now = w->now.major > 0 ? facts_node(t->in->facts, w->now, &gpu) : NULL;

        if (now)
                return line_for(a, w, now);
        for (size_t i = 0; p && choice_is_settled(&p->choice) && i < p->choice.gpus.n; i++) {
                const struct gpu *g = p->choice.gpus.items[i];

                for (size_t j = 0; j < g->n_nodes; j++)
                        if (w->kinds & NODE_BIT(g->nodes[j].kind))
                                return line_for(a, w, &g->nodes[j]);
        }
        return NULL;
}

const char *ways_devices(struct arena *a, const struct survey *s, const struct plan *p) {
        uint32_t kinds = p ? p->devices : s->given;

        for (size_t i = 1; i < s->n_lines; i++)
                if (s->lines[i].type == DEVLINE_WHOLE)
                        kinds |= s->lines[i].path.kinds ? s->lines[i].path.kinds : DRM_KINDS;
        return node_kinds_option(a, kinds ? kinds : DRM_KINDS);
}

bool ways_give_others(const struct facts *f, const struct plan *p, const struct other_way *w) {
        for (size_t i = 0; w->folder && i < f->n_gpus; i++) {
                const struct gpu *g = &f->gpus[i];

                for (size_t j = 0; j < g->n_nodes; j++)
                        if ((w->kinds & NODE_BIT(g->nodes[j].kind)) &&
                            (!p || !gpu_list_has(&p->choice.gpus, g)))
                                return true;
        }
        return false;
}

static void report_way(const struct teller *t, const struct other_way *w, struct finding item) {
        struct arena *a = t->f->arena;
        const struct plan *p = t->p;
        const char *why = NULL, *instead;

        if (!w->node && !w->all)
                why = WHY_NO_GPU_HAS;
        else if (p && w->gpu && choice_is_settled(&p->choice) &&
                 !gpu_list_has(&p->choice.gpus, w->gpu))
                why = arena_printf(a, WHY_OTHER_GPU_HAS, w->gpu->address);
        instead = why ? line_instead(t, w) : NULL;
        item.code = why          ? FINDING_HOOK_STALE
                    : w->changes ? FINDING_HOOK_CHANGES
                                 : FINDING_HOOK_NAMES;
        item.what = w->file ? arena_printf(a, WHY_IN_FILE, w->text, w->file) : w->text;
        item.new = instead ? arena_printf(a, WHY_LINE_INSTEAD, why, instead) : why;
        finding_add(t->f, item);
}

/* A hook, or lines of another file; whether they give GPUs that nobody chose. */
static bool report_other_ways(const struct teller *t, size_t line) {
        const struct plan_input *in = t->in;
        struct findings *f = t->f;
        const struct other_ways *ways = &in->survey->other_ways;
        const struct conf_line *l = &in->conf->lines[line];
        struct finding item = { .where = arena_printf(f->arena, "%s:%zu", in->name, l->number),
                                .old = bytes_dup(f->arena, l->text) };
        bool any = false;

        for (size_t i = 0; i < ways->n_unread; i++) {
                const struct unread_way *u = &ways->unread[i];

                if (u->line != line)
                        continue;
                item.code = u->ends ? FINDING_WAY_ENDS : FINDING_OTHER_FILE;
                item.what = u->path;
                item.new = u->why;
                finding_add(f, item);
        }
        for (size_t i = 0; i < ways->n; i++) {
                const struct other_way *w = &ways->items[i];
                struct finding every = { .code = FINDING_EVERY_GPU, .where = item.where };

                if (w->line != line)
                        continue;
                if (!ways_give_others(in->facts, t->p, w)) {
                        report_way(t, w, item);
                        continue;
                }
                every.old = arena_printf(f->arena, WHY_IN_FILE, w->text, w->file);
                every.what = ways_devices(f->arena, in->survey, t->p);
                finding_add(f, every);
                any = true;
        }
        return any;
}

const char *ways_report(struct arena *a, const struct plan_input *in, const struct plan *p,
                        struct findings *f) {
        struct teller t = { in, p, f };
        const char *first = NULL;

        for (size_t i = 1; i < in->survey->n_lines; i++) {
                const struct conf_line *l = &in->conf->lines[i];
                const struct devline *d = &in->survey->lines[i];
                struct finding item = { .where = arena_printf(a, "%s:%zu", in->name, l->number),
                                        .old = bytes_dup(a, l->text) };

                if (d->type == DEVLINE_WHOLE) {
                        item.code = d->broken ? FINDING_MOUNT_POINT : FINDING_EVERY_GPU;
                        item.what = ways_devices(a, in->survey, p);
                        item.new = bytes_dup(a, l->key);
                        finding_add(f, item);
                        first = first ? first : item.where;
                } else if (legacy_is_key(l->key) && !will_go(in, d, p)) {
                        item.code =
                                in->facts->lxc_is_7 ? FINDING_LEGACY_KEY_ENDS : FINDING_LEGACY_KEY;
                        item.new = legacy_remedy(a, in, l);
                        finding_add(f, item);
                } else if (way_is(l)) {
                        if (report_other_ways(&t, i) && !first)
                                first = item.where;
                } else if (is_absent(in, i)) {
                        item.code = FINDING_DEVICE_ABSENT;
                        item.what = d->source;
                        item.new = bytes_dup(a, l->key);
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
