/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * fuzz-idmap - any lines, any wishes
 *
 * Input is text: lines that begin with "g" are lxc.idmap values, "want INSIDE
 * OUTSIDE" is a wish and "ours INSIDE" a container id of ours; other lines only
 * go through the parser. What idmap_punch() accepts is checked at every id where
 * an extent or a wish begins or ends, on which side of it whatever happens
 * happens; idmap_prove() has no say here. Then twice must be once.
 */
#include "model/idmap/idmap.h"

#include "base/number.h"

#define MAX_LIST 4096 /* extents, wishes, ids of ours */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
        struct idmap map;
        struct id_pair *wants;
        uint32_t *ours;
        size_t n_wants, n_ours;
};

#define MUST(condition)                                                                            \
        do {                                                                                       \
                if (!(condition)) {                                                                \
                        fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);            \
                        abort();                                                                   \
                }                                                                                  \
        } while (0)

/* What was parsed must come back from what is written. */
static void add_extent(struct arena *a, struct input *in, struct bytes line) {
        struct extent e, again;
        char type, again_type;
        const char *text;
        enum idmap_problem p = idmap_parse_line(line, &type, &e);

        MUST(p == IDMAP_OK || p == IDMAP_E_SYNTAX || p == IDMAP_E_OVERFLOW);
        if (p)
                return;
        text = arena_printf(a, "%c %u %u %u", type, e.inside, e.outside, e.count);
        MUST(idmap_parse_line(bytes_of(text), &again_type, &again) == IDMAP_OK);
        MUST(again_type == type && !memcmp(&again, &e, sizeof(e)));
        MUST(type == 'u' || type == 'g');
        if (type == 'g')
                *ARENA_PUSH(a, in->map.extents, in->map.n_extents) = e;
}

static void add_line(struct arena *a, struct input *in, struct bytes line) {
        struct bytes rest = line, word = bytes_word(&rest);
        struct id_pair w;

        if (bytes_equal(word, BYTES("want"))) {
                if (parse_u32(bytes_word(&rest), &w.inside) &&
                    parse_u32(bytes_word(&rest), &w.outside))
                        *ARENA_PUSH(a, in->wants, in->n_wants) = w;
        } else if (bytes_equal(word, BYTES("ours"))) {
                if (parse_u32(bytes_word(&rest), &w.inside))
                        *ARENA_PUSH(a, in->ours, in->n_ours) = w.inside;
        } else {
                add_extent(a, in, line);
        }
}

static struct input read_input(struct arena *a, struct bytes text) {
        struct input in = { .map = { NULL, 0 } };

        while (text.len > 0 && in.n_wants < MAX_LIST && in.n_ours < MAX_LIST) {
                const char *end = memchr(text.data, '\n', text.len);
                size_t len = end ? (size_t)(end - text.data) : text.len;

                add_line(a, &in, (struct bytes){ text.data, len });
                len += end != NULL;
                text.data += len;
                text.len -= len;
        }
        return in;
}

/* How often @id is on one side of @map, and what is on the other; -1 for nothing. */
static unsigned find(const struct idmap *map, bool host_side, uint64_t id, int64_t *ret) {
        unsigned n = 0;

        *ret = -1;
        for (size_t i = 0; i < map->n_extents; i++) {
                const struct extent *e = &map->extents[i];
                uint64_t from = host_side ? e->outside : e->inside;
                uint64_t to = host_side ? e->inside : e->outside;

                if (id < from || id - from >= e->count)
                        continue;
                *ret = (int64_t)(to + (id - from));
                n++;
        }
        return n;
}

static bool has_wish(const struct input *in, uint64_t inside, int64_t *ret) {
        for (size_t i = 0; i < in->n_wants; i++) {
                if (in->wants[i].inside != inside)
                        continue;
                *ret = in->wants[i].outside;
                return true;
        }
        return false;
}

static bool is_ours(const struct input *in, uint64_t inside) {
        for (size_t i = 0; i < in->n_ours; i++)
                if (in->ours[i] == inside)
                        return true;
        return false;
}

static void check_inside(const struct input *in, const struct idmap *result, uint64_t id) {
        int64_t before, after, wish;

        find(&in->map, false, id, &before);
        MUST(find(result, false, id, &after) == (before >= 0 ? 1 : 0));
        if (has_wish(in, id, &wish))
                MUST(after == wish && wish != 0);
        else if (!is_ours(in, id))
                MUST(after == before);
        else if (after != before)
                MUST(after > 0);
}

static void check_around(const struct input *in, const struct idmap *result, uint64_t id) {
        for (uint64_t x = id > 0 ? id - 1 : id; x <= id + 1; x++)
                check_inside(in, result, x);
}

static void check_around_host(const struct idmap *result, uint64_t id) {
        int64_t ignored;

        for (uint64_t x = id > 0 ? id - 1 : id; x <= id + 1; x++)
                MUST(find(result, true, x, &ignored) <= 1);
}

static void check_edges(const struct input *in, const struct idmap *result,
                        const struct idmap *map) {
        for (size_t i = 0; i < map->n_extents; i++) {
                const struct extent *e = &map->extents[i];

                check_around(in, result, e->inside);
                check_around(in, result, (uint64_t)e->inside + e->count);
                check_around_host(result, e->outside);
                check_around_host(result, (uint64_t)e->outside + e->count);
        }
}

static void check_size(const struct idmap *result) {
        size_t len = 0;
        char line[40];

        for (size_t i = 0; i < result->n_extents; i++) {
                const struct extent *e = &result->extents[i];

                len += (size_t)snprintf(line, sizeof(line), "%u %u %u\n", e->inside, e->outside,
                                        e->count);
                MUST(i == 0 || e[-1].inside < e->inside);
        }
        MUST(result->n_extents <= 340);
        MUST(len + strlen("newgidmap 4194304") < 4096);
}

#define CHANGE(in) (&(struct idmap_change){ (in)->ours, (in)->n_ours, (in)->wants, (in)->n_wants })

static void check_again(struct arena *a, const struct input *in, const struct idmap *result) {
        struct idmap again;

        MUST(idmap_punch(a, result, CHANGE(in), &again) == IDMAP_OK);
        MUST(again.n_extents == result->n_extents);
        for (size_t i = 0; i < again.n_extents; i++)
                MUST(!memcmp(&again.extents[i], &result->extents[i], sizeof(struct extent)));
        MUST(idmap_equal(a, &again, result));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct arena a = { NULL };
        struct input in = read_input(&a, (struct bytes){ (const char *)data, size });
        struct idmap result;
        enum idmap_problem p;

        p = idmap_punch(&a, &in.map, CHANGE(&in), &result);
        MUST(p <= IDMAP_E_TOO_LONG); /* IDMAP_E_NOT_PROVED is a bug of ours */
        if (p == IDMAP_OK) {
                check_edges(&in, &result, &in.map);
                check_edges(&in, &result, &result);
                for (size_t i = 0; i < in.n_wants; i++)
                        check_around(&in, &result, in.wants[i].inside);
                check_size(&result);
                check_again(&a, &in, &result);
        }
        arena_done(&a);
        return 0;
}
