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

/* The only GPU whose render node the lines name, which is most likely the wanted one. */
static const struct gpu *likely_gpu(struct arena *a, const struct doctor_guest *g) {
        const struct gpu *likely = NULL;
        struct doctor_given *given;
        size_t n = doctor_given(a, g, &given);

        for (size_t i = 0; i < n; i++) {
                if (!given[i].gpu || !given[i].node || given[i].node->kind != NODE_RENDER)
                        continue;
                if (likely && likely != given[i].gpu)
                        return NULL;
                likely = given[i].gpu;
        }
        return likely;
}

void doctor_correct_lines(struct arena *a, const struct doctor_guest *g, struct doctor_item *item) {
        const struct gpu *likely;

        if (g->left_alone) {
                item->remedy = REMEDY_SEE_POLICY;
        } else if (choice_is_settled(&g->plan->choice)) {
                item->remedy = g->managed ? REMEDY_APPLY : REMEDY_ENABLE_APPLY;
        } else if ((likely = likely_gpu(a, g))) {
                item->remedy = REMEDY_ENABLE_GPU;
                item->arg = doctor_shell_word(a, gpu_selector(a, likely));
        } else {
                item->remedy = REMEDY_SEE_CHOICE;
        }
}

void doctor_add_lines(struct doctor_report *r, const struct doctor_guest *g,
                      struct doctor_item item) {
        doctor_correct_lines(r->arena, g, &item);
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
