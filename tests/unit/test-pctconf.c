/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* test-pctconf - what is not edited comes back byte for byte, what is edited stays in place */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/conf/pctconf.h"

static struct arena arena;

static int teardown(void **state) {
        arena_done(&arena);
        return 0;
}

static struct pctconf parse(const char *text) {
        struct pctconf c;

        pctconf_parse(&arena, PCTCONF_PVE, bytes_of(text), &c);
        return c;
}

static void assert_bytes(struct bytes got, const char *want) {
        if (!bytes_equal(got, bytes_of(want)))
                fail_msg("got:\n%.*s\nwanted:\n%s", (int)got.len, got.data ? got.data : "", want);
}

/* index of the line that begins with @start */
static size_t line(const struct pctconf *c, const char *start) {
        for (size_t i = 1; i < c->n_lines; i++)
                if (c->lines[i].text.len >= strlen(start) &&
                    memcmp(c->lines[i].text.data, start, strlen(start)) == 0)
                        return i;
        fail_msg("no line %s", start);
        return 0;
}

static void test_same_bytes(void **state) {
        const struct bytes files[] = {
                BYTES(""),
                BYTES("\n"),
                BYTES("\n\n\n"),
                BYTES("\r\n"),
                BYTES("\r"),
                BYTES("arch: amd64"),
                BYTES("arch: amd64\n"),
                BYTES("arch: amd64\r\ncores: 2\nswap: 0\r\n"),
                BYTES("  arch: amd64 \t\n\t\nno colon\n:\n: x\n=\nlxc.\nlxc.=\nlxc.a:\n"),
                BYTES("#caf\xe9 \xff\xfe\0\x01\n\0\nlxc.environment: \0\n"),
                BYTES("a: b\n[x]\n[pve:pending]\nc: d\n\n[snap]\ne: f"),
                BYTES("[snap]\narch: amd64"),
                BYTES("[snap]"),
        };

        for (size_t i = 0; i < ELEMENTS(files); i++)
                for (int kind = PCTCONF_PVE; kind <= PCTCONF_LXC; kind++) {
                        struct pctconf c;

                        pctconf_parse(&arena, (enum pctconf_kind)kind, files[i], &c);
                        assert_true(bytes_equal(pctconf_write(&c), files[i]));
                }
}

static void test_long_line(void **state) {
        size_t n = 1024 * 1024;
        char *text = arena_alloc(&arena, n + 1);
        struct pctconf c;

        memset(text, 'x', n);
        memcpy(text, "lxc.environment: ", 17);
        c = parse(text);
        assert_int_equal(c.n_lines, 2);
        assert_int_equal(c.lines[1].value.len, n - 17);
        assert_bytes(pctconf_write(&c), text);
}

/* PVE::LXC::Config::parse_pct_config: /^(lxc\.[a-z0-9_\-\.]+)(:|\s*=)\s*(.*?)\s*$/ and others */
static void test_keys(void **state) {
        static const struct {
                const char *line, *key, *value;
        } cases[] = {
                { "arch: amd64", "arch", "amd64" },
                { "arch:amd64", "arch", "amd64" },
                { "arch:  amd64 \t\r", "arch", "amd64" },
                { "dev0: /dev/dri/card0,gid=44", "dev0", "/dev/dri/card0,gid=44" },
                { "dev10: x", "dev10", "x" },
                { "snaptime: 1", "snaptime", "1" },
                { "cpu_units2: 1", "cpu_units2", "1" },
                { "lxc.idmap: g 44 44 1", "lxc.idmap", "g 44 44 1" },
                { "lxc.idmap = g 44 44 1", "lxc.idmap", "g 44 44 1" },
                { "lxc.idmap=g 44 44 1", "lxc.idmap", "g 44 44 1" },
                { "lxc.idmap\t=\tg 44 44 1", "lxc.idmap", "g 44 44 1" },
                { "lxc.cgroup2.devices.allow: c 226:0 rwm", "lxc.cgroup2.devices.allow",
                  "c 226:0 rwm" },
                { "lxc.cap.drop:", "lxc.cap.drop", "" },
                { "lxc.net.0.type: veth", "lxc.net.0.type", "veth" },
                /* not read by Proxmox */
                { "lxc.idmap : g 44 44 1", "", "" },
                { " arch: amd64", "", "" },
                { "\tlxc.idmap: x", "", "" },
                { "arch : amd64", "", "" },
                { "arch = amd64", "", "" },
                { "Arch: amd64", "", "" },
                { "dev0a: x", "", "" },
                { "0dev: x", "", "" },
                { "_a: x", "", "" },
                { "lxc.Idmap: x", "", "" },
                { "#arch: amd64", "", "" },
                { "no colon", "", "" },
                { "", "", "" },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct pctconf c = parse(cases[i].line);
                const struct conf_line *l = &c.lines[c.n_lines - 1];

                if (!bytes_equal(l->key, bytes_of(cases[i].key)) ||
                    !bytes_equal(l->value, bytes_of(cases[i].value)))
                        fail_msg("'%s': key '%.*s' value '%.*s'", cases[i].line, (int)l->key.len,
                                 l->key.data ? l->key.data : "", (int)l->value.len,
                                 l->value.data ? l->value.data : "");
        }
}

/* /^\[pve:pending\]\s*$/i and /^\[([a-z][a-z0-9_\-]+)\]\s*$/i */
static void test_sections(void **state) {
        static const struct {
                const char *header;
                bool is_section;
        } cases[] = {
                { "[pve:pending]", true }, { "[PVE:Pending]", true }, { "[pve:pending] \t", true },
                { "[snap]", true },        { "[Snap-2_x]", true },    { "[a1]\r", true },
                { "[a]", false },          { "[]", false },           { "[1a]", false },
                { "[pve:other]", false },  { " [snap]", false },      { "[snap] x", false },
                { "[sn ap]", false },      { "[snap", false },        { "[snäp]", false },
                { "[[snap]]", false },     { "[-a]", false },         { "[_a]", false },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct pctconf c = parse(
                        arena_printf(&arena, "arch: amd64\n%s\narch: arm64\n", cases[i].header));
                struct bytes arch;

                assert_true(pctconf_get(&c, "arch", &arch));
                if (bytes_equal(arch, BYTES("amd64")) != cases[i].is_section)
                        fail_msg("'%s'", cases[i].header);
        }
}

static void test_lxc_kind(void **state) {
        struct bytes text =
                BYTES("  lxc.idmap = g 0 100000 65536\n[snap]\nlxc.arch = amd64\narch: x\n");
        struct pctconf c;
        struct bytes value;

        pctconf_parse(&arena, PCTCONF_LXC, text, &c);
        assert_true(pctconf_get(&c, "lxc.idmap", &value)); /* LXC skips blanks before a key */
        assert_true(pctconf_get(&c, "lxc.arch", &value));  /* and knows no sections */
        assert_false(pctconf_get(&c, "arch", &value));
        pctconf_insert(&c, pctconf_last(&c), "lxc.a", "b");
        assert_bytes(pctconf_write(&c), "  lxc.idmap = g 0 100000 65536\n[snap]\nlxc.arch = amd64\n"
                                        "arch: x\nlxc.a = b\n");
}

static void test_last_wins(void **state) {
        struct pctconf c = parse("lock: a\nlock: b\n[snap]\nlock: c\n");
        struct bytes value;

        assert_true(pctconf_get(&c, "lock", &value));
        assert_bytes(value, "b");
        assert_false(pctconf_get(&c, "loc", &value));
}

static void test_edits(void **state) {
        struct pctconf c = parse("a: 1\nb:   2  \nlxc.c = 3\n#d\n\n[snap]\nb: 2\n");

        pctconf_set(&c, line(&c, "b:"), "two");
        pctconf_set(&c, line(&c, "lxc.c"), "three");
        pctconf_drop(&c, line(&c, "a:"));
        pctconf_insert(&c, line(&c, "#d"), "lxc.e", "5");
        pctconf_insert(&c, line(&c, "#d"), "lxc.f", "6");
        pctconf_insert(&c, 0, "g", "7");
        assert_string_equal(pctconf_line_text(&c, line(&c, "b:")), "b:   two  ");
        assert_bytes(pctconf_write(&c),
                     "g: 7\nb:   two  \nlxc.c = three\n#d\nlxc.e: 5\nlxc.f: 6\n\n"
                     "[snap]\nb: 2\n");
}

static void test_line_ends(void **state) {
        struct pctconf c = parse("a: 1\r\nb: 2\r\n");

        pctconf_set(&c, 1, "x");
        pctconf_insert(&c, 1, "c", "3");
        assert_bytes(pctconf_write(&c), "a: x\r\nc: 3\r\nb: 2\r\n");

        c = parse("a: 1\nb: 2");
        pctconf_insert(&c, 2, "c", "3");
        assert_bytes(pctconf_write(&c), "a: 1\nb: 2\nc: 3");

        c = parse("a: 1\nb: 2");
        pctconf_drop(&c, 2);
        assert_bytes(pctconf_write(&c), "a: 1");

        c = parse("a: 1\n\nb: 2"); /* without its end the blank line would be none */
        pctconf_drop(&c, 3);
        assert_bytes(pctconf_write(&c), "a: 1\n\n");

        c = parse("a: 1\r\n\r\nb: 2");
        pctconf_drop(&c, 3);
        assert_bytes(pctconf_write(&c), "a: 1\r\n\r\n");

        c = parse("a: 1\r\nb: 2");
        pctconf_insert(&c, 1, "c", "3");
        pctconf_insert(&c, 2, "d", "4");
        assert_bytes(pctconf_write(&c), "a: 1\r\nc: 3\r\nb: 2\r\nd: 4");

        c = parse("");
        pctconf_insert(&c, 0, "a", "1");
        assert_bytes(pctconf_write(&c), "a: 1\n");

        c = parse("a: 1\n");
        pctconf_drop(&c, 1);
        assert_bytes(pctconf_write(&c), "");
}

/* all of the current section goes, or something comes before the first header */
/* LXC ends a line at CR; what becomes of one part leaves the others lines of their own */
static void test_line_in_a_value(void **state) {
        static const char text[] = "lxc.a: 1\rlxc.b = 2\r lxc.c=3\r\nnet0: x\ry: 2\nlxc.d: \r\n[s]\rlxc.e: 5\n";
        struct pctconf c = parse(text);

        assert_bytes(pctconf_write(&c), text);
        assert_bytes(c.lines[line(&c, "lxc.a")].value, "1");
        assert_bytes(c.lines[line(&c, "lxc.b")].key, "lxc.b");
        assert_bytes(c.lines[line(&c, " lxc.c")].value, "3");
        assert_int_equal(c.lines[line(&c, " lxc.c")].number, 1);
        assert_int_equal(c.lines[line(&c, "net0")].number, 2);
        assert_bytes(c.lines[line(&c, "net0")].value, "x\ry: 2"); /* not LXC's: white space */
        pctconf_set(&c, line(&c, "lxc.b"), "4");
        pctconf_drop(&c, line(&c, " lxc.c"));
        assert_bytes(pctconf_write(&c), "lxc.a: 1\rlxc.b = 4\nnet0: x\ry: 2\nlxc.d: \r\n[s]\rlxc.e: 5\n");
        c = parse(text);
        pctconf_insert(&c, line(&c, "lxc.a"), "dev0", "/dev/kfd");
        pctconf_drop(&c, line(&c, "lxc.b"));
        assert_bytes(pctconf_write(&c),
                     "lxc.a: 1\ndev0: /dev/kfd\n lxc.c=3\r\nnet0: x\ry: 2\nlxc.d: \r\n[s]\rlxc.e: 5\n");
}

static void test_edits_before_sections(void **state) {
        struct pctconf c = parse("a: 1\n[snap]\na: 1");

        pctconf_drop(&c, 1);
        assert_bytes(pctconf_write(&c), "[snap]\na: 1");

        c = parse("[snap]\na: 1");
        pctconf_insert(&c, pctconf_last(&c), "b", "2");
        assert_bytes(pctconf_write(&c), "b: 2\n[snap]\na: 1");
}

static void test_places(void **state) {
        struct pctconf c =
                parse("#x\narch: a\n\nlxc.a: 1\nswap: 0\nlxc.b: 2\n\n \t\n[snap]\nlxc.c: 3\n");

        assert_int_equal(pctconf_last(&c), line(&c, "lxc.b"));
        assert_int_equal(pctconf_key_end(&c), line(&c, "swap"));
        c = parse("");
        assert_int_equal(pctconf_last(&c), 0);
        assert_int_equal(pctconf_key_end(&c), 0);
        c = parse("lxc.a: 1\n");
        assert_int_equal(pctconf_key_end(&c), 0);
}

static void park(struct pctconf *c, const char *text) {
        pctconf_park(c, &(struct parked_line){ .line = text });
}

/* what was taken out comes back in behind its like, unless it is dropped again */
static void test_park(void **state) {
        struct pctconf c = parse("arch: a\nlxc.a: 1\n\n[snap]\ndev0: x\n");

        park(&c, "dev0: x");
        park(&c, "lxc.b: 2");
        park(&c, "lxc.a: 1");
        assert_int_equal(c.n_lines, 6);
        assert_true(c.lines[line(&c, "dev0")].parked && c.lines[line(&c, "lxc.b")].parked);
        assert_false(c.lines[line(&c, "lxc.a")].parked);
        assert_true(bytes_equal(c.lines[line(&c, "dev0")].value, BYTES("x")));
        assert_bytes(pctconf_write(&c),
                     "arch: a\ndev0: x\nlxc.a: 1\nlxc.b: 2\n\n[snap]\ndev0: x\n");
        pctconf_drop(&c, line(&c, "dev0"));
        pctconf_drop(&c, line(&c, "lxc.b"));
        assert_bytes(pctconf_write(&c), "arch: a\nlxc.a: 1\n\n[snap]\ndev0: x\n");
}

/* A line comes back where it stood: behind that line, of equal ones the nearest, or first. */
static void test_park_place(void **state) {
        static const struct {
                const char *behind;
                uint32_t number;
                const char *want;
        } cases[] = {
                { "", 0, "NEW\n#\na: 1\n#\nlxc.a: 1\nlxc.b: 2\n" },
                { "#", 1, "#\nNEW\na: 1\n#\nlxc.a: 1\nlxc.b: 2\n" },
                { "#", 4, "#\na: 1\n#\nNEW\nlxc.a: 1\nlxc.b: 2\n" },
                { "lxc.a: 1", 9, "#\na: 1\n#\nlxc.a: 1\nNEW\nlxc.b: 2\n" },
                { "lxc.c: 1", 4, "#\na: 1\n#\nlxc.a: 1\nlxc.b: 2\nNEW\n" },
                { "lxc.", 4, "#\na: 1\n#\nlxc.a: 1\nlxc.b: 2\nNEW\n" },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct pctconf c = parse("#\na: 1\n#\nlxc.a: 1\nlxc.b: 2\n");
                struct parked_line p = { "lxc.new: 1", cases[i].behind, cases[i].number }, place;
                const char *want = cases[i].want;
                struct strbuf b = { .arena = c.arena };

                for (; *want; want++)
                        if (str_has_prefix(want, "NEW"))
                                strbuf_adds(&b, "lxc.new: 1"), want += 2;
                        else
                                strbuf_add(&b, want, 1);
                pctconf_park(&c, &p);
                assert_bytes(pctconf_write(&c), strbuf_str(&b));
                pctconf_drop(&c, line(&c, "lxc.new"));
                pctconf_place(&c, line(&c, "lxc.new"), &place);
                if (i < 4) {
                        assert_string_equal(place.behind, cases[i].behind);
                        assert_int_equal(place.number, i == 2 ? 3 : i == 3 ? 4 : cases[i].number);
                }
        }
}

static void test_park_line_ends(void **state) {
        struct pctconf c = parse("arch: a\r\nlxc.a: 1");

        park(&c, "dev0: x");
        park(&c, "lxc.b: 2");
        assert_bytes(pctconf_write(&c), "arch: a\r\ndev0: x\r\nlxc.a: 1\r\nlxc.b: 2");
}

static void test_numbers(void **state) {
        struct pctconf c = parse("a: 1\n\nb: 2\n");

        park(&c, "dev0: x");
        assert_int_equal(c.lines[line(&c, "a:")].number, 1);
        assert_int_equal(c.lines[line(&c, "b:")].number, 3);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_same_bytes),
                cmocka_unit_test(test_long_line),
                cmocka_unit_test(test_keys),
                cmocka_unit_test(test_sections),
                cmocka_unit_test(test_lxc_kind),
                cmocka_unit_test(test_last_wins),
                cmocka_unit_test(test_edits),
                cmocka_unit_test(test_line_ends),
                cmocka_unit_test(test_line_in_a_value),
                cmocka_unit_test(test_edits_before_sections),
                cmocka_unit_test(test_places),
                cmocka_unit_test(test_park),
                cmocka_unit_test(test_park_place),
                cmocka_unit_test(test_park_line_ends),
                cmocka_unit_test(test_numbers),
        };

        return cmocka_run_group_tests_name("pctconf", tests, NULL, teardown);
}
