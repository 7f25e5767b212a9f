/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * container - what the lines of a container give it, and how they are corrected
 *
 * Most containers that doctor is used for are not managed yet; their lines came from a guide.
 */
#include "model/doctor/container.h"

#include "model/conf/legacy.h"

size_t doctor_given(struct arena *a, const struct doctor_guest *g, struct doctor_given **ret) {
        struct doctor_given *given = NULL;
        size_t n = 0;

        for (size_t i = 1; i < g->survey->n_lines; i++) {
                const struct devline *d = &g->survey->lines[i];
                struct doctor_given *item;

                if (d->type != DEVLINE_MOUNT && d->type != DEVLINE_DEV)
                        continue;
                item = ARENA_PUSH(a, given, n);
                *item = (struct doctor_given){ .line = i, .d = d };
                item->node = devline_node(g->facts, d, &item->gpu);
        }
        *ret = given;
        return n;
}

const char *doctor_where(struct arena *a, const struct doctor_guest *g, size_t line) {
        return arena_printf(a, "%s:%zu", g->name, g->conf->lines[line].number);
}

/* Whether `gpuanchor apply` writes nothing: the check lock says why. */
static bool is_locked(const struct pctconf *conf) {
        struct bytes value;

        return pctconf_get(conf, "lock", &value) || pctconf_is_template(conf);
}

/* What `gpuanchor apply` would not do a person has to: the remedy is the check that says why. */
void doctor_correct_lines(const struct doctor_guest *g, struct doctor_item *item) {
        if (g->left_alone && !g->plan->choice.undecided)
                item->remedy = REMEDY_SEE_POLICY;
        else if (!choice_is_settled(&g->plan->choice))
                item->remedy = REMEDY_SEE_CHOICE;
        else if (is_locked(g->conf))
                item->remedy = REMEDY_SEE_LOCK;
        else if (g->too_large || (g->managed && g->refuse))
                item->remedy = REMEDY_SEE_NEXT_START;
        else if (g->managed && !g->edits)
                item->remedy = REMEDY_SEE_PLAN;
        else
                item->remedy = g->managed ? REMEDY_APPLY : REMEDY_ENABLE_APPLY;
}

struct enrolment doctor_enrolment(const struct doctor_guest *g) {
        return (struct enrolment){ g->vmid, &g->plan->choice, g->left_alone };
}

void doctor_enrol(struct arena *a, const struct doctor_guest *g, struct doctor_item *item) {
        struct enrolment e = doctor_enrolment(g);

        item->remedy = enrol_is_plain(&e) ? REMEDY_ENABLE : REMEDY_ENROL;
        item->arg = enrol_command(a, &e);
}

void doctor_judge_hole(const struct doctor_guest *g, const struct extent *hole,
                       struct doctor_item *item) {
        if (hole->outside >= FIRST_USER_GID || facts_has_gid(g->facts, hole->outside))
                return;
        item->outcome = OUTCOME_DELEGATED_NO_GROUP;
        for (int i = 0; i < GID_GROUPS; i++)
                if (g->plan->gids[i].in_map && g->plan->gids[i].map_inside == hole->inside)
                        doctor_correct_lines(g, item);
}

void doctor_add_lines(struct doctor_report *r, const struct doctor_guest *g,
                      struct doctor_item item) {
        doctor_correct_lines(g, &item);
        doctor_add(r, item);
}

size_t doctor_fix(const struct doctor_report *r, enum doctor_check check, struct pctconf *conf) {
        size_t n = 0;

        for (size_t i = 0; i < r->n; i++) {
                const struct doctor_edit *e = &r->items[i].edit;
                struct bytes key = conf->lines[e->line].key;

                if (e->line == 0 || r->items[i].check != check)
                        continue;
                if (e->value)
                        pctconf_insert(conf, e->line - 1,
                                       e->key ? e->key : bytes_dup(conf->arena, key), e->value);
                if (e->key || !e->value)
                        pctconf_drop(conf, e->line);
                n++;
        }
        return n;
}

bool doctor_fixes(struct arena *a, const struct conf_line *l) {
        struct devline d = devline_parse(a, l);
        struct extent base = idmap_default();

        if (d.type == DEVLINE_IDMAP)
                return bytes_equal(l->value, bytes_of(idmap_line(a, 'u', &base)));
        return (d.type == DEVLINE_ALLOW && d.any_major) || doctor_hook_chmods(l) ||
               (legacy_is_key(l->key) && !legacy_replacement(a, NULL, l).key);
}

/* ---- lines of an id map that was pasted: with a number not calculated again, or twice ---- */

#define MAX_MAP_LINES 2000 /* of the file, for those that are compared with each other */

bool map_is_too_long(const struct extent *e) {
        struct extent base = idmap_default();
        uint64_t end = (uint64_t)base.outside + base.count;

        return e->outside >= base.outside && e->outside < end &&
               e->outside + (uint64_t)e->count > end;
}

static bool read_line(const struct doctor_guest *g, size_t line, char *ret_type,
                      struct extent *ret) {
        return g->survey->lines[line].type == DEVLINE_IDMAP &&
               idmap_parse_line(g->conf->lines[line].value, ret_type, ret) == IDMAP_OK;
}

/* To delegate more than the ids of unprivileged containers would not be what is meant. */
static void check_length(struct doctor_report *r, const struct doctor_guest *g, size_t line) {
        struct extent base = idmap_default(), e, fit;
        struct arena *a = r->arena;
        char type;

        if (!read_line(g, line, &type, &e) || !map_is_too_long(&e))
                return;
        fit = e;
        fit.count = base.outside + base.count - e.outside;
        if (e.inside < base.count && fit.count > base.count - e.inside)
                fit.count = base.count - e.inside;
        doctor_add(r, (struct doctor_item){
                              .outcome = OUTCOME_IDMAP_TOO_LONG,
                              .subject = doctor_where(a, g, line),
                              .what = idmap_line(a, type, &e),
                              .old = arena_printf(a, "%llu",
                                                  e.outside + (unsigned long long)e.count - 1),
                              .new = arena_printf(a, "%u", base.count),
                              .remedy = REMEDY_FIX,
                              .edit = { line, idmap_line(a, type, &fit), "lxc.idmap" } });
}

static bool extents_meet(const struct extent *x, const struct extent *y) {
        return (x->inside < y->inside + (uint64_t)y->count &&
                y->inside < x->inside + (uint64_t)x->count) ||
               (x->outside < y->outside + (uint64_t)y->count &&
                y->outside < x->outside + (uint64_t)x->count);
}

/* The first line that @line shares ids with; 0 for none. */
static size_t line_met(const struct doctor_guest *g, size_t line, bool *ret_same) {
        struct extent own, other;
        char own_type, type;

        if (!read_line(g, line, &own_type, &own))
                return 0;
        for (size_t i = 1; i < line; i++)
                if (read_line(g, i, &type, &other) && type == own_type &&
                    extents_meet(&own, &other)) {
                        *ret_same = own.inside == other.inside && own.outside == other.outside &&
                                    own.count == other.count;
                        return i;
                }
        return 0;
}

/* A map that was pasted twice, or whose ranges overlap. */
static void check_repeated(struct doctor_report *r, const struct doctor_guest *g, size_t line) {
        bool same = false;
        size_t met = line_met(g, line, &same);

        if (met > 0)
                doctor_add(r, (struct doctor_item){
                                      .outcome = same ? OUTCOME_IDMAP_REPEATED
                                                      : OUTCOME_IDMAP_OVERLAP,
                                      .subject = doctor_where(r->arena, g, line),
                                      .what = bytes_dup(r->arena, g->conf->lines[line].text),
                                      .old = arena_printf(r->arena, "%zu",
                                                          g->conf->lines[met].number),
                                      .where = g->path,
                                      .edit.line = same ? line : 0 });
}

void map_check_lines(struct doctor_report *r, const struct doctor_guest *g) {
        for (size_t i = 1; i < g->survey->n_lines && i < MAX_MAP_LINES; i++) {
                check_length(r, g, i);
                check_repeated(r, g, i);
        }
}

void doctor_read_uids(struct arena *a, const struct doctor_guest *g, struct idmap *ret) {
        for (size_t i = 1; i < g->survey->n_lines; i++) {
                struct extent e;
                char type;

                if (g->survey->lines[i].type == DEVLINE_IDMAP &&
                    idmap_parse_line(g->conf->lines[i].value, &type, &e) == IDMAP_OK && type == 'u')
                        *ARENA_PUSH(a, ret->extents, ret->n_extents) = e;
        }
        if (!g->plan->has_map)
                *ARENA_PUSH(a, ret->extents, ret->n_extents) = idmap_default();
}
