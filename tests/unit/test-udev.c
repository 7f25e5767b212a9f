/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* test-udev - whether udev is through with a node, by its database in a folder */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "host/udev.h"

#include <sys/stat.h>

static struct arena arena;
static char root[] = "/tmp/test-udev.XXXXXX";
static const struct node render = { .kind = NODE_RENDER,
                                    .path = "/render",
                                    .number = { 226, 128, false } };

static const char *in(const char *path) {
        return arena_printf(&arena, "%s%s", root, path);
}

static void put(const char *path, const char *text, unsigned mode) {
        (void)unlink(in(path)); /* a new inode, as a new node is one */
        assert_int_equal(file_replace(in(path), bytes_of(text), mode, 0), 0);
}

static bool through(void) {
        return udev_is_through(&arena, root, &render);
}

static void rules_have_run_or_not(void **state) {
        static const char entry[] = "/run/udev/data/c226:128";

        if (geteuid() != 0)
                skip(); /* what we make is not root's */
        put("/render", "", 0600);
        assert_true(through()); /* no udev here */
        assert_int_equal(mkdir_parents(in("/run/udev/data"), 0755), 0);
        assert_false(through());
        put("/run/udev/data/c226:129", "I:1\n", 0644);
        assert_false(through());
        put(entry, "I:1\nE:ID_PROCESSING=1\n", 0644);
        assert_false(through());
        put(entry, "I:1\nG:seat\n", 0644);
        assert_true(through()); /* root:root 0600 is what its rules say */

        usleep(20 * 1000); /* more than a tick of the file system's clock */
        put("/render", "", 0600);
        assert_false(through()); /* the entry is that of the device before */
        assert_int_equal(chmod(in("/render"), 0660), 0);
        assert_true(through());
        assert_int_equal(unlink(in("/render")), 0);
        assert_false(through());
}

static int set_up(void **state) {
        return mkdtemp(root) ? 0 : -1;
}

static int tear_down(void **state) {
        int r = system(arena_printf(&arena, "rm -r %s", root));

        arena_done(&arena);
        return r;
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(rules_have_run_or_not) };

        return cmocka_run_group_tests(tests, set_up, tear_down);
}
