/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * test-idmap - the named cases of the id map
 *
 * Maps are written as LXC users write them, without the type: what is expected
 * can be read aloud and compared with a container file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "model/idmap/idmap.h"

#define OURS(...) (const uint32_t[]){ __VA_ARGS__ }, ELEMENTS(((const uint32_t[]){ __VA_ARGS__ }))
#define WANTS(...)                                                                                 \
        (const struct id_pair[]){ __VA_ARGS__ }, ELEMENTS(((const struct id_pair[]){ __VA_ARGS__ }))
#define NONE NULL, 0
#define CHANGE(...) (&(struct idmap_change){ __VA_ARGS__ })

#define PLAIN "0 100000 65536"
/* the gid lines of three files from the wild */
#define GUIDE "0 100000 44, 44 44 1, 45 100045 62, 107 104 1, 108 100108 65428"
#define NPU "0 100000 44, 44 44 1, 45 100045 948, 993 993 1, 994 100994 64542"
#define BROKEN "0 100000 44, 44 44 1, 45 100045 59, 104 104 1, 105 101105 64431"

static struct arena arena;

static int tear_down(void **state) {
        arena_done(&arena);
        return 0;
}

static struct bytes cut(struct bytes *rest, char at) {
        const char *end = memchr(rest->data, at, rest->len);
        struct bytes item = { rest->data, end ? (size_t)(end - rest->data) : rest->len };

        rest->data += item.len + (end != NULL);
        rest->len -= item.len + (end != NULL);
        return item;
}

static struct idmap map_of(const char *text) {
        struct idmap map = { NULL, 0 };
        struct bytes rest = bytes_of(text);

        while (rest.len > 0) {
                struct bytes item = cut(&rest, ',');
                struct extent *e = ARENA_PUSH(&arena, map.extents, map.n_extents);
                char *line = arena_printf(&arena, "g %.*s", (int)item.len, item.data), type;

                assert_int_equal(idmap_parse_line(bytes_of(line), &type, e), IDMAP_OK);
        }
        return map;
}

static const char *text_of(const struct idmap *map) {
        struct strbuf b = { .arena = &arena };

        for (size_t i = 0; i < map->n_extents; i++)
                strbuf_printf(&b, "%s%u %u %u", i > 0 ? ", " : "", map->extents[i].inside,
                              map->extents[i].outside, map->extents[i].count);
        return strbuf_str(&b);
}

/* The result as text, or the problem's. */
static const char *punch(const char *before, const uint32_t *ours, size_t n_ours,
                         const struct id_pair *wants, size_t n_wants) {
        const struct extent canary = { 1, 2, 3 };
        struct extent canaries[] = { canary };
        struct idmap map = map_of(before), result = { canaries, 1 }, again;
        struct idmap_change change = { ours, n_ours, wants, n_wants };
        enum idmap_problem p;

        p = idmap_punch(&arena, &map, &change, &result);
        if (p) {
                assert_true(result.extents == canaries && result.n_extents == 1);
                return idmap_problem_text(p);
        }
        assert_int_equal(idmap_check(&result), IDMAP_OK);
        assert_int_equal(idmap_punch(&arena, &result, &change, &again), IDMAP_OK);
        assert_string_equal(text_of(&again), text_of(&result));
        return text_of(&result);
}

static enum idmap_problem prove(const char *before, const char *after, const uint32_t *ours,
                                size_t n_ours, const struct id_pair *wants, size_t n_wants) {
        struct idmap b = map_of(before), a = map_of(after);
        struct idmap_change change = { ours, n_ours, wants, n_wants };

        return idmap_prove(&b, &a, &change);
}

static enum idmap_problem parse(const char *value) {
        struct extent e = { 7, 8, 9 };
        char type = 'x';
        enum idmap_problem p = idmap_parse_line(bytes_of(value), &type, &e);

        if (p)
                assert_true(type == 'x' && e.inside == 7 && e.outside == 8 && e.count == 9);
        return p;
}

#define assert_refused(text, problem) assert_string_equal(text, idmap_problem_text(problem))

static void test_parse(void **state) {
        struct extent e;
        char type;

        assert_int_equal(idmap_parse_line(BYTES("g 44 104 1"), &type, &e), IDMAP_OK);
        assert_true(type == 'g' && e.inside == 44 && e.outside == 104 && e.count == 1);
        assert_int_equal(idmap_parse_line(BYTES(" u\t0  100000 \t65536 \r"), &type, &e), IDMAP_OK);
        assert_true(type == 'u' && e.inside == 0 && e.outside == 100000 && e.count == 65536);
        /* a view: what stands behind it does not count */
        assert_int_equal(idmap_parse_line((struct bytes){ "g 0 1 22", 7 }, &type, &e), IDMAP_OK);
        assert_int_equal(e.count, 2);
}

static void test_parse_what_is_no_line(void **state) {
        static const char *const lines[] = {
                "",
                "g",
                "g 0",
                "g 0 1",
                "b 0 100000 65536",
                "gg 0 1 2",
                "G 0 1 2",
                "g0 1 2",
                "g 0 1 2 3",
                "g 0 1 2 # video",
                "g 0 1 2#v",
                "g 0 1 -2",
                "g +0 1 2",
                "g 0x0 1 2",
                "g 0 1 2,",
                "g 0 1 2\v",
                "g 0 1\f2 3",
                "g 0:1:2",
                "g 0 1 1e3",
                "g 0 1 two",
                "# g 0 1 2",
                "g 0 1 2 g 3",
                "g 0 1 \xc2\xb2",
                "g 0 1 2147483648x",
        };

        for (size_t i = 0; i < ELEMENTS(lines); i++)
                assert_int_equal(parse(lines[i]), IDMAP_E_SYNTAX);
        assert_int_equal(idmap_parse_line(BYTES("g 0 1\0 2"), &(char){ 0 }, &(struct extent){ 0 }),
                         IDMAP_E_SYNTAX);
}

/* octal for LXC, decimal for Proxmox */
static void test_parse_leading_zero(void **state) {
        assert_int_equal(parse("g 044 44 1"), IDMAP_E_SYNTAX);
        assert_int_equal(parse("g 44 044 1"), IDMAP_E_SYNTAX);
        assert_int_equal(parse("g 44 44 01"), IDMAP_E_SYNTAX);
        assert_int_equal(parse("g 00 44 1"), IDMAP_E_SYNTAX);
}

static void test_parse_overflow(void **state) {
        assert_int_equal(parse("g 0 100000 0"), IDMAP_E_OVERFLOW);
        assert_int_equal(parse("g 0 100000 4294967296"), IDMAP_E_OVERFLOW);
        assert_int_equal(parse("g 4294967296 1 1"), IDMAP_E_OVERFLOW);
        assert_int_equal(parse("g 1 99999999999999999999999 1"), IDMAP_E_OVERFLOW);
        assert_int_equal(parse("g 4294967295 1 1"), IDMAP_E_OVERFLOW);
        assert_int_equal(parse("g 1 4294967295 1"), IDMAP_E_OVERFLOW);
        assert_int_equal(parse("g 0 100000 4294867296"), IDMAP_E_OVERFLOW);
        assert_int_equal(parse("g 2 0 4294967294"), IDMAP_E_OVERFLOW);

        assert_int_equal(parse("g 4294967294 4294967294 1"), IDMAP_OK);
        assert_int_equal(parse("g 0 100000 4294867295"), IDMAP_OK);
        assert_int_equal(parse("g 0 0 4294967295"), IDMAP_OK);
}

static void test_check(void **state) {
        static const struct extent empty[] = { { 0, 1, 0 } }, wraps[] = { { 5, 6, UINT32_MAX } };
        struct idmap map = { NULL, 0 };

        assert_int_equal(idmap_check(&map), IDMAP_OK);
        map = map_of(GUIDE);
        assert_int_equal(idmap_check(&map), IDMAP_OK);
        map = map_of("0 1 1, 4294967294 4294967294 1");
        assert_int_equal(idmap_check(&map), IDMAP_OK);
        map = map_of("10 100 5, 0 200 11");
        assert_int_equal(idmap_check(&map), IDMAP_E_INSIDE_TWICE);
        map = map_of("10 100 5, 0 90 10, 20 104 1");
        assert_int_equal(idmap_check(&map), IDMAP_E_OUTSIDE_TWICE);
        assert_int_equal(idmap_check(&(struct idmap){ (struct extent *)empty, 1 }),
                         IDMAP_E_OVERFLOW);
        assert_int_equal(idmap_check(&(struct idmap){ (struct extent *)wraps, 1 }),
                         IDMAP_E_OVERFLOW);
}

static struct idmap singles(size_t n) {
        struct idmap map = { NULL, 0 };

        for (uint32_t i = 0; i < n; i++)
                *ARENA_PUSH(&arena, map.extents, map.n_extents) =
                        (struct extent){ i, 5000 - 2 * i, 1 };
        return map;
}

static void test_check_340_extents(void **state) {
        struct idmap map = singles(340);

        assert_int_equal(idmap_check(&map), IDMAP_OK);
        map = singles(341);
        assert_int_equal(idmap_check(&map), IDMAP_E_TOO_LONG);
}

/* "newgidmap 4194304", 170 extents behind it and a NUL in LXC's 4096 bytes */
static void test_check_4_kb(void **state) {
        struct idmap map = { NULL, 0 };
        struct extent *last;

        for (uint32_t i = 0; i < 169; i++)
                *ARENA_PUSH(&arena, map.extents, map.n_extents) =
                        (struct extent){ 1000000000 + 2 * i, 2000000000 + i, 1 };
        last = ARENA_PUSH(&arena, map.extents, map.n_extents);
        *last = (struct extent){ 100000000, 200000000, 1 };
        assert_int_equal(169 * 24 + 22 + strlen("newgidmap 4194304") + 1, 4096);
        assert_int_equal(idmap_check(&map), IDMAP_OK);
        last->outside = 1999999999;
        assert_int_equal(idmap_check(&map), IDMAP_E_TOO_LONG);
}

static void test_lookup(void **state) {
        struct idmap map = map_of("10 100 5, 0 4294967290 3, 4294967294 7 1");
        uint32_t id = 1;

        assert_true(idmap_lookup(&map, 14, &id));
        assert_int_equal(id, 104);
        assert_true(idmap_lookup(&map, 2, &id));
        assert_int_equal(id, 4294967292U);
        assert_true(idmap_lookup_outside(&map, 100, &id));
        assert_int_equal(id, 10);
        assert_true(idmap_lookup_outside(&map, 7, &id));
        assert_int_equal(id, 4294967294U);
        id = 42;
        assert_false(idmap_lookup(&map, 15, &id));
        assert_false(idmap_lookup(&map, 9, &id));
        assert_false(idmap_lookup(&map, UINT32_MAX, &id));
        assert_false(idmap_lookup_outside(&map, 105, &id));
        assert_false(idmap_lookup_outside(&map, 0, &id));
        assert_int_equal(id, 42);
}

static void test_is_hole(void **state) {
        struct idmap map = map_of(GUIDE);

        assert_true(idmap_is_hole(&map, 44));
        assert_true(idmap_is_hole(&map, 107));
        assert_false(idmap_is_hole(&map, 0));
        assert_false(idmap_is_hole(&map, 43));
        assert_false(idmap_is_hole(&map, 65536));
        map = map_of("0 100000 44, 44 44 1, 45 45 1, 46 100046 1, 47 47 1, 48 100048 9");
        assert_true(idmap_is_hole(&map, 44) && idmap_is_hole(&map, 45));
        assert_false(idmap_is_hole(&map, 46));
        map = map_of("0 100000 44, 44 100044 1, 45 200045 1, 46 200046 9, 55 55 1");
        assert_false(idmap_is_hole(&map, 44) || idmap_is_hole(&map, 45));
        assert_true(idmap_is_hole(&map, 55));
}

static void test_equal(void **state) {
        struct idmap plain = map_of(PLAIN), cut = map_of("9 100009 65527, 0 100000 1, 1 100001 8");
        struct idmap hole = map_of(GUIDE), empty = { NULL, 0 };

        assert_true(idmap_equal(&arena, &plain, &cut));
        assert_false(idmap_equal(&arena, &plain, &hole));
        assert_false(idmap_equal(&arena, &plain, &empty));
        assert_true(idmap_equal(&arena, &empty, &empty));
        cut.extents[0].count--;
        assert_false(idmap_equal(&arena, &plain, &cut));
        cut = map_of("0 100000 65535, 65535 65535 1");
        assert_false(idmap_equal(&arena, &plain, &cut));
}

static void test_punch_video_and_render(void **state) {
        assert_string_equal(punch(PLAIN, NONE, WANTS({ 110, 110 }, { 44, 44 })),
                            "0 100000 44, 44 44 1, 45 100045 65, 110 110 1, 111 100111 65425");
}

static void test_punch_nothing(void **state) {
        assert_string_equal(punch(PLAIN, NONE, NONE), PLAIN);
        assert_string_equal(punch("100 100100 9, 0 100000 100", NONE, NONE), "0 100000 109");
        assert_string_equal(punch("", OURS(44), NONE), "");
}

static void test_punch_gid_0(void **state) {
        assert_string_equal(punch(PLAIN, NONE, WANTS({ 0, 44 })), "0 44 1, 1 100001 65535");
        assert_string_equal(punch("0 44 1, 1 100001 65535", OURS(0), NONE), PLAIN);
}

static void test_punch_gid_65535(void **state) {
        assert_string_equal(punch(PLAIN, NONE, WANTS({ 65535, 44 })), "0 100000 65535, 65535 44 1");
        assert_string_equal(punch("0 100000 65535, 65535 44 1", OURS(65535), NONE), PLAIN);
}

static void test_punch_beyond_the_map(void **state) {
        assert_refused(punch(PLAIN, NONE, WANTS({ 65536, 44 })), IDMAP_E_NOT_MAPPED);
        assert_refused(punch(PLAIN, NONE, WANTS({ UINT32_MAX, 44 })), IDMAP_E_NOT_MAPPED);
        assert_refused(punch("0 100000 44, 45 100045 9", NONE, WANTS({ 44, 44 })),
                       IDMAP_E_NOT_MAPPED);
        assert_refused(punch("", NONE, WANTS({ 44, 44 })), IDMAP_E_NOT_MAPPED);
}

static void test_punch_two_adjacent_gids(void **state) {
        assert_string_equal(punch(PLAIN, NONE, WANTS({ 105, 44 }, { 106, 104 })),
                            "0 100000 105, 105 44 1, 106 104 1, 107 100107 65429");
}

/* "44 44 11" would be somebody else's range, and nobody would heal 44 again. */
static void test_hole_stays_apart_from_a_range_that_continues_it(void **state) {
        assert_string_equal(punch("0 100000 45, 45 45 10", NONE, WANTS({ 44, 44 })),
                            "0 100000 44, 44 44 1, 45 45 10");
        assert_string_equal(punch("0 100000 44, 44 44 1, 45 45 10", OURS(44), NONE),
                            "0 100000 45, 45 45 10");
}

/* Joined as "44 44 2" they could not be told from somebody else's range. */
static void test_adjacent_holes_stay_lines_of_their_own(void **state) {
        const char *two = "0 100000 44, 44 44 1, 45 45 1, 46 100046 65490";

        assert_string_equal(punch(PLAIN, NONE, WANTS({ 44, 44 }, { 45, 45 })), two);
        assert_string_equal(punch(two, OURS(44, 45), WANTS({ 45, 45 })),
                            "0 100000 45, 45 45 1, 46 100046 65490");
        assert_string_equal(punch(two, OURS(44, 45), NONE), PLAIN);
}

static void test_punch_video_is_render(void **state) {
        assert_string_equal(punch(PLAIN, NONE, WANTS({ 44, 44 }, { 44, 44 })),
                            "0 100000 44, 44 44 1, 45 100045 65491");
        assert_refused(punch(PLAIN, NONE, WANTS({ 44, 44 }, { 44, 104 })), IDMAP_E_CONFLICT);
        assert_refused(punch(PLAIN, NONE, WANTS({ 44, 44 }, { 104, 44 })), IDMAP_E_CONFLICT);
}

static void test_punch_start_and_end_of_a_range(void **state) {
        const char *ranges = "0 100000 100, 100 300000 100";

        assert_string_equal(punch(ranges, NONE, WANTS({ 100, 44 })),
                            "0 100000 100, 100 44 1, 101 300001 99");
        assert_string_equal(punch(ranges, NONE, WANTS({ 99, 44 })),
                            "0 100000 99, 99 44 1, 100 300000 100");
        assert_string_equal(punch(ranges, NONE, WANTS({ 199, 44 })),
                            "0 100000 100, 100 300000 99, 199 44 1");
}

static void test_punch_several_ranges(void **state) {
        assert_string_equal(punch("5000 300000 1000, 1000 1000 1, 0 100000 1000, 1001 101001 999",
                                  NONE, WANTS({ 44, 44 }, { 5104, 104 })),
                            "0 100000 44, 44 44 1, 45 100045 955, 1000 1000 1, 1001 101001 999, "
                            "5000 300000 104, 5104 104 1, 5105 300105 895");
}

/* The container's render group is 107, the host's was 104 and is 993 now. */
static void test_punch_guide_after_render_moved(void **state) {
        assert_string_equal(punch(GUIDE, NONE, WANTS({ 44, 44 }, { 107, 104 })), GUIDE);
        assert_string_equal(punch(GUIDE, NONE, WANTS({ 44, 44 }, { 107, 993 })),
                            "0 100000 44, 44 44 1, 45 100045 62, 107 993 1, 108 100108 65428");
        /* and the container's moved too: 104 is free for 110 once 107 is healed */
        assert_string_equal(punch(GUIDE, OURS(44, 107), WANTS({ 44, 44 }, { 110, 104 })),
                            "0 100000 44, 44 44 1, 45 100045 65, 110 104 1, 111 100111 65425");
        /* not ours: it is never stolen */
        assert_refused(punch(GUIDE, OURS(44), WANTS({ 44, 44 }, { 110, 104 })),
                       IDMAP_E_OUTSIDE_TWICE);
}

static void test_punch_npu(void **state) {
        assert_string_equal(punch(NPU, NONE, WANTS({ 993, 993 }, { 44, 44 })), NPU);
        assert_string_equal(punch(NPU, OURS(44, 993), WANTS({ 993, 992 })),
                            "0 100000 993, 993 992 1, 994 100994 64542");
}

/* The last range is off by 1000 and stays so: it is not ours to repair. */
static void test_punch_broken_map(void **state) {
        assert_string_equal(punch(BROKEN, NONE, WANTS({ 44, 44 }, { 104, 104 })), BROKEN);
        assert_string_equal(punch(BROKEN, NONE, WANTS({ 44, 44 }, { 104, 993 })),
                            "0 100000 44, 44 44 1, 45 100045 59, 104 993 1, 105 101105 64431");
        assert_string_equal(punch(BROKEN, OURS(44, 104), NONE), "0 100000 105, 105 101105 64431");
        assert_refused(punch(BROKEN, NONE, WANTS({ 64535, 44 })), IDMAP_E_OUTSIDE_TWICE);
        assert_refused(punch(BROKEN, NONE, WANTS({ 64536, 993 })), IDMAP_E_NOT_MAPPED);
}

static void test_punch_overlapping_input(void **state) {
        assert_refused(punch("0 100000 65536, 44 44 1", NONE, WANTS({ 44, 44 })),
                       IDMAP_E_INSIDE_TWICE);
        assert_refused(punch("0 100000 45, 45 100044 9", NONE, WANTS({ 44, 44 })),
                       IDMAP_E_OUTSIDE_TWICE);
        assert_refused(punch("0 100000 45, 45 100044 9", NONE, NONE), IDMAP_E_OUTSIDE_TWICE);
}

static void test_punch_overflow(void **state) {
        static struct extent wraps[] = { { 0, 4294900000U, 65536 }, { 65536, 4294965536U, 65536 } };
        struct idmap map = { wraps, 2 }, result;

        assert_int_equal(idmap_punch(&arena, &map, CHANGE(NONE, NONE), &result), IDMAP_E_OVERFLOW);
        assert_refused(punch(PLAIN, NONE, WANTS({ 44, UINT32_MAX })), IDMAP_E_OVERFLOW);
        assert_string_equal(punch(PLAIN, NONE, WANTS({ 44, UINT32_MAX - 1 })),
                            "0 100000 44, 44 4294967294 1, 45 100045 65491");
        assert_string_equal(punch("4294967200 4294901759 95", NONE, WANTS({ 4294967294U, 44 })),
                            "4294967200 4294901759 94, 4294967294 44 1");
}

static void test_punch_host_gid_inside_the_containers_range(void **state) {
        assert_refused(punch(PLAIN, NONE, WANTS({ 44, 100104 })), IDMAP_E_OUTSIDE_TWICE);
        assert_refused(punch(PLAIN, NONE, WANTS({ 44, 165535 })), IDMAP_E_OUTSIDE_TWICE);
        assert_string_equal(punch(PLAIN, NONE, WANTS({ 44, 165536 })),
                            "0 100000 44, 44 165536 1, 45 100045 65491");
        /* the one who has it wants another: nobody is robbed */
        assert_string_equal(punch(PLAIN, NONE, WANTS({ 44, 100104 }, { 104, 44 })),
                            "0 100000 44, 44 100104 1, 45 100045 59, 104 44 1, 105 100105 65431");
}

static void test_punch_root(void **state) {
        assert_refused(punch(PLAIN, NONE, WANTS({ 44, 0 })), IDMAP_E_ROOT);
        assert_refused(punch("0 0 65536", NONE, WANTS({ 0, 0 })), IDMAP_E_ROOT);
        assert_refused(punch("0 0 65536", NONE, WANTS({ 44, 0 })), IDMAP_E_ROOT);
}

static void test_punch_what_is_there_anyway(void **state) {
        assert_string_equal(punch(PLAIN, NONE, WANTS({ 50, 100050 })), PLAIN);
        assert_string_equal(punch(PLAIN, NONE, WANTS({ 0, 100000 })), PLAIN);
        assert_string_equal(punch(PLAIN, NONE, WANTS({ 65535, 165535 })), PLAIN);
        assert_string_equal(punch(GUIDE, NONE, WANTS({ 44, 100044 }, { 107, 100107 })), PLAIN);
}

static void test_punch_cuts_somebody_elses_range(void **state) {
        const char *foreign = "0 100000 1000, 1000 1000 5, 1005 101005 9";

        assert_string_equal(punch(foreign, OURS(1002), WANTS({ 1002, 44 })),
                            "0 100000 1000, 1000 1000 2, 1002 44 1, 1003 1003 2, 1005 101005 9");
        assert_string_equal(punch(foreign, OURS(1000, 1001, 1002), NONE), foreign);
        /* what is left of "44 44 2" is one id, and ours: no stale hole remains */
        assert_string_equal(
                punch("0 100000 44, 44 44 2, 46 100046 9", OURS(44, 45), WANTS({ 44, 104 })),
                "0 100000 44, 44 104 1, 45 100045 10");
        assert_string_equal(
                punch("0 100000 44, 44 44 2, 46 100046 9", OURS(44), WANTS({ 44, 104 })),
                "0 100000 44, 44 104 1, 45 45 1, 46 100046 9");
}

static void test_heal_left_then_right(void **state) {
        assert_string_equal(punch("0 100000 44, 44 44 1, 45 200045 9", OURS(44), NONE),
                            "0 100000 45, 45 200045 9");
        assert_string_equal(punch("0 100000 44, 44 44 1, 45 200045 9, 99 100044 1", OURS(44), NONE),
                            "0 100000 44, 44 200044 10, 99 100044 1");
        assert_string_equal(
                punch("0 100000 44, 44 44 1, 45 200045 9", OURS(44), WANTS({ 53, 100044 })),
                "0 100000 44, 44 200044 9, 53 100044 1");
        assert_string_equal(punch("44 44 1, 45 200045 9", OURS(44), NONE), "44 200044 10");
}

static void test_heal_stays_when_both_sides_are_taken(void **state) {
        const char *taken = "0 100000 44, 44 44 1, 45 200045 9, 99 100044 1, 101 200044 1";

        assert_string_equal(punch(taken, OURS(44), NONE), taken);
        /* and cannot make room for a wish then */
        assert_refused(punch(taken, OURS(44), WANTS({ 53, 44 })), IDMAP_E_OUTSIDE_TWICE);
        assert_refused(punch("44 44 1, 46 100046 9", OURS(44), WANTS({ 50, 44 })),
                       IDMAP_E_OUTSIDE_TWICE);
}

static void test_heal_several_side_by_side(void **state) {
        assert_string_equal(punch("0 100000 44, 44 44 1, 45 104 1, 46 993 1, 47 100047 9",
                                  OURS(44, 45, 46), NONE),
                            "0 100000 56");
        assert_string_equal(punch("0 100000 44, 44 44 1, 45 104 1, 46 993 1, 47 100047 9",
                                  OURS(44, 45, 46), WANTS({ 45, 44 })),
                            "0 100000 45, 45 44 1, 46 100046 10");
}

/* Only a range says where an id belongs: 1001 would be one more group of the host. */
static void test_heal_never_continues_a_hole(void **state) {
        assert_string_equal(
                punch("0 100000 1000, 1000 1000 1, 1001 44 1, 1002 101002 9", OURS(1001), NONE),
                "0 100000 1000, 1000 1000 1, 1001 101001 10");
        assert_string_equal(
                punch("0 100000 43, 43 43 1, 44 44 1, 45 45 1, 46 100046 9", OURS(44), NONE),
                "0 100000 43, 43 43 1, 44 100044 1, 45 45 1, 46 100046 9");
        assert_string_equal(punch("43 43 1, 44 44 1, 45 45 1", OURS(44), NONE),
                            "43 43 1, 44 44 1, 45 45 1");
}

static void test_heal_not_over_a_gap(void **state) {
        assert_string_equal(punch("0 100000 43, 44 44 1, 46 100046 9", OURS(44), NONE),
                            "0 100000 43, 44 44 1, 46 100046 9");
}

static void test_heal_never_to_root(void **state) {
        assert_string_equal(punch("0 444 1, 1 1 99", OURS(0), NONE), "0 444 1, 1 1 99");
        assert_string_equal(punch("5 444 1, 6 2 99", OURS(5), NONE), "5 1 100");
        assert_string_equal(punch("5 4294967290 5, 10 44 1", OURS(10), NONE),
                            "5 4294967290 5, 10 44 1");
}

static void test_heal_only_what_is_ours_and_one_id(void **state) {
        assert_string_equal(punch(GUIDE, OURS(107), NONE), "0 100000 44, 44 44 1, 45 100045 65491");
        assert_string_equal(punch("0 100000 44, 44 44 2, 46 100046 9", OURS(44, 45), NONE),
                            "0 100000 44, 44 44 2, 46 100046 9");
        assert_string_equal(punch(PLAIN, OURS(44, 65536, UINT32_MAX), NONE), PLAIN);
}

/* 44 needs the host id that 55 holds, and 55 can only go where 44 was. */
static void test_heal_makes_room_in_turns(void **state) {
        assert_string_equal(punch("40 100040 4, 44 7 1, 50 200050 5, 55 100044 1", OURS(44, 55),
                                  WANTS({ 41, 7 })),
                            "40 100040 1, 41 7 1, 42 100042 3, 50 200050 6");
}

/* 2 sends 12 on to the only place of 20, so both go back once more: 12 to where it came from. */
static void test_heal_makes_room_twice(void **state) {
        assert_string_equal(punch("0 1000 2, 2 7 1, 3 2003 2, 10 3000 2, 12 1002 1, 20 8 1, "
                                  "21 3003 2, 30 4000 4",
                                  OURS(2, 12, 20), WANTS({ 30, 7 }, { 31, 8 })),
                            "0 1000 2, 2 2002 3, 10 3000 2, 12 1002 1, 20 3002 3, "
                            "30 7 1, 31 8 1, 32 4002 2");
}

static void test_punch_at_most_340_extents(void **state) {
        struct idmap map = map_of("0 1000 340"), result;
        struct id_pair wants[341];
        uint32_t n;

        for (n = 0; n < 170; n++)
                wants[n] = (struct id_pair){ 2 * n + 1, 500 - n };
        assert_int_equal(idmap_punch(&arena, &map, CHANGE(NONE, wants, n), &result), IDMAP_OK);
        assert_int_equal(result.n_extents, 340);
        map = map_of("0 1000 341");
        assert_int_equal(idmap_punch(&arena, &map, CHANGE(NONE, wants, n), &result),
                         IDMAP_E_TOO_LONG);

        map = map_of(PLAIN);
        for (n = 0; n < 341; n++)
                wants[n] = (struct id_pair){ n, 100000 + n };
        assert_int_equal(idmap_punch(&arena, &map, CHANGE(NONE, wants, 340), &result), IDMAP_OK);
        assert_int_equal(result.n_extents, 1);
        assert_int_equal(idmap_punch(&arena, &map, CHANGE(NONE, wants, 341), &result),
                         IDMAP_E_TOO_LONG);
}

/* 340 of everything at once: the loops must not multiply. */
static void test_punch_340_holes_and_wishes(void **state) {
        struct idmap map = singles(340), result;
        uint32_t *ours = arena_alloc(&arena, 340 * sizeof(*ours));
        struct id_pair *wants = arena_alloc(&arena, 100000 * sizeof(*wants));

        for (uint32_t i = 0; i < 340; i++)
                ours[i] = i;
        for (uint32_t i = 0; i < 100000; i++)
                wants[i] = (struct id_pair){ i % 340, 6000 - i % 340 };
        assert_int_equal(idmap_punch(&arena, &map, CHANGE(ours, 340, NULL, 0), &result), IDMAP_OK);
        assert_true(idmap_equal(&arena, &map, &result));
        assert_int_equal(idmap_punch(&arena, &map, CHANGE(ours, 340, wants, 100000), &result),
                         IDMAP_OK);
        assert_int_equal(result.n_extents, 340);
}

#define HOLE "0 100000 44, 44 44 1, 45 100045 10"

static void test_prove_right(void **state) {
        assert_int_equal(prove("0 100000 55", HOLE, NONE, WANTS({ 44, 44 })), IDMAP_OK);
        assert_int_equal(prove(HOLE, "0 100000 55", OURS(44), NONE), IDMAP_OK);
        assert_int_equal(prove(HOLE, "45 100045 10, 0 100000 44, 44 44 1", NONE, NONE), IDMAP_OK);
        assert_int_equal(prove(HOLE, HOLE, OURS(44), NONE), IDMAP_OK);
        assert_int_equal(prove("", "", NONE, NONE), IDMAP_OK);
}

static void test_prove_coverage(void **state) {
        /* 54 lost, 55 won, 54 exchanged for 55, a hole in the middle lost */
        assert_int_equal(prove("0 100000 55", "0 100000 54", NONE, NONE), IDMAP_E_NOT_PROVED);
        assert_int_equal(prove("0 100000 55", "0 100000 56", NONE, NONE), IDMAP_E_NOT_PROVED);
        assert_int_equal(prove("0 100000 55", "0 100000 54, 55 100055 1", OURS(54, 55), NONE),
                         IDMAP_E_NOT_PROVED);
        assert_int_equal(prove(HOLE, "0 100000 44, 45 100045 10", OURS(44), NONE),
                         IDMAP_E_NOT_PROVED);
        assert_int_equal(prove("0 100000 55", "", NONE, NONE), IDMAP_E_NOT_PROVED);
}

static void test_prove_nothing_twice(void **state) {
        assert_int_equal(prove("0 100000 55", "0 100000 55, 44 44 1", NONE, WANTS({ 44, 44 })),
                         IDMAP_E_INSIDE_TWICE);
        assert_int_equal(prove("0 100000 55", "0 100000 44, 44 100045 1, 45 100045 10", NONE,
                               WANTS({ 44, 100045 })),
                         IDMAP_E_OUTSIDE_TWICE);
        assert_int_equal(prove("0 100000 55, 3 7 1", "0 100000 55", NONE, NONE),
                         IDMAP_E_INSIDE_TWICE);
}

static void test_prove_wishes(void **state) {
        assert_int_equal(prove("0 100000 55", "0 100000 55", NONE, WANTS({ 44, 44 })),
                         IDMAP_E_NOT_PROVED);
        assert_int_equal(prove(HOLE, HOLE, NONE, WANTS({ 44, 44 }, { 45, 45 })),
                         IDMAP_E_NOT_PROVED);
        assert_int_equal(prove(HOLE, HOLE, NONE, WANTS({ 99, 44 })), IDMAP_E_NOT_PROVED);
        assert_int_equal(prove("0 0 55", "0 0 55", NONE, WANTS({ 0, 0 })), IDMAP_E_ROOT);
}

static void test_prove_others_as_before(void **state) {
        /* a hole that nobody asked for, and a foreign one healed or moved */
        assert_int_equal(prove("0 100000 55", HOLE, NONE, NONE), IDMAP_E_NOT_PROVED);
        assert_int_equal(prove(HOLE, "0 100000 55", NONE, NONE), IDMAP_E_NOT_PROVED);
        assert_int_equal(prove(HOLE, "0 100000 44, 44 45 1, 45 100045 10", NONE, NONE),
                         IDMAP_E_NOT_PROVED);
        /* ours, but in the middle of a range */
        assert_int_equal(prove("0 100000 55", HOLE, OURS(44), NONE), IDMAP_E_NOT_PROVED);
        assert_int_equal(
                prove("0 100000 55, 55 200055 9", "0 100000 54, 54 200054 10", OURS(54), NONE),
                IDMAP_E_NOT_PROVED);
        /* the rest of the range shifted, as in the broken map */
        assert_int_equal(
                prove("0 100000 55", "0 100000 44, 44 44 1, 45 101045 10", NONE, WANTS({ 44, 44 })),
                IDMAP_E_NOT_PROVED);
}

static void test_prove_healed(void **state) {
        /* to a place of no range, behind a hole, over a gap, to root */
        assert_int_equal(prove(HOLE, "0 100000 44, 44 45 1, 45 100045 10", OURS(44), NONE),
                         IDMAP_E_NOT_PROVED);
        assert_int_equal(prove("0 100000 43, 43 43 1, 44 104 1, 45 100045 10",
                               "0 100000 43, 43 43 1, 44 44 1, 45 100045 10", OURS(44), NONE),
                         IDMAP_E_NOT_PROVED);
        assert_int_equal(prove("0 100000 43, 44 104 1, 45 200045 10",
                               "0 100000 43, 44 100044 1, 45 200045 10", OURS(44), NONE),
                         IDMAP_E_NOT_PROVED);
        assert_int_equal(prove("0 444 1, 1 1 99", "0 0 100", OURS(0), NONE), IDMAP_E_NOT_PROVED);
        assert_int_equal(prove("0 100000 43, 44 104 1, 45 200045 10", "0 100000 43, 44 200044 11",
                               OURS(44), NONE),
                         IDMAP_OK);
}

static void test_prove_size(void **state) {
        struct idmap few = map_of("0 10000 341"), many = { NULL, 0 };

        for (uint32_t i = 0; i < 341; i++)
                *ARENA_PUSH(&arena, many.extents, many.n_extents) =
                        (struct extent){ i, 10000 + i, 1 };
        assert_int_equal(idmap_prove(&few, &many, CHANGE(NONE, NONE)), IDMAP_E_TOO_LONG);
        assert_int_equal(idmap_prove(&many, &few, CHANGE(NONE, NONE)), IDMAP_E_TOO_LONG);
}

static void test_problem_text(void **state) {
        for (int p = IDMAP_OK; p <= IDMAP_E_NOT_PROVED; p++)
                for (int q = IDMAP_OK; q < p; q++)
                        assert_string_not_equal(idmap_problem_text((enum idmap_problem)p),
                                                idmap_problem_text((enum idmap_problem)q));
        assert_string_equal(idmap_problem_text((enum idmap_problem)99), "unknown problem");
}

#define TEST(f) cmocka_unit_test_teardown(f, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_parse),
                TEST(test_parse_what_is_no_line),
                TEST(test_parse_leading_zero),
                TEST(test_parse_overflow),
                TEST(test_check),
                TEST(test_check_340_extents),
                TEST(test_check_4_kb),
                TEST(test_lookup),
                TEST(test_is_hole),
                TEST(test_equal),
                TEST(test_punch_video_and_render),
                TEST(test_punch_nothing),
                TEST(test_punch_gid_0),
                TEST(test_punch_gid_65535),
                TEST(test_punch_beyond_the_map),
                TEST(test_punch_two_adjacent_gids),
                TEST(test_adjacent_holes_stay_lines_of_their_own),
                TEST(test_hole_stays_apart_from_a_range_that_continues_it),
                TEST(test_punch_video_is_render),
                TEST(test_punch_start_and_end_of_a_range),
                TEST(test_punch_several_ranges),
                TEST(test_punch_guide_after_render_moved),
                TEST(test_punch_npu),
                TEST(test_punch_broken_map),
                TEST(test_punch_overlapping_input),
                TEST(test_punch_overflow),
                TEST(test_punch_host_gid_inside_the_containers_range),
                TEST(test_punch_root),
                TEST(test_punch_what_is_there_anyway),
                TEST(test_punch_cuts_somebody_elses_range),
                TEST(test_heal_left_then_right),
                TEST(test_heal_stays_when_both_sides_are_taken),
                TEST(test_heal_several_side_by_side),
                TEST(test_heal_never_continues_a_hole),
                TEST(test_heal_not_over_a_gap),
                TEST(test_heal_never_to_root),
                TEST(test_heal_only_what_is_ours_and_one_id),
                TEST(test_heal_makes_room_in_turns),
                TEST(test_heal_makes_room_twice),
                TEST(test_punch_at_most_340_extents),
                TEST(test_punch_340_holes_and_wishes),
                TEST(test_prove_right),
                TEST(test_prove_coverage),
                TEST(test_prove_nothing_twice),
                TEST(test_prove_wishes),
                TEST(test_prove_others_as_before),
                TEST(test_prove_healed),
                TEST(test_prove_size),
                TEST(test_problem_text),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
