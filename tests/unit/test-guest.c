/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* test-guest - a container's files, its lock, its backups and its record, in a scratch folder */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "pve/guest.h"
#include "pve/record.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

static struct arena arena;
static const char *root;
static struct pve pve;

#define CONF "etc/pve/lxc/101.conf"
#define CONFIG "var/lib/lxc/101/config"

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
        return remove(path);
}

static const char *path_of(const char *name) {
        return arena_printf(&arena, "%s/%s", root, name);
}

static void put(const char *name, const char *text) {
        const char *path = path_of(name);
        char *folder = arena_strdup(&arena, path);

        *strrchr(folder, '/') = '\0';
        assert_int_equal(mkdir_parents(folder, 0755), 0);
        assert_int_equal(file_replace(path, bytes_of(text), 0644, 0), 0);
}

static const char *get(const char *name) {
        struct bytes text;

        assert_int_equal(file_read(&arena, path_of(name), 4 * 1024 * 1024, &text), 0);
        return arena_strndup(&arena, text.data, text.len);
}

/* the folders of a node whose pmxcfs runs */
static int setup(void **state) {
        char template[] = "/tmp/gpuanchor-guest-XXXXXX";

        if (!mkdtemp(template))
                return -1;
        root = arena_strdup(&arena, template);
        pve = pve_open(&arena, root);
        put("etc/pve/nodes/pve1/lxc/101.conf", "arch: amd64\n");
        assert_int_equal(symlink("nodes/pve1", path_of("etc/pve/local")), 0);
        assert_int_equal(symlink("nodes/pve1/lxc", path_of("etc/pve/lxc")), 0);
        return 0;
}

static int teardown(void **state) {
        nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
        arena_done(&arena);
        return 0;
}

static struct guest load(void) {
        struct guest g;

        assert_int_equal(guest_load(&pve, 101, &g), 0);
        return g;
}

static void test_vmid(void **state) {
        static const char *const good[] = { "100", "101", "21211434", "999999999" };
        static const char *const bad[] = { "",     "0",    "99",         "0101",  "1000000000",
                                           "-101", "+101", " 101",       "101 ",  "101x",
                                           "1e3",  "0x65", "4294967397", "../101" };
        uint32_t vmid;

        for (size_t i = 0; i < ELEMENTS(good); i++)
                assert_true(vmid_parse(good[i], &vmid));
        for (size_t i = 0; i < ELEMENTS(bad); i++)
                if (vmid_parse(bad[i], &vmid))
                        fail_msg("'%s' is a VMID", bad[i]);
}

static void test_load(void **state) {
        struct guest g = load();

        assert_false(g.has_config);
        assert_true(bytes_equal(g.conf, BYTES("arch: amd64\n")));
        put(CONFIG, "lxc.arch = amd64\n");
        g = load();
        assert_true(g.has_config);
        assert_true(bytes_equal(g.config, BYTES("lxc.arch = amd64\n")));
        assert_string_equal(g.conf_name, "101.conf");
        assert_int_equal(guest_load(&pve, 102, &g), GUEST_E_NONE);
        assert_string_equal(pve_node(&pve), "pve1");
}

static void test_load_not_mounted(void **state) {
        uint32_t *vmids;
        struct guest g;
        size_t n;

        assert_int_equal(unlink(path_of("etc/pve/lxc")), 0);
        assert_int_equal(unlink(path_of("etc/pve/local")), 0);
        assert_null(pve_node(&pve));
        assert_int_equal(guest_load(&pve, 101, &g), GUEST_E_NOT_MOUNTED);
        assert_int_equal(guest_list(&pve, &vmids, &n), GUEST_E_NOT_MOUNTED);
}

static void test_load_not_a_file(void **state) {
        struct guest g;

        assert_int_equal(unlink(path_of(CONF)), 0);
        assert_int_equal(mkfifo(path_of(CONF), 0644), 0);
        assert_int_equal(guest_load(&pve, 101, &g), -EINVAL); /* and does not block */
}

static void test_store(void **state) {
        struct guest g = load();

        assert_int_equal(guest_store_conf(&g, BYTES("arch: arm64\n")), 0);
        assert_string_equal(get(CONF), "arch: arm64\n");
        /* what was loaded is not there any more */
        assert_int_equal(guest_store_conf(&g, BYTES("arch: i386\n")), GUEST_E_CHANGED);
        assert_string_equal(get(CONF), "arch: arm64\n");
        g = load();
        assert_int_equal(unlink(path_of(CONF)), 0);
        assert_int_equal(guest_store_conf(&g, BYTES("arch: i386\n")), GUEST_E_CHANGED);
        assert_int_equal(access(path_of(CONF), F_OK), -1);
}

/* one byte more than pmxcfs takes; the same length with another byte counts as changed */
static void test_store_limits(void **state) {
        struct guest g = load();
        size_t limit = 1024 * 1024;
        char *large = arena_alloc(&arena, limit + 1);

        memset(large, '#', limit + 1);
        assert_int_equal(guest_store_conf(&g, (struct bytes){ large, limit + 1 }),
                         GUEST_E_TOO_LARGE);
        assert_string_equal(get(CONF), "arch: amd64\n");
        assert_int_equal(guest_store_conf(&g, (struct bytes){ large, limit }), 0);
        put(CONF, "arch: amd65\n");
        assert_int_equal(guest_store_conf(&g, BYTES("x")), GUEST_E_CHANGED);
}

static void test_store_config(void **state) {
        struct guest g;

        put(CONFIG, "lxc.arch = amd64\n");
        g = load();
        assert_int_equal(guest_store_config(&g, BYTES("lxc.arch = x\n")), 0);
        assert_string_equal(get(CONFIG), "lxc.arch = x\n");
        assert_int_equal(guest_store_config(&g, BYTES("lxc.arch = y\n")), GUEST_E_CHANGED);
        assert_string_equal(get(CONF), "arch: amd64\n");
}

static void test_lock(void **state) {
        int fd = -1, second = -1, status;
        pid_t child;

        assert_int_equal(guest_lock(&pve, 101, 0, &fd), 0);
        assert_int_equal(guest_lock(&pve, 101, 0, &second), GUEST_E_BUSY);
        assert_int_equal(guest_lock(&pve, 102, 0, &second), 0);
        close(second);
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        /* flock(), as Proxmox: another process sees it, and its end frees it */
        child = fork();
        if (child == 0) {
                int theirs = open(path_of("run/lock/lxc/pve-config-101.lock"), O_RDWR);

                _exit(flock(theirs, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK ? 0 : 1);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        close(fd);
        assert_int_equal(guest_lock(&pve, 101, 0, &fd), 0);
        close(fd);
}

/* waits, and gets it when the other one is done */
static void test_lock_waits(void **state) {
        int fd = -1, status, ready[2];
        char byte;
        pid_t child;

        assert_int_equal(pipe(ready), 0);
        child = fork();
        if (child == 0) {
                int theirs = -1, r = guest_lock(&pve, 101, 0, &theirs);

                (void)!write(ready[1], "x", 1);
                usleep(150 * 1000);
                _exit(r);
        }
        assert_int_equal(read(ready[0], &byte, 1), 1);
        assert_int_equal(guest_lock(&pve, 101, 0, &fd), GUEST_E_BUSY);
        assert_int_equal(guest_lock(&pve, 101, 5000, &fd), 0);
        close(fd);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        close(ready[0]);
        close(ready[1]);
}

static void test_list(void **state) {
        uint32_t *vmids;
        size_t n;

        put("etc/pve/lxc/1000.conf", "");
        put("etc/pve/lxc/99.conf", "");
        put("etc/pve/lxc/200.conf.tmp.12", "");
        put("etc/pve/lxc/.conf", "");
        put("etc/pve/lxc/x.conf", "");
        assert_int_equal(guest_list(&pve, &vmids, &n), 0);
        assert_int_equal(n, 2);
        assert_int_equal(vmids[0], 101);
        assert_int_equal(vmids[1], 1000);
}

static void test_managed(void **state) {
        static const struct {
                const char *conf;
                bool managed;
        } cases[] = {
                { "arch: amd64\n", false },
                { "hookscript: local:snippets/gpuanchor-hook\n", true },
                { "hookscript: nfs-store:snippets/gpuanchor-hook\r\n", true },
                { "hookscript: local:snippets/other-hook\n", false },
                { "hookscript: local:snippets/my-gpuanchor-hook\n", false },
                { "hookscript: gpuanchor-hook\n", false },
                { "hookscript: local:snippets/gpuanchor-hook.sh\n", false },
                { "#hookscript: local:snippets/gpuanchor-hook\n", false },
                { "hookscript: local:snippets/x\n[snap]\nhookscript: "
                  "local:snippets/gpuanchor-hook\n",
                  false },
                { "hookscript: local:snippets/gpuanchor-hook\nhookscript: local:snippets/x\n",
                  false },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                put(CONF, cases[i].conf);
                if (guest_is_managed(&pve, 101) != cases[i].managed)
                        fail_msg("%s", cases[i].conf);
        }
        /* a policy alone gives nothing; a wrapper is known by its value alone */
        put(CONF, "hostname: media\n");
        put("etc/pve/gpuanchor/101.conf", "[memory]\nhookscript = local:snippets/w.sh\n");
        assert_false(guest_is_managed(&pve, 101));
        put(CONF, "hookscript: local:snippets/w.sh\n");
        assert_true(guest_is_managed(&pve, 101));
        put(CONF, "hookscript: local:snippets/v.sh\n");
        assert_false(guest_is_managed(&pve, 101));
        put(CONF, "hookscript:\n");
        assert_false(guest_is_managed(&pve, 101));
        assert_false(guest_is_managed(&pve, 102));
}

static void test_block(void **state) {
        put(CONFIG, "lxc.arch = amd64\n");
        assert_int_equal(guest_block(&pve, 101), 0);
        assert_int_equal(access(path_of(CONFIG), F_OK), -1);
        assert_int_equal(guest_block(&pve, 101), 0);
        guest_unblock(&pve, 101);
        assert_string_equal(get(CONFIG), "lxc.arch = amd64\n");
        guest_unblock(&pve, 101);
        /* generated again since: that one counts */
        assert_int_equal(guest_block(&pve, 101), 0);
        put(CONFIG, "lxc.arch = new\n");
        guest_unblock(&pve, 101);
        assert_string_equal(get(CONFIG), "lxc.arch = new\n");
}

static void save(const char *text) {
        struct guest g;

        put(CONF, text);
        g = load();
        assert_int_equal(backup_save(&arena, &g, BYTES("next\n")), 0);
}

static void test_backup(void **state) {
        struct guest g = load();
        struct bytes last;
        const char *path;

        assert_int_equal(backup_last(&arena, &g, &last, &path), -ENOENT);
        save("a\n");
        save("b\n");
        save("b\n"); /* the same is kept once */
        assert_int_equal(backup_last(&arena, &g, &last, &path), 0);
        assert_true(bytes_equal(last, BYTES("b\n")));
        assert_string_equal(path, path_of("var/lib/gpuanchor/backup/101/2.conf"));
        assert_string_equal(get("var/lib/gpuanchor/backup/101/1.conf"), "a\n");
        /* eight are kept, the oldest goes; rubbish in the folder does not confuse */
        put("var/lib/gpuanchor/backup/101/99999999999.conf", "x");
        put("var/lib/gpuanchor/backup/101/old.conf", "x");
        put("var/lib/gpuanchor/backup/101/9.conf.tmp.1", "x");
        for (unsigned i = 3; i <= 9; i++)
                save(arena_printf(&arena, "%u\n", i));
        assert_int_equal(access(path_of("var/lib/gpuanchor/backup/101/1.conf"), F_OK), -1);
        assert_string_equal(get("var/lib/gpuanchor/backup/101/2.conf"), "b\n");
        assert_int_equal(backup_last(&arena, &g, &last, &path), 0);
        assert_true(bytes_equal(last, BYTES("9\n")));
}

static void test_record(void **state) {
        struct record_node nodes[] = { { "/dev/dri/card1", { 226, 1, false }, "0000:c1:00.0" },
                                       { "/dev/kfd", { 235, 0, false }, "-" } };
        struct record r = { nodes, 2 }, back;

        assert_int_equal(record_read(&pve, 101, &back), -ENOENT);
        assert_int_equal(record_write(&pve, 101, &r), 0);
        assert_string_equal(get("run/gpuanchor/101"),
                            "[given]\nnode = /dev/dri/card1 226:1 0000:c1:00.0\n"
                            "node = /dev/kfd 235:0 -\n");
        assert_int_equal(record_read(&pve, 101, &back), 0);
        assert_int_equal(back.n_nodes, 2);
        assert_string_equal(back.nodes[0].path, "/dev/dri/card1");
        assert_int_equal(back.nodes[0].number.minor, 1);
        assert_string_equal(back.nodes[1].gpu, "-");
        assert_int_equal(record_read(&pve, 102, &back), -ENOENT);
        record_clear(&pve, 101);
        record_clear(&pve, 101);
        assert_int_equal(record_read(&pve, 101, &back), -ENOENT);
}

static void test_record_rubbish(void **state) {
        struct record back;

        put("run/gpuanchor/101",
            "node = /dev/dri/card9 226:9 x\n[given]\nnode\nnode =\nnode = /dev/a\n"
            "node = /dev/a 1 x\nnode = /dev/a 1: x\nnode = /dev/a :1 x\nnode = /dev/a -1:1 x\n"
            "node = /dev/a 1:1\ncolour = red\nnode = /dev/dri/card1 226:1 0000:c1:00.0\n"
            "[other]\nnode = /dev/dri/card8 226:8 x\n");
        assert_int_equal(record_read(&pve, 101, &back), 0);
        assert_int_equal(back.n_nodes, 1);
        assert_string_equal(back.nodes[0].path, "/dev/dri/card1");
        put("run/gpuanchor/101", "");
        assert_int_equal(record_read(&pve, 101, &back), 0);
        assert_int_equal(back.n_nodes, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_vmid, setup, teardown),
                cmocka_unit_test_setup_teardown(test_load, setup, teardown),
                cmocka_unit_test_setup_teardown(test_load_not_mounted, setup, teardown),
                cmocka_unit_test_setup_teardown(test_load_not_a_file, setup, teardown),
                cmocka_unit_test_setup_teardown(test_store, setup, teardown),
                cmocka_unit_test_setup_teardown(test_store_limits, setup, teardown),
                cmocka_unit_test_setup_teardown(test_store_config, setup, teardown),
                cmocka_unit_test_setup_teardown(test_lock, setup, teardown),
                cmocka_unit_test_setup_teardown(test_lock_waits, setup, teardown),
                cmocka_unit_test_setup_teardown(test_list, setup, teardown),
                cmocka_unit_test_setup_teardown(test_managed, setup, teardown),
                cmocka_unit_test_setup_teardown(test_block, setup, teardown),
                cmocka_unit_test_setup_teardown(test_backup, setup, teardown),
                cmocka_unit_test_setup_teardown(test_record, setup, teardown),
                cmocka_unit_test_setup_teardown(test_record_rubbish, setup, teardown),
        };

        return cmocka_run_group_tests_name("guest", tests, NULL, NULL);
}
