/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* test-held-judge - a running container after what hosts go through, by what it holds */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/live/held-judge.h"
#include "sample-host.h"

#define FIRST "0000:01:00.0"  /* card0 226:0, renderD129 226:129 */
#define SECOND "0000:02:00.0" /* card1 226:1, renderD128 226:128 */

/* The container's GPU is the first one; card0 and renderD129 are what it shall have. */
static struct record_node wanted[] = {
        { .path = "/dev/dri/card0", .number = { 226, 0, false }, .gpu = FIRST },
        { .path = "/dev/dri/renderD129", .number = { 226, 129, false }, .gpu = FIRST },
};

#define NODE(path_, minor_, mode_, uid_, gid_)                                                     \
        { .path = (path_), .number = { 226, (minor_), false }, .mode = (mode_), .uid = (uid_),      \
          .gid = (gid_), .gpu = "-" }

static const struct row {
        const char *what;
        bool privileged;
        struct held_node nodes[3];
        size_t n_nodes;
        enum gate_state gate;
        const char *said; /* "code what (old)", "; " between them */
} rows[] = {
        { "as it shall be", false,
          { NODE("/dev/dri/card0", 0, 0660, -1, 44), NODE("/dev/dri/renderD129", 129, 0660, -1, 110) },
          2, GATE_UNKNOWN, "" },
        { "a name of its own for the node", false,
          { NODE("/dev/dri/card0", 0, 0660, -1, 44), NODE("/dev/dri/gpu", 129, 0660, 0, 110) },
          2, GATE_UNKNOWN, "" },
        { "devN, the numbers were swapped", false,
          { NODE("/dev/dri/card1", 1, 0660, 0, 44), NODE("/dev/dri/renderD128", 128, 0660, 0, 110) },
          2, GATE_UNKNOWN,
          "container-wrong-gpu /dev/dri/card1 (226:1); container-wrong-gpu /dev/dri/renderD128 "
          "(226:128); inside-missing /dev/dri/card0 (226:0); inside-missing /dev/dri/renderD129 "
          "(226:129)" },
        { "the same behind the gate", false,
          { NODE("/dev/dri/card1", 1, 0660, 0, 44), NODE("/dev/dri/renderD129", 129, 0660, 0, 110) },
          2, GATE_CLOSED, "inside-missing /dev/dri/card0 (226:0)" },
        { "the other one under a name of the own", false,
          { NODE("/dev/dri/card0", 1, 0660, 0, 44), NODE("/dev/x", 0, 0660, 0, 44),
            NODE("/dev/dri/renderD129", 129, 0660, 0, 110) },
          3, GATE_UNKNOWN, "container-wrong-gpu /dev/dri/card0 (226:1)" },
        { "bind mounts, swapped: dead", false,
          { NODE("/dev/dri/card1", 1, 0, -1, -1), NODE("/dev/dri/renderD128", 128, 0, -1, -1) },
          2, GATE_UNKNOWN,
          "inside-missing /dev/dri/card0 (226:0); inside-missing /dev/dri/renderD129 (226:129)" },
        { "the same, privileged: its root opens them", true,
          { NODE("/dev/dri/card1", 1, 0, 0, 0), NODE("/dev/dri/renderD129", 129, 0660, 0, 104) },
          2, GATE_UNKNOWN,
          "container-wrong-gpu /dev/dri/card1 (226:1); inside-missing /dev/dri/card0 (226:0)" },
        { "the group moved under it", false,
          { NODE("/dev/dri/card0", 0, 0660, -1, 44), NODE("/dev/dri/renderD129", 129, 0660, -1, -1) },
          2, GATE_UNKNOWN, "inside-unusable /dev/dri/renderD129 (660 - -)" },
        { "bound again under the same number: dead", false,
          { NODE("/dev/dri/card0", 0, 0, -1, -1), NODE("/dev/dri/renderD129", 129, 0666, -1, -1) },
          2, GATE_UNKNOWN, "inside-unusable /dev/dri/card0 (0 - -)" },
        { "started while the GPU was away", false, { { 0 } }, 0, GATE_UNKNOWN,
          "inside-missing /dev/dri/card0 (226:0); inside-missing /dev/dri/renderD129 (226:129)" },
        { "a number that no device has", false,
          { NODE("/dev/dri/card0", 0, 0660, -1, 44), NODE("/dev/dri/renderD129", 129, 0660, -1, 110),
            NODE("/dev/dri/card9", 9, 0660, -1, 44) },
          3, GATE_UNKNOWN, "" },
};

static const char *said(struct arena *a, const struct findings *f) {
        struct strbuf b = { .arena = a };

        for (size_t i = 0; i < f->n; i++)
                strbuf_printf(&b, "%s%s %s (%s)", i ? "; " : "", finding_kinds[f->items[i].code].code,
                              f->items[i].what,
                              f->items[i].old ? f->items[i].old : f->items[i].new);
        return strbuf_str(&b);
}

static void each_row(void **state) {
        static struct devnum refused[] = { { 226, 1, false }, { 226, 128, false } };
        struct record want = { .nodes = wanted, .n_nodes = ELEMENTS(wanted) };

        for (size_t i = 0; i < ELEMENTS(rows); i++) {
                _cleanup_arena_ struct arena a = { 0 };
                struct held held = { .nodes = (struct held_node *)rows[i].nodes,
                                     .n_nodes = rows[i].n_nodes,
                                     .gate = rows[i].gate,
                                     .refused = refused,
                                     .n_refused = ELEMENTS(refused) };
                struct held_judge j = { .facts = &sample_host,
                                        .want = &want,
                                        .userns = !rows[i].privileged,
                                        .held = &held };
                struct findings f = { .arena = &a };

                gpu_list_add(&a, &j.gpus, facts_find_gpu(&sample_host, FIRST));
                held_judge(&j, &f);
                if (strcmp(said(&a, &f), rows[i].said) != 0)
                        fail_msg("%s: %s", rows[i].what, said(&a, &f));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(each_row) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
