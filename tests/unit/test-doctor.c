/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* test-doctor - the report, the words of others, and the verdicts about the host */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/doctor/host.h"
#include "render/doctor-item.h"
#include "sample-host.h"

#define GPU_SUBSYSTEMS " --subsystem-match=drm --subsystem-match=accel --subsystem-match=kfd"

static struct arena arena;

static int teardown(void **state) {
        arena_done(&arena);
        return 0;
}

/* ---- the report ---- */

static void add(struct doctor_report *r, enum doctor_outcome outcome) {
        doctor_add(r, (struct doctor_item){ .outcome = outcome });
}

static void test_report(void **state) {
        struct doctor_report r = { .arena = &arena };
        struct finding f = { .code = FINDING_NODE_FAKE, .what = "/dev/dri/card0" };

        assert_int_equal(doctor_exit(&r), 0);
        assert_null(doctor_first(&r, DOCTOR_OK));
        add(&r, OUTCOME_LINE_SEE_NODE);
        add(&r, OUTCOME_NODE_THERE);
        assert_int_equal(doctor_exit(&r), 0);
        doctor_add(&r, (struct doctor_item){ .check = DOCTOR_LINE,
                                             .outcome = OUTCOME_PROGRAM_TIMEOUT });
        assert_int_equal(doctor_exit(&r), 1);
        doctor_add(&r, (struct doctor_item){ .outcome = OUTCOME_GPU_NONE, .finding = &f });
        f.what = "changed"; /* the report has its own copy */
        doctor_sort(&r);
        assert_int_equal(r.items[0].check, DOCTOR_GPU);
        assert_string_equal(r.items[0].finding->what, "/dev/dri/card0");
        assert_int_equal(r.items[1].check, DOCTOR_NODE);
        assert_int_equal(r.items[2].verdict, DOCTOR_SKIPPED); /* as they were added */
        assert_int_equal(r.items[3].verdict, DOCTOR_WARNING);
        assert_true(doctor_has(&r, DOCTOR_LINE));
        assert_false(doctor_has(&r, DOCTOR_STRAY));
        assert_ptr_equal(doctor_first(&r, DOCTOR_FAILED), &r.items[0]);
}

static void test_limit(void **state) {
        struct doctor_report r = { .arena = &arena };

        for (size_t i = 0; i < DOCTOR_MAX_ALIKE + 7; i++)
                add(&r, OUTCOME_LINE_NODE);
        assert_int_equal(r.n, DOCTOR_MAX_ALIKE);
        assert_int_equal(r.left_out, 7);
        add(&r, OUTCOME_LINE_NONE); /* what is wrong is never crowded out */
        assert_int_equal(doctor_count(&r, DOCTOR_FAILED), 1);
        assert_int_equal(doctor_exit(&r), 1);
}

static void test_groups_in_order(void **state) {
        for (size_t i = 1; i < DOCTOR_CHECKS; i++)
                assert_true(doctor_checks[i - 1].group <= doctor_checks[i].group);
}

/* ---- words and lines ---- */

static void test_rules(void **state) {
        static const struct {
                const char *line;
                bool opens;
        } cases[] = {
                { "KERNEL==\"renderD*\", MODE=\"0666\"", true },
                { "SUBSYSTEM==\"drm\", GROUP=\"video\", MODE=\"666\"", true },
                { "KERNEL==\"kfd\", MODE:=\"0777\"", true },
                { "  # KERNEL==\"renderD*\", MODE=\"0666\"", false },
                { "KERNEL==\"renderD*\", MODE=\"0660\"", false },
                { "KERNEL==\"uinput\", MODE=\"0666\"", false },
                { "KERNEL==\"card0\", ENV{X}=\"0666\"", false },
                { "", false },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++)
                assert_int_equal(doctor_rule_opens(bytes_of(cases[i].line)), cases[i].opens);
}

static void test_chmods(void **state) {
        static const struct {
                const char *line;
                bool chmods;
        } cases[] = {
                { "chmod 666 /dev/dri/*", true },
                { "sh -c \"chown 100000:100108 /dev/dri/renderD128\"", true },
                { "\tsetfacl -m g:1000:rw /dev/kfd", true },
                { "chgrp video /dev/nvidia0", true },
                { "# chmod 666 /dev/dri/*", false },
                { "chmod 666 /srv/media", false },
                { "ls -l /dev/dri", false },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++)
                assert_int_equal(doctor_line_chmods(bytes_of(cases[i].line)), cases[i].chmods);
}

static void test_shell_word(void **state) {
        static const char *const words[][2] = {
                { "/dev/dri/card0", "/dev/dri/card0" },
                { "pci:0000:c1:00.0", "pci:0000:c1:00.0" },
                { "", "''" },
                { "a b", "'a b'" },
                { "x;reboot", "'x;reboot'" },
                { "it's $(x)", "'it'\\''s $(x)'" },
        };

        for (size_t i = 0; i < ELEMENTS(words); i++)
                assert_string_equal(doctor_shell_word(&arena, words[i][0]), words[i][1]);
}

static void test_delegated(void **state) {
        static const struct subid_range ranges[] = {
                { 165000, 1000 }, { 100000, 65000 }, { 44, 1 }, { 4294967295, 1 }
        };
        static const struct {
                uint32_t start, count;
                bool delegated;
        } cases[] = {
                { 44, 1, true },          { 44, 2, false },    { 43, 1, false },
                { 100000, 66000, true }, /* two lines, the second before the first */
                { 100000, 66001, false }, { 99999, 2, false }, { 4294967295, 1, true },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++)
                assert_int_equal(subids_delegated(ranges, ELEMENTS(ranges), cases[i].start,
                                                      cases[i].count),
                                 cases[i].delegated);
        assert_false(subids_delegated(NULL, 0, 0, 1));
        assert_true(doctor_is_base(100000, 65536));
        assert_true(doctor_is_base(165535, 1));
        assert_false(doctor_is_base(100000, 65537));
        assert_false(doctor_is_base(99999, 1));
        assert_false(doctor_is_base(165536, 1));
        assert_false(doctor_is_base(100001, 4294967295));
}

/* ---- the host ---- */

static struct node one_node;
static struct gpu one_gpu;

/* A host with one GPU of this driver and one node of this mode; both may be changed first. */
static struct doctor_report look(const char *driver, uint32_t vendor, bool node, bool loaded) {
        struct facts facts = { .gpus = &one_gpu,
                               .n_gpus = 1,
                               .groups[GID_VIDEO] = { true, 44 },
                               .groups[GID_RENDER] = { true, 104 } };
        struct findings problems = { .arena = &arena };
        struct subid_range base = { 100000, 65536 };
        struct doctor_host h = { .facts = &facts,
                                 .problems = &problems,
                                 .module_loaded = &loaded,
                                 .subuids = &base,
                                 .n_subuids = 1 };
        struct doctor_report r = { .arena = &arena };

        facts.subgids = &base;
        facts.n_subgids = 1;
        one_gpu.address = "0000:01:00.0";
        one_gpu.pci = true;
        one_gpu.ids.vendor = vendor;
        one_gpu.driver = driver;
        one_gpu.nodes = &one_node;
        one_gpu.n_nodes = node;
        doctor_check_host(&r, &h);
        return r;
}

static enum doctor_verdict worst(const struct doctor_report *r, enum doctor_check check) {
        enum doctor_verdict v = DOCTOR_OK;

        for (size_t i = 0; i < r->n; i++)
                if (r->items[i].check == check && r->items[i].verdict > v)
                        v = r->items[i].verdict;
        return v;
}

static const char *evidence(const struct doctor_report *r, enum doctor_check check) {
        for (size_t i = 0; i < r->n; i++)
                if (r->items[i].check == check)
                        return doctor_evidence(&arena, &r->items[i], 0);
        return "";
}

static void set_node(enum node_kind kind, uint32_t gid, uint32_t mode) {
        one_node = (struct node){ .kind = kind,
                                  .path = "/dev/dri/renderD128",
                                  .number = { 226, 128, false },
                                  .state = NODE_CHAR,
                                  .gid = gid,
                                  .mode = mode };
        one_gpu = (struct gpu){ 0 };
}

static void test_drivers(void **state) {
        struct doctor_report r;

        set_node(NODE_RENDER, 104, 0660);
        r = look("amdgpu", 0x1002, true, true);
        assert_int_equal(doctor_exit(&r), 0);
        r = look("nouveau", 0x10de, true, true);
        assert_int_equal(doctor_exit(&r), 0);
        assert_non_null(strstr(evidence(&r, DOCTOR_GPU), "CUDA"));
        r = look("nvidia", 0x10de, true, true); /* no major of nvidia-uvm */
        assert_int_equal(worst(&r, DOCTOR_MODULE), DOCTOR_WARNING);
        r = look("vfio-pci", 0x10de, false, false);
        assert_non_null(strstr(evidence(&r, DOCTOR_GPU), "virtual machine"));
        assert_int_equal(worst(&r, DOCTOR_GPU), DOCTOR_FAILED); /* none is left for a container */
        r = look(NULL, 0x1002, false, false);
        assert_int_equal(worst(&r, DOCTOR_MODULE), DOCTOR_WARNING);
        assert_non_null(strstr(evidence(&r, DOCTOR_MODULE), "amdgpu is not loaded"));
        r = look(NULL, 0x1002, false, true);
        assert_non_null(strstr(evidence(&r, DOCTOR_MODULE), "does not drive it"));
        r = look(NULL, 0x1234, false, false); /* nobody knows its module */
        assert_false(doctor_has(&r, DOCTOR_MODULE));
        one_gpu.physfn = "0000:01:00.0";
        r = look(NULL, 0x8086, false, false); /* a virtual function that waits for a machine */
        assert_false(doctor_has(&r, DOCTOR_MODULE));
        set_node(NODE_CARD, 44, 0660);
        r = look("ast", 0x1a03, true, true);
        assert_non_null(strstr(evidence(&r, DOCTOR_GPU), "display only"));
}

static void test_modes(void **state) {
        static const struct {
                enum node_kind kind;
                uint32_t mode;
                enum doctor_verdict verdict;
        } cases[] = {
                { NODE_RENDER, 0660, DOCTOR_OK },     { NODE_RENDER, 0666, DOCTOR_WARNING },
                { NODE_CARD, 0777, DOCTOR_WARNING },  { NODE_RENDER, 0600, DOCTOR_FAILED },
                { NODE_RENDER, 0640, DOCTOR_FAILED }, { NODE_NVIDIA, 0666, DOCTOR_OK },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct doctor_report r;

                set_node(cases[i].kind, 104, cases[i].mode);
                r = look("amdgpu", 0x1002, true, true);
                assert_int_equal(worst(&r, DOCTOR_NODE_MODE), cases[i].verdict);
        }
}

static const char *module_of(uint32_t vendor, uint32_t device) {
        return doctor_module(&(struct gpu){ .ids = { .vendor = vendor, .device = device } });
}

static void test_modules(void **state) {
        assert_string_equal(doctor_module(&sample_gpus[SAMPLE_AMD_1]), "amdgpu");
        assert_string_equal(doctor_module(&sample_gpus[SAMPLE_NVIDIA]), "nvidia");
        assert_string_equal(doctor_module(&sample_gpus[SAMPLE_BMC]), "ast");
        assert_string_equal(module_of(0x8086, 0x46a6), "i915");
        assert_string_equal(module_of(0x8086, 0x56a0), "i915");
        assert_string_equal(module_of(0x8086, 0x64a0), "xe");
        assert_string_equal(module_of(0x8086, 0xe20b), "xe");
        assert_string_equal(module_of(0x8086, 0xb080), "xe");
        assert_string_equal(module_of(0x8086, 0xfd80), "xe");
        assert_string_equal(module_of(0x1af4, 0), "virtio_gpu");
        assert_null(module_of(0, 0));
        assert_true(sample_host.n_gpus > 0);
}

static const struct doctor_item *worst_item(const struct doctor_report *r,
                                            enum doctor_check check) {
        for (size_t i = 0; i < r->n; i++)
                if (r->items[i].check == check && r->items[i].verdict == worst(r, check))
                        return &r->items[i];
        fail_msg("%s gives no answer", doctor_checks[check].name);
        return NULL;
}

static const char *command(const struct doctor_report *r, enum doctor_check check) {
        return doctor_command(&arena, worst_item(r, check), 0);
}

/* sample-host.h's machine, and what was found on it */
static struct doctor_report look_around(const struct facts *facts, struct doctor_host h) {
        static const bool loaded[SAMPLE_GPUS];
        static const struct findings none;
        struct doctor_report r = { .arena = &arena };

        h.facts = facts;
        h.module_loaded = h.module_loaded ? h.module_loaded : loaded;
        h.problems = h.problems ? h.problems : &none;
        doctor_check_host(&r, &h);
        return r;
}

static void test_no_gpu(void **state) {
        const struct facts facts = { .groups[GID_VIDEO] = { true, 44 } };
        struct doctor_report r = look_around(&facts, (struct doctor_host){ 0 });

        assert_int_equal(worst(&r, DOCTOR_GPU), DOCTOR_FAILED);
        assert_non_null(strstr(evidence(&r, DOCTOR_GPU), "this host has no GPU"));
        assert_false(doctor_has(&r, DOCTOR_NODE));
        assert_false(doctor_has(&r, DOCTOR_MODULE));
        assert_int_equal(worst(&r, DOCTOR_GROUP), DOCTOR_SKIPPED); /* no render group, no node */
}

static void test_host(void **state) {
        struct doctor_report r = look_around(&sample_host, (struct doctor_host){ 0 });

        assert_int_equal(worst(&r, DOCTOR_GPU), DOCTOR_OK);
        assert_string_equal(evidence(&r, DOCTOR_MODULE), "amdgpu, nvidia, ast, amdxdna");
        assert_int_equal(worst(&r, DOCTOR_GROUP), DOCTOR_OK);
        assert_int_equal(worst(&r, DOCTOR_NODE), DOCTOR_OK);
        assert_int_equal(worst(&r, DOCTOR_STRAY), DOCTOR_OK);
        assert_int_equal(worst(&r, DOCTOR_UDEV_RULE), DOCTOR_OK);
        /* root has no range of ids */
        assert_int_equal(worst(&r, DOCTOR_SUBUID), DOCTOR_FAILED);
        assert_string_equal(command(&r, DOCTOR_SUBGID), "usermod --add-subgids 100000-165535 root");
        assert_non_null(strstr(evidence(&r, DOCTOR_SUBGID), "root has no line"));
}

static void test_groups(void **state) {
        struct facts facts = sample_host;
        struct doctor_report r;

        facts.groups[GID_VIDEO].present = facts.groups[GID_RENDER].present = false;
        r = look_around(&facts, (struct doctor_host){ 0 });
        assert_string_equal(worst_item(&r, DOCTOR_GROUP)->subject, "video");
        assert_non_null(strstr(command(&r, DOCTOR_GROUP), "groupadd --system video; "));
        assert_non_null(strstr(evidence(&r, DOCTOR_NODE), "root:? (0:44)"));
        facts.gpus = &sample_gpus[SAMPLE_NPU]; /* only an NPU: its node is render's */
        facts.n_gpus = 1;
        r = look_around(&facts, (struct doctor_host){ 0 });
        assert_non_null(strstr(command(&r, DOCTOR_GROUP), "groupadd --system render; "));
        assert_non_null(strstr(evidence(&r, DOCTOR_GPU), "an accelerator, not a GPU"));
        assert_non_null(strstr(doctor_evidence(&arena, worst_item(&r, DOCTOR_GPU), 0),
                               "has a render node"));
}

/* The command puts the right device node at a path where another file is, or none. */
static void test_node_commands(void **state) {
        static const struct {
                struct node node;
                const char *command;
        } cases[] = {
                { { .kind = NODE_RENDER, .path = "/dev/dri/renderD128", .state = NODE_FAKE },
                  "rm /dev/dri/renderD128 && mknod -m 660 /dev/dri/renderD128 c 226 128 && udevadm "
                  "trigger --action=add" GPU_SUBSYSTEMS },
                { { .kind = NODE_RENDER, .path = "/dev/dri/renderD128", .state = NODE_ABSENT },
                  "mkdir -p /dev/dri && mknod -m 660 /dev/dri/renderD128 c 226 128 && udevadm "
                  "trigger --action=add" GPU_SUBSYSTEMS },
                { { .kind = NODE_NVIDIA, .path = "/dev/nvidia0", .state = NODE_WRONG_NUMBER },
                  "rm /dev/nvidia0 && mknod -m 666 /dev/nvidia0 c 226 128" },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct finding problem = { .code = FINDING_NODE_FAKE, .what = cases[i].node.path };
                const struct findings problems = { .items = &problem, .n = 1 };
                struct node node = cases[i].node;
                struct gpu gpu = { .address = "0000:01:00.0", .nodes = &node, .n_nodes = 1 };
                const struct facts facts = { .gpus = &gpu, .n_gpus = 1 };
                struct doctor_report r;

                node.number = (struct devnum){ 226, 128, false };
                r = look_around(&facts, (struct doctor_host){ .problems = &problems });
                assert_string_equal(command(&r, DOCTOR_NODE), cases[i].command);
        }
}

/* Findings about nodes are the inventory's; doctor adds the command, once. */
static void test_node_findings(void **state) {
        struct findings problems = { .arena = &arena };
        struct facts facts = sample_host;
        struct doctor_host h = { .problems = &problems };
        struct doctor_report r;

        finding_add(&problems, (struct finding){ .code = FINDING_GPU_HELD, .gpu = "0000:06:00.0" });
        finding_add(&problems, (struct finding){ .code = FINDING_NODE_GROUP_WRONG,
                                                 .what = "/dev/dri/renderD128" });
        finding_add(&problems,
                    (struct finding){ .code = FINDING_NODE_FAKE, .what = "/dev/dri/card1" });
        r = look_around(&facts, h);
        assert_string_equal(worst_item(&r, DOCTOR_NODE)->subject, "/dev/dri/card1");
        assert_non_null(strstr(command(&r, DOCTOR_NODE), "mknod"));
        assert_string_equal(worst_item(&r, DOCTOR_NODE_OWNER)->subject, "/dev/dri/renderD128");
        assert_non_null(strstr(command(&r, DOCTOR_NODE_OWNER), "udevadm trigger"));
        /* root's, because there is no such group: that is the group's to tell */
        facts.groups[GID_RENDER].present = false;
        r = look_around(&facts, h);
        assert_int_equal(worst(&r, DOCTOR_NODE_OWNER), DOCTOR_OK);
}

static void test_left_behind(void **state) {
        const char *strays[] = { "/dev/dri/it's" };
        const struct doctor_line rules[] = { { "/etc/udev/rules.d/9.rules", 4, 6,
                                               "KERNEL==\"card*\", MODE=\"0666\"" } };
        struct doctor_report r = look_around(&sample_host, (struct doctor_host){ .strays = strays,
                                                                                 .n_strays = 1,
                                                                                 .rules = rules,
                                                                                 .n_rules = 1 });

        assert_string_equal(command(&r, DOCTOR_STRAY), "rm '/dev/dri/it'\\''s'");
        assert_string_equal(worst_item(&r, DOCTOR_UDEV_RULE)->subject,
                            "/etc/udev/rules.d/9.rules:4-6");
        assert_null(command(&r, DOCTOR_UDEV_RULE));
}

/* A card without nodes: no driver, or one that keeps it for itself. */
static void test_without_nodes(void **state) {
        struct gpu gpus[] = { sample_gpus[SAMPLE_VFIO], sample_gpus[SAMPLE_VFIO] };
        const struct facts facts = { .gpus = gpus, .n_gpus = 2 };
        const bool loaded[] = { true, false };
        struct doctor_report r;

        gpus[0].driver = "pci-stub";
        gpus[1].driver = "simple-framebuffer";
        r = look_around(&facts, (struct doctor_host){ .module_loaded = loaded });
        assert_non_null(strstr(evidence(&r, DOCTOR_GPU), "virtual machine"));
        assert_int_equal(worst(&r, DOCTOR_GPU), DOCTOR_FAILED);
        assert_string_equal(evidence(&r, DOCTOR_MODULE), "simple-framebuffer");
}

static void test_words(void **state) {
        for (enum doctor_group g = 0; g < DOCTOR_GROUPS; g++) {
                assert_true(strlen(doctor_group_name(g)) > 3);
                assert_true(strlen(doctor_group_title(g)) > 3);
        }
        assert_string_equal(doctor_group_name(DOCTOR_CONF), "file");
        assert_string_equal(doctor_verdict_name(DOCTOR_SKIPPED), "skipped");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_teardown(test_report, teardown),
                cmocka_unit_test_teardown(test_limit, teardown),
                cmocka_unit_test_teardown(test_groups_in_order, teardown),
                cmocka_unit_test_teardown(test_rules, teardown),
                cmocka_unit_test_teardown(test_chmods, teardown),
                cmocka_unit_test_teardown(test_shell_word, teardown),
                cmocka_unit_test_teardown(test_delegated, teardown),
                cmocka_unit_test_teardown(test_drivers, teardown),
                cmocka_unit_test_teardown(test_modes, teardown),
                cmocka_unit_test_teardown(test_modules, teardown),
                cmocka_unit_test_teardown(test_no_gpu, teardown),
                cmocka_unit_test_teardown(test_host, teardown),
                cmocka_unit_test_teardown(test_groups, teardown),
                cmocka_unit_test_teardown(test_node_commands, teardown),
                cmocka_unit_test_teardown(test_node_findings, teardown),
                cmocka_unit_test_teardown(test_left_behind, teardown),
                cmocka_unit_test_teardown(test_without_nodes, teardown),
                cmocka_unit_test_teardown(test_words, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
