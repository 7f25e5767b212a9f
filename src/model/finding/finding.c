/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* finding - the table of kinds, and lists of findings */
#include "model/finding/finding.h"

const struct finding_kind finding_kinds[FINDING_CODES] = {
#define FINDING(symbol, code, severity, id, text, remedy) \
        [FINDING_##symbol] = { code, severity, id, text, remedy },
#include "model/finding/finding.def"
#undef FINDING
};

const char *severity_name(enum severity s) {
        return s <= SEV_ERROR     ? "error"
               : s == SEV_WARNING ? "warning"
               : s == SEV_NOTICE  ? "notice"
                                  : "info";
}

const char *severity_label(enum severity s) {
        return s <= SEV_ERROR ? "error: " : s == SEV_WARNING ? "warning: " : "";
}

static bool same(const char *a, const char *b) {
        return a == b || (a && b && streq(a, b));
}

static const char *copy(struct arena *a, const char *s) {
        return s ? arena_strdup(a, s) : NULL;
}

enum severity finding_severity(const struct finding *f) {
        return f->severity ? f->severity : finding_kinds[f->code].severity;
}

bool finding_equal(const struct finding *a, const struct finding *b) {
        return a->code == b->code && a->severity == b->severity && a->vmid == b->vmid &&
               same(a->gpu, b->gpu) && same(a->old, b->old) && same(a->new, b->new) &&
               same(a->what, b->what) && same(a->where, b->where);
}

/* Of a file with thousands of lines there may be as many findings. */
static uint64_t hash_of(const struct finding *f) {
        const char *const texts[] = { f->gpu, f->old, f->new, f->what, f->where };
        uint64_t h = BYTES_HASH ^ (uint64_t)f->code;

        for (size_t i = 0; i < ELEMENTS(texts); i++)
                h = bytes_hash(bytes_hash(h, bytes_of(texts[i] ? texts[i] : "")), BYTES("\xff"));
        return h;
}

void finding_add(struct findings *f, struct finding item) {
        item.hash = hash_of(&item);
        for (size_t i = 0; i < f->n; i++)
                if (f->items[i].hash == item.hash && finding_equal(&f->items[i], &item))
                        return;
        item.gpu = copy(f->arena, item.gpu);
        item.name = copy(f->arena, item.name);
        item.old = copy(f->arena, item.old);
        item.new = copy(f->arena, item.new);
        item.what = copy(f->arena, item.what);
        item.where = copy(f->arena, item.where);
        *ARENA_PUSH(f->arena, f->items, f->n) = item;
}

int findings_worst(const struct findings *f) {
        int worst = SEV_INFO + 1;

        for (size_t i = 0; i < f->n; i++)
                if ((int)finding_severity(&f->items[i]) < worst)
                        worst = (int)finding_severity(&f->items[i]);
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

bool finding_is_edit(enum finding_code code) {
        return finding_is_change(code) || code == FINDING_LINE_OTHER_GPU;
}

bool finding_is_way(enum finding_code code) {
        return code == FINDING_NVIDIA_HOOK || code == FINDING_HOOK_NAMES ||
               code == FINDING_OTHER_FILE;
}

bool finding_is_event(enum finding_code code) {
        switch (code) {
        case FINDING_GPU_RENUMBERED:
        case FINDING_GPU_MOVED:
        case FINDING_GPU_BACK:
        case FINDING_GPU_NEW:
        case FINDING_GPU_DRIVER_CHANGED:
        case FINDING_DRIVER_VERSION_CHANGED:
        case FINDING_GROUP_CHANGED:
        case FINDING_NODE_MODE_CHANGED:
        case FINDING_BASELINE_NEW:
        case FINDING_TOO_MANY:
                return true;
        default:
                return false;
        }
}
