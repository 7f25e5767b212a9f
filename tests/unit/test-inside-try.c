/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * test-inside-try - a node opened with ids of a user namespace, really
 *
 * A child with a user namespace of its own stands for the container. Needs root; skipped
 * where neither cgroup nor user namespace can be entered.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "host/inside/root-files.h"
#include "host/inside/try-open.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#define PATIENT 60000 /* ms */
#define NODE_GID 4711 /* host's; the container knows it as 110 */

static struct arena arena;
static char folder[] = "/tmp/gpuanchor-try-XXXXXX";
static pid_t init_pid;

static bool write_map(const char *name, const char *text) {
        int fd = open(arena_printf(&arena, "/proc/%d/%s", (int)init_pid, name),
                      O_WRONLY | O_CLOEXEC);
        bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

        cleanup_close(&fd);
        return ok;
}

static int setup(void **state) {
        int ready[2];
        char byte;

        /* a file system where device nodes can be opened: Debian 13 has /tmp nodev */
        if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0 ||
            mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 || !mkdtemp(folder) ||
            mount("try", folder, "tmpfs", MS_NOSUID, "mode=0755") < 0 || pipe(ready) < 0)
                return 0;
        init_pid = fork();
        if (init_pid == 0) {
                if (unshare(CLONE_NEWUSER) < 0 || write(ready[1], "x", 1) != 1)
                        _exit(1);
                for (;;)
                        pause();
        }
        close(ready[1]);
        if (read(ready[0], &byte, 1) != 1 || !write_map("uid_map", "0 100000 65536\n") ||
            !write_map("gid_map", "0 100000 110\n110 4711 1\n111 100111 65425\n")) {
                kill(init_pid, SIGKILL);
                waitpid(init_pid, NULL, 0);
                init_pid = 0;
        }
        close(ready[0]);
        return 0;
}

static int teardown(void **state) {
        if (init_pid > 0) {
                kill(init_pid, SIGKILL);
                waitpid(init_pid, NULL, 0);
        }
        if (geteuid() == 0) {
                (void)umount(folder);
                rmdir(folder);
        }
        arena_done(&arena);
        return 0;
}

/* The attempt at a node of this kind, owner and mode. */
static struct open_result attempt(mode_t type, unsigned minor_number, uid_t owner, mode_t mode,
                                  const struct inside_as *as, unsigned timeout_ms) {
        const char *path = arena_printf(&arena, "%s/node", folder);
        struct open_result result;
        int fd;

        unlink(path);
        assert_int_equal(mknod(path, type | mode, makedev(1, minor_number)), 0);
        assert_int_equal(chown(path, owner, NODE_GID), 0);
        assert_int_equal(chmod(path, mode), 0);
        fd = open(path, O_PATH | O_CLOEXEC | O_NOFOLLOW);
        assert_true(fd >= 0);
        result = inside_try((unsigned)init_pid, fd, as, timeout_ms);
        close(fd);
        return result;
}

static const struct inside_as member = { .uid = 65534, .gid = 110 },
                              supplementary = { .uid = 1000,
                                                .gid = 1000,
                                                .groups = { 44, 110 },
                                                .n_groups = 2 },
                              outsider = { .uid = 1000, .gid = 1000 }, root = { 0 };

static void test_permission(void **state) {
        struct open_result r;

        if (init_pid <= 0)
                skip();
        r = attempt(S_IFCHR, 3, 0, 0660, &member, PATIENT);
        if (r.step == OPEN_CGROUP)
                skip(); /* no cgroup file system here */
        assert_int_equal(r.step, OPEN_DONE);
        assert_int_equal(r.error, 0);
        r = attempt(S_IFCHR, 3, 0, 0660, &supplementary, PATIENT);
        assert_true(r.step == OPEN_DONE && r.error == 0);
        r = attempt(S_IFCHR, 3, 0, 0660, &outsider, PATIENT);
        assert_true(r.step == OPEN_DONE && r.error == EACCES);
        r = attempt(S_IFCHR, 3, 0, 0600, &member, PATIENT);
        assert_true(r.step == OPEN_DONE && r.error == EACCES);
        r = attempt(S_IFCHR, 3, 0, 0666, &outsider, PATIENT);
        assert_true(r.step == OPEN_DONE && r.error == 0);
        /* the container's root: its capability counts only where owner and group are mapped */
        r = attempt(S_IFCHR, 3, 0, 0660, &root, PATIENT);
        assert_true(r.step == OPEN_DONE && r.error == EACCES);
        r = attempt(S_IFCHR, 3, 100005, 0660, &root, PATIENT);
        assert_true(r.step == OPEN_DONE && r.error == 0);
        /* ... and nobody else has it */
        r = attempt(S_IFCHR, 3, 100005, 0600, &member, PATIENT);
        assert_true(r.step == OPEN_DONE && r.error == EACCES);
}

static void test_other_answers(void **state) {
        const struct inside_as unmapped = { .uid = 1000, .gid = 4000000 };
        struct open_result r;

        if (init_pid <= 0)
                skip();
        r = attempt(S_IFCHR, 200, 0, 0660, &member, PATIENT); /* no such device behind 1:200 */
        if (r.step == OPEN_CGROUP)
                skip();
        assert_true(r.step == OPEN_DONE && r.error == ENXIO);
        r = attempt(S_IFIFO, 0, 0, 0660, &member, PATIENT); /* does not wait for the other end */
        assert_true(r.step == OPEN_DONE && r.error == 0);
        r = attempt(S_IFCHR, 3, 0, 0666, &unmapped, PATIENT);
        assert_true(r.step == OPEN_IDS && r.error == EINVAL);
        r = inside_try(0x7fffffff, -1, &member, 1000);
        assert_int_equal(r.step, OPEN_USERNS);
}

/* From here on setgroups() waits for a supervisor that does not answer, as a driver may hang. */
static bool hang_in_setgroups(void) {
        struct sock_filter code[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_setgroups, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        struct sock_fprog program = { .len = ELEMENTS(code), .filter = code };

        return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
                       &program) >= 0;
}

/* No answer in time: told as that, and nothing of it is left. */
static void test_slow(void **state) {
        struct open_result r;

        if (init_pid <= 0 || !hang_in_setgroups())
                skip();
        r = attempt(S_IFCHR, 3, 0, 0660, &member, 100);
        if (r.step == OPEN_CGROUP)
                skip();
        assert_int_equal(r.step, OPEN_SLOW);
        assert_int_equal(waitpid(-1, NULL, WNOHANG), 0); /* the container alone */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_permission),
                cmocka_unit_test(test_other_answers),
                cmocka_unit_test(test_slow),
        };

        return cmocka_run_group_tests_name("inside-try", tests, setup, teardown);
}
