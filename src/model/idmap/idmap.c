/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * idmap - parse, check and look up
 *
 * The map of a container is a few long ranges with holes: single ids that are a
 * group of the host. What makes this more than arithmetic is other people's
 * behaviour. LXC and Proxmox read the same line with different number parsers.
 * The kernel takes a map whole or not at all, and the container then does not
 * start. Holes are made in punch.c, and proved in prove.c.
 */
#include "model/idmap/idmap.h"

#include "base/number.h"
#include "model/finding/reason.h"

/*
 * LXC reads numbers with strtoul(…, 0), Proxmox as Perl does: 044 is 36 to one
 * and 44 to the other. Only what means the same to both is a number.
 */
static enum idmap_problem parse_id(struct bytes word, uint32_t *ret) {
        if (word.len == 0 || (word.len > 1 && word.data[0] == '0'))
                return IDMAP_E_SYNTAX;
        for (size_t i = 0; i < word.len; i++)
                if (word.data[i] < '0' || word.data[i] > '9')
                        return IDMAP_E_SYNTAX;
        return parse_u32(word, ret) ? IDMAP_OK : IDMAP_E_OVERFLOW;
}

/* g 0 100000 65536 */
enum idmap_problem idmap_parse_line(struct bytes value, char *ret_type, struct extent *ret) {
        struct bytes type = bytes_word(&value);
        enum idmap_problem p;
        uint32_t n[3];

        if (type.len != 1 || (type.data[0] != 'u' && type.data[0] != 'g'))
                return IDMAP_E_SYNTAX;
        for (size_t i = 0; i < ELEMENTS(n); i++) {
                p = parse_id(bytes_word(&value), &n[i]);
                if (p)
                        return p;
        }
        if (bytes_word(&value).len > 0)
                return IDMAP_E_SYNTAX;
        if (!extent_fits(&(struct extent){ n[0], n[1], n[2] }))
                return IDMAP_E_OVERFLOW;

        *ret_type = type.data[0];
        *ret = (struct extent){ n[0], n[1], n[2] };
        return IDMAP_OK;
}

struct extent idmap_default(void) {
        return (struct extent){ 0, 100000, 65536 };
}

const char *idmap_line(struct arena *a, char type, const struct extent *e) {
        return arena_printf(a, "%c %u %u %u", type, e->inside, e->outside, e->count);
}

#define LONGEST_LINE (sizeof("4294967295 4294967295 4294967295\n") - 1)

static size_t text_length(const struct idmap *map) {
        size_t len = 0;

        for (size_t i = 0; i < map->n_extents; i++) {
                const struct extent *e = &map->extents[i];

                len += (size_t)snprintf(NULL, 0, "%u %u %u\n", e->inside, e->outside, e->count);
        }
        return len;
}

enum idmap_problem idmap_check(const struct idmap *map) {
        if (map->n_extents > IDMAP_MAX_EXTENTS)
                return IDMAP_E_TOO_LONG;
        for (size_t i = 0; i < map->n_extents; i++) {
                const struct extent *x = &map->extents[i];

                if (!extent_fits(x))
                        return IDMAP_E_OVERFLOW;
                for (size_t j = 0; j < i; j++) {
                        const struct extent *y = &map->extents[j];

                        if (ids_overlap(x->inside, x->count, y->inside, y->count))
                                return IDMAP_E_INSIDE_TWICE;
                        if (ids_overlap(x->outside, x->count, y->outside, y->count))
                                return IDMAP_E_OUTSIDE_TWICE;
                }
        }
        return map->n_extents > IDMAP_MAX_TEXT / LONGEST_LINE && text_length(map) > IDMAP_MAX_TEXT
                       ? IDMAP_E_TOO_LONG
                       : IDMAP_OK;
}

bool idmap_lookup(const struct idmap *map, uint32_t inside, uint32_t *ret) {
        const struct extent *e = idmap_extent_at(map, inside);

        if (!e)
                return false;
        *ret = e->outside + (inside - e->inside);
        return true;
}

bool idmap_lookup_outside(const struct idmap *map, uint32_t outside, uint32_t *ret) {
        const struct extent *e = idmap_extent_at_outside(map, outside);

        if (!e)
                return false;
        *ret = e->inside + (outside - e->outside);
        return true;
}

bool idmap_is_hole(const struct idmap *map, uint32_t inside) {
        const struct extent *e = idmap_extent_at(map, inside);

        return e && e->count == 1 && idmap_from_left(map, map, inside) != e->outside &&
               idmap_from_right(map, map, inside) != e->outside;
}

bool idmap_is_own(const struct idmap *map, uint32_t outside) {
        uint32_t inside;

        return outside >= FIRST_SUBGID && idmap_lookup_outside(map, outside, &inside) &&
               !idmap_is_hole(map, inside);
}

bool idmap_change_heals(const struct idmap_change *change, uint32_t inside) {
        for (size_t i = 0; i < change->n_healable; i++)
                if (change->healable[i] == inside)
                        return true;
        return false;
}

/* @map sorted and joined wherever that says the same, one-id extents too. */
static struct idmap flatten(struct arena *a, const struct idmap *map) {
        struct idmap flat = idmap_sorted(a, map);
        size_t n = 0;

        for (size_t i = 0; i < flat.n_extents; i++) {
                if (n > 0 && extent_continues(&flat.extents[n - 1], &flat.extents[i]))
                        flat.extents[n - 1].count += flat.extents[i].count;
                else
                        flat.extents[n++] = flat.extents[i];
        }
        flat.n_extents = n;
        return flat;
}

bool idmap_equal(struct arena *a, const struct idmap *x, const struct idmap *y) {
        struct idmap fx = flatten(a, x), fy = flatten(a, y);

        if (fx.n_extents != fy.n_extents)
                return false;
        for (size_t i = 0; i < fx.n_extents; i++)
                if (fx.extents[i].inside != fy.extents[i].inside ||
                    fx.extents[i].outside != fy.extents[i].outside ||
                    fx.extents[i].count != fy.extents[i].count)
                        return false;
        return true;
}

const char *idmap_problem_text(enum idmap_problem p) {
        static const char *const texts[] = {
                [IDMAP_OK] = WHY_IDMAP_RIGHT,
                [IDMAP_E_SYNTAX] = WHY_IDMAP_SYNTAX,
                [IDMAP_E_OVERFLOW] = WHY_IDMAP_OVERFLOW,
                [IDMAP_E_INSIDE_TWICE] = WHY_IDMAP_INSIDE_TWICE,
                [IDMAP_E_OUTSIDE_TWICE] = WHY_IDMAP_OUTSIDE_TWICE,
                [IDMAP_E_NOT_MAPPED] = WHY_IDMAP_NOT_MAPPED,
                [IDMAP_E_CONFLICT] = WHY_IDMAP_CONFLICT,
                [IDMAP_E_ROOT] = WHY_IDMAP_ROOT,
                [IDMAP_E_TOO_LONG] = WHY_IDMAP_TOO_LONG,
                [IDMAP_E_NOT_PROVED] = WHY_IDMAP_NOT_PROVED,
        };

        if ((size_t)p >= ELEMENTS(texts))
                return WHY_IDMAP_UNKNOWN;
        return texts[p];
}
