/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* names of GPUs for people, of what hardware databases say */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/gpu/gpu-list.h"

static void test_names(void **state) {
        static const struct {
                uint32_t vendor;
                const char *model, *name;
        } cases[] = {
                { 0x1002, "Strix [Radeon 880M / 890M]", "AMD Radeon 880M / 890M" },
                { 0x10de, "AD102 [GeForce RTX 4090]", "NVIDIA GeForce RTX 4090" },
                { 0x10de, "GA100 [A100 PCIe 40GB]", "NVIDIA A100 PCIe 40GB" },
                { 0x8086, "DG2 [Arc A770]", "Intel Arc A770" },
                { 0x8086, "UHD Graphics 630", "Intel UHD Graphics 630" },
                { 0x8086, "Intel Arc B580", "Intel Arc B580" },
                { 0x1002, "Navi [1] [Radeon RX 5600]", "AMD Radeon RX 5600" },
                { 0x1002, "Navi 10 [Radeon", "AMD Navi 10 [Radeon" },
                { 0x1002, "Navi 10 [Radeon] (rev c1)", "AMD Navi 10 [Radeon] (rev c1)" },
                { 0x1002, "Odd []", "AMD Odd []" },
                { 0x1a03, "ASPEED Graphics Family", "ASPEED Graphics Family" },
        };
        struct arena a = { 0 };

        for (size_t i = 0; i < ELEMENTS(cases); i++)
                assert_string_equal(gpu_name(&a, cases[i].vendor, cases[i].model), cases[i].name);
        arena_done(&a);
}

static void test_label(void **state) {
        struct arena a = { 0 };

        assert_string_equal(gpu_label(&a, "AMD Radeon 890M", "0000:c1:00.0"),
                            "AMD Radeon 890M, 0000:c1:00.0");
        assert_string_equal(gpu_label(&a, NULL, "0000:c1:00.0"), "0000:c1:00.0");
        arena_done(&a);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_label),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
