/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * watch-state - baseline and ledger in one text
 *
 * They belong together: a baseline that has taken a change over, without the
 * ledger that says it was reported, would report it twice or never.
 */
#include "model/watch/state.h"

#define SECOND_PART "\ngpuanchor-ledger "

struct bytes watch_state_write(struct arena *a, const struct watch_state *s) {
        struct strbuf t = { .arena = a };
        struct bytes part = baseline_write(a, &s->baseline);

        strbuf_add(&t, part.data, part.len);
        part = ledger_write(a, &s->ledger);
        strbuf_add(&t, part.data, part.len);
        return strbuf_bytes(&t);
}

bool watch_state_read(struct arena *a, struct bytes text, struct watch_state *ret) {
        const char *cut =
                text.len ? memmem(text.data, text.len, SECOND_PART, strlen(SECOND_PART)) : NULL;
        struct watch_state s;
        size_t first;

        if (!cut)
                return false;
        first = (size_t)(cut + 1 - text.data);
        if (!baseline_read(a, (struct bytes){ text.data, first }, &s.baseline) ||
            !ledger_read(a, (struct bytes){ text.data + first, text.len - first }, &s.ledger))
                return false;
        *ret = s;
        return true;
}
