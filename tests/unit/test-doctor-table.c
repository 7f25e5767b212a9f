/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* test-doctor-table - doctor.def, against itself, the code that uses it, and gpuanchor(1) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "model/doctor/doctor.h"

#include <glob.h>
#include <stdlib.h>

static struct arena arena;

static int teardown(void **state) {
        arena_done(&arena);
        return 0;
}

static const char *read_source(const char *name) {
        struct bytes text;

        if (file_read(&arena, name, 1 << 20, &text) != 0)
                fail_msg("%s cannot be read", name);
        return text.data;
}

static const char *in_source(const char *name) {
        return arena_printf(&arena, "%s/%s", getenv("GPUANCHOR_SOURCE_ROOT"), name);
}

/* ---- the texts ---- */

/* Places that src/render/doctor-item.c fills in; "[Service]" and the like are no places. */
static void check_places(const char *text) {
        static const char *const places[] = { "subject", "gpu",   "old", "new",    "what",
                                              "where",   "check", "arg", "reason", "vmid" };

        for (const char *at = text; (at = strchr(at, '{')); at++) {
                const char *end = strchr(at, '}');
                bool known = end == at + 1; /* find -exec {} */

                for (size_t i = 0; end && i < ELEMENTS(places); i++)
                        known |= strlen(places[i]) == (size_t)(end - at - 1) &&
                                 str_has_prefix(at + 1, places[i]);
                if (!known)
                        fail_msg("no such place: %s", text);
        }
}

static void check_text(const char *text) {
        size_t n = strlen(text);

        check_places(text);
        if (n > 0 &&
            (text[n - 1] == '.' || text[0] == ' ' || text[n - 1] == ' ' || strstr(text, "  ")))
                fail_msg("a full stop or a blank too much: \"%s\"", text);
}

static void test_texts(void **state) {
        for (enum doctor_outcome o = OUTCOME_NONE + 1; o < DOCTOR_OUTCOMES; o++) {
                const struct doctor_outcome_kind *kind = &doctor_outcomes[o];

                check_text(kind->evidence);
                check_text(kind->advice);
                check_text(kind->command);
                if (kind->verdict < DOCTOR_WARNING && *kind->command)
                        fail_msg("a command for what is not wrong: %s", kind->command);
        }
        for (enum doctor_remedy i = REMEDY_OWN + 1; i < DOCTOR_REMEDIES; i++) {
                check_text(doctor_remedies[i].advice);
                check_text(doctor_remedies[i].command);
                assert_true(*doctor_remedies[i].advice || *doctor_remedies[i].command);
        }
        for (enum doctor_reason i = REASON_NONE + 1; i < DOCTOR_REASONS; i++)
                check_text(doctor_reasons[i]);
}

static void test_checks(void **state) {
        for (enum doctor_check c = 0; c < DOCTOR_CHECKS; c++) {
                const struct doctor_check_kind *kind = &doctor_checks[c];
                size_t outcomes = 0;

                assert_int_equal(kind->name[strspn(kind->name, "abcdefghijklmnopqrstuvwxyz-")], 0);
                check_text(kind->title);
                for (enum doctor_check other = 0; other < c; other++)
                        if (streq(kind->name, doctor_checks[other].name))
                                fail_msg("twice: %s", kind->name);
                assert_true(c == 0 || doctor_checks[c - 1].group <= kind->group);
                for (enum doctor_outcome o = OUTCOME_NONE + 1; o < DOCTOR_OUTCOMES; o++)
                        outcomes += doctor_outcomes[o].check == c;
                if (outcomes == 0)
                        fail_msg("%s has no outcome", kind->name);
        }
}

/* ---- the code ---- */

static const char *const symbols[] = {
#define OUTCOME(check, symbol, ...) "OUTCOME_" #check "_" #symbol,
#define SHARED(symbol, ...) "OUTCOME_" #symbol,
#define REMEDY(symbol, ...) "REMEDY_" #symbol,
#define REASON(symbol, ...) "REASON_" #symbol,
#include "model/doctor/doctor.def"
};

static bool names(const char *code, const char *symbol) {
        size_t n = strlen(symbol);

        for (const char *at = code; (at = strstr(at, symbol)); at += n)
                if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ_", at[n]))
                        return true;
        return false;
}

static void test_all_used(void **state) {
        struct strbuf code = { .arena = &arena };
        glob_t found = { 0 };

        assert_int_equal(glob(in_source("src/model/doctor/*.c"), 0, NULL, &found), 0);
        assert_int_equal(glob(in_source("src/anchor/doctor*.c"), GLOB_APPEND, NULL, &found), 0);
        for (size_t i = 0; i < found.gl_pathc; i++)
                strbuf_adds(&code, read_source(found.gl_pathv[i]));
        globfree(&found);
        for (size_t i = 0; i < ELEMENTS(symbols); i++)
                if (!names(strbuf_str(&code), symbols[i]))
                        fail_msg("no code has %s", symbols[i]);
}

/* ---- gpuanchor(1) ---- */

/* "*host* - ..." heads a group, "*subuid*, *subgid*" alone on a line are checks. */
static void read_line(struct bytes line, struct strbuf *found, struct bytes *group) {
        struct bytes rest = line, word;

        if (line.len == 0 || line.data[0] != '*')
                return;
        if (bytes_contains(line, "* - ")) {
                bytes_cut(&rest, '*');
                *group = bytes_cut(&rest, '*');
                return;
        }
        while ((word = bytes_word(&rest)).len > 0) {
                bytes_take_suffix(&word, ",");
                strbuf_printf(found, "%.*s %.*s\n", (int)group->len, group->data, (int)word.len - 2,
                              word.data + 1);
        }
}

static void test_man(void **state) {
        const char *man = read_source(in_source("man/gpuanchor.1.scd"));
        const char *begin = strstr(man, "\n# CHECKS\n"), *end = strstr(man, "\n# OPTIONS\n");
        struct strbuf found = { .arena = &arena }, want = { .arena = &arena };
        struct bytes section, group = { 0 };

        assert_true(begin && end > begin);
        section = (struct bytes){ begin, (size_t)(end - begin) };
        while (section.len > 0)
                read_line(bytes_cut(&section, '\n'), &found, &group);
        for (enum doctor_check c = 0; c < DOCTOR_CHECKS; c++)
                strbuf_printf(&want, "%s %s\n", doctor_group_name(doctor_checks[c].group),
                              doctor_checks[c].name);
        assert_string_equal(strbuf_str(&found), strbuf_str(&want));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_teardown(test_texts, teardown),
                cmocka_unit_test_teardown(test_checks, teardown),
                cmocka_unit_test_teardown(test_all_used, teardown),
                cmocka_unit_test_teardown(test_man, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
