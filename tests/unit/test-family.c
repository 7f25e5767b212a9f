/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* family: a node's family by path, number and owner */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/sample-host.h"

#define NONE (-1)

static int index_of(const struct family *f) {
        return f ? (int)(f - families) : NONE;
}

static void test_path(void **state) {
        static const struct {
                const char *path;
                int family;
        } cases[] = {
                { "/dev/dri/card0", FAMILY_CARD },
                { "/dev/dri/card", NONE },
                { "/dev/dri/card1x", NONE },
                { "/dev/dri/controlD64", NONE },
                { "/dev/dri", NONE },
                { "/dev/dri/renderD128", FAMILY_RENDER },
                { "/dev/accel/accel3", FAMILY_ACCEL },
                { "/dev/kfd", FAMILY_KFD },
                { "/dev/kfd0", NONE },
                { "/dev/nvidia12", FAMILY_NVIDIA },
                { "/dev/nvidiactl", FAMILY_NVIDIA_CTL },
                { "/dev/nvidia-modeset", FAMILY_NVIDIA_MODESET },
                { "/dev/nvidia-uvm", FAMILY_NVIDIA_UVM },
                { "/dev/nvidia-uvm-tools", FAMILY_NVIDIA_UVM_TOOLS },
                { "/dev/nvidia-caps/nvidia-cap2", FAMILY_NVIDIA_CAPS },
                { "/dev/nvidia-nvswitch0", FAMILY_NVIDIA_OTHER },
                { "/dev/null", NONE },
                { "", NONE },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++)
                assert_int_equal(index_of(family_of_path(bytes_of(cases[i].path))),
                                 cases[i].family);
}

static void test_number(void **state) {
        static const struct {
                struct devnum number;
                const char *owner;
                int family;
        } cases[] = {
                { { 226, 0, false }, NULL, FAMILY_CARD },
                { { 226, 127, false }, "drm", FAMILY_CARD },
                { { 226, 128, false }, "drm", FAMILY_RENDER },
                { { 226, 0, true }, NULL, NONE },
                { { 195, 3, false }, "nvidia-frontend", FAMILY_NVIDIA },
                { { 195, 254, false }, "nvidia", FAMILY_NVIDIA_MODESET },
                { { 195, 255, false }, NULL, FAMILY_NVIDIA_CTL },
                { { 195, 0, false }, "tuner", NONE },
                { { 261, 1, false }, NULL, FAMILY_ACCEL },
                { { 235, 0, false }, "kfd", FAMILY_KFD },
                { { 235, 0, false }, "hailo", NONE },
                { { 235, 0, false }, NULL, NONE },
                { { 508, 0, false }, "nvidia-uvm", FAMILY_NVIDIA_UVM },
                { { 508, 1, false }, "nvidia-uvm", FAMILY_NVIDIA_UVM_TOOLS },
                { { 511, 7, false }, "nvidia-caps", FAMILY_NVIDIA_CAPS },
                { { 509, 0, false }, "nvidia-nvswitch", FAMILY_NVIDIA_OTHER },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++)
                assert_int_equal(index_of(family_of_number(cases[i].owner, cases[i].number)),
                                 cases[i].family);
}

/* A node that is there says it whatever its minor is, else its major's owner does. */
static void test_facts(void **state) {
        struct node late = SAMPLE_NODE(NODE_CARD, "/dev/dri/card200", 226, 200, 44);
        struct gpu gpu = { .nodes = &late, .n_nodes = 1 };
        struct facts f = sample_host;

        assert_int_equal(index_of(facts_family(&f, (struct devnum){ 226, 200, false })),
                         FAMILY_RENDER);
        assert_int_equal(index_of(facts_family(&f, (struct devnum){ 508, 1, false })),
                         FAMILY_NVIDIA_UVM_TOOLS);
        assert_int_equal(index_of(facts_family(&f, (struct devnum){ 240, 0, false })), NONE);
        f.gpus = &gpu;
        f.n_gpus = 1;
        assert_int_equal(index_of(facts_family(&f, (struct devnum){ 226, 200, false })),
                         FAMILY_CARD);
        f.n_majors = 0;
        assert_int_equal(index_of(facts_family(&f, (struct devnum){ 235, 0, false })), FAMILY_KFD);
}

/* What holds for each row, so that a new one cannot forget it. */
static void test_table(void **state) {
        _cleanup_arena_ struct arena a = { 0 };

        for (int i = 0; i < NODE_FAMILIES; i++) {
                const struct family *f = &families[i];
                const char *path = strchr(f->path, '%') ? family_path(&a, f, 7) : f->path;
                uint32_t number = 0;

                assert_int_equal(index_of(family_of_path(bytes_of(path))), i);
                assert_int_equal(family_path_number(f, bytes_of(path), &number),
                                 strchr(f->path, '%') != NULL);
                assert_int_equal(number, strchr(f->path, '%') ? 7 : 0);
                assert_true(str_has_prefix(f->folder, "/dev"));
                assert_true(f->shared || strchr(f->path, '%'));
                if (f->class)
                        assert_ptr_equal(family_of_entry(f->class, strrchr(path, '/') + 1), f);
                if (f->major)
                        assert_ptr_equal(
                                family_of_number(NULL, (struct devnum){ f->major, f->minor, false }),
                                f);
                assert_true(family_of_owner(f->owner) != NULL);
        }
        assert_null(family_of_entry("drm", "accel0"));
        assert_null(family_of_entry("drm", "card0-HDMI-A-1"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_path),
                cmocka_unit_test(test_number),
                cmocka_unit_test(test_facts),
                cmocka_unit_test(test_table),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
