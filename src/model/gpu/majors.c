/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* majors - two lists, and what a number meant by them */
#include "model/gpu/majors.h"

#include "base/number.h"

bool majors_is_dynamic(const char *owner) {
        const struct family *f = family_of_owner(owner);

        return f && f->major == 0;
}

static const char *owner_in(const struct majors *list, uint32_t major) {
        for (size_t i = 0; i < list->n; i++)
                if (list->items[i].major == major)
                        return list->items[i].name;
        return NULL;
}

const char *majors_then(const struct facts *f, uint32_t major, bool *ret_sure) {
        const char *now = facts_major_name(f, major), *then = owner_in(&f->then, major);

        *ret_sure = true;
        if (!then && now && family_of_owner(now))
                return NULL;
        if (!then) {
                then = owner_in(&f->seen, major);
                *ret_sure = !now;
        }
        return then && now && streq(then, now) ? NULL : then;
}

void majors_add(struct arena *a, struct majors *list, uint32_t major, const char *owner) {
        for (size_t i = 0; i < list->n; i++)
                if (list->items[i].major == major && streq(list->items[i].name, owner))
                        return;
        if (list->n < MAJORS_MAX)
                *ARENA_PUSH(a, list->items, list->n) = (struct char_major){ major, owner };
}

/* Reserved numbers may go by a dynamic driver's pattern: 195 nvidia-frontend. */
static bool is_reserved(uint32_t major) {
        for (size_t i = 0; i < NODE_FAMILIES; i++)
                if (major == families[i].major)
                        return true;
        return false;
}

struct majors majors_learn(struct arena *a, const struct facts *f, const struct majors *seen) {
        struct majors list = { 0 };

        for (size_t i = 0; i < f->n_majors; i++)
                if (majors_is_dynamic(f->majors[i].name) && !is_reserved(f->majors[i].major))
                        majors_add(a, &list, f->majors[i].major, f->majors[i].name);
        for (size_t i = 0; i < seen->n; i++)
                majors_add(a, &list, seen->items[i].major, seen->items[i].name);
        return list;
}

struct bytes majors_write(struct arena *a, const struct majors *list) {
        struct strbuf b = { .arena = a };

        for (size_t i = 0; i < list->n; i++)
                strbuf_printf(&b, "%u %s\n", list->items[i].major, list->items[i].name);
        return strbuf_bytes(&b);
}

bool majors_parse(struct arena *a, struct bytes line, struct majors *list) {
        struct bytes number = bytes_word(&line), name = bytes_word(&line);
        uint32_t major;

        if (!parse_u32(number, &major) || name.len == 0 || bytes_trim(line).len > 0 ||
            !majors_is_dynamic(bytes_dup(a, name)))
                return false;
        majors_add(a, list, major, bytes_dup(a, name));
        return true;
}
