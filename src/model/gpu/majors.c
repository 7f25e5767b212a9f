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

static const char *only_of(const struct char_major *m) {
        return m->only ? m->only : "";
}

static void add(struct arena *a, struct majors *list, const struct char_major *m) {
        for (size_t i = 0; i < list->n; i++) {
                const struct char_major *x = &list->items[i];

                if (x->major == m->major && streq(x->name, m->name) &&
                    streq(only_of(x), only_of(m)))
                        return;
        }
        if (list->n < MAJORS_MAX)
                *ARENA_PUSH(a, list->items, list->n) = *m;
}

void majors_add(struct arena *a, struct majors *list, uint32_t major, const char *owner) {
        add(a, list, &(struct char_major){ major, owner, NULL });
}

void majors_add_only(struct arena *a, struct majors *list, const struct majors *others,
                     const char *digest) {
        for (size_t i = 0; i < others->n; i++)
                add(a, list,
                    &(struct char_major){ others->items[i].major, others->items[i].name, digest });
}

struct majors majors_only(struct arena *a, const struct majors *list, const char *digest) {
        struct majors only = { 0 }, others = { 0 };

        for (size_t i = 0; i < list->n; i++) {
                const struct char_major *m = &list->items[i];

                if (!m->only)
                        majors_add(a, &others, m->major, m->name);
                else if (digest && streq(m->only, digest))
                        majors_add(a, &only, m->major, m->name);
        }
        return only.n > 0 ? only : others;
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

struct bytes majors_write(struct arena *a, const char *key, const struct majors *list) {
        struct strbuf b = { .arena = a };

        for (size_t i = 0; i < list->n; i++)
                strbuf_printf(&b, "%s%u %s%s%s\n", key, list->items[i].major, list->items[i].name,
                              list->items[i].only ? " " : "", only_of(&list->items[i]));
        return strbuf_bytes(&b);
}

bool majors_parse(struct arena *a, struct bytes line, struct majors *list) {
        struct bytes number = bytes_word(&line), name = bytes_word(&line), only = bytes_word(&line);
        struct char_major m = { .name = bytes_dup(a, name),
                                .only = only.len > 0 ? bytes_dup(a, only) : NULL };

        if (!parse_u32(number, &m.major) || name.len == 0 || bytes_trim(line).len > 0 ||
            !majors_is_dynamic(m.name) || strlen(only_of(&m)) != only.len) /* a NUL */
                return false;
        add(a, list, &m);
        return true;
}
