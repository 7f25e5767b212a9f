/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* finding - the table of kinds, and lists of findings */
#include "model/finding.h"

const struct finding_kind finding_kinds[FINDING_CODES] = {
#define FINDING(symbol, code, severity, id, text, remedy) \
        [FINDING_##symbol] = { code, severity, id, text, remedy },
#include "model/finding.def"
#undef FINDING
};

static bool same(const char *a, const char *b) {
        return a == b || (a && b && streq(a, b));
}

static const char *copy(struct arena *a, const char *s) {
        return s ? arena_strdup(a, s) : NULL;
}

void finding_add(struct findings *f, struct finding item) {
        for (size_t i = 0; i < f->n; i++) {
                const struct finding *x = &f->items[i];

                if (x->code == item.code && same(x->gpu, item.gpu) && same(x->old, item.old) &&
                    same(x->new, item.new) && same(x->what, item.what) &&
                    same(x->where, item.where))
                        return;
        }
        *ARENA_PUSH(f->arena, f->items, f->n) = (struct finding){
                .code = item.code,
                .gpu = copy(f->arena, item.gpu),
                .old = copy(f->arena, item.old),
                .new = copy(f->arena, item.new),
                .what = copy(f->arena, item.what),
                .where = copy(f->arena, item.where),
        };
}

int findings_worst(const struct findings *f) {
        int worst = SEV_INFO + 1;

        for (size_t i = 0; i < f->n; i++)
                if ((int)finding_kinds[f->items[i].code].severity < worst)
                        worst = (int)finding_kinds[f->items[i].code].severity;
        return worst;
}

bool finding_is_change(enum finding_code code) {
        switch (code) {
        case FINDING_LINE_CHANGED:
        case FINDING_LINE_ADDED:
        case FINDING_LINE_REMOVED:
        case FINDING_HOLE_ADDED:
        case FINDING_HOLE_CHANGED:
        case FINDING_HOLE_HEALED:
                return true;
        default:
                return false;
        }
}
