/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* test-choose - selectors and pins: the GPU that is meant, or a sentence why none is */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/plan/choose/choose.h"
#include "model/policy/key.h"
#include "model/policy/memory.h"
#include "sample-host.h"

#define HERE "pve1"

static struct arena arena;
static struct findings findings;

static int teardown(void **state) {
        arena_done(&arena);
        return 0;
}

/* "gpu=VALUE", "pin NODE=VALUE" and "twin NODE=VALUE" of @policy, one in a line */
static struct policy policy(const char *text) {
        char *copy = arena_strdup(&arena, text), *save = NULL;
        const char *problem = NULL;
        struct policy p;

        policy_init(&arena, &p);
        for (char *l = strtok_r(copy, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
                char *value = strchr(l, '=');

                *value++ = '\0';
                if (str_has_prefix(l, "pin "))
                        problem = policy_parse_memory(&arena, &p,
                                                      &(struct ini_entry){ l, "gpu", value });
                else if (str_has_prefix(l, "twin "))
                        problem = policy_parse_memory(
                                &arena, &p,
                                &(struct ini_entry){ arena_printf(&arena, "pin %s", l + 5), "twin",
                                                     value });
                else
                        problem = policy_set(&arena, &p, l, value);
                if (problem)
                        fail_msg("%s", problem);
        }
        return p;
}

static struct choice choose_on(const struct facts *facts, const char *policy_text,
                               const char *lines) {
        struct policy p = policy(policy_text);
        struct pctconf c;
        struct survey s;
        struct plan_input in = { .facts = facts, .policy = &p, .node = HERE, .survey = &s };
        struct choice choice;

        findings = (struct findings){ .arena = &arena };
        pctconf_parse(&arena, PCTCONF_PVE, bytes_of(lines), &c);
        survey_make(&arena, facts, &c, &s);
        choose_gpus(&arena, &in, &findings, &choice);
        return choice;
}

/* "01 02" chosen, "01*" a new pin, "-" in front when something is missing */
static const char *result(const struct choice *c) {
        struct strbuf b = { .arena = &arena };

        if (c->missing || c->undecided)
                strbuf_adds(&b, "-");
        for (size_t i = 0; i < c->gpus.n; i++)
                strbuf_printf(&b, "%s%.2s", i ? " " : "", c->gpus.items[i]->address + 5);
        if (c->repin)
                strbuf_adds(&b, "*");
        return strbuf_str(&b);
}

static void expect(const struct facts *facts, const char *policy_text, const char *lines,
                   const char *want) {
        struct choice c = choose_on(facts, policy_text, lines);

        if (!streq(result(&c), want))
                fail_msg("policy '%s', lines '%s': '%s', wanted '%s'", policy_text, lines,
                         result(&c), want);
}

static bool found(enum finding_code code) {
        for (size_t i = 0; i < findings.n; i++)
                if (findings.items[i].code == code)
                        return true;
        return false;
}

static const struct facts *only(const struct gpu *gpus, size_t n) {
        struct facts *f = arena_alloc(&arena, sizeof(*f));

        *f = sample_host;
        f->gpus = (struct gpu *)gpus;
        f->n_gpus = n;
        return f;
}

#define LINES_2 "dev0: /dev/dri/card1\ndev1: /dev/dri/renderD128\n"

static void test_selectors(void **state) {
        static const struct {
                const char *gpu, *want;
        } cases[] = {
                { "pci:0000:02:00.0", "02*" },
                { "pci:02:00.0", "02*" },
                { "pci:0000:09:00.0", "-" },
                { "pci:0000:06:00.0", "-" }, /* vfio */
                { "id:10de:2684", "03*" },
                { "id:1002:73ff", "-" },
                { "id:1002:73ff#1", "01*" },
                { "id:1002:73ff#2", "02*" },
                { "id:1002:73ff#3", "-" },
                { "driver:nvidia", "03*" },
                { "driver:amdgpu", "-" },
                { "driver:xe", "-" },
                { "driver:vfio-pci", "-" },
                { "all", "01 02 03" },
                { "pci:0000:03:00.0 pci:0000:01:00.0", "01 03*" },
                { "pci:0000:01:00.0 pci:0000:01:00.0 id:1002:73ff#1", "01*" },
                { "pci:0000:01:00.0 pci:0000:09:00.0", "-01*" },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++)
                expect(&sample_host, arena_printf(&arena, "gpu=%s", cases[i].gpu), LINES_2,
                       cases[i].want);
}

/* Never guess: what the operator gets to choose from is ready to paste. */
static void test_told(void **state) {
        struct choice c = choose_on(&sample_host, "gpu=id:1002:73ff driver:amdgpu", "");

        assert_int_equal(c.ambiguity.gpus.n, 2);
        assert_string_equal(c.ambiguity.gpus.items[1]->address, "0000:02:00.0");
        assert_string_equal(c.ambiguity.why, "id:1002:73ff matches 2 GPUs");
        c = choose_on(&sample_host, "gpu=all", "");
        assert_int_equal(c.ambiguity.gpus.n, 0);
        (void)choose_on(&sample_host, "gpu=id:1002:73ff", "");
        assert_int_equal(findings.items[0].code, FINDING_GPU_AMBIGUOUS);
        assert_string_equal(findings.items[0].new,
                            "pci:0000:01:00.0 (1002:73ff amdgpu card0 renderD129), "
                            "pci:0000:02:00.0 (1002:73ff amdgpu card1 renderD128)");
        (void)choose_on(&sample_host, "gpu=pci:0000:06:00.0", "");
        assert_int_equal(findings.items[0].code, FINDING_GPU_HELD);
        assert_string_equal(findings.items[0].what, "vfio-pci");
        (void)choose_on(&sample_host, "gpu=pci:0000:09:00.0", "");
        assert_int_equal(findings.items[0].code, FINDING_GPU_MISSING);
}

static void test_first_boot(void **state) {
        const struct facts *one = only(&sample_gpus[SAMPLE_AMD_2], 1);
        const struct facts *none = only(&sample_gpus[SAMPLE_BMC], 1);
        const struct facts *npu = only(&sample_gpus[SAMPLE_BMC], 2);

        expect(&sample_host, "", LINES_2, "02*");
        assert_true(found(FINDING_GPU_PINNED));
        expect(&sample_host, "", "", "-");
        assert_true(found(FINDING_GPU_UNDECIDED));
        expect(&sample_host, "", "dev0: /dev/dri/card0\ndev1: /dev/dri/renderD128\n", "-");
        expect(one, "", "", "02*");
        expect(one, "", "dev0: /dev/dri/card7\n", "02*");
        expect(none, "", "", "-");
        assert_true(found(FINDING_GPU_MISSING));
        /* an NPU is meant where nothing else is */
        expect(npu, "", "", "-");
        expect(npu, "devices=accel", "", "05*");
        expect(&sample_host, "", "lxc.mount.entry: /dev/accel dev/accel none bind,create=dir\n",
               "05*");
}

static void test_virtual(void **state) {
        struct gpu gpus[] = { sample_gpus[SAMPLE_AMD_2],
                              { .address = "vgem", .nodes = sample_amd_1, .n_nodes = 2 } };

        expect(only(gpus, 2), "", "", "02*");
}

#define PIN(node, address) "pin " node "=" address " 1002:73ff 1da2:e448\n"

#define TWIN(node, address) "twin " node "=" address " 1002:73ff 1da2:e448\n"

/* Pins of the first version, without ports: their addresses tell while the set is as it was. */
static void test_pinned(void **state) {
        /* whatever the lines say */
        expect(&sample_host, PIN(HERE, "0000:01:00.0") TWIN(HERE, "0000:02:00.0"), LINES_2, "01");
        assert_int_equal(findings.n, 0);
        /* an equal card was added: which of the two has the address now is not known */
        expect(&sample_host, PIN(HERE, "0000:01:00.0"), LINES_2, "-*");
        assert_true(found(FINDING_GPU_AMBIGUOUS));
        /* gone, and two like it */
        expect(&sample_host, PIN(HERE, "0000:09:00.0"), LINES_2, "-*");
        assert_true(found(FINDING_GPU_AMBIGUOUS));
        /* the address is another model's now */
        expect(&sample_host, PIN(HERE, "0000:03:00.0"), LINES_2, "-*");
        /* gone, and one like it */
        expect(only(&sample_gpus[SAMPLE_AMD_2], 2), PIN(HERE, "0000:09:00.0"), "", "02*");
        assert_true(found(FINDING_GPU_MOVED));
        /* other subsystem ids: another card */
        expect(only(&sample_gpus[SAMPLE_AMD_2], 1),
               "pin " HERE "=0000:09:00.0 1002:73ff 1da2:ffff\n", "", "-*");
        /* taken by vfio since */
        expect(&sample_host, "pin " HERE "=0000:06:00.0 10de:1b80 -\n", "", "-");
        assert_true(found(FINDING_GPU_HELD));
        /* no ids to tell it by: only its address */
        expect(&sample_host, "pin " HERE "=fb000000.gpu - -\n", "", "-*");
}

static void test_pinned_several(void **state) {
        struct facts moved = sample_host;
        struct gpu gpus[SAMPLE_GPUS];

        expect(&sample_host, PIN(HERE, "0000:01:00.0") PIN(HERE, "0000:02:00.0"), "", "01 02");
        /* one address is as it was, one is not */
        expect(&sample_host, PIN(HERE, "0000:01:00.0") PIN(HERE, "0000:09:00.0"), "", "-*");
        /* both addresses are new */
        memcpy(gpus, sample_gpus, sizeof(gpus));
        gpus[SAMPLE_AMD_1].address = "0000:11:00.0";
        gpus[SAMPLE_AMD_2].address = "0000:12:00.0";
        moved.gpus = gpus;
        expect(&moved, PIN(HERE, "0000:01:00.0") PIN(HERE, "0000:02:00.0"), "", "-*");
        /* both have moved, and one of them was */
        expect(&moved, PIN(HERE, "0000:02:00.0"), "", "-*");
}

/* What a selector meant when it was pinned is followed; another selector is another wish. */
static void test_explicit(void **state) {
#define BY(address, by) "pin " HERE "=" address " 1002:73ff 1da2:e448 - by=" by "\n"
        expect(&sample_host,
               "gpu=pci:0000:01:00.0\n" BY("0000:02:00.0", "pci:0000:01:00.0")
                       TWIN(HERE, "0000:01:00.0"),
               "", "02");
        expect(&sample_host, "gpu=pci:0000:03:00.0\n" BY("0000:02:00.0", "pci:0000:01:00.0"), "",
               "03*");
        /* an address that is another model's now */
        expect(&sample_host, "gpu=pci:0000:03:00.0\n" BY("0000:03:00.0", "pci:0000:03:00.0"), "",
               "-*");
        expect(&sample_host, "gpu=pci:0000:03:00.0\n" PIN(HERE, "0000:01:00.0"), LINES_2, "03*");
        expect(&sample_host, "gpu=all\n" BY("0000:02:00.0", "pci:0000:01:00.0"), "", "01 02 03*");
        /* one of two is new */
        expect(&sample_host,
               "gpu=pci:0000:01:00.0 driver:nvidia\n" BY("0000:01:00.0", "pci:0000:01:00.0")
                       TWIN(HERE, "0000:02:00.0"),
               "", "01 03*");
        /* the address on another node, whose card was of another model */
        expect(&sample_host,
               "gpu=pci:0000:01:00.0\npin pve2=0000:01:00.0 10de:2684 1043:889d - "
               "by=pci:0000:01:00.0\n",
               "", "03*");
}

static void test_other_node(void **state) {
        struct facts one = *only(&sample_gpus[SAMPLE_NVIDIA], 1);

        /* lines came from there and mean nothing here */
        expect(&sample_host, "pin pve2=0000:41:00.0 10de:2684 1043:889d\n", LINES_2, "03*");
        expect(&sample_host, PIN("pve2", "0000:41:00.0"), LINES_2, "-");
        assert_true(found(FINDING_GPU_AMBIGUOUS));
        expect(&sample_host, PIN("pve2", "0000:41:00.0") PIN("pve2", "0000:42:00.0"), LINES_2,
               "01 02*");
        /* another model, but the only one */
        expect(&one, PIN("pve2", "0000:41:00.0"), LINES_2, "03*");
        /* a pin of this node counts before one of another */
        expect(&sample_host,
               "pin pve2=0000:41:00.0 10de:2684 -\n" PIN(HERE, "0000:01:00.0")
                       TWIN(HERE, "0000:02:00.0"),
               LINES_2, "01");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_selectors),  cmocka_unit_test(test_told),
                cmocka_unit_test(test_first_boot), cmocka_unit_test(test_virtual),
                cmocka_unit_test(test_pinned),     cmocka_unit_test(test_pinned_several),
                cmocka_unit_test(test_other_node), cmocka_unit_test(test_explicit),
        };

        return cmocka_run_group_tests_name("choose", tests, NULL, teardown);
}
