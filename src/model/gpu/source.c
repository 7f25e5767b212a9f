/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * source - a list of questions with their answers, in the order in which they were asked
 */
#include "model/gpu/source.h"

void sources_add(struct arena *a, struct sources *s, struct bytes path) {
        if (path.len == 0 || memchr(path.data, '\0', path.len) || s->n == SOURCES_MAX ||
            sources_find(s, path))
                return;
        ARENA_PUSH(a, s->items, s->n)->path = bytes_dup(a, path);
}

bool sources_add_file(struct arena *a, struct sources *s, struct bytes path) {
        sources_add(a, s, path);
        for (size_t i = 0; i < s->n; i++) {
                struct source *at = &s->items[i];

                if (!bytes_equal(bytes_of(at->path), path) || at->is_asked)
                        continue;
                at->is_asked = true;
                at->leads_to = NULL;
                return true;
        }
        return false;
}

const struct source *sources_find(const struct sources *s, struct bytes path) {
        for (size_t i = 0; i < s->n; i++)
                if (bytes_equal(bytes_of(s->items[i].path), path))
                        return &s->items[i];
        return NULL;
}

bool sources_failed(const struct sources *s) {
        for (size_t i = 0; i < s->n; i++)
                if (s->items[i].failed)
                        return true;
        return false;
}
