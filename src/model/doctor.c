/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* doctor - the table of checks, and reports */
#include "model/doctor.h"

const struct doctor_check_kind doctor_checks[DOCTOR_CHECKS] = {
#define CHECK(symbol, name, group, title) [DOCTOR_##symbol] = { name, DOCTOR_##group, title },
#include "model/doctor.def"
#undef CHECK
};

static const char *copy(struct arena *a, const char *s) {
        return s ? arena_strdup(a, s) : NULL;
}

void doctor_add(struct doctor_report *r, struct doctor_item item) {
        item.subject = copy(r->arena, item.subject);
        item.evidence = copy(r->arena, item.evidence);
        item.advice = copy(r->arena, item.advice);
        item.mend = copy(r->arena, item.mend);
        if (item.finding) {
                struct findings one = { .arena = r->arena };

                finding_add(&one, *item.finding);
                item.finding = one.items;
        }
        *ARENA_PUSH(r->arena, r->items, r->n) = item;
}

size_t doctor_count(const struct doctor_report *r, enum doctor_verdict v) {
        size_t n = 0;

        for (size_t i = 0; i < r->n; i++)
                n += r->items[i].verdict == v;
        return n;
}

const struct doctor_item *doctor_first(const struct doctor_report *r, enum doctor_verdict v) {
        const struct doctor_item *first = NULL;

        for (size_t i = 0; i < r->n; i++) {
                const struct doctor_item *item = &r->items[i];

                if (item->verdict == v && (!first || doctor_checks[item->check].group <
                                                             doctor_checks[first->check].group))
                        first = item;
        }
        return first;
}

const char *doctor_group_name(enum doctor_group g) {
        static const char *const names[DOCTOR_GROUPS] = {
                [DOCTOR_HOST] = "host", [DOCTOR_FILE] = "layer-1",  [DOCTOR_CGROUP] = "layer-2",
                [DOCTOR_CONF] = "file", [DOCTOR_INSIDE] = "inside", [DOCTOR_SERVICE] = "layer-3",
        };

        return names[g];
}

const char *doctor_group_title(enum doctor_group g) {
        static const char *const titles[DOCTOR_GROUPS] = {
                [DOCTOR_HOST] = "Host",
                [DOCTOR_FILE] = "Layer 1: file permission",
                [DOCTOR_CGROUP] = "Layer 2: device cgroup of the container",
                [DOCTOR_CONF] = "Container file",
                [DOCTOR_INSIDE] = "Inside the container",
                [DOCTOR_SERVICE] = "Layer 3: services in the container",
        };

        return titles[g];
}

const char *doctor_verdict_name(enum doctor_verdict v) {
        static const char *const names[] = {
                [DOCTOR_OK] = "ok",
                [DOCTOR_SKIPPED] = "skipped",
                [DOCTOR_WARNING] = "warning",
                [DOCTOR_FAILED] = "failed",
        };

        return names[v];
}

int doctor_exit(const struct doctor_report *r) {
        return doctor_count(r, DOCTOR_WARNING) + doctor_count(r, DOCTOR_FAILED) > 0;
}
