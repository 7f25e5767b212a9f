/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* test-convert - what a conversion asks beside the plan: files by group, versions */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/file.h"
#include "host/file-owners.h"
#include "host/package.h"
#include "model/plan/moved-gids.h"

static struct arena arena;
static char top[] = "/tmp/test-convert.XXXXXX";

static const char *in_top(const char *path) {
        return arena_printf(&arena, "%s/%s", top, path);
}

static void make(const char *path, gid_t gid) {
        assert_int_equal(file_replace(in_top(path), BYTES("x"), 0644, 0), 0);
        assert_int_equal(lchown(in_top(path), 0, gid), 0);
}

static void make_dir(const char *path) {
        assert_int_equal(mkdir_parents(in_top(path), 0755), 0);
}

static struct owners find(gid_t gid, bool *ret_all) {
        _cleanup_(cleanup_close) int fd = open(top, O_PATH | O_DIRECTORY);
        struct owners o[] = { { .gid = 4711 }, { .gid = gid } };

        *ret_all = owners_find(&arena, fd, o, 2);
        assert_int_equal(o[0].n, 0);
        return o[1];
}

static void test_owners(void **state) {
        struct owners o;
        bool all;

        if (geteuid() != 0)
                skip();
        make_dir("etc");
        make_dir("srv/deep/er");
        make_dir("elsewhere");
        make("etc/one", 993);
        make("srv/deep/er/two", 993);
        make("srv/other", 994);
        /* neither through a link nor into what is mounted, nor stopped by a FIFO */
        assert_int_equal(symlink("/", in_top("srv/root")), 0);
        assert_int_equal(symlink("deep", in_top("srv/loop")), 0);
        assert_int_equal(mkfifo(in_top("srv/fifo"), 0666), 0);
        o = find(993, &all);
        assert_true(all);
        assert_int_equal(o.n, 2);
        assert_int_equal(o.n_names, 2);
        assert_true(streq(o.names[0], "/etc/one") || streq(o.names[0], "/srv/deep/er/two"));
        /* a link is a file of its own */
        assert_int_equal(lchown(in_top("srv/root"), 0, 993), 0);
        assert_int_equal(find(993, &all).n, 3);
        if (mount("none", in_top("elsewhere"), "tmpfs", 0, NULL) == 0) {
                make("elsewhere/three", 993);
                o = find(993, &all);
                assert_int_equal(umount(in_top("elsewhere")), 0);
                assert_true(all);
                assert_int_equal(o.n, 3);
        }
}

static void test_owners_depth(void **state) {
        const char *path = "d";
        struct owners o;
        bool all;

        if (geteuid() != 0)
                skip();
        for (int i = 0; i < 60; i++)
                path = arena_printf(&arena, "%s/d", path);
        make_dir(path);
        make(arena_printf(&arena, "%s/x", path), 995);
        o = find(995, &all);
        assert_false(all); /* and it says so */
        assert_int_equal(o.n, 0);
}

static void test_moved_gids(void **state) {
        struct extent now[] = { { 0, 100000, 44 }, { 44, 44, 1 }, { 45, 100045, 65491 } };
        struct extent after[] = { { 0, 100000, 65536 } };
        struct plan p = { .map_now = { now, 3 }, .map = { after, 1 } };
        struct moved_gid *r = NULL;

        p.gids[GID_VIDEO] = (struct plan_gid){ .in_map = true, .map_inside = 44, .inside = 44 };
        p.gids[GID_RENDER] = (struct plan_gid){ .inside = 110 };
        assert_int_equal(moved_gids_find(&arena, &p, &r), 1);
        assert_int_equal(r[0].inside, 44);
        assert_int_equal(r[0].before, 44);
        assert_int_equal(r[0].after, 100044);
}

static void test_version(void **state) {
        static const char status[] = "Package: pve-container\nVersion: 5.1.12\nStatus: install ok "
                                     "installed\nDescription: x\n Package: pve-manager\n\n"
                                     "Package: pve-manager-more\nStatus: install ok installed\n"
                                     "Version: 1\n\nPackage: pve-manager\n"
                                     "Status: install ok installed\nVersion: 8.2.4\n\n"
                                     "Package: lxc-pve\nStatus: deinstall ok config-files\n"
                                     "Version: 5\n";

        assert_int_equal(mkdir_parents(in_top("var/lib/dpkg"), 0755), 0);
        assert_null(package_version(&arena, top, "pve-manager"));
        assert_int_equal(file_replace(in_top("var/lib/dpkg/status"), bytes_of(status), 0644, 0), 0);
        assert_string_equal(package_version(&arena, top, "pve-manager"), "8.2.4");
        assert_string_equal(package_version(&arena, top, "pve-container"), "5.1.12");
        assert_null(package_version(&arena, top, "lxc-pve"));
        assert_null(package_version(&arena, top, "manager"));
        assert_true(version_at_least("8.2.4", 8, 2));
        assert_true(version_at_least("9.0~beta1", 8, 2));
        assert_true(version_at_least("8.10-1", 8, 2));
        assert_false(version_at_least("8.1.99", 8, 2));
        assert_false(version_at_least("7.4-3", 8, 2));
        assert_false(version_at_least("", 8, 2));
}

static int begin(void **state) {
        return mkdtemp(top) ? 0 : -1;
}

static int end(void **state) {
        const char *command = arena_printf(&arena, "rm -rf %s", top);
        int r = system(command);

        arena_done(&arena);
        return r;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_owners),
                cmocka_unit_test(test_owners_depth),
                cmocka_unit_test(test_moved_gids),
                cmocka_unit_test(test_version),
        };

        return cmocka_run_group_tests(tests, begin, end);
}
