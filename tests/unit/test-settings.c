/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* test-settings - settings files, mappings and storages, from bytes and from a folder */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ftw.h>
#include <sys/stat.h>

#include "base/file.h"
#include "model/policy/key.h"
#include "model/policy/memory.h"
#include "pve/mapping.h"
#include "pve/settings.h"
#include "pve/storage.h"

#define HOST_FILE "/etc/gpuanchor/gpuanchor.conf"
#define OWN_FILE "/etc/pve/gpuanchor/101.conf"

static struct arena arena;
static char root[] = "/tmp/gpuanchor-test-XXXXXX";
static const struct pve pve = { &arena, root, "pve1" };

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        return remove(path);
}

static int setup(void **state) {
        strcpy(root + strlen(root) - 6, "XXXXXX");
        return mkdtemp(root) ? 0 : -1;
}

static int teardown(void **state) {
        arena_done(&arena);
        return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void put(const char *path, const char *content) {
        char *full = arena_printf(&arena, "%s%s", root, path);
        char *dir = arena_strdup(&arena, full);

        *strrchr(dir, '/') = '\0';
        assert_int_equal(mkdir_parents(dir, 0755), 0);
        assert_int_equal(file_replace(full, bytes_of(content), 0644, 0), 0);
}

static struct policy load(uint32_t vmid, struct findings *f) {
        struct settings host, own;

        settings_load_host(&pve, &host);
        own = settings_copy(&arena, &host);
        settings_load_own(&pve, vmid, &own);
        *f = own.problems;
        return own.policy;
}

static void expect(const struct findings *f, size_t i, enum finding_code code, const char *where,
                   const char *what) {
        assert_true(i < f->n);
        assert_int_equal(f->items[i].code, code);
        assert_string_equal(f->items[i].where, where);
        if (!strstr(f->items[i].what, what))
                fail_msg("\"%s\" lacks \"%s\"", f->items[i].what, what);
}

static bool parse(struct bytes content, enum settings_kind kind, struct policy *p,
                  struct findings *f) {
        struct settings s = { .problems = { .arena = &arena } };
        bool counts;

        policy_init(&arena, &s.policy);
        counts = settings_parse(&s, kind, "FILE", content);
        *p = s.policy;
        *f = s.problems;
        return counts;
}

/* a container's file with one finding, at line 2 */
static void test_one_finding(void **state) {
        static const struct {
                const char *content, *what;
                bool broken;
        } cases[] = {
                { "[container]\nmethod = x\n", "accepted: auto, idmap, dev", false },
                { "[container]\ndevices = x\n", "accepted: some of card", false },
                { "[container]\nvideo-gid = 0\n", "group root", false },
                { "[container]\nrender-gid = x\n", "accepted: auto, 1 to", false },
                { "[container]\nmissing = wait:0\n", "wait:1 to wait:600", false },
                { "[container]\non-error = x\n", "accepted: start, refuse", false },
                { "[container]\nnext-hook = x\n", "STORAGE:snippets/NAME", false },
                { "[container]\ngpu = x\n", "accepted: auto, all", true },
                { "[container]\ngpus = auto\n", "did you mean gpu?", true },
                { "[container]\nmethods = dev\n", "did you mean method?", false },
                { "[container]\r\ncolour = red\r\n", "accepted: gpu", false },
                { "[container]\nx\x1b[2J = red\n", "unknown key x?[2J", false },
                { "#\nmethod = dev\n", "put [container] above it", false },
                { "#\ngpu = all\n", "put [container] above it", true },
                { "#\n[defaults]\nmethod = dev\n", "belongs in " HOST_FILE, false },
                { "#\n[containers]\n", "accepted: [container], [pin NODE], [memory]", false },
                { "#\n[pin]\n", "unknown section [pin]", false },
                { "#\n[pin a b]\n", "unknown section [pin a b]", false },
                { "[pin pve1]\ngpu = x\n", "ADDRESS VENDOR:DEVICE", true },
                { "[pin pve1]\nnote = x\n", "ADDRESS VENDOR:DEVICE", false },
                { "[memory]\nvideo-gid = x\n", "1 to 4294967294", false },
                { "[memory]\nlines = x\n", "accepted: video-gid", false },
                { "[memory]\nline = \\q\n", "a backslash that is not", false },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct policy p;
                struct findings f;

                assert_true(parse(bytes_of(cases[i].content), SETTINGS_CONTAINER, &p, &f));
                assert_int_equal(f.n, 1);
                expect(&f, 0, cases[i].broken ? FINDING_POLICY_BROKEN : FINDING_POLICY_KEY,
                       "FILE:2", cases[i].what);
                assert_int_equal(p.broken, cases[i].broken);
        }
}

static void test_thrown_away(void **state) {
        char *big = arena_alloc(&arena, INI_FILE_MAX + 1);
        char *long_line = arena_printf(&arena, "[container]\nmethod = dev\nnext-hook = /%0*d\n",
                                       INI_LINE_MAX - 12, 0);
        const struct {
                struct bytes content;
                const char *where, *what;
        } cases[] = {
                { BYTES("[container]\nmethod = dev\nnonsense\n"), "FILE:3", "no [section]" },
                { BYTES("[container]\nmethod = dev\n[memory\n"), "FILE:3", "does not end in ]" },
                { BYTES("[container]\nmethod = dev\n[memory] x\n"), "FILE:3", "not end in ]" },
                { BYTES("[container]\nmethod = dev\n x\0y = z\n"), "FILE:3", "NUL" },
                { bytes_of(long_line), "FILE:3", "longer than 197" },
                { { big, INI_FILE_MAX + 1 }, "FILE", "64 KiB" },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct policy p;
                struct findings f;

                assert_false(parse(cases[i].content, SETTINGS_CONTAINER, &p, &f));
                assert_true(p.broken);
                assert_int_equal(p.method, METHOD_AUTO);
                assert_int_equal(f.n, 1);
                expect(&f, 0, FINDING_POLICY_BROKEN, cases[i].where, cases[i].what);

                assert_false(parse(cases[i].content, SETTINGS_HOST, &p, &f));
                assert_false(p.broken);
                assert_string_equal(p.doubt, cases[i].where);
                expect(&f, 0, FINDING_READ_FAILED, cases[i].where, cases[i].what);
        }
}

static void test_forms(void **state) {
        static const char *const cases[] = {
                "[container]\nmethod=dev\ngpu=driver:i915",
                "\xef\xbb\xbf[container]\r\nmethod: dev\r\n\r\n gpu = driver:i915 ; small\r\n",
                "  [container] # mine\n\tmethod = dev\n\t\tgpu =\tdriver:i915\t\n",
                "[container]\nmethod = dev\n[memory]\n; gpu\n[container]\ngpu = driver:i915\n",
        };
        struct policy p;
        struct findings f;

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                assert_true(parse(bytes_of(cases[i]), SETTINGS_CONTAINER, &p, &f));
                assert_int_equal(f.n, 0);
                assert_int_equal(p.method, METHOD_DEV);
                assert_string_equal(p.gpus[0].text, "driver:i915");
        }
        assert_true(parse((struct bytes){ 0 }, SETTINGS_CONTAINER, &p, &f));
        assert_false(p.broken);
}

static void test_long_comment(void **state) {
        char comment[1000];
        struct policy p;
        struct findings f;

        memset(comment, '=', sizeof(comment));
        comment[0] = '#';
        assert_true(parse((struct bytes){ comment, sizeof(comment) }, SETTINGS_CONTAINER, &p, &f));
        assert_int_equal(f.n, 0);
}

/* one limit whatever the line end, on libinih 55, which would cut, and 59, which would refuse */
static void test_longest_line(void **state) {
        for (size_t size = 197; size <= 199; size++)
                for (size_t crlf = 0; crlf < 2; crlf++) {
                        const char *end = crlf ? "\r\n" : "\n";
                        char *text = arena_printf(&arena, "[container]%s next-hook = /%0*d %s"
                                                          "method = dev%s",
                                                  end, (int)(size - strlen("next-hook = /")), 0,
                                                  end, end);
                        struct policy p;
                        struct findings f;

                        assert_int_equal(parse(bytes_of(text), SETTINGS_CONTAINER, &p, &f),
                                         size == 197);
                        assert_int_equal(p.method, size == 197 ? METHOD_DEV : METHOD_AUTO);
                        if (size > 197)
                                expect(&f, 0, FINDING_POLICY_BROKEN, "FILE:2",
                                       "the line is longer than 197 bytes");
                        else
                                assert_int_equal(strlen(p.next_hook), 197 - strlen("next-hook = "));
                }
}

static void test_set_twice(void **state) {
        struct policy p;
        struct findings f;

        assert_true(parse(BYTES("[container]\ngpu = driver:a\ngpu = driver:b\n"),
                          SETTINGS_CONTAINER, &p, &f));
        assert_string_equal(p.gpus[0].name, "b");
        expect(&f, 0, FINDING_POLICY_KEY, "FILE:3", "gpu is set twice");
}

static void test_long_node_name(void **state) {
        static const char node[] = "a-node-with-a-name-of-more-than-50-bytes-which-inih-would-cut";
        struct policy p, again;
        struct findings f;
        struct bytes file;
        char *line = arena_printf(&arena, "[pin %s]\ngpu = 0000:01:00.0 1:2 -\n", node);

        assert_true(parse(bytes_of(line), SETTINGS_CONTAINER, &p, &f));
        file = policy_remember(&arena, (struct bytes){ 0 }, node, &p);
        assert_true(parse(file, SETTINGS_CONTAINER, &again, &f));
        assert_int_equal(policy_pin(&again, node)->gpus[0].ids.vendor, 1);
}

static void test_nothing_there(void **state) {
        struct findings f;
        struct policy p = load(101, &f);

        assert_false(p.present || p.broken);
        assert_int_equal(p.gpus[0].kind, SEL_AUTO);
        assert_int_equal(f.n, 0);
}

static void test_layers(void **state) {
        struct findings f;
        struct policy p;

        put(HOST_FILE, "[defaults]\nmethod = idmap\nmissing = refuse\non-error = refuse\n");
        put(HOST_FILE ".d/20-b.conf", "[defaults]\nvideo-gid = 20\n");
        put(HOST_FILE ".d/10-a.conf", "[defaults]\nvideo-gid = 10\nrender-gid = 10\n");
        put(HOST_FILE ".d/30.conf.bak", "[defaults]\nvideo-gid = 30\n");
        put(HOST_FILE ".d/.40.conf", "[defaults]\nvideo-gid = 40\n");
        put(OWN_FILE, "[container]\nmethod = dev\non-error =\n[memory]\nvideo-gid = 44\n");
        p = load(101, &f);
        assert_int_equal(f.n, 0);
        assert_true(p.present);
        assert_int_equal(p.method, METHOD_DEV);
        assert_int_equal(p.missing, MISSING_REFUSE);
        assert_false(p.refuse_on_error);
        assert_int_equal(p.gid[GID_VIDEO].set, 20);
        assert_int_equal(p.gid[GID_RENDER].set, 10);
        assert_int_equal(p.gid[GID_VIDEO].known, 44);

        p = load(0, &f);
        assert_false(p.present);
        assert_int_equal(p.method, METHOD_IDMAP);
}

static void test_host_sections(void **state) {
        struct findings f;
        struct policy p;

        put(HOST_FILE, "[container]\nmethod = dev\n[memory]\nvideo-gid = 44\n[pin pve1]\n");
        p = load(101, &f);
        assert_int_equal(f.n, 3);
        expect(&f, 0, FINDING_POLICY_KEY, HOST_FILE ":1", "in /etc/pve/gpuanchor/VMID.conf");
        expect(&f, 1, FINDING_POLICY_KEY, HOST_FILE ":3", "accepted: [defaults]");
        expect(&f, 2, FINDING_POLICY_KEY, HOST_FILE ":5", "accepted: [defaults]");
        assert_int_equal(p.method, METHOD_AUTO);
        assert_int_equal(p.gid[GID_VIDEO].known, GID_AUTO);
}

/* a wrong default for gpu is no harm to a container that says its own */
static void test_doubt(void **state) {
        struct findings f;
        struct policy p;

        put(HOST_FILE, "[defaults]\ngpu = amdgpu\n");
        p = load(101, &f);
        assert_true(p.broken);
        assert_int_equal(f.n, 2);
        expect(&f, 0, FINDING_POLICY_KEY, HOST_FILE ":2", "gpu = amdgpu");
        expect(&f, 1, FINDING_POLICY_BROKEN, HOST_FILE ":2", "the default for gpu is not known");

        put(OWN_FILE, "[container]\ngpu = driver:amdgpu\n");
        p = load(101, &f);
        assert_false(p.broken);
        assert_int_equal(f.n, 1);

        put(OWN_FILE, "[container]\nmethod = dev\n");
        put(HOST_FILE ".d/a.conf", "[defaults]\ngpu = all\n");
        assert_false(load(101, &f).broken);
        put(HOST_FILE ".d/b.conf", "nonsense\n");
        assert_true(load(101, &f).broken);
        assert_true(load(0, &f).broken);
}

static void test_unreadable(void **state) {
        struct findings f;
        struct policy p;

        put(OWN_FILE "/x", "");
        p = load(101, &f);
        assert_true(p.present && p.broken);
        assert_int_equal(f.n, 1);
        expect(&f, 0, FINDING_POLICY_BROKEN, OWN_FILE, "not a regular file");

        put("/etc/pve/gpuanchor/102.conf", "[container]\ngpu = all\n");
        put(HOST_FILE ".d", "");
        p = load(102, &f);
        assert_false(p.broken);
        expect(&f, 0, FINDING_READ_FAILED, HOST_FILE ".d", "Not a directory");
        assert_true(load(0, &f).broken);
}

static void test_path(void **state) {
        assert_string_equal(settings_path(&(struct pve){ &arena, "/x", NULL }, 101), "/x" OWN_FILE);
        assert_string_equal(settings_name(&arena, 101), OWN_FILE);
}

#define PCI_CFG                                                                                \
        "# cluster\n"                                                                          \
        "igpu\n"                                                                               \
        "\tdescription map id=1:2,node=pve1,path=x\n"                                          \
        "\tmap id=8086:46a6,iommugroup=5,node=pve1,path=0000:00:02.0;0000:00:02.1,"            \
        "subsystem-id=8086:7270\n"                                                             \
        "\tmap id=1002:150E,node=pve2,path=0000:C1:00\n"                                       \
        "\n"                                                                                   \
        "two\n"                                                                                \
        "\tmap id=10de:2204,node=pve1,path=0000:01:00.0\n"                                     \
        "\tmap id=10de:2204,node=pve1,path=0000:02:00.0\n"                                     \
        "\tmap id=10de:9999,node=pve1,path=0000:03:00.0\n"                                     \
        "\tmap id=10de,node=pve2,path=0000:01:00.0\n"                                          \
        "\tmap id=10de:2204,node=pve3,path=01\n"                                               \
        "\tmap id=10de:2204,node=pve4\n"                                                       \
        "\n"                                                                                   \
        "old\n\tmap id=1:1,node=pve1,path=0000:01:00.0\n\n"                                    \
        "old\nodd\n\tmap id=0001:0002,node=pve1,path=0000:04:00.0\n"

static void test_mapping(void **state) {
        static const struct {
                const char *name, *node, *paths, *problem;
                uint32_t vendor, device;
        } cases[] = {
                { "igpu", "pve1", "0000:00:02.0 0000:00:02.1 ", NULL, 0x8086, 0x46a6 },
                { "igpu", "pve2", "0000:c1:00 ", NULL, 0x1002, 0x150e },
                { "igpu", "pve3", "", "no line for node pve3", 0, 0 },
                { "two", "pve1", "0000:01:00.0 0000:02:00.0 ", NULL, 0x10de, 0x2204 },
                { "two", "pve2", "", "cannot be understood", 0, 0 },
                { "two", "pve3", "", "cannot be understood", 0, 0 },
                { "two", "pve4", "", "cannot be understood", 0, 0 },
                { "old", "pve1", "0000:04:00.0 ", NULL, 1, 2 },
                { "odd", "pve1", "", "no such mapping", 0, 0 },
                { "none", "pve1", "", "no such mapping", 0, 0 },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct gpu_sel sel = { .kind = SEL_MAPPING, .name = cases[i].name };
                struct strbuf paths = { .arena = &arena };

                mapping_parse(&arena, BYTES(PCI_CFG), cases[i].node, &sel);
                for (size_t j = 0; j < sel.n_paths; j++)
                        strbuf_printf(&paths, "%s ", sel.paths[j]);
                assert_string_equal(strbuf_str(&paths), cases[i].paths);
                assert_int_equal(sel.ids.vendor, cases[i].vendor);
                assert_int_equal(sel.ids.device, cases[i].device);
                if (cases[i].problem)
                        assert_non_null(strstr(sel.problem, cases[i].problem));
                else
                        assert_null(sel.problem);
        }
}

static void test_mapping_resolve(void **state) {
        struct policy p;

        policy_init(&arena, &p);
        assert_null(policy_set(&arena, &p, "gpu", "driver:a mapping:igpu mapping:two"));
        mapping_resolve(&pve, &p);
        assert_null(p.gpus[0].problem);
        assert_non_null(strstr(p.gpus[1].problem, "no such mapping"));

        put("/etc/pve/mapping/pci.cfg", PCI_CFG);
        mapping_resolve(&pve, &p);
        assert_int_equal(p.gpus[0].n_paths, 0);
        assert_int_equal(p.gpus[1].n_paths, 2);
        assert_null(p.gpus[1].problem);
        assert_int_equal(p.gpus[2].n_paths, 2);
}

static void test_mapping_unreadable(void **state) {
        struct policy p;

        policy_init(&arena, &p);
        assert_null(policy_set(&arena, &p, "gpu", "mapping:igpu mapping:two"));
        put("/etc/pve/mapping/pci.cfg/x", "");
        mapping_resolve(&pve, &p);
        assert_non_null(strstr(p.gpus[0].problem, "cannot be read"));
        assert_non_null(strstr(p.gpus[1].problem, "cannot be read"));
}

#define STORAGE_CFG                                                                            \
        "dir: local\n\tpath /var/lib/vz\n\tcontent iso,snippets\n\n"                           \
        "nfs: nas\n\tserver 192.0.2.1\n\tcontent-dirs iso=i, snippets=scripts/hooks\n\n"       \
        "cifs: smb\n\tpath /mnt/pve/smb\n\n"                                                   \
        "btrfs: pool\n\tpath /pool\n\n"                                                        \
        "dir: up\n\tpath /srv\n\tcontent-dirs snippets=../x\n\n"                               \
        "dir: nopath\n\tshared 1\n\n"                                                          \
        "lvmthin: thin\n\tvgname pve\n"

static void test_storage(void **state) {
        static const char *const cases[][2] = {
                { "local:snippets/a.pl", "/var/lib/vz/snippets/a.pl" },
                { "nas:snippets/a.pl", "/mnt/pve/nas/scripts/hooks/a.pl" },
                { "smb:snippets/a..b", "/mnt/pve/smb/snippets/a..b" },
                { "pool:snippets/a", "/pool/snippets/a" },
                { "/usr/local/bin/x", "/usr/local/bin/x" },
                { "up:snippets/a", NULL },
                { "nopath:snippets/a", NULL },
                { "thin:snippets/a", NULL },
                { "none:snippets/a", NULL },
                { "local:iso/a", NULL },
                { "local:snippets/", NULL },
                { "local:snippets/..", NULL },
                { "local:snippets/../a", NULL },
                { "local:snippets/a/b", NULL },
                { "/usr/../etc/x", NULL },
                { "a", NULL },
                { "", NULL },
        };

        put("/etc/pve/storage.cfg", STORAGE_CFG);
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                const char *got = storage_snippet_path(&pve, cases[i][0]);

                if (!cases[i][1])
                        assert_null(got);
                else
                        assert_string_equal(got, arena_printf(&arena, "%s%s", root, cases[i][1]));
        }
}

static void test_storage_local(void **state) {
        static const char *const cases[][2] = {
                { "", "/var/lib/vz/snippets" },
                { "dir: local\n\tpath /var/lib/vz\n\tcontent-dirs snippets=s\n", "/var/lib/vz/s" },
                { "dir: local\n\tpath /srv\n\tcontent-dirs snippets=s\n", "/var/lib/vz/snippets" },
                { "nfs: local\n\tcontent-dirs snippets=s\n", "/var/lib/vz/snippets" },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++)
                assert_string_equal(cases[i][1], storage_snippet_dir(&arena, bytes_of(cases[i][0]),
                                                                     BYTES("local")));
        assert_string_equal(storage_snippet_path(&(struct pve){ &arena, "", NULL },
                                                 "local:snippets/gpuanchor-absent"),
                            "/var/lib/vz/snippets/gpuanchor-absent");
}

/* the same reader: with a byte order mark, and a broken file does not count in part */
static void test_daemon(void **state) {
        struct findings f = { .arena = &arena };
        struct daemon_settings s;

        put(HOST_FILE, "\xef\xbb\xbf[daemon]\r\ninterval: 60 ; one minute\r\nquiet = 99\r\n"
                       "loud = yes\r\n[defaults]\nquiet = 3\n");
        put(HOST_FILE ".d/a.conf", "[daemon]\nmessages-per-minute = 5\nnonsense\n");
        put(HOST_FILE ".d/b.conf", "[daemon]\nquiet = 2\n");
        settings_load_daemon(&pve, &s, &f);
        assert_int_equal(s.interval, 60);
        assert_int_equal(s.quiet, 2);
        assert_int_equal(s.messages, 30);
        assert_int_equal(f.n, 2);
        expect(&f, 0, FINDING_POLICY_KEY, HOST_FILE ":3", "quiet is a whole number from 1 to 10");
        expect(&f, 1, FINDING_POLICY_KEY, HOST_FILE ":4", "unknown key loud");
        put(HOST_FILE ".d/c.conf", "[daemon]\ninterval =\n");
        settings_load_daemon(&pve, &s, &f);
        assert_int_equal(s.interval, 300);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_one_finding),
                cmocka_unit_test(test_thrown_away),
                cmocka_unit_test(test_forms),
                cmocka_unit_test(test_long_comment),
                cmocka_unit_test(test_longest_line),
                cmocka_unit_test(test_set_twice),
                cmocka_unit_test(test_long_node_name),
                cmocka_unit_test(test_path),
                IN_FOLDER(test_daemon),
                cmocka_unit_test(test_mapping),
                cmocka_unit_test(test_storage_local),
                IN_FOLDER(test_nothing_there),
                IN_FOLDER(test_layers),
                IN_FOLDER(test_host_sections),
                IN_FOLDER(test_doubt),
                IN_FOLDER(test_unreadable),
                IN_FOLDER(test_mapping_resolve),
                IN_FOLDER(test_mapping_unreadable),
                IN_FOLDER(test_storage),
        };

        return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
