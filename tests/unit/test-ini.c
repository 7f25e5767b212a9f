/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* test-ini - what is changed in a settings file, and that nothing else is */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/policy/ini.h"

static struct arena arena;

static int teardown(void **state) {
        arena_done(&arena);
        return 0;
}

static void test_line(void **state) {
        static const struct {
                const char *line;
                enum ini_kind kind;
                const char *text;
        } cases[] = {
                { "", INI_NONE, "" },
                { " \t\r\n", INI_NONE, "" },
                { "  # [memory]\n", INI_NONE, "# [memory]" },
                { "; x = y\n", INI_NONE, "; x = y" },
                { "[memory]\r\n", INI_HEADING, "memory" },
                { " [ pin pve1 ] ; old\n", INI_HEADING, "pin pve1" },
                { "[memory] x = y\n", INI_ENTRY, "[memory] x = y" },
                { "[memory\n", INI_ENTRY, "[memory" },
                { "  a = b \r\n", INI_ENTRY, "a = b" },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct ini_line line = ini_line(bytes_of(cases[i].line));

                assert_int_equal(line.kind, cases[i].kind);
                assert_true(bytes_equal(line.text, bytes_of(cases[i].text)));
        }
}

static void test_set(void **state) {
        static const struct {
                const char *file, *want; /* with key = new in [own] */
        } cases[] = {
                { "", "[own]\nkey = new\n" },
                { "# mine\n[own]\nkey=old ; why\nx = y\n", "# mine\n[own]\nkey = new\nx = y\n" },
                { "[own]\n key : old\n# a\nkey = older\n[other]\nkey = 1",
                  "[own]\nkey = new\n# a\n[other]\nkey = 1" },
                { "[own]\nx = y\n# behind\n\n[other]\nkey = 1\n",
                  "[own]\nx = y\nkey = new\n# behind\n\n[other]\nkey = 1\n" },
                { "[own]\nx = y", "[own]\nx = y\nkey = new\n" },
                { "key = 1", "key = 1\n\n[own]\nkey = new\n" },
                { ";\r\n[own] # x\r\nkeys = a\r\n", ";\r\n[own] # x\r\nkeys = a\r\nkey = new\r\n" },
                { "[other]\r\n", "[other]\r\n\r\n[own]\r\nkey = new\r\n" },
                { "\xef\xbb\xbf[own]\nx = y\n", "\xef\xbb\xbf[own]\nx = y\nkey = new\n" },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct ini ini;

                ini_split(&arena, bytes_of(cases[i].file), &ini);
                assert_true(bytes_equal(ini_bytes(&ini), bytes_of(cases[i].file)));
                ini_set(&ini, "own", "key", "new");
                assert_string_equal(ini_bytes(&ini).data, cases[i].want);
                ini_set(&ini, "own", "key", "new");
                assert_string_equal(ini_bytes(&ini).data, cases[i].want);
                assert_string_equal(ini_get(&ini, "own", "key"), "new");
        }
}

static void test_get(void **state) {
        struct ini ini;

        ini_split(&arena, BYTES("\xef\xbb\xbf[own]\n[x\nkey: a b\nnot = \n[own]\nkey = c ; d\n"),
                  &ini);
        assert_string_equal(ini_get(&ini, "own", "key"), "c ; d");
        assert_null(ini_get(&ini, "own", "not"));
        assert_null(ini_get(&ini, "other", "key"));
}

static void test_replace(void **state) {
        struct ini_section sections[] = { { "pin a", BYTES("gpu = 1\n") },
                                          { "memory", { 0 } },
                                          { "pin b", BYTES("gpu = 2\n") } };
        struct ini ini;

        ini_split(&arena,
                  BYTES("# 1\n\n[memory]\nx = y\n# 2\n[ pin  a ]\nold\n# 3\n[own]\na = b\n\n[pin "
                        "a]\nc"),
                  &ini);
        ini_replace(&ini, sections, ELEMENTS(sections));
        assert_string_equal(ini_bytes(&ini).data,
                            "# 1\n# 2\n\n[pin a]\ngpu = 1\n# 3\n[own]\na = b\n"
                            "\n[pin b]\ngpu = 2\n");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_line),
                cmocka_unit_test(test_set),
                cmocka_unit_test(test_get),
                cmocka_unit_test(test_replace),
        };

        return cmocka_run_group_tests(tests, NULL, teardown);
}
