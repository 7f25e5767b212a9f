/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* test-conf - the settings files that people are shown: conf/gpuanchor.conf and conf/examples */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glob.h>

#include "base/file.h"
#include "pve/settings.h"

enum {
        N_SETTINGS = 0
#define SETTING(key, set, report, accepted) +1
#include "model/policy/key.def"
};

static struct arena arena;

static const char *source(const char *path) {
        return arena_printf(&arena, "%s/%s", getenv("GPUANCHOR_SOURCE_ROOT"), path);
}

static struct bytes content_of(const char *path) {
        struct bytes content;

        assert_int_equal(file_read(&arena, path, 1 << 20, &content), 0);
        return content;
}

static void expect_nothing(const struct findings *f) {
        if (f->n > 0)
                fail_msg("%s: %s", f->items[0].where, f->items[0].what);
}

/* As it is installed it says nothing; with the comment sign off each key it says the defaults. */
static void test_defaults(void **state) {
        struct settings s = { .problems = { .arena = &arena } };
        struct bytes content = content_of(source("conf/gpuanchor.conf"));
        char *daemon, *text = arena_strndup(&arena, content.data, content.len);
        struct policy defaults;
        size_t keys = 0;

        policy_init(&arena, &defaults);
        s.policy = defaults;
        assert_true(settings_parse(&s, SETTINGS_HOST, "FILE", content));
        expect_nothing(&s.problems);
        assert_memory_equal(&s.policy, &defaults, sizeof(defaults));

        daemon = strstr(text, "\n[daemon]");
        assert_non_null(daemon);
        *daemon = '\0';
        for (char *c = text; (c = strstr(c, "\n#")); c++)
                if (c[2] != ' ' && c[2] != '\n') {
                        c[1] = ' ';
                        keys++;
                }
        assert_int_equal(keys, N_SETTINGS);
        assert_true(settings_parse(&s, SETTINGS_HOST, "FILE", bytes_of(text)));
        expect_nothing(&s.problems);
        assert_int_equal(s.policy.n_gpus, defaults.n_gpus);
        assert_int_equal(s.policy.gpus[0].kind, defaults.gpus[0].kind);
        s.policy.gpus = defaults.gpus;
        assert_memory_equal(&s.policy, &defaults, sizeof(defaults));
}

static void test_examples(void **state) {
        glob_t files;

        assert_int_equal(glob(source("conf/examples/*.conf"), 0, NULL, &files), 0);
        assert_true(files.gl_pathc >= 3);
        for (size_t i = 0; i < files.gl_pathc; i++) {
                struct settings s = { .problems = { .arena = &arena } };
                struct policy defaults;

                policy_init(&arena, &defaults);
                s.policy = defaults;
                assert_true(settings_parse(&s, SETTINGS_CONTAINER, files.gl_pathv[i],
                                           content_of(files.gl_pathv[i])));
                expect_nothing(&s.problems);
                assert_false(s.policy.broken);
                /* it says something */
                assert_memory_not_equal(&s.policy, &defaults, sizeof(defaults));
        }
        globfree(&files);
}

static int teardown(void **state) {
        arena_done(&arena);
        return 0;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_teardown(test_defaults, teardown),
                cmocka_unit_test_teardown(test_examples, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
