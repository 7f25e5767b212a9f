/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* test-finding-table - finding.def, against itself, the code, the catalog, and gpuanchord(8) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "model/finding/finding.h"

#include <ctype.h>
#include <glob.h>

static struct arena arena;

static int teardown(void **state) {
        arena_done(&arena);
        return 0;
}

static const char *const symbols[] = {
#define FINDING(symbol, ...) #symbol,
#include "model/finding/finding.def"
#undef FINDING
};

static const char *read_text(const char *root, const char *name) {
        struct bytes text;

        if (file_read(&arena, arena_printf(&arena, "%s/%s", getenv(root), name), 1 << 20, &text) !=
            0)
                fail_msg("%s cannot be read", name);
        return text.data;
}

/* ---- the entries ---- */

static bool is_made_of(const char *s, const char *characters) {
        return *s && s[strspn(s, characters)] == '\0';
}

static void test_names(void **state) {
        for (size_t i = 0; i < FINDING_CODES; i++) {
                const struct finding_kind *kind = &finding_kinds[i];
                const char *id = kind->message_id;
                size_t n = strlen(kind->code);

                if (!is_made_of(symbols[i], "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") || symbols[i][0] == '_')
                        fail_msg("symbol %s", symbols[i]);
                if (!is_made_of(kind->code, "abcdefghijklmnopqrstuvwxyz-") ||
                    kind->code[0] == '-' || kind->code[n - 1] == '-')
                        fail_msg("%s: code \"%s\"", symbols[i], kind->code);
                if (kind->severity < SEV_ERROR || kind->severity > SEV_INFO)
                        fail_msg("%s: severity %d", symbols[i], (int)kind->severity);
                /* as systemd-id128 new makes them: version 4, variant 1 */
                if (!is_made_of(id, "0123456789abcdef") || strlen(id) != 32 || id[12] != '4' ||
                    !strchr("89ab", id[16]))
                        fail_msg("%s: MESSAGE_ID %s", symbols[i], id);
        }
}

static void test_unique(void **state) {
        for (size_t i = 0; i < FINDING_CODES; i++)
                for (size_t j = 0; j < i; j++)
                        if (streq(finding_kinds[i].code, finding_kinds[j].code) ||
                            streq(finding_kinds[i].message_id, finding_kinds[j].message_id) ||
                            streq(finding_kinds[i].text, finding_kinds[j].text))
                                fail_msg("%s and %s have something in common", symbols[i],
                                         symbols[j]);
}

/* ---- the texts ---- */

static void check_places(const char *text) {
        static const char *const places[] = { "{gpu}",  "{old}",   "{new}",
                                              "{what}", "{where}", "{vmid}", "{name}",
                                              "{would}" };

        for (const char *at = text; (at = strchr(at, '{')); at++) {
                bool known = false;

                for (size_t i = 0; i < ELEMENTS(places); i++)
                        known |= str_has_prefix(at, places[i]);
                if (!known)
                        fail_msg("no such place: %s", text);
        }
}

static void check_text(const char *text) {
        size_t n = strlen(text);

        check_places(text);
        if (n > 0 && (strchr(".! ", text[n - 1]) || text[0] == ' ' || strstr(text, "  ") ||
                      strchr(text, '\n')))
                fail_msg("a full stop, a blank too much or a line end: \"%s\"", text);
}

static void test_texts(void **state) {
        for (size_t i = 0; i < FINDING_CODES; i++) {
                const struct finding_kind *kind = &finding_kinds[i];
                bool no_remedy = i == FINDING_GUEST_TEMPLATE || i == FINDING_READ_FAILED ||
                                 i == FINDING_WRITE_FAILED;

                check_text(kind->text);
                check_text(kind->remedy);
                if (!*kind->text)
                        fail_msg("%s: no text", symbols[i]);
                for (const char *at = kind->text; (at = strstr(at, ". ")); at++)
                        if (isupper((unsigned char)at[2]))
                                fail_msg("%s: more than one sentence", symbols[i]);
                if (kind->severity == SEV_ERROR && !*kind->remedy && !no_remedy)
                        fail_msg("%s: an error without a remedy", symbols[i]);
        }
}

/* ---- the code ---- */

static bool says(const char *code, const char *symbol) {
        size_t n = strlen(symbol);

        for (const char *at = code; (at = strstr(at, symbol)); at += n)
                if (at[n] != '_' && !isalnum((unsigned char)at[n]))
                        return true;
        return false;
}

static void test_all_said(void **state) {
        static const char *const folders[] = { "hooks", "src/*", "src/*/*", "src/*/*/*" };
        const char *root = getenv("GPUANCHOR_SOURCE_ROOT");
        struct strbuf code = { .arena = &arena };
        glob_t found = { 0 };

        for (size_t i = 0; i < ELEMENTS(folders); i++)
                glob(arena_printf(&arena, "%s/%s/*.c", root, folders[i]), i ? GLOB_APPEND : 0, NULL,
                     &found);
        for (size_t i = 0; i < found.gl_pathc; i++)
                if (!strstr(found.gl_pathv[i], "/model/finding/"))
                        strbuf_adds(&code, read_text("GPUANCHOR_SOURCE_ROOT",
                                                     found.gl_pathv[i] + strlen(root) + 1));
        globfree(&found);
        for (size_t i = 0; i < FINDING_CODES; i++)
                if (!says(strbuf_str(&code), arena_printf(&arena, "FINDING_%s", symbols[i])))
                        fail_msg("no code has FINDING_%s", symbols[i]);
}

/* ---- where people read of them ---- */

static size_t count(const char *text, const char *part) {
        size_t n = 0;

        for (const char *at = text; (at = strstr(at, part)); at += strlen(part))
                n++;
        return n;
}

/* Each once as @entry has it, and no other id. */
static void compare(const char *text, const char *(*entry)(const struct finding_kind *kind)) {
        size_t ids = 0;

        for (size_t i = 0; i < FINDING_CODES; i++)
                if (count(text, entry(&finding_kinds[i])) != 1)
                        fail_msg("not once in it: %s", entry(&finding_kinds[i]));
        for (const char *at = text; *at; at += strcspn(at, " \t\n"), at += strspn(at, " \t\n"))
                ids += strspn(at, "0123456789abcdef") == 32;
        assert_int_equal(ids, FINDING_CODES);
}

static const char *man_entry(const struct finding_kind *kind) {
        return arena_printf(&arena, "\n*%s*\n\t%s %s\n", kind->code, severity_name(kind->severity),
                            kind->message_id);
}

static const char *catalog_entry(const struct finding_kind *kind) {
        return arena_printf(&arena, "\n-- %s\nSubject: %s\n", kind->message_id, kind->code);
}

static void test_man(void **state) {
        compare(read_text("GPUANCHOR_SOURCE_ROOT", "man/gpuanchord.8.scd"), man_entry);
}

static void test_catalog(void **state) {
        compare(read_text("GPUANCHOR_BUILD_ROOT", "systemd/gpuanchor.catalog"), catalog_entry);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_teardown(test_names, teardown),
                cmocka_unit_test_teardown(test_unique, teardown),
                cmocka_unit_test_teardown(test_texts, teardown),
                cmocka_unit_test_teardown(test_all_said, teardown),
                cmocka_unit_test_teardown(test_man, teardown),
                cmocka_unit_test_teardown(test_catalog, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
