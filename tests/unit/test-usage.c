/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* usage: hostpci lines as Proxmox writes them, and who claims what */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/plan/choose/usage.h"

static struct gpu gpus[] = {
        { .address = "0000:00:02.0",
          .pci = true,
          .ids = { 0x8086, 0x4680, 0, 0 },
          .driver = "i915" },
        { .address = "0000:00:02.1",
          .pci = true,
          .ids = { 0x8086, 0x4680, 0, 0 },
          .driver = "i915",
          .physfn = "0000:00:02.0" },
        { .address = "0000:01:00.0",
          .pci = true,
          .ids = { 0x10de, 0x2684, 0, 0 },
          .driver = "vfio-pci" },
        { .address = "fb000000.gpu", .driver = "panfrost" },
};
static const struct facts host = { .gpus = gpus, .n_gpus = ELEMENTS(gpus) };

static int setup(void **state) {
        *state = calloc(1, sizeof(struct arena));
        return *state ? 0 : -1;
}

static int teardown(void **state) {
        arena_done(*state);
        free(*state);
        return 0;
}

static const char *names_of(struct arena *a, const char *conf, size_t gpu) {
        struct hostpci *lines = NULL;
        struct usage u = { .arena = a, .facts = &host };
        size_t n = hostpci_parse(a, bytes_of(conf), &lines);

        for (size_t i = 0; i < n; i++)
                usage_add_vm(&u, 200, &lines[i]);
        return usage_names(a, &u, &gpus[gpu]);
}

static void test_addresses(void **state) {
        struct arena *a = *state;

        assert_string_equal(names_of(a, "hostpci0: 0000:01:00.0,pcie=1\n", 2), "vm/200");
        assert_string_equal(names_of(a, "hostpci0: 0000:01:00.0,pcie=1\n", 0), "");
        assert_string_equal(names_of(a, "cores: 2\r\nhostpci15: 01:00\r\n", 2), "vm/200");
        assert_string_equal(names_of(a, "hostpci0: x-vga=1,host=00:02.1;01:00.0", 1), "vm/200");
        assert_string_equal(names_of(a, "hostpci0: x-vga=1,host=00:02.1;01:00.0", 2), "vm/200");
        assert_string_equal(names_of(a, "hostpci0: x-vga=1,host=00:02.1;01:00.0", 0), "");
        /* all functions */
        assert_string_equal(names_of(a, "hostpci0: 0000:00:02\n", 0), "vm/200");
        assert_string_equal(names_of(a, "hostpci0: 0000:00:02\n", 1), "vm/200");
        /* no address of ours */
        assert_string_equal(names_of(a, "hostpci0: 0000:00:0\nhostpcix: 01:00.0\n", 2), "");
        assert_string_equal(names_of(a, "#hostpci0: 01:00.0\nunhostpci0: 01:00.0\n", 2), "");
        /* the last of a key counts; snapshots and what is pending do not */
        assert_string_equal(names_of(a, "hostpci0: 01:00.0\nhostpci0: 00:02.0\n", 2), "");
        assert_string_equal(names_of(a, "cores: 1\n\n[PENDING]\nhostpci0: 01:00.0\n", 2), "");
        assert_string_equal(names_of(a, "[snap]\nhostpci0: 01:00.0\n", 2), "");
}

static void test_options(void **state) {
        struct hostpci *h = NULL;

        assert_int_equal(
                hostpci_parse(*state, bytes_of("hostpci2: mapping=igpu,mdev=i915-4\n"), &h), 1);
        assert_string_equal(h[0].key, "hostpci2");
        assert_string_equal(h[0].mapping, "igpu");
        assert_true(h[0].mediated);
        assert_int_equal(h[0].n_paths, 0);
}

static size_t conflicts(struct arena *a, const struct gpu *container, const struct gpu *vm,
                        bool mediated, const char **ret_text) {
        struct gpu_user users[] = { { USER_CONTAINER, 101, container, "policy", false },
                                    { USER_VM, 200, vm, "hostpci0", NULL, mediated } };
        struct usage u = { .users = users, .n = vm ? 2 : 1 };
        struct findings f = { .arena = a };

        usage_check(&u, &f);
        *ret_text = f.n > 0 ? f.items[0].old : "";
        return f.n;
}

static void test_conflicts(void **state) {
        struct arena *a = *state;
        const char *text;

        assert_int_equal(conflicts(a, &gpus[0], &gpus[2], false, &text), 0);
        assert_int_equal(conflicts(a, &gpus[0], &gpus[0], true, &text), 0);
        assert_int_equal(conflicts(a, &gpus[0], &gpus[1], false, &text), 0);
        assert_int_equal(conflicts(a, &gpus[0], &gpus[0], false, &text), 1);
        assert_string_equal(text, "virtual machine 200 takes it at its start (hostpci0)");
        /* the whole card is taken, and its functions with it */
        assert_int_equal(conflicts(a, &gpus[1], &gpus[0], false, &text), 1);
        assert_int_equal(conflicts(a, &gpus[2], &gpus[2], false, &text), 1);
        assert_string_equal(text, "it is held for virtual machine 200 (hostpci0)");
        assert_int_equal(conflicts(a, &gpus[2], NULL, false, &text), 1);
        assert_string_equal(text, "it is held by vfio-pci for virtual machines");
}

/* A pin waits for its GPU also while that has no nodes; another card at its address is not it. */
static void test_pin(void **state) {
        struct arena *a = *state;
        struct card pinned[] = { { .address = "0000:01:00.0", .ids = { 0x10de, 0x2684, 0, 0 } },
                                    { .address = "0000:00:02.0", .ids = { 0x10de, 0x2684, 0, 0 } } };
        struct choice none = { .pin = { .node = "pve1", .gpus = pinned, .n_gpus = 2 } };
        struct usage u = { .arena = a, .facts = &host };
        struct policy p;

        policy_init(a, &p);
        pinned[0].ids.subdevice = 1;
        usage_add_policy(&u, 101, &p, &none);
        assert_int_equal(u.n, 0);
        pinned[0].ids.subdevice = 0;
        usage_add_policy(&u, 101, &p, &none);
        assert_int_equal(u.n, 1);
        assert_string_equal(usage_names(a, &u, &gpus[2]), "ct/101");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_addresses, setup, teardown),
                cmocka_unit_test_setup_teardown(test_options, setup, teardown),
                cmocka_unit_test_setup_teardown(test_conflicts, setup, teardown),
                cmocka_unit_test_setup_teardown(test_pin, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
