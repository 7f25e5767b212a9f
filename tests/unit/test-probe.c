/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * test-probe - every fact of every host in tests/fixtures/hosts
 *
 * NAME.host describes a machine, NAME.facts what the probe must find on it, all
 * of it, in the form that facts_text() writes. A new pair is a new test. The
 * hosts have real device nodes, so without root these tests are skipped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/file.h"
#include "host/probe/majors.h"
#include "host/probe/probe.h"
#include "host/probe/subid.h"
#include "model/report/host-text.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <sys/stat.h>

static char scratch[PATH_MAX];

static const char *source_root(void) {
        const char *root = getenv("GPUANCHOR_SOURCE_ROOT");

        return root ? root : ".";
}

static void node_text(struct strbuf *b, const char *indent, const struct node *n) {
        static const char *const states[] = {
                [NODE_ABSENT] = "absent",
                [NODE_CHAR] = "char",
                [NODE_WRONG_NUMBER] = "wrong-number",
                [NODE_FAKE] = "fake",
        };

        strbuf_printf(b, "%s%s %s %u:%u %s %u:%u %04o\n", indent, node_kind_name(n->kind), n->path,
                      n->number.major, n->number.minor, states[n->state], n->uid, n->gid, n->mode);
}

static void gpu_text(struct strbuf *b, const struct gpu *g) {
        strbuf_printf(b, "gpu %s", g->address);
        if (g->pci)
                strbuf_printf(b, " pci class %06x", g->class);
        if (pci_ids_known(&g->ids))
                strbuf_printf(b, " id %04x:%04x sub %04x:%04x", g->ids.vendor, g->ids.device,
                              g->ids.subvendor, g->ids.subdevice);
        strbuf_printf(b, " driver %s", g->driver ? g->driver : "-");
        if (g->physfn)
                strbuf_printf(b, " physfn %s", g->physfn);
        strbuf_adds(b, "\n");
        for (size_t i = 0; i < g->n_nodes; i++)
                node_text(b, "  ", &g->nodes[i]);
}

static void group_text(struct strbuf *b, const char *name, struct host_group group) {
        strbuf_printf(b, group.present ? "group %s %u\n" : "group %s -\n", name, group.gid);
}

static const char *facts_text(struct arena *a, const struct facts *f) {
        struct strbuf b = { .arena = a };

        for (size_t i = 0; i < f->n_gpus; i++)
                gpu_text(&b, &f->gpus[i]);
        for (size_t i = 0; i < f->n_shared; i++)
                node_text(&b, "shared ", &f->shared[i]);
        for (int i = 0; i < GID_GROUPS; i++)
                group_text(&b, gid_group_name(i), f->groups[i]);
        strbuf_adds(&b, "subgid");
        for (size_t i = 0; i < f->n_subgids; i++)
                strbuf_printf(&b, " %u+%u", f->subgids[i].start, f->subgids[i].count);
        strbuf_adds(&b, "\nmajor");
        for (size_t i = 0; i < f->n_majors; i++)
                strbuf_printf(&b, " %u=%s", f->majors[i].major, f->majors[i].name);
        strbuf_adds(&b, "\n");
        return strbuf_str(&b);
}

/* The facts of the host that is made of a description of @f. */
static const struct facts *described(struct arena *a, const char *name, const struct facts *f) {
        const char *root = arena_printf(a, "%s/%s.again", scratch, name);
        struct facts *again = arena_alloc(a, sizeof(*again));
        struct strbuf text = { .arena = a };

        describe_host(&text, f, NULL, 0);
        assert_int_equal(file_replace(arena_printf(a, "%s.host", root), strbuf_bytes(&text), 0644, 0),
                         0);
        assert_int_equal(system(arena_printf(a, "sh '%s/tests/mkhost.sh' '%s.host' '%s'",
                                             source_root(), root, root)), 0);
        assert_int_equal(probe_facts(a, root, again), 0);
        return again;
}

static void test_host(void **state) {
        const char *base = *state, *name = strrchr(base, '/') + 1, *root, *command;
        _cleanup_arena_ struct arena a = { 0 };
        struct facts facts;
        struct bytes want;

        if (geteuid() != 0) {
                print_message("only root can make device nodes\n");
                skip();
        }
        root = arena_printf(&a, "%s/%s", scratch, name);
        command = arena_printf(&a, "sh '%s/tests/mkhost.sh' '%s.host' '%s'", source_root(), base,
                               root);
        assert_int_equal(system(command), 0);
        assert_int_equal(file_read(&a, arena_printf(&a, "%s.facts", base), 65536, &want), 0);
        assert_int_equal(probe_facts(&a, root, &facts), 0);
        assert_string_equal(facts_text(&a, &facts), want.data);
        assert_string_equal(facts_text(&a, described(&a, name, &facts)), want.data);
}

static void test_nothing(void **state) {
        _cleanup_arena_ struct arena a = { 0 };
        struct facts facts;

        assert_int_equal(probe_facts(&a, "/nonexistent", &facts), 0);
        assert_string_equal(facts_text(&a, &facts),
                            "group video -\ngroup render -\nsubgid\nmajor\n");
}

/* something that is there and cannot be read is named; the GPUs are known without it */
static void test_unreadable(void **state) {
        static const char *const paths[] = { "/etc/group", "/etc/subgid", "/proc/devices" };
        _cleanup_arena_ struct arena a = { 0 };
        struct facts facts;

        for (size_t i = 0; i < ELEMENTS(paths); i++) {
                const char *root = arena_printf(&a, "%s/unreadable%zu", scratch, i);

                assert_int_equal(mkdir_parents(arena_printf(&a, "%s%s", root, paths[i]), 0755), 0);
                assert_int_equal(probe_facts(&a, root, &facts), 0);
                assert_string_equal(facts.unread, paths[i]);
                assert_string_equal(facts.unread_why, "not a regular file");
        }
}

static void many_make(struct arena *a, const char *root, unsigned i) {
        const char *dir = arena_printf(a, "%s/sys/devices/platform/gpu%u/drm/card%u", root, i, i);
        const char *target = arena_printf(a, "../../devices/platform/gpu%u/drm/card%u", i, i);
        const char *link = arena_printf(a, "%s/sys/class/drm/card%u", root, i);

        assert_int_equal(mkdir_parents(dir, 0755), 0);
        assert_int_equal(file_replace(arena_printf(a, "%s/dev", dir), BYTES("226:1\n"), 0644, 0),
                         0);
        assert_int_equal(symlink(target, link), 0);
}

/* more GPUs than a directory is believed for, and a name as long as names get */
static void test_too_many(void **state) {
        _cleanup_arena_ struct arena a = { 0 };
        const char *root = arena_printf(&a, "%s/many", scratch);
        const char *class = arena_printf(&a, "%s/sys/class/drm", root);
        struct facts facts;

        assert_int_equal(mkdir_parents(class, 0755), 0);
        for (unsigned i = 0; i < 300; i++)
                many_make(&a, root, i);
        assert_int_equal(symlink("../../devices/platform/gpu1/drm/card1",
                                 arena_printf(&a, "%s/card%0250u", class, 1U)),
                         0);
        assert_int_equal(probe_facts(&a, root, &facts), 0);
        assert_int_equal(facts.n_gpus, 256);
}

/* the list of majors comes only when it is asked for, and once */
static void test_majors(void **state) {
        _cleanup_arena_ struct arena a = { 0 };
        const char *root = arena_printf(&a, "%s/majors", scratch);
        const char *proc = arena_printf(&a, "%s/proc", root);
        struct facts facts;

        assert_int_equal(mkdir_parents(proc, 0755), 0);
        assert_int_equal(file_replace(arena_printf(&a, "%s/devices", proc),
                                      BYTES("Character devices:\n  4 tty\n  4 ttyS\n226 drm\n\n"
                                            "Block devices:\n  8 sd\n"),
                                      0644, 0),
                         0);
        assert_int_equal(probe_gpus(&a, root, &facts), 0);
        assert_int_equal(facts.n_majors, 0);
        for (int i = 0; i < 2; i++) {
                assert_int_equal(majors_read(&a, root, &facts), 0);
                assert_int_equal(facts.n_majors, 3);
        }
        assert_string_equal(facts_major_name(&facts, 226), "drm");
        assert_null(facts_major_name(&facts, 8));
}

static void test_subids_parse(void **state) {
        _cleanup_arena_ struct arena a = { 0 };
        struct subid_range *ranges;
        size_t n;

        subids_parse(&a, BYTES("root:100000:65536\nroot:44:1\r\n0:110:1"), &ranges, &n);
        assert_int_equal(n, 2);
        assert_int_equal(ranges[0].start, 100000);
        assert_int_equal(ranges[0].count, 65536);
        assert_int_equal(ranges[1].start, 110);

        subids_parse(&a, (struct bytes){ 0 }, &ranges, &n);
        assert_int_equal(n, 0);
        assert_null(ranges);
}

static int scratch_make(void **state) {
        const char *tmp = getenv("TMPDIR");

        snprintf(scratch, sizeof(scratch), "%s/test-probe.XXXXXX", tmp ? tmp : "/tmp");
        return mkdtemp(scratch) ? 0 : -1;
}

static int scratch_remove(void **state) {
        char command[sizeof(scratch) + 16];

        snprintf(command, sizeof(command), "rm -rf '%s'", scratch);
        return system(command);
}

int main(void) {
        static const struct CMUnitTest fixed[] = {
                cmocka_unit_test(test_nothing),      cmocka_unit_test(test_unreadable),
                cmocka_unit_test(test_too_many),
                cmocka_unit_test(test_subids_parse), cmocka_unit_test(test_majors),
        };
        _cleanup_arena_ struct arena a = { 0 };
        struct CMUnitTest *tests = NULL;
        glob_t hosts = { 0 };
        size_t n = 0;

        for (size_t i = 0; i < ELEMENTS(fixed); i++)
                *ARENA_PUSH(&a, tests, n) = fixed[i];
        if (glob(arena_printf(&a, "%s/tests/fixtures/hosts/*.host", source_root()), 0, NULL,
                 &hosts) != 0)
                return 1;
        for (size_t i = 0; i < hosts.gl_pathc; i++) {
                char *base = arena_strdup(&a, hosts.gl_pathv[i]);

                base[strlen(base) - strlen(".host")] = '\0';
                *ARENA_PUSH(&a, tests, n) = (struct CMUnitTest){
                        .name = strrchr(base, '/') + 1,
                        .test_func = test_host,
                        .initial_state = base,
                };
        }
        globfree(&hosts);
        return _cmocka_run_group_tests("probe", tests, n, scratch_make, scratch_remove);
}
