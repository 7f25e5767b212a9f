/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* test-live - what a running container holds, and what is done about it */
#include "host/live/holdings.h"
#include "host/probe/probe.h"
#include "pve/record.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cmocka.h>

/* ---- a container that is a folder ---- */

static char box[] = "/tmp/live-test-XXXXXX";

static int make_box(void **state) {
        return mkdtemp(box) ? 0 : -1;
}

static int remove_box(void **state) {
        char command[128];

        snprintf(command, sizeof(command), "rm -rf %s", box);
        return system(command);
}

static const char *in_box(const char *path) {
        static char full[4][PATH_MAX];
        static int i;

        i = (i + 1) % 4;
        snprintf(full[i], sizeof(full[i]), "%s%s", box, path);
        return full[i];
}

static void make_node(const char *path, unsigned major, unsigned minor) {
        assert_int_equal(mknod(in_box(path), S_IFCHR | 0660, makedev(major, minor)), 0);
}

/* Two cards: 226:0 + 226:128, 226:1 + 226:129. */
static struct facts two_cards(struct arena *a) {
        struct facts f = { .gpus = arena_alloc(a, 2 * sizeof(*f.gpus)), .n_gpus = 2 };

        for (uint32_t i = 0; i < 2; i++) {
                struct node *n = arena_alloc(a, 2 * sizeof(*n));

                n[0] = (struct node){ .kind = NODE_CARD,
                                      .path = arena_printf(a, "/dev/dri/card%u", i),
                                      .number = { 226, i, false },
                                      .state = NODE_CHAR };
                n[1] = (struct node){ .kind = NODE_RENDER,
                                      .path = arena_printf(a, "/dev/dri/renderD%u", 128 + i),
                                      .number = { 226, 128 + i, false },
                                      .state = NODE_CHAR };
                f.gpus[i] = (struct gpu){ .address = arena_printf(a, "0000:0%u:00.0", i + 1),
                                          .pci = true,
                                          .nodes = n,
                                          .n_nodes = 2 };
        }
        return f;
}

/* ---- what it holds ---- */

static const struct held_node *held_at(const struct held *h, const char *path) {
        for (size_t i = 0; i < h->n_nodes; i++)
                if (streq(h->nodes[i].path, path))
                        return &h->nodes[i];
        return NULL;
}

static struct held look(struct arena *a, const struct facts *f, const char *const *paths,
                        size_t n) {
        struct inside in = { .arena = a, .pid = (unsigned)getpid() };
        struct held h;

        in.root_fd = open(box, O_PATH | O_DIRECTORY | O_CLOEXEC);
        assert_true(in.root_fd >= 0);
        holdings_look(&in, &(struct holdings_search){ f, paths, n }, &h);
        close(in.root_fd);
        return h;
}

static void holdings_are_known_by_number(void **state) {
        _cleanup_arena_ struct arena a = { 0 };
        struct facts f = two_cards(&a);
        const char *const paths[] = { "/srv/gpu" };
        struct held h;

        mkdir(in_box("/dev"), 0755);
        mkdir(in_box("/dev/dri"), 0755);
        mkdir(in_box("/srv"), 0755);
        make_node("/dev/dri/card0", 226, 1);    /* the name of one, the number of the other */
        make_node("/dev/dri/card7", 226, 7);    /* a card that is gone */
        make_node("/dev/anything", 226, 128);   /* whatever it is called */
        make_node("/dev/null", 1, 3);           /* no GPU's */
        make_node("/srv/gpu", 226, 129);        /* where a line of the container puts it */
        make_node("/dev/with blank", 226, 128); /* does not fit into a line */
        assert_int_equal(symlink("card0", in_box("/dev/dri/renderD128")), 0);
        assert_int_equal(mkfifo(in_box("/dev/dri/renderD129"), 0600), 0);
        h = look(&a, &f, paths, 1);
        assert_int_equal(h.n_nodes, 4);
        assert_string_equal(held_at(&h, "/dev/dri/card0")->gpu, "0000:02:00.0");
        assert_string_equal(held_at(&h, "/dev/dri/card7")->gpu, "none");
        assert_string_equal(held_at(&h, "/dev/anything")->gpu, "0000:01:00.0");
        assert_string_equal(held_at(&h, "/srv/gpu")->gpu, "0000:02:00.0");
        assert_int_equal(held_at(&h, "/srv/gpu")->uid, 0);
        assert_int_equal(held_at(&h, "/srv/gpu")->mode, 0660 & ~022);
        assert_int_equal(h.init.pid, getpid());
        assert_int_not_equal(h.init.mounts, 0);
}

static void held_comes_back_as_it_was(void **state) {
        _cleanup_arena_ struct arena a = { 0 };
        struct held_node nodes[] = {
                { "/dev/dri/card1", { 226, 1, false }, 0660, -1, 44, "0000:c1:00.0" },
                { "/dev/kfd", { 235, 0, false }, 0, 0, -1, "-" },
        };
        struct devnum refused[] = { { 226, 0, false }, { 226, 128, false } };
        struct held h = { .init = { 4711, 4026532741, 4026532738 },
                          .nodes = nodes,
                          .n_nodes = 2,
                          .libraries = { { .state = LIBRARY_FOUND,
                                           .path = "/usr/lib64/libcuda.so.1",
                                           .version = "550.163.01",
                                           .of_host = true },
                                         { .state = LIBRARY_NONE } },
                          .gate = GATE_CLOSED,
                          .refused = refused,
                          .n_refused = 2 },
                    back;
        struct pve pve = { .arena = &a, .root = in_box("") };

        assert_int_equal(held_load(&pve, 101, &back), -ENOENT);
        assert_int_equal(held_store(&pve, 101, &h), 0);
        assert_int_equal(held_load(&pve, 101, &back), 0);
        assert_true(bytes_equal(held_write(&a, &h), held_write(&a, &back)));
        assert_int_equal(back.n_nodes, 2);
        assert_int_equal(back.nodes[0].uid, -1);
        assert_string_equal(back.libraries[LIBRARY_CUDA].version, "550.163.01");
        assert_true(back.libraries[LIBRARY_CUDA].of_host);
        assert_int_equal(back.libraries[LIBRARY_ML].state, LIBRARY_NONE);
        assert_int_equal(back.n_refused, 2);
        assert_true(held_init_equal(&h.init, &back.init));
        h = (struct held){ .gate = GATE_OPEN, .gate_why = "it has lxc.include" };
        held_read(&a, held_write(&a, &h), &back);
        assert_int_equal(back.gate, GATE_OPEN);
        assert_string_equal(back.gate_why, "it has lxc.include");
        record_clear(&pve, 101);
        assert_int_equal(held_load(&pve, 101, &back), -ENOENT);
}

static void damaged_lines_are_left_out(void **state) {
        _cleanup_arena_ struct arena a = { 0 };
        struct held h;

        held_read(&a,
                  BYTES("node\nnode /dev/x\nnode /dev/x 226:a 660 0 0 -\nnode /dev/x 226:1 999 0 0 "
                        "-\n"
                        "node /dev/x 226:1 660 0 -2 -\ninit 1 2\ngate what\n\xff\n"
                        "library libcuda.so.1 found\nlibrary libcuda.so.1 lost 1.2 - /x\nlibrary\n"
                        "node /dev/x 226:1 660 0 0\nnode /dev/ok 226:1 660 0 0 -"),
                  &h);
        assert_int_equal(h.n_nodes, 1);
        assert_string_equal(h.nodes[0].path, "/dev/ok");
        assert_int_equal(h.init.pid, 0);
        assert_int_equal(h.gate, GATE_UNKNOWN);
        assert_int_equal(h.libraries[LIBRARY_CUDA].state, LIBRARY_UNKNOWN);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(holdings_are_known_by_number),
                cmocka_unit_test(held_comes_back_as_it_was),
                cmocka_unit_test(damaged_lines_are_left_out),
        };

        if (geteuid() != 0) {
                puts("needs root: it makes device nodes");
                return 77;
        }
        umask(0022);
        return cmocka_run_group_tests(tests, make_box, remove_box);
}
