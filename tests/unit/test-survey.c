/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* test-survey - what lines give, and which GPUs they name: all with one voice, or none */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/conf/survey.h"
#include "sample-host.h"

static struct arena arena;
static struct pctconf conf;

static int teardown(void **state) {
        arena_done(&arena);
        return 0;
}

static struct survey survey(const char *text) {
        struct survey s;

        pctconf_parse(&arena, PCTCONF_PVE, bytes_of(text), &conf);
        survey_make(&arena, &sample_host, &conf, &s);
        return s;
}

#define MOUNT(path) "lxc.mount.entry: /dev/" path " dev/" path " none bind,optional,create=file\n"
#define DEV(n, path) "dev" n ": /dev/" path ",gid=44\n"
#define ALLOW(number) "lxc.cgroup2.devices.allow: c " number " rwm\n"

/* addresses without their "0000:" and ":00.0", in one string */
static const char *named(const char *text) {
        struct survey s = survey(text);
        struct strbuf b = { .arena = &arena };
        const struct gpu **gpus;
        size_t n = survey_named_gpus(&arena, &sample_host, &s, &gpus);

        for (size_t i = 0; i < n; i++)
                strbuf_printf(&b, "%s%.2s", i ? " " : "", gpus[i]->address + 5);
        return strbuf_str(&b);
}

static void test_named(void **state) {
        static const struct {
                const char *text, *gpus;
        } cases[] = {
                { "", "" },
                { MOUNT("dri/card0") MOUNT("dri/renderD129"), "01" },
                { DEV("0", "dri/card1") DEV("1", "dri/renderD128"), "02" },
                { DEV("0", "dri/card1") MOUNT("dri/renderD128"), "02" },
                { MOUNT("dri/renderD128"), "02" },
                { MOUNT("dri/card1"), "02" },
                { MOUNT("dri/card3"), "04" },
                /* a card of one, a render node of another */
                { MOUNT("dri/card0") MOUNT("dri/renderD128"), "" },
                { MOUNT("dri/card0") MOUNT("dri/card1") MOUNT("dri/renderD128"), "" },
                { MOUNT("dri/card0") MOUNT("dri/card1") MOUNT("dri/renderD128")
                          MOUNT("dri/renderD129"),
                  "01 02" },
                /* the management controller's card is no partner of a render node */
                { MOUNT("dri/card3") MOUNT("dri/renderD128"), "" },
                { MOUNT("dri/card3") MOUNT("dri/card1") MOUNT("dri/renderD128"), "02 04" },
                /* names that nobody has */
                { MOUNT("dri/card0") MOUNT("dri/renderD140"), "" },
                { MOUNT("dri/card9"), "" },
                { MOUNT("dri/gpu0"), "" },
                /* folders and shared nodes name nobody, and contradict nobody */
                { "lxc.mount.entry: /dev/dri dev/dri none bind,create=dir\n", "" },
                { "lxc.mount.entry: /dev/dri dev/dri none bind,create=dir\n" MOUNT(
                          "dri/renderD128"),
                  "02" },
                { MOUNT("kfd"), "" },
                { MOUNT("kfd") MOUNT("dri/renderD129"), "01" },
                { MOUNT("nvidiactl") MOUNT("nvidia0"), "03" },
                { MOUNT("nvidiactl") MOUNT("nvidia7"), "" },
                /* an iGPU beside the NVIDIA card, and a contradiction within that card */
                { MOUNT("nvidia0") MOUNT("dri/renderD128"), "02 03" },
                { MOUNT("nvidia0") MOUNT("dri/renderD130") MOUNT("dri/card2"), "03" },
                { MOUNT("accel/accel0") MOUNT("dri/renderD128"), "02 05" },
                /* numbers count only where nothing is given by name */
                { ALLOW("226:1") ALLOW("226:128"), "02" },
                { ALLOW("226:0") ALLOW("226:128"), "" },
                { ALLOW("226:0") MOUNT("dri/renderD128"), "02" },
                { ALLOW("226:*"), "" },
                /* by address */
                { "lxc.mount.entry: /dev/dri/by-path/pci-0000:02:00.0-card dev/dri/card0 none "
                  "bind\n",
                  "02" },
                { "dev0: /dev/dri/by-path/pci-0000:02:00.0-render\n" DEV("1", "dri/card1"), "02" },
                { "dev0: /dev/dri/by-path/pci-0000:02:00.0-render\n" DEV("1", "dri/card0"), "" },
                { "dev0: /dev/dri/by-path/pci-0000:c7:00.0-render\n", "" },
                /* only the current section speaks */
                { MOUNT("dri/card1") "[snap]\n" MOUNT("dri/renderD129"), "02" },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++)
                if (!streq(named(cases[i].text), cases[i].gpus))
                        fail_msg("'%s', wanted '%s':\n%s", named(cases[i].text), cases[i].gpus,
                                 cases[i].text);
}

static void test_nvidia_contradiction(void **state) {
        static struct node other[] = { SAMPLE_NODE(NODE_CARD, "/dev/dri/card5", 226, 5, 44),
                                       SAMPLE_NODE(NODE_RENDER, "/dev/dri/renderD135", 226, 135,
                                                   104),
                                       SAMPLE_NODE(NODE_NVIDIA, "/dev/nvidia1", 195, 1, 0) };
        struct gpu gpus[] = { sample_gpus[SAMPLE_NVIDIA],
                              SAMPLE_GPU("0000:07:00.0", 0x10de, 0x2684, "nvidia", other) };
        struct facts facts = { .gpus = gpus, .n_gpus = 2 };
        const struct gpu **found;
        struct survey s;

        pctconf_parse(&arena, PCTCONF_PVE, BYTES(MOUNT("nvidia0") MOUNT("dri/renderD135")), &conf);
        survey_make(&arena, &facts, &conf, &s);
        assert_int_equal(survey_named_gpus(&arena, &facts, &s, &found), 0);
}

static void test_given(void **state) {
        struct survey s = survey("unprivileged: 1\n" DEV("0", "dri/card0") MOUNT(
                "dri/renderD129") MOUNT("fb0") ALLOW("226:0") ALLOW("235:*") ALLOW("10:200"));

        assert_true(s.userns);
        assert_int_equal(s.there.as_dev, NODE_BIT(NODE_CARD));
        assert_int_equal(s.there.as_mount, NODE_BIT(NODE_RENDER));
        assert_int_equal(s.given, NODE_BIT(NODE_CARD) | NODE_BIT(NODE_RENDER));
        assert_int_equal(s.allowed, NODE_BIT(NODE_CARD) | NODE_BIT(NODE_KFD));
        assert_int_equal(s.there.n_dev, 1);
        assert_int_equal(s.there.n_mount, 1);
        assert_false(s.nvidia_named);
        assert_true(survey("lxc.idmap: g 44 44 1\n").userns);
        assert_false(survey("arch: amd64\n").userns);
        assert_false(survey("unprivileged: 0\n").userns);
        assert_false(survey("[snap]\nunprivileged: 1\n").userns);
        assert_true(survey(MOUNT("nvidia-uvm")).nvidia_named);
}

static uint32_t kinds_of(const char *text) {
        struct survey s = survey(text);

        return devline_kinds(&sample_host, &s.lines[1]);
}

/* a number is a driver's as long as one has it; nothing is guessed */
static void test_rule_kinds(void **state) {
        const uint32_t kfd = NODE_BIT(NODE_KFD), nvidia = NODE_BIT(NODE_NVIDIA);

        assert_int_equal(kinds_of(ALLOW("226:0")), NODE_BIT(NODE_CARD));
        assert_int_equal(kinds_of(ALLOW("226:7")), NODE_BIT(NODE_CARD));
        assert_int_equal(kinds_of(ALLOW("226:128")), NODE_BIT(NODE_RENDER));
        assert_int_equal(kinds_of(ALLOW("226:150")), NODE_BIT(NODE_RENDER));
        assert_int_equal(kinds_of(ALLOW("226:*")), NODE_BIT(NODE_CARD) | NODE_BIT(NODE_RENDER));
        assert_int_equal(kinds_of(ALLOW("235:0")), kfd);
        assert_int_equal(kinds_of(ALLOW("508:*")), nvidia);
        assert_int_equal(kinds_of(ALLOW("195:*")), nvidia);
        assert_int_equal(kinds_of(ALLOW("261:0")), NODE_BIT(NODE_ACCEL));
        /* nobody's now, and never seen: a Hailo, a tuner, an old NVIDIA */
        for (unsigned major = 234; major < 512; major++)
                if (!facts_major_name(&sample_host, major) && major != 261)
                        assert_int_equal(kinds_of(arena_printf(&arena, ALLOW("%u:*"), major)), 0);
        /* another driver's now, whatever it was */
        assert_int_equal(kinds_of(ALLOW("240:0")), 0);
        assert_int_equal(kinds_of(ALLOW("10:200")), 0);
        /* not ours to judge */
        assert_int_equal(kinds_of("lxc.cgroup2.devices.allow: b 226:0 rwm\n"), 0);
        assert_int_equal(kinds_of(ALLOW("*:*")), 0);
        assert_int_equal(kinds_of("lxc.cgroup2.devices.allow: a\n"), 0);
}

static void test_wide(void **state) {
        static const struct {
                const char *text;
                bool wide;
        } cases[] = {
                { ALLOW("226:*"), true },  { ALLOW("195:*"), true },  { ALLOW("261:*"), true },
                { ALLOW("235:*"), false }, /* kfd is one device */
                { ALLOW("508:*"), false }, { ALLOW("226:0"), false }, { ALLOW("10:*"), false },
                { ALLOW("*:*"), false }, /* foreign */
                { MOUNT("dri"), true },    { MOUNT("dri/"), true },   { MOUNT("dri/card0"), false },
                { MOUNT("accel"), true },  { MOUNT("kfd"), false },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct survey s = survey(cases[i].text);

                if (devline_is_wide(&sample_host, &s.lines[1]) != cases[i].wide)
                        fail_msg("%s", cases[i].text);
        }
}

static void test_covers(void **state) {
        struct survey s = survey(ALLOW("226:0") ALLOW("235:*") ALLOW("226:*") ALLOW("508:*"));

        assert_true(devline_covers(&s.lines[1], &sample_amd_1[0]));
        assert_false(devline_covers(&s.lines[1], &sample_amd_2[0]));
        assert_true(devline_covers(&s.lines[2], &sample_shared[0]));
        assert_false(devline_covers(&s.lines[3], &sample_amd_1[0]));
        assert_true(devline_covers(&s.lines[4], &sample_shared[2]));
        assert_false(devline_covers(&s.lines[4], &sample_shared[1]));
}

/* What a number is about, on a host that has seen other majors, for a container of before. */
static void test_majors_then(void **state) {
        static struct char_major seen[] = { { 508, "nvidia-uvm" }, { 511, "nvidia-uvm" },
                                            { 500, "nvidia-caps" }, { 240, "kfd" } };
        static struct char_major then[] = { { 235, "nvidia-uvm" }, { 507, "nvidia-caps" } };
        static const struct {
                const char *text, *want; /* of the first line: number, driver of then, late */
                bool then;
        } cases[] = {
                { ALLOW("508:0"), "508:0", false },
                { ALLOW("511:1"), "508:1 nvidia-uvm", false },
                { ALLOW("500:1"), "500:1 nvidia-caps late", false },
                { ALLOW("501:1"), "501:1", false },
                /* who has it now may be meant: unless the container has that kind, and no rule */
                { ALLOW("240:0"), "240:0", false },
                { ALLOW("240:0") MOUNT("kfd"), "235:0 kfd", false },
                { ALLOW("240:0") ALLOW("235:0") MOUNT("kfd"), "240:0", false },
                /* what the container's rules were right for, whoever has it now */
                { ALLOW("235:1"), "508:1 nvidia-uvm", true },
                { ALLOW("507:1"), "507:1 nvidia-caps late", true },
                { ALLOW("511:1"), "508:1 nvidia-uvm", true },
        };
        struct facts f = sample_host;

        f.seen = (struct majors){ seen, ELEMENTS(seen) };
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct survey s;
                const char *got;

                f.then = (struct majors){ then, cases[i].then ? ELEMENTS(then) : 0 };
                pctconf_parse(&arena, PCTCONF_PVE, bytes_of(cases[i].text), &conf);
                survey_make(&arena, &f, &conf, &s);
                got = arena_printf(&arena, "%s%s%s%s", devnum_text(&arena, s.lines[1].number),
                                   s.lines[1].driver ? " " : "",
                                   s.lines[1].driver ? s.lines[1].driver : "",
                                   s.lines[1].late ? " late" : "");
                if (!streq(got, cases[i].want))
                        fail_msg("%s, wanted %s: %s", got, cases[i].want, cases[i].text);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_named), cmocka_unit_test(test_nvidia_contradiction),
                cmocka_unit_test(test_given), cmocka_unit_test(test_rule_kinds),
                cmocka_unit_test(test_majors_then),
                cmocka_unit_test(test_wide),  cmocka_unit_test(test_covers),
        };

        return cmocka_run_group_tests_name("survey", tests, NULL, teardown);
}
