/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * status - what of a check is news, and its edits in words
 */
#include "model/watch/status.h"

#include "model/finding/reason.h"

#define MAX_EDITS 3
#define LOOK_OLD 300 /* seconds */

static const char *line_number(const char *where) {
        const char *colon = where ? strrchr(where, ':') : NULL;

        return colon ? colon + 1 : "?";
}

static const char *describe_edit(struct arena *a, const struct finding *f) {
        switch (f->code) {
        case FINDING_LINE_CHANGED:
                return arena_printf(a, WHY_EDIT_CHANGED, line_number(f->where), f->old, f->new);
        case FINDING_LINE_REMOVED:
        case FINDING_LINE_OTHER_GPU:
                return arena_printf(a, WHY_EDIT_REMOVED, line_number(f->where), f->old);
        case FINDING_LINE_ADDED:
                return arena_printf(a, WHY_EDIT_ADDED, f->new);
        case FINDING_HOLE_HEALED:
                return arena_printf(a, WHY_EDIT_HEALED, f->what);
        case FINDING_HOLE_CHANGED:
                return arena_printf(a, WHY_EDIT_HOLE_MOVED, f->what, f->new, f->old);
        default:
                return arena_printf(a, WHY_EDIT_HOLE, f->what, f->new);
        }
}

const char *status_edits_text(struct arena *a, const struct findings *f) {
        struct strbuf b = { .arena = a };
        size_t n = 0;

        for (size_t i = 0; i < f->n; i++)
                n += finding_is_edit(f->items[i].code);
        strbuf_printf(&b, WHY_EDITS, n, n == 1 ? "" : "s");
        for (size_t i = 0, named = 0; i < f->n && named < MAX_EDITS; i++)
                if (finding_is_edit(f->items[i].code))
                        strbuf_printf(&b, "%s%s", named++ ? "; " : ": ",
                                      describe_edit(a, &f->items[i]));
        if (n > MAX_EDITS)
                strbuf_printf(&b, WHY_EDITS_MORE, n - MAX_EDITS);
        return strbuf_str(&b);
}

const char *status_age_text(struct arena *a, int64_t seconds) {
        if (seconds < 0)
                return WHY_LOOKED_NEVER;
        if (seconds < 120)
                return arena_printf(a, WHY_AGO_SECONDS, (long long)seconds);
        if (seconds < 2 * 3600)
                return arena_printf(a, WHY_AGO_MINUTES, (long long)seconds / 60);
        return arena_printf(a, WHY_AGO_HOURS, (long long)seconds / 3600);
}

bool status_look_is_old(int64_t age, int64_t uptime) {
        return (age < 0 ? uptime : age) > LOOK_OLD;
}

bool status_tells(const struct finding *f) {
        if (finding_severity(f) > SEV_WARNING || finding_is_event(f->code))
                return false;
        switch (f->code) {
        case FINDING_NODE_FAKE:
        case FINDING_NVIDIA_FAKE:
        case FINDING_NODE_ABSENT:
        case FINDING_NVIDIA_ABSENT:
        case FINDING_NODE_GROUP_WRONG:
        case FINDING_NODE_GROUP_ROOT:
        case FINDING_ACCESS_WIDE:
        case FINDING_NODE_RENAMED:
        case FINDING_TARGET_TWICE:
                return false;
        default:
                return true;
        }
}
