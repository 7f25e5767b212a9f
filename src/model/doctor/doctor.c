/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* doctor - the table of checks, and reports */
#include "model/doctor/doctor.h"

const struct doctor_check_kind doctor_checks[DOCTOR_CHECKS] = {
#define CHECK(symbol, name, group, title) [DOCTOR_##symbol] = { name, DOCTOR_##group, title },
#include "model/doctor/doctor.def"
};

const struct doctor_outcome_kind doctor_outcomes[DOCTOR_OUTCOMES] = {
#define OUTCOME(check, symbol, verdict, evidence, advice, command)                                 \
        [OUTCOME_##check##_##                                                                      \
                symbol] = { DOCTOR_##check, DOCTOR_##verdict, evidence, advice, command },
#define SHARED(symbol, verdict, evidence, advice, command)                                         \
        [OUTCOME_##symbol] = { DOCTOR_CHECKS, DOCTOR_##verdict, evidence, advice, command },
#include "model/doctor/doctor.def"
};

const struct doctor_remedy_kind doctor_remedies[DOCTOR_REMEDIES] = {
        [REMEDY_OWN] = { "", "" },
#define REMEDY(symbol, advice, command) [REMEDY_##symbol] = { advice, command },
#include "model/doctor/doctor.def"
};

const char *const doctor_reasons[DOCTOR_REASONS] = {
#define REASON(symbol, text) [REASON_##symbol] = text,
#include "model/doctor/doctor.def"
};

static const char *copy(struct arena *a, const char *s) {
        return s ? arena_strdup(a, s) : NULL;
}

void doctor_add(struct doctor_report *r, struct doctor_item item) {
        const struct doctor_outcome_kind *kind = &doctor_outcomes[item.outcome];
        size_t alike = 0;

        if (kind->check != DOCTOR_CHECKS)
                item.check = kind->check;
        item.verdict = kind->verdict;
        for (size_t i = 0; i < r->n; i++)
                alike += r->items[i].check == item.check && r->items[i].verdict == item.verdict;
        if (alike >= DOCTOR_MAX_ALIKE) {
                r->left_out++;
                return;
        }
        item.subject = copy(r->arena, item.subject);
        item.gpu = copy(r->arena, item.gpu);
        item.old = copy(r->arena, item.old);
        item.new = copy(r->arena, item.new);
        item.what = copy(r->arena, item.what);
        item.where = copy(r->arena, item.where);
        item.arg = copy(r->arena, item.arg);
        item.edit.key = copy(r->arena, item.edit.key);
        item.edit.value = copy(r->arena, item.edit.value);
        if (item.finding) {
                struct findings one = { .arena = r->arena };

                finding_add(&one, *item.finding);
                item.finding = one.items;
        }
        *ARENA_PUSH(r->arena, r->items, r->n) = item;
}

void doctor_add_said(struct doctor_report *r, const struct findings *findings,
                     const struct doctor_said *said, size_t n) {
        for (size_t i = 0; i < findings->n; i++)
                for (size_t j = 0; j < n; j++)
                        if (findings->items[i].code == said[j].code)
                                doctor_add(r, (struct doctor_item){
                                                      .outcome = said[j].outcome,
                                                      .finding = &findings->items[i] });
}

void doctor_add_if_silent(struct doctor_report *r, enum doctor_outcome outcome) {
        if (!doctor_has(r, doctor_outcomes[outcome].check))
                doctor_add(r, (struct doctor_item){ .outcome = outcome });
}

bool doctor_has(const struct doctor_report *r, enum doctor_check check) {
        for (size_t i = 0; i < r->n; i++)
                if (r->items[i].check == check)
                        return true;
        return false;
}

void doctor_sort(struct doctor_report *r) {
        struct doctor_item *sorted = arena_alloc(r->arena, (r->n + 1) * sizeof(*sorted));
        size_t n = 0;

        for (enum doctor_check check = 0; check < DOCTOR_CHECKS; check++)
                for (size_t i = 0; i < r->n; i++)
                        if (r->items[i].check == check)
                                sorted[n++] = r->items[i];
        r->items = sorted;
}

size_t doctor_count(const struct doctor_report *r, enum doctor_verdict v) {
        size_t n = 0;

        for (size_t i = 0; i < r->n; i++)
                n += r->items[i].verdict == v;
        return n;
}

const struct doctor_item *doctor_first(const struct doctor_report *r, enum doctor_verdict v) {
        for (size_t i = 0; i < r->n; i++)
                if (r->items[i].verdict == v)
                        return &r->items[i];
        return NULL;
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
