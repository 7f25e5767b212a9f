/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * test-inside - looking into a container whose root is hostile
 *
 * A child process with a root folder of its own stands for the container. Needs root for
 * chroot and device nodes; skipped without.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "anchor/inside/learn.h"
#include "base/file.h"
#include "host/inside/root-files.h"
#include "render/text.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

static struct arena arena;
static const char *host, *inner; /* a host's folder, the container's root */
static pid_t init_pid;
static struct inside box = { .arena = &arena, .vmid = 101 };
static bool mounted;    /* the container has /proc and a tmpfs on /mnt */
static bool no_openat2; /* the second round, as on a kernel that has none */

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
        return remove(path);
}

static const char *in(const char *path) {
        return arena_printf(&arena, "%s/%s", inner, path);
}

static const char *on_host(const char *path) {
        return arena_printf(&arena, "%s/%s", host, path);
}

static void put(const char *path, const char *text) {
        assert_int_equal(file_replace(path, bytes_of(text), 0644, 0), 0);
}

static void node(const char *path, unsigned major_number, unsigned minor_number) {
        assert_int_equal(mknod(in(path), S_IFCHR | 0660, makedev(major_number, minor_number)), 0);
}

/* The container: its own root folder, and where that is allowed its own mounts. */
static void run_inner(int ready) {
        bool ok = unshare(CLONE_NEWNS) == 0 && mount("", "/", "", MS_REC | MS_PRIVATE, NULL) == 0 &&
                  mount("/proc", in("proc"), "", MS_BIND, NULL) == 0 &&
                  mount("none", in("mnt"), "tmpfs", 0, NULL) == 0;

        if (ok)
                close(open(in("mnt/file"), O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
        if (chroot(inner) < 0 || chdir("/") < 0 || write(ready, ok ? "m" : "x", 1) != 1)
                _exit(1);
        for (;;)
                pause();
}

static int setup(void **state) {
        char template[] = "/tmp/gpuanchor-inside-XXXXXX", byte;
        int ready[2];

        if (geteuid() != 0)
                return 0;
        if (!mkdtemp(template) || pipe(ready) < 0)
                return -1;
        host = arena_strdup(&arena, template);
        inner = arena_printf(&arena, "%s/inner", host);
        if (mkdir_parents(in("dev/dri"), 0755) < 0 || mkdir_parents(in("etc"), 0755) < 0 ||
            mkdir_parents(on_host("etc/pve/gpuanchor"), 0755) < 0 ||
            mkdir_parents(in("proc"), 0755) < 0 || mkdir_parents(in("mnt"), 0755) < 0 ||
            mkdir_parents(on_host("run/gpuanchor"), 0755) < 0)
                return -1;
        init_pid = fork();
        if (init_pid == 0)
                run_inner(ready[1]);
        if (read(ready[0], &byte, 1) != 1)
                return -1;
        mounted = byte == 'm';
        close(ready[0]);
        close(ready[1]);
        box.root_fd = inside_open((unsigned)init_pid);
        return box.root_fd < 0 ? -1 : 0;
}

static int teardown(void **state) {
        if (host) {
                close(box.root_fd);
                kill(init_pid, SIGKILL);
                waitpid(init_pid, NULL, 0);
                nftw(host, remove_one, 8, FTW_DEPTH | FTW_PHYS);
        }
        host = NULL;
        arena_done(&arena);
        return 0;
}

#define NEEDS_ROOT()                                                                               \
        if (!host)                                                                                 \
        skip()

static void test_look(void **state) {
        struct inside_node n;

        NEEDS_ROOT();
        node("dev/dri/card1", 226, 1);
        put(in("dev/dri/card2"), "");
        assert_int_equal(mkfifo(in("dev/dri/card3"), 0666), 0);
        n = inside_look(box.root_fd, "/dev/dri/card1");
        assert_true(n.present && n.is_char);
        assert_int_equal(n.number.major, 226);
        assert_int_equal(n.number.minor, 1);
        n = inside_look(box.root_fd, "/dev/dri/card2");
        assert_true(n.present && !n.is_char);
        n = inside_look(box.root_fd, "/dev/dri/card3"); /* not opened, or this would wait for ever */
        assert_true(n.present && !n.is_char);
        assert_false(inside_look(box.root_fd, "/dev/dri/card4").present);
        assert_false(inside_look(box.root_fd, "/dev/dri/card1/x").present);
}

static void test_drm(void **state) {
        struct inside_drm *nodes;

        NEEDS_ROOT();
        node("dev/dri/card1", 226, 129);
        node("dev/dri/null", 1, 3);
        assert_int_equal(inside_drm_nodes(&box, &nodes), 1);
        assert_string_equal(nodes[0].path, "/dev/dri/card1");
        assert_int_equal(nodes[0].kind, NODE_RENDER);
        node("dev/dri/gpu", 226, 0);
        assert_int_equal(inside_drm_nodes(&box, &nodes), 2);
        assert_int_equal(nodes[streq(nodes[1].path, "/dev/dri/gpu")].kind, NODE_CARD);
}

/* Whatever a link says: a node is never looked for behind it, and no file outside is read. */
static void test_links(void **state) {
        struct bytes text;
        const char **names;
        size_t n;

        NEEDS_ROOT();
        put(on_host("secret"), "root:x:0:\n");
        assert_int_equal(symlink("/dev/null", in("dev/dri/card1")), 0);
        assert_int_equal(symlink("../../../secret", in("etc/group")), 0);
        assert_int_equal(symlink("/", in("dev/accel")), 0);
        assert_int_equal(symlink("..", in("up")), 0);
        assert_false(inside_look(box.root_fd, "/dev/dri/card1").present);
        assert_false(inside_look(box.root_fd, "/dev/accel/dev/dri").present);
        assert_false(inside_look(box.root_fd, "/up/secret").present);
        assert_false(inside_look(box.root_fd, "/../secret").present);
        assert_int_equal(inside_read(&box, "/etc/group", 1024, &text),
                         no_openat2 ? -ELOOP : -ENOENT);
        assert_int_equal(inside_list(&box, "/up", &names, &n), -ENOTDIR);
        assert_int_equal(rename(in("dev/dri"), in("dev/dri2")), 0);
        assert_int_equal(symlink("dri2", in("dev/dri")), 0);
        assert_true(inside_list(&box, "/dev/dri", &names, &n) < 0);
}

static void test_read(void **state) {
        struct bytes text;

        NEEDS_ROOT();
        put(in("etc/group"), "video:x:44:\n");
        assert_int_equal(inside_read(&box, "/etc/group", 1024, &text), 0);
        assert_true(bytes_equal(text, BYTES("video:x:44:\n")));
        assert_int_equal(inside_read(&box, "/etc/group", 4, &text), -EFBIG);
        assert_int_equal(inside_read(&box, "/etc/none", 1024, &text), -ENOENT);
        assert_int_equal(inside_read(&box, "/etc", 1024, &text), -EINVAL);
        assert_int_equal(mkfifo(in("etc/fifo"), 0666), 0);
        assert_int_equal(inside_read(&box, "/etc/fifo", 1024, &text), -EINVAL);
        node("etc/null", 1, 3);
        assert_int_equal(inside_read(&box, "/etc/null", 1024, &text), -EINVAL);
}

/* Each of these is what the container's root may put in place of /etc/group. */
static void test_read_hostile_links(void **state) {
        const char *const to[] = {
                "/etc/shadow",
                "../../../../../../etc/shadow",
                "/proc/1/root/etc/shadow",
                "/proc/self/fd/0",
                "/proc/self/root/etc/shadow",
                "/proc/thread-self/cwd",
                "/proc/kmsg",
                "/proc/1/environ",
                "/mnt/file",
                "group",
                "/dev/dri/card1",
        };
        struct bytes text;

        NEEDS_ROOT();
        assert_int_equal(symlink("/", in("dev/dri/card1")), 0);
        for (size_t i = 0; i < ELEMENTS(to); i++) {
                unlink(in("etc/group"));
                assert_int_equal(symlink(to[i], in("etc/group")), 0);
                assert_true(inside_read(&box, "/etc/group", 65536, &text) < 0);
                assert_true(inside_read(&box, to[i], 65536, &text) < 0);
        }
        /* ... and what is harmless: its own shadow file under another name, a folder behind a link
         */
        put(in("etc/shadow"), "inner\n");
        assert_int_equal(mkdir(in("units"), 0755), 0);
        put(in("units/x.conf"), "inner\n");
        assert_int_equal(symlink("/units", in("etc/system")), 0);
        unlink(in("etc/group"));
        assert_int_equal(symlink("../../../../../../etc/shadow", in("etc/group")), 0);
        for (int i = 0; i < 2; i++) {
                const char *path = i ? "/etc/system/x.conf" : "/etc/group";
                int r = inside_read(&box, path, 65536, &text);

                if (no_openat2)
                        assert_true(r < 0);
                else
                        assert_true(r == 0 && bytes_equal(text, BYTES("inner\n")));
        }
}

/* The container's root mounts what it likes: nothing but its root file system is read. */
static void test_read_mounts(void **state) {
        struct bytes text;

        NEEDS_ROOT();
        if (!mounted)
                skip();
        assert_int_equal(inside_read(&box, "/mnt/file", 1024, &text), -EXDEV);
        assert_int_equal(inside_read(&box, "/proc/version", 65536, &text), -EXDEV);
        assert_true(inside_look(box.root_fd, "/mnt/file").present);
}

static void test_read_huge(void **state) {
        struct bytes text;

        NEEDS_ROOT();
        put(in("etc/group"), "");
        assert_int_equal(truncate(in("etc/group"), 10LL << 30), 0);
        assert_int_equal(inside_read(&box, "/etc/group", 1 << 20, &text), -EFBIG);
}

static void test_list(void **state) {
        const char **names;
        size_t n;

        NEEDS_ROOT();
        put(in("dev/dri/\033]0;owned\007\033[31m\n"), "");
        assert_int_equal(inside_list(&box, "/dev/dri", &names, &n), 0);
        assert_int_equal(n, 1);
        assert_string_equal(text_escape(&arena, names[0]), "\\x1b]0;owned\\x07\\x1b[31m\\x0a");
        for (int i = 0; i < 5000; i++) {
                close(open(in(arena_printf(&arena, "dev/dri/%d", i)), O_CREAT | O_CLOEXEC, 0644));
                close(open(in(arena_printf(&arena, "mnt/.%d", i)), O_CREAT | O_CLOEXEC, 0644));
        }
        assert_int_equal(inside_list(&box, "/dev/dri", &names, &n), 0);
        assert_int_equal(n, 256);
        assert_int_equal(inside_list(&box, "/mnt", &names, &n), 0);
        assert_in_range(n, 0, 1);
        assert_int_equal(inside_list(&box, "/dev/none", &names, &n), -ENOENT);
}

/*
 * A folder has as many entries as its owner likes, and one of FUSE need not end: what is read of
 * it is bounded, not only what is kept.
 */
static const char *endless; /* name of each entry; NULL: those of the folder */
static unsigned reads;

struct dirent *readdir(DIR *dir) {
        static struct dirent entry;
        struct dirent *(*real)(DIR *);

        reads++;
        if (endless) {
                snprintf(entry.d_name, sizeof(entry.d_name), "%s", endless);
                return reads < 1000000 ? &entry : NULL;
        }
        *(void **)&real = dlsym(RTLD_NEXT, "readdir64");
        return real(dir);
}

static void test_list_endless(void **state) {
        static const char *const kinds[] = { ".hidden", "shown" };

        NEEDS_ROOT();
        for (size_t i = 0; i < ELEMENTS(kinds); i++) {
                const char **names;
                size_t n;

                endless = kinds[i];
                reads = 0;
                assert_int_equal(inside_list(&box, "/dev", &names, &n), 0);
                endless = NULL;
                assert_int_equal(n, i == 0 ? 0 : 256);
                assert_in_range(reads, 1, 4096);
        }
}

static void test_open_gone(void **state) {
        assert_true(inside_open(0x7fffffff) < 0);
}

static bool told(const struct findings *f, enum finding_code code, const char *what) {
        for (size_t i = 0; i < f->n; i++)
                if (f->items[i].code == code && streq(f->items[i].what, what))
                        return true;
        return false;
}

/* What was recorded at the start against what is there, and what is there beside it. */
static void learn_from(struct anchor *an, struct findings *f) {
        anchor_learn_keep(an, 101, anchor_learn_look(an, &box), f);
}

static void test_compare(void **state) {
        struct findings f = { .arena = &arena };
        struct anchor an = anchor_open(&arena, host);

        NEEDS_ROOT();
        put(on_host("run/gpuanchor/101"),
            "[given]\nnode = /dev/dri/card1 226:1 0000:c1:00.0\n"
            "node = /dev/dri/renderD128 226:128 0000:c1:00.0\n"
            "node = /dev/kfd 235:0 -\nnode = /dev/dri/card5 226:5 x\n");
        node("dev/dri/card1", 226, 1);
        node("dev/dri/renderD128", 226, 129);
        node("dev/dri/card0", 226, 0);
        node("dev/dri/odd", 10, 1);
        node("dev/dri/alias", 226, 1);
        put(in("dev/dri/card5"), "");
        learn_from(&an, &f);
        assert_true(told(&f, FINDING_INSIDE_WRONG, "/dev/dri/renderD128"));
        assert_true(told(&f, FINDING_INSIDE_WRONG, "/dev/dri/card5"));
        assert_true(told(&f, FINDING_INSIDE_MISSING, "/dev/kfd"));
        assert_true(told(&f, FINDING_INSIDE_EXTRA, "/dev/dri/card0"));
        assert_true(told(&f, FINDING_INSIDE_EXTRA, "/dev/dri/renderD128"));
        assert_int_equal(f.n, 5);
}

static const char *learn(const char *groups, const char *policy, struct findings *f) {
        const char *path = on_host("etc/pve/gpuanchor/101.conf");
        struct anchor an = anchor_open(&arena, host);
        struct bytes text = { 0 };

        *f = (struct findings){ .arena = &arena };
        put(in("etc/group"), groups);
        put(path, policy);
        learn_from(&an, f);
        assert_int_equal(file_read(&arena, path, 64 * 1024, &text), 0);
        return arena_strndup(&arena, text.data, text.len);
}

static void test_learn(void **state) {
        struct findings f;

        NEEDS_ROOT();
        assert_string_equal(learn("root:x:0:\nvideo:x:44:\nrender:x:992:\n",
                                  "[memory]\nrender-gid-guess = 104\nvideo-gid-guess = 44\n", &f),
                            "[memory]\nvideo-gid = 44\nvideo-gid-guess = 44\n"
                            "render-gid-guess = 104\nrender-gid-learned = 992\n");
        assert_int_equal(f.n, 1); /* a guess that was right is not worth a line */
        assert_true(told(&f, FINDING_GID_LEARNED, "render"));
        assert_string_equal(f.items[0].new, "992");
        assert_string_equal(f.items[0].old, "104");
        /* known already, or said by the policy */
        assert_string_equal(learn("video:x:45:\nrender:x:993:\n",
                                  "[container]\nvideo-gid = 44\n\n[memory]\nrender-gid = 992\n",
                                  &f),
                            "[container]\nvideo-gid = 44\n\n[memory]\nrender-gid = 992\n");
        assert_int_equal(f.n, 0);
        /* no such group, or group root: nothing is learned */
        assert_string_equal(learn("root:x:0:\nrender:x:0:\n", "[container]\n", &f),
                            "[container]\n");
        /* a policy that cannot be believed is not written to */
        assert_string_equal(learn("render:x:992:\n", "[container]\ngpu = nonsense\n", &f),
                            "[container]\ngpu = nonsense\n");
}

static void test_learn_hostile(void **state) {
        struct anchor an = anchor_open(&arena, host);
        struct findings f;

        NEEDS_ROOT();
        assert_string_equal(learn("render:x:99999999999:\nvideo:x:-1:\n", "[container]\n", &f),
                            "[container]\n");
        assert_string_equal(learn("render:x:4294967295:\n", "[container]\n", &f), "[container]\n");
        /* a hole of the owner's, and one of several gids: not the container's to give away */
        assert_int_equal(mkdir_parents(on_host("etc/pve/lxc"), 0755), 0);
        put(on_host("etc/pve/lxc/101.conf"), "unprivileged: 1\nlxc.idmap: g 0 100000 1000\n"
                                             "lxc.idmap: g 1000 1000 1\n"
                                             "lxc.idmap: g 1001 1001 3\n"
                                             "lxc.idmap: g 1004 101004 1\n");
        for (unsigned gid = 1000; gid < 1004; gid++) {
                const char *line = arena_printf(&arena, "render:x:%u:\n", gid);

                assert_string_equal(learn(line, "[container]\n", &f), "[container]\n");
                assert_true(told(&f, FINDING_GID_NOT_LEARNED, "render"));
        }
        assert_string_equal(learn("render:x:999:\n", "[container]\n", &f),
                            "[container]\n\n[memory]\nrender-gid-learned = 999\n");
        assert_int_equal(unlink(on_host("etc/pve/lxc/101.conf")), 0);
        assert_int_equal(unlink(in("etc/group")), 0);
        assert_int_equal(symlink("/etc/shadow", in("etc/group")), 0);
        f = (struct findings){ .arena = &arena };
        learn_from(&an, &f);
        assert_int_equal(f.n, 0);
}

/* From here on openat2() fails as on a kernel that has none. */
static bool forget_openat2(void) {
        struct sock_filter code[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        struct sock_fprog program = { .len = ELEMENTS(code), .filter = code };

        return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
               prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_look, setup, teardown),
                cmocka_unit_test_setup_teardown(test_drm, setup, teardown),
                cmocka_unit_test_setup_teardown(test_links, setup, teardown),
                cmocka_unit_test_setup_teardown(test_read, setup, teardown),
                cmocka_unit_test_setup_teardown(test_read_hostile_links, setup, teardown),
                cmocka_unit_test_setup_teardown(test_read_mounts, setup, teardown),
                cmocka_unit_test_setup_teardown(test_read_huge, setup, teardown),
                cmocka_unit_test_setup_teardown(test_list, setup, teardown),
                cmocka_unit_test_setup_teardown(test_list_endless, setup, teardown),
                cmocka_unit_test_setup_teardown(test_open_gone, setup, teardown),
                cmocka_unit_test_setup_teardown(test_compare, setup, teardown),
                cmocka_unit_test_setup_teardown(test_learn, setup, teardown),
                cmocka_unit_test_setup_teardown(test_learn_hostile, setup, teardown),
        };
        int failed = cmocka_run_group_tests_name("inside", tests, NULL, NULL);

        no_openat2 = forget_openat2();
        if (no_openat2)
                failed += cmocka_run_group_tests_name("inside, by hand", tests, NULL, NULL);
        return failed;
}
