/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* test-baseline - what is told when a host is not what it was */
#include "model/watch/baseline.h"
#include "render/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct world {
        struct arena arena;
        struct facts facts;
};

static struct gpu *add_gpu(struct world *w, const char *address, uint32_t device,
                           const char *driver) {
        struct gpu *g = ARENA_PUSH(&w->arena, w->facts.gpus, w->facts.n_gpus);

        *g = (struct gpu){ .address = address,
                           .pci = true,
                           .ids = { .vendor = 0x1002, .device = device },
                           .driver = driver };
        return g;
}

static void add_node(struct world *w, struct gpu *g, enum node_kind kind, const char *path,
                     uint32_t minor, uint32_t mode) {
        *ARENA_PUSH(&w->arena, g->nodes, g->n_nodes) = (struct node){ .kind = kind,
                                                                      .path = path,
                                                                      .number = { 226, minor, false },
                                                                      .state = NODE_CHAR,
                                                                      .gid = 44,
                                                                      .mode = mode };
}

/* Two cards of one model, as most hosts with a problem have them. */
static void make_world(struct world *w, bool swapped) {
        struct gpu *g;

        *w = (struct world){ .facts = { .groups[GID_VIDEO] = { true, 44 },
                                        .groups[GID_RENDER] = { true, 104 } } };
        g = add_gpu(w, "0000:01:00.0", 0x150e, "amdgpu");
        add_node(w, g, NODE_CARD, swapped ? "/dev/dri/card1" : "/dev/dri/card0", swapped, 0660);
        g = add_gpu(w, "0000:02:00.0", 0x1638, "amdgpu");
        add_node(w, g, NODE_CARD, swapped ? "/dev/dri/card0" : "/dev/dri/card1", !swapped, 0660);
}

static struct baseline baseline_of(struct arena *a, const struct facts *f) {
        struct baseline b;

        baseline_next(a, NULL, f, &b);
        return b;
}

static struct findings compare(struct arena *a, const struct baseline *b, const struct facts *f) {
        struct findings list = { .arena = a };

        baseline_compare(b, f, &list);
        return list;
}

static void expect(struct arena *a, const struct findings *f, size_t i, enum finding_code code,
                   const char *text) {
        assert_true(i < f->n);
        assert_string_equal(finding_kinds[f->items[i].code].code, finding_kinds[code].code);
        assert_string_equal(finding_text(a, &f->items[i], 0), text);
}

static void same_host_says_nothing(void **state) {
        struct world w;
        struct baseline b;

        make_world(&w, false);
        b = baseline_of(&w.arena, &w.facts);
        assert_int_equal(compare(&w.arena, &b, &w.facts).n, 0);
        arena_done(&w.arena);
}

static void swapped_cards_are_renumbered_once(void **state) {
        struct world w, after;
        struct baseline b, next;
        struct findings f;

        make_world(&w, false);
        make_world(&after, true);
        b = baseline_of(&w.arena, &w.facts);
        f = compare(&w.arena, &b, &after.facts);
        assert_int_equal(f.n, 2);
        expect(&w.arena, &f, 0, FINDING_GPU_RENUMBERED,
               "GPU 0000:01:00.0 (1002:150e amdgpu) has other nodes now: card0 (226:0) -> card1 "
               "(226:1)");
        assert_string_equal(f.items[1].gpu, "0000:02:00.0");
        baseline_next(&w.arena, &b, &after.facts, &next);
        assert_int_equal(compare(&w.arena, &next, &after.facts).n, 0);
        arena_done(&w.arena);
        arena_done(&after.arena);
}

static void gone_stays_until_it_is_back(void **state) {
        struct world w, after;
        struct baseline b, next;
        struct findings f;

        make_world(&w, false);
        make_world(&after, false);
        after.facts.n_gpus = 1;
        b = baseline_of(&w.arena, &w.facts);
        f = compare(&w.arena, &b, &after.facts);
        assert_int_equal(f.n, 1);
        expect(&w.arena, &f, 0, FINDING_GPU_GONE,
               "GPU 0000:02:00.0 (1002:1638 amdgpu) is gone; it had card1 (226:1)");
        assert_false(finding_is_event(f.items[0].code));
        baseline_next(&w.arena, &b, &after.facts, &next);
        assert_int_equal(next.n_gpus, 2);
        assert_int_equal(compare(&w.arena, &next, &after.facts).n, 1);

        f = compare(&w.arena, &next, &w.facts);
        assert_int_equal(f.n, 1);
        expect(&w.arena, &f, 0, FINDING_GPU_BACK,
               "GPU 0000:02:00.0 (1002:1638 amdgpu) is back: card1 (226:1)");
        arena_done(&w.arena);
        arena_done(&after.arena);
}

static void forgotten_unless_a_policy_names_it(void **state) {
        const char *const named[] = { "0000:02:00.0" };
        struct world w;
        struct baseline b, next;

        make_world(&w, false);
        b = baseline_of(&w.arena, &w.facts);
        w.facts.n_gpus = 1;
        baseline_next(&w.arena, &b, &w.facts, &next);
        baseline_forget(&next, named, 1);
        assert_int_equal(next.n_gpus, 2);
        baseline_forget(&next, NULL, 0);
        assert_int_equal(next.n_gpus, 1);
        assert_int_equal(compare(&w.arena, &next, &w.facts).n, 0);
        arena_done(&w.arena);
}

static void moved_is_not_gone_and_not_new(void **state) {
        struct world w, after;
        struct baseline b, next;
        struct findings f;

        make_world(&w, false);
        make_world(&after, false);
        after.facts.gpus[1].address = "0000:05:00.0";
        b = baseline_of(&w.arena, &w.facts);
        f = compare(&w.arena, &b, &after.facts);
        assert_int_equal(f.n, 1);
        expect(&w.arena, &f, 0, FINDING_GPU_MOVED,
               "GPU 1002:1638 amdgpu moved from 0000:02:00.0 to 0000:05:00.0");
        baseline_next(&w.arena, &b, &after.facts, &next);
        assert_int_equal(next.n_gpus, 2);
        arena_done(&w.arena);
        arena_done(&after.arena);
}

static void new_gpu_driver_groups_and_mode(void **state) {
        struct world w, after;
        struct baseline b;
        struct findings f;

        make_world(&w, false);
        make_world(&after, false);
        w.facts.n_gpus = 1;
        b = baseline_of(&w.arena, &w.facts);
        after.facts.gpus[0].nodes[0].mode = 0666;
        after.facts.groups[GID_RENDER].gid = 993;
        after.facts.groups[GID_VIDEO].present = false;
        f = compare(&w.arena, &b, &after.facts);
        assert_int_equal(f.n, 4);
        expect(&w.arena, &f, 0, FINDING_NODE_MODE_CHANGED,
               "/dev/dri/card0 of GPU 0000:01:00.0 has mode 0666 now (was 0660)");
        expect(&w.arena, &f, 1, FINDING_GPU_NEW,
               "GPU 0000:02:00.0 (1002:1638 amdgpu) is new on this host: card1 (226:1)");
        expect(&w.arena, &f, 2, FINDING_GROUP_CHANGED,
               "host group video has no gid now (had gid 44)");
        expect(&w.arena, &f, 3, FINDING_GROUP_CHANGED,
               "host group render has gid 993 now (had gid 104)");
        arena_done(&w.arena);
        arena_done(&after.arena);
}

/* Unbinding takes the nodes away; what they were is remembered until there are others. */
static void without_driver_the_nodes_are_remembered(void **state) {
        struct world w, without, after;
        struct baseline b, next;
        struct findings f;

        make_world(&w, false);
        make_world(&without, false);
        make_world(&after, true);
        without.facts.gpus[0].driver = "vfio-pci";
        without.facts.gpus[0].n_nodes = 0;
        b = baseline_of(&w.arena, &w.facts);
        f = compare(&w.arena, &b, &without.facts);
        assert_int_equal(f.n, 1);
        expect(&w.arena, &f, 0, FINDING_GPU_DRIVER_CHANGED,
               "GPU 0000:01:00.0 has another driver now: amdgpu -> vfio-pci");
        baseline_next(&w.arena, &b, &without.facts, &next);
        assert_true(next.gpus[0].idle);
        assert_int_equal(compare(&w.arena, &next, &without.facts).n, 0);
        f = compare(&w.arena, &next, &w.facts);
        assert_int_equal(f.n, 1);
        expect(&w.arena, &f, 0, FINDING_GPU_BACK,
               "GPU 0000:01:00.0 (1002:150e amdgpu) is back: card0 (226:0)");
        f = compare(&w.arena, &next, &after.facts);
        assert_int_equal(f.n, 2); /* and the other card renumbered */
        expect(&w.arena, &f, 0, FINDING_GPU_BACK,
               "GPU 0000:01:00.0 (1002:150e amdgpu) is back: card1 (226:1)");
        assert_true(baseline_read(&w.arena, baseline_write(&w.arena, &next), &b));
        assert_true(b.gpus[0].idle && b.gpus[0].n_nodes == 1 && !b.gpus[1].idle);
        arena_done(&w.arena);
        arena_done(&without.arena);
        arena_done(&after.arena);
}

/* A GPU that is gone is still called by its name. */
static void name_is_kept(void **state) {
        struct baseline b, back;
        struct findings f;
        struct world w;

        make_world(&w, false);
        w.facts.gpus[0].name = "AMD Radeon 880M / 890M";
        b = baseline_of(&w.arena, &w.facts);
        assert_true(baseline_read(&w.arena, baseline_write(&w.arena, &b), &back));
        w.facts.n_gpus = 0;
        f = compare(&w.arena, &back, &w.facts);
        assert_true(f.n > 0);
        assert_string_equal(f.items[0].name, "AMD Radeon 880M / 890M");
        arena_done(&w.arena);
}

/* Said once, also over a time in which no driver was loaded. */
static void driver_version(void **state) {
        struct baseline b, back;
        struct findings f;
        struct world w;

        make_world(&w, false);
        w.facts.nvidia_version = "550.144.03";
        b = baseline_of(&w.arena, &w.facts);
        w.facts.nvidia_version = NULL;
        f = compare(&w.arena, &b, &w.facts);
        assert_int_equal(f.n, 0);
        baseline_next(&w.arena, &b, &w.facts, &b);
        assert_true(baseline_read(&w.arena, baseline_write(&w.arena, &b), &back));
        w.facts.nvidia_version = "550.163.01";
        f = compare(&w.arena, &back, &w.facts);
        assert_int_equal(f.n, 1);
        expect(&w.arena, &f, 0, FINDING_DRIVER_VERSION_CHANGED,
               "NVIDIA's driver has another version now: 550.144.03 -> 550.163.01");
        baseline_next(&w.arena, &back, &w.facts, &b);
        f = compare(&w.arena, &b, &w.facts);
        assert_int_equal(f.n, 0);
        arena_done(&w.arena);
}

static void text_comes_back(void **state) {
        struct world w;
        struct baseline b, back;
        struct bytes text, again;

        make_world(&w, false);
        add_gpu(&w, "fb000000.gpu", 0, NULL)->ids.vendor = 0;
        w.facts.gpus[1].nodes[0].state = NODE_ABSENT;
        b = baseline_of(&w.arena, &w.facts);
        b.gpus[0].gone = true;
        text = baseline_write(&w.arena, &b);
        assert_true(baseline_read(&w.arena, text, &back));
        again = baseline_write(&w.arena, &back);
        assert_true(bytes_equal(text, again));
        arena_done(&w.arena);
}

/* Of a family that has several nodes each is known, and when it changes that is told of it. */
static void several_of_a_kind(void **state) {
        struct baseline b, back;
        struct findings f;
        struct world w;
        struct gpu *g;

        make_world(&w, false);
        g = &w.facts.gpus[1];
        add_node(&w, g, NODE_ACCEL, "/dev/accel/accel0", 0, 0660);
        add_node(&w, g, NODE_ACCEL, "/dev/accel/accel1", 1, 0660);
        b = baseline_of(&w.arena, &w.facts);
        assert_true(baseline_read(&w.arena, baseline_write(&w.arena, &b), &back));
        assert_int_equal(compare(&w.arena, &back, &w.facts).n, 0);
        g->nodes[1].mode = 0666;
        f = compare(&w.arena, &back, &w.facts);
        assert_int_equal(f.n, 1);
        assert_string_equal(f.items[0].what, "/dev/accel/accel0");
        arena_done(&w.arena);
}

/* Any cut and any flipped byte is either a baseline or refused; never a crash, never half of one.
 */
static void damaged_text_is_refused(void **state) {
        struct world w;
        struct baseline b, back;
        struct bytes text;
        char *copy;

        make_world(&w, false);
        b = baseline_of(&w.arena, &w.facts);
        text = baseline_write(&w.arena, &b);
        for (size_t n = 0; n < text.len; n++)
                assert_false(baseline_read(&w.arena, (struct bytes){ text.data, n }, &back));
        for (size_t i = 0; i < text.len; i++)
                for (int bit = 0; bit < 8; bit++) {
                        struct arena a = { 0 };

                        copy = arena_strndup(&a, text.data, text.len);
                        copy[i] = (char)(copy[i] ^ (1 << bit));
                        if (baseline_read(&a, (struct bytes){ copy, text.len }, &back))
                                assert_true(back.n_gpus <= 2);
                        arena_done(&a);
                }
        arena_done(&w.arena);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(same_host_says_nothing),
                cmocka_unit_test(swapped_cards_are_renumbered_once),
                cmocka_unit_test(gone_stays_until_it_is_back),
                cmocka_unit_test(forgotten_unless_a_policy_names_it),
                cmocka_unit_test(moved_is_not_gone_and_not_new),
                cmocka_unit_test(new_gpu_driver_groups_and_mode),
                cmocka_unit_test(without_driver_the_nodes_are_remembered),
                cmocka_unit_test(name_is_kept),
                cmocka_unit_test(driver_version),
                cmocka_unit_test(text_comes_back),
                cmocka_unit_test(several_of_a_kind),
                cmocka_unit_test(damaged_text_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
