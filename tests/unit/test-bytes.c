/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * test-bytes - cutting views of bytes, among them empty ones without an address; numbers
 */
#include "base/number.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define assert_bytes(s, literal) assert_true(bytes_equal((s), BYTES(literal)))

static const struct bytes nothing;

static void line_keeps_its_end(void **state _unused_) {
        struct bytes rest = BYTES("a\n\nb\r\nc");

        assert_bytes(bytes_line(&rest), "a\n");
        assert_bytes(bytes_line(&rest), "\n");
        assert_bytes(bytes_line(&rest), "b\r\n");
        assert_bytes(bytes_line(&rest), "c");
        assert_bytes(bytes_line(&rest), "");
        rest = nothing;
        assert_bytes(bytes_line(&rest), "");
}

static void cut_drops_the_separator(void **state _unused_) {
        struct bytes rest = BYTES("a,,b");

        assert_bytes(bytes_cut(&rest, ','), "a");
        assert_bytes(bytes_cut(&rest, ','), "");
        assert_bytes(bytes_cut(&rest, ','), "b");
        assert_int_equal(rest.len, 0);
        rest = (struct bytes){ "a;b\0 c", 6 };
        assert_bytes(bytes_cut_any(&rest, " ;"), "a");
        assert_true(bytes_equal(bytes_cut_any(&rest, " ;"), (struct bytes){ "b\0", 2 }));
        assert_bytes(bytes_cut_any(&rest, " ;"), "c");
        assert_int_equal(rest.len, 0);
}

static void split_says_whether_there_is_one(void **state _unused_) {
        struct bytes head = BYTES("old"), tail = BYTES("old");

        assert_false(bytes_split(BYTES("key"), '=', &head, &tail));
        assert_false(bytes_split(nothing, '=', &head, &tail));
        assert_bytes(head, "old");
        assert_bytes(tail, "old");
        assert_true(bytes_split(BYTES("key=a=b"), '=', &head, &tail));
        assert_bytes(head, "key");
        assert_bytes(tail, "a=b");
        assert_true(bytes_split(BYTES("="), '=', &head, &tail));
        assert_bytes(head, "");
        assert_bytes(tail, "");
}

static void prefix_and_suffix(void **state _unused_) {
        struct bytes s = BYTES("dev0.conf");

        assert_true(bytes_has_prefix(s, "dev"));
        assert_true(bytes_has_prefix(s, ""));
        assert_false(bytes_has_prefix(s, "dev0.conf "));
        assert_false(bytes_has_prefix(nothing, "d"));
        assert_true(bytes_has_prefix(nothing, ""));
        assert_false(bytes_take_prefix(&s, "mp"));
        assert_false(bytes_take_suffix(&s, ".cfg"));
        assert_bytes(s, "dev0.conf");
        assert_true(bytes_take_prefix(&s, "dev"));
        assert_true(bytes_take_suffix(&s, ".conf"));
        assert_bytes(s, "0");
        assert_false(bytes_take_suffix(&s, "10"));
}

static void contains(void **state _unused_) {
        assert_true(bytes_contains(BYTES("lxc.idmap"), "idmap"));
        assert_false(bytes_contains(BYTES("lxc.idma"), "idmap"));
        assert_false(bytes_contains(nothing, "x"));
        assert_true(bytes_contains_char((struct bytes){ "a\0b", 3 }, '\0'));
        assert_false(bytes_contains_char(BYTES("ab"), '\0'));
        assert_false(bytes_contains_char(nothing, 'x'));
}

static void name(void **state _unused_) {
        assert_true(bytes_is_name(BYTES("azAZ09"), ""));
        assert_true(bytes_is_name(BYTES("-a_b"), "_-"));
        assert_false(bytes_is_name(BYTES("a-b"), "_"));
        assert_false(bytes_is_name((struct bytes){ "a\0b", 3 }, "_"));
        assert_false(bytes_is_name(BYTES("@["), ""));
        assert_false(bytes_is_name(nothing, "_"));
}

static void one_of(void **state _unused_) {
        assert_true(BYTES_IN(BYTES("nfs"), "cifs", "nfs"));
        assert_false(BYTES_IN(BYTES("nf"), "cifs", "nfs"));
        assert_false(BYTES_IN(nothing, "cifs"));
}

static void numbers_do_not_wrap(void **state _unused_) {
        uint64_t large = 7;
        uint32_t small = 7;

        assert_false(parse_u64(BYTES("18446744073709551616"), &large));
        assert_false(parse_u64(BYTES("99999999999999999999"), &large));
        assert_false(parse_u64(BYTES("max"), &large));
        assert_false(parse_u64(nothing, &large));
        assert_false(parse_u32(BYTES("4294967296"), &small));
        assert_true(large == 7 && small == 7);
        assert_true(parse_u64(BYTES("18446744073709551615"), &large) && large == UINT64_MAX);
        assert_true(parse_u32(BYTES("004294967295"), &small) && small == UINT32_MAX);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(line_keeps_its_end),
                cmocka_unit_test(cut_drops_the_separator),
                cmocka_unit_test(split_says_whether_there_is_one),
                cmocka_unit_test(prefix_and_suffix),
                cmocka_unit_test(contains),
                cmocka_unit_test(name),
                cmocka_unit_test(one_of),
                cmocka_unit_test(numbers_do_not_wrap),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
