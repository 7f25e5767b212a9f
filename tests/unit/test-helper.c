/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * test-helper - who looks into a container, and what is left of him when it does not answer
 *
 * A child with a mount namespace of its own stands for the container, a FUSE server that takes
 * requests and never answers (tests/silent-fs.c) for its root's malice. Needs root.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "host/inside/helper.h"
#include "host/inside/root-files.h"
#include "model/guest/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

static struct arena arena;
static const char *host,
        *silent; /* a host's folder; where the silent file system is, NULL: nowhere */
static pid_t server, init_pid;
static int64_t took_ms;

static int64_t clock_ms(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static const char *on_host(const char *path) {
        return arena_printf(&arena, "%s/%s", host, path);
}

static void put(const char *path, const char *text) {
        assert_int_equal(file_replace(on_host(path), bytes_of(text), 0755, 0), 0);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
        return remove(path);
}

static void end(pid_t *pid) {
        if (*pid > 0) {
                kill(*pid, SIGKILL);
                waitpid(*pid, NULL, 0);
        }
        *pid = 0;
}

/* ---- the silent file system, the container ---- */

static bool serve(void) {
        const char *program =
                arena_printf(&arena, "%s/tests/silent-fs", getenv("GPUANCHOR_BUILD_ROOT"));
        int fds[2];
        char byte;
        bool ok;

        silent = on_host("silent");
        if (pipe2(fds, O_CLOEXEC) < 0)
                return false;
        server = fork();
        if (server == 0) {
                dup2(fds[1], STDOUT_FILENO);
                execl(program, program, silent, (char *)NULL);
                _exit(1);
        }
        close(fds[1]);
        ok = read(fds[0], &byte, 1) == 1;
        close(fds[0]);
        return ok;
}

static int setup(void **state) {
        char template[] = "/tmp/gpuanchor-helper-XXXXXX";

        if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0 ||
            mount("", "/", "", MS_REC | MS_PRIVATE, NULL) < 0 || !mkdtemp(template))
                return 0;
        host = arena_strdup(&arena, template);
        if (mkdir_parents(on_host("silent"), 0755) < 0 ||
            mkdir_parents(on_host("usr/sbin"), 0755) < 0)
                return -1;
        init_pid = fork();
        if (init_pid == 0)
                for (;;)
                        pause();
        if (!serve())
                silent = NULL;
        return 0;
}

static int teardown(void **state) {
        end(&server);
        end(&init_pid);
        if (silent)
                umount2(silent, MNT_DETACH);
        if (host)
                nftw(host, remove_one, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
        arena_done(&arena);
        return 0;
}

#define NEEDS_SILENT()                                                                             \
        if (!silent)                                                                               \
        skip()

/* lxc-info says @pid, and that is in control group @cgroup, "" for its own */
static bool container_is(pid_t pid, const char *cgroup) {
        put("usr/sbin/lxc-info", arena_printf(&arena, "#!/bin/sh\necho %d\n", (int)pid));
        if (!*cgroup)
                return true;
        put("cgroup", cgroup);
        (void)umount2(arena_printf(&arena, "/proc/%d/cgroup", (int)pid), MNT_DETACH);
        return mount(on_host("cgroup"), arena_printf(&arena, "/proc/%d/cgroup", (int)pid), "",
                     MS_BIND, NULL) == 0;
}

/* ---- functions that are called in a helper ---- */

struct note {
        const char *text;
        size_t n;
        const char **words;
};

static void leaves_something(struct arena *a, void *user, const void **ret) {
        struct note *note = arena_alloc(a, sizeof(*note));

        note->text = arena_printf(a, "%s and more", (const char *)user);
        for (int i = 0; i < 1000; i++)
                *ARENA_PUSH(a, note->words, note->n) = arena_printf(a, "word %d", i);
        *ret = note;
}

static void leaves_half(struct arena *a, void *user, const void **ret) {
        *ret = arena_strdup(a, "half");
        pause();
}

static void crashes(struct arena *a, void *user, const void **ret) {
        *ret = arena_strdup(a, "half");
        abort();
}

static void wants_memory(struct arena *a, void *user, const void **ret) {
        for (;;)
                memset(arena_alloc(a, 1 << 20), 1, 16);
}

static void hangs(struct arena *a, void *user, const void **ret) {
        struct stat st;

        *ret = arena_strdup(a, "half");
        (void)stat(arena_printf(a, "%s/x", silent), &st);
}

static int call(void (*function)(struct arena *a, void *user, const void **ret), void *user,
                unsigned timeout_ms, struct spawn_result *ret) {
        struct spawn_call c = { function, user, timeout_ms };
        int64_t start = clock_ms();
        int r;

        *ret = (struct spawn_result){ 0 };
        r = spawn_call(&arena, &c, ret);
        took_ms = clock_ms() - start;
        return r;
}

static void test_what_it_leaves(void **state) {
        struct spawn_result r;
        const struct note *note;

        assert_int_equal(call(leaves_something, (void *)"text", 60 * 1000, &r), 0);
        note = r.result;
        assert_string_equal(note->text, "text and more");
        assert_int_equal(note->n, 1000);
        assert_string_equal(note->words[999], "word 999");
        assert_int_equal(call(leaves_half, NULL, 2000, &r), SPAWN_E_TIMEOUT);
        assert_string_equal(r.result, "half");
        assert_true(took_ms >= 2000 && took_ms < 12000);
}

static void test_how_it_fails(void **state) {
        struct spawn_result r;

        fprintf(stderr, "(an abort and a lack of memory are meant)\n");
        assert_int_equal(call(crashes, NULL, 60 * 1000, &r), -EIO);
        assert_string_equal(r.result, "half");
        assert_int_equal(call(wants_memory, NULL, 60 * 1000, &r), -EIO);
        assert_null(r.result);
}

/* ---- one that hangs ---- */

static bool ends(pid_t pid) {
        for (int i = 0; i < 200; i++) {
                char path[64], state = 'X';
                FILE *f;

                snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
                f = fopen(path, "re");
                if (f && fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
                        state = 'X';
                if (f)
                        fclose(f);
                if (state == 'X' || state == 'Z')
                        return true;
                usleep(10 * 1000);
        }
        return false;
}

/* Descriptors of @pid that lead to @target. */
static int holds(pid_t pid, const char *target) {
        DIR *dir = opendir(arena_printf(&arena, "/proc/%d/fd", (int)pid));
        int n = 0;

        assert_non_null(dir);
        for (const struct dirent *d; (d = readdir(dir));) {
                char link[PATH_MAX] = "";

                if (readlinkat(dirfd(dir), d->d_name, link, sizeof(link) - 1) > 0)
                        n += strncmp(link, target, strlen(target)) == 0;
        }
        closedir(dir);
        return n;
}

/* The silent file system ends, and a new one is there. */
static void server_answers(void) {
        end(&server);
}

static void server_hangs(void) {
        end(&server);
        umount2(silent, MNT_DETACH);
        assert_true(serve());
}

/* A caller with a lock, whose output is a pipe: it ends in time, and with it both are free. */
static void test_abandoned(void **state) {
        const char *lock;
        int fds[2], fd, status;
        pid_t caller, helper = 0;
        int64_t start = clock_ms();

        NEEDS_SILENT();
        lock = on_host("lock");
        assert_int_equal(pipe(fds), 0); /* without O_CLOEXEC */
        caller = fork();
        if (caller == 0) {
                struct spawn_result r;

                dup2(fds[1], STDOUT_FILENO);
                dup2(fds[1], STDERR_FILENO);
                fd = open(lock, O_RDWR | O_CREAT, 0600);
                if (flock(fd, LOCK_EX) < 0 || call(hangs, NULL, 2000, &r) != SPAWN_E_ABANDONED ||
                    took_ms < 3000 || took_ms > 9000 || strcmp(r.result, "half") != 0 ||
                    write(fds[1], &r.abandoned, sizeof(r.abandoned)) != sizeof(r.abandoned))
                        _exit(1);
                _exit(0);
        }
        close(fds[1]);
        assert_int_equal(read(fds[0], &helper, sizeof(helper)), sizeof(helper));
        assert_int_equal(waitpid(caller, &status, 0), caller);
        assert_int_equal(status, 0);
        assert_int_equal(read(fds[0], &status, 1), 0); /* the end of the task log */
        close(fds[0]);
        assert_true(clock_ms() - start < 15000);
        fd = open(lock, O_RDWR | O_CLOEXEC);
        assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
        close(fd);
        assert_int_equal(kill(helper, 0), 0);
        assert_int_equal(holds(helper, "/"), 1); /* its stdin */
        assert_int_equal(holds(helper, "pipe:"), 2);
        assert_int_equal(holds(helper, ""), 3);
        server_answers();
        assert_true(ends(helper));
        server_hangs();
}

static void test_caller_is_killed(void **state) {
        _cleanup_(cleanup_file) FILE *f = NULL;
        pid_t caller = fork();
        int helper = 0;

        if (caller == 0) {
                struct spawn_result r;

                _exit(call(leaves_half, NULL, 60 * 1000, &r) != 0);
        }
        for (int i = 0; i < 500 && helper == 0; i++) {
                usleep(10 * 1000);
                cleanup_file(&f);
                f = fopen(
                        arena_printf(&arena, "/proc/%d/task/%d/children", (int)caller, (int)caller),
                        "re");
                if (!f || fscanf(f, "%d", &helper) != 1)
                        helper = 0;
        }
        assert_true(helper > 0);
        usleep(100 * 1000);
        end(&caller);
        assert_true(ends(helper));
}

/* ---- a container ---- */

struct look {
        bool hang, sleep, kill_init;
};

static void look(struct inside *in, void *user) {
        const struct look *l = user;
        struct stat st;

        assert_true(in->root_fd >= 0);
        if (l->kill_init) {
                kill(init_pid, SIGKILL);
                usleep(200 * 1000);
        }
        (void)inside_keep(in, arena_printf(in->arena, "init is %u", in->pid));
        if (l->sleep)
                pause();
        if (l->hang)
                (void)stat(arena_printf(in->arena, "%s/x", silent), &st);
}

static int enter(const struct look *l, unsigned timeout_ms, struct inside_answer *ret) {
        struct inside_job job = { host, 101, timeout_ms, look, (void *)l };
        int64_t start = clock_ms();
        int r = inside_call(&arena, &job, ret);

        took_ms = clock_ms() - start;
        return r;
}

static void test_at_most_one(void **state) {
        struct inside_answer first, answer;

        NEEDS_SILENT();
        if (!container_is(init_pid, "0::/lxc/101/ns/init.scope\n"))
                skip();
        assert_int_equal(inside_hanging(&arena, host, 101), 0);
        assert_int_equal(enter(&(struct look){ 0 }, 60000, &answer), 0);
        assert_string_equal(answer.result, arena_printf(&arena, "init is %d", (int)init_pid));
        /* long enough for a loaded machine to start what asks for the init process */
        assert_int_equal(enter(&(struct look){ .hang = true }, 5000, &first), INSIDE_E_HANGS);
        assert_true(took_ms < 9000);
        assert_string_equal(first.result, answer.result); /* what was kept before */
        assert_string_equal(first.why,
                            arena_printf(&arena,
                                         "no answer within 5 s; process %d hangs in a file system "
                                         "of the container",
                                         (int)first.hangs));
        assert_int_equal(holds(first.hangs, "pipe:"), 2);
        assert_int_equal(inside_hanging(&arena, host, 101), first.hangs);
        assert_int_equal(inside_hanging(&arena, host, 102), 0);
        assert_int_equal(enter(&(struct look){ 0 }, 60000, &answer), INSIDE_E_HANGS);
        assert_true(took_ms < 9000);
        assert_int_equal(answer.hangs, first.hangs);
        assert_null(answer.result);
        server_answers();
        assert_true(ends(first.hangs));
        assert_int_equal(inside_hanging(&arena, host, 101), 0);
        assert_int_equal(enter(&(struct look){ 0 }, 60000, &answer), 0);
        server_hangs();
}

/* Its caller is killed in the middle, and the next one comes at once: nothing hangs here. */
static void test_killed_just_now(void **state) {
        struct inside_answer answer;
        pid_t caller;

        if (!host || !container_is(init_pid, "0::/lxc/101\n"))
                skip();
        caller = fork();
        if (caller == 0)
                _exit(enter(&(struct look){ .sleep = true }, 60000, &answer));
        usleep(500 * 1000);
        end(&caller);
        assert_int_equal(enter(&(struct look){ 0 }, 60000, &answer), 0);
}

/* What a helper has started hangs, and the helper itself does not. */
static void attaches(struct inside *in, void *user) {
        const char *const argv[] = { "sh", "-c", user, NULL };
        struct spawn_job job = { argv, { 0 }, 3000, 4096 };
        struct spawn_result r = { 0 };

        (void)spawn_run(in->arena, &job, &r);
}

static void test_what_it_started(void **state) {
        char *script = arena_printf(&arena, "cat %s/x", silent ? silent : "");
        struct inside_job job = { host, 101, 60000, attaches, script };
        struct inside_answer answer;

        NEEDS_SILENT();
        if (!container_is(init_pid, "0::/lxc/101\n"))
                skip();
        assert_int_equal(inside_call(&arena, &job, &answer), INSIDE_E_HANGS);
        assert_true(answer.hangs > 0 && kill(answer.hangs, 0) == 0);
        assert_int_equal(inside_hanging(&arena, host, 101), answer.hangs);
        server_answers();
        assert_true(ends(answer.hangs));
        server_hangs();
}

static void test_busy(void **state) {
        struct inside_answer answer;
        int fd;

        if (!host || !container_is(init_pid, "0::/lxc/101\n"))
                skip();
        fd = open(on_host("run/gpuanchor/101.helper"), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
        assert_int_equal(flock(fd, LOCK_EX), 0);
        assert_int_equal(enter(&(struct look){ 0 }, 300, &answer), INSIDE_E_BUSY);
        assert_true(took_ms >= 300 && took_ms < 10000);
        close(fd);
        assert_int_equal(enter(&(struct look){ 0 }, 60000, &answer), 0);
}

/* ---- whose process it is ---- */

static void test_cgroup(void **state) {
        static const struct {
                const char *text;
                bool is;
        } cases[] = {
                { "0::/lxc/101\n", true },
                { "0::/lxc/101/ns/init.scope\n", true },
                { "0::/lxc.payload.101/init.scope\n", true },
                { "0::/lxc.payload.101-1\n", true },
                { "12:devices:/lxc/101\n1:name=systemd:/lxc/101/ns\n0::/\n", true },
                { "", false },
                { "0::/\n", false },
                { "0::/lxc\n", false },
                { "0::/lxc/1010\n", false },
                { "0::/lxc/10\n", false },
                { "0::/lxc/102/ns/lxc/101\n", false },
                { "0::/lxc/102/ns/lxc.payload.101\n", false },
                { "0::/lxc.payload.1012\n", false },
                { "0::/lxc.monitor.101\n", false },
                { "0::/user.slice/user-1000.slice/user@1000.service/lxc/101\n", false },
                { "0::/user.slice/lxc.payload.101\n", false },
                { "0::/system.slice/pve-container@101.service\n", false },
                { "12:devices:/lxc/101\n0::/lxc/102\n", false },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++)
                if (cgroup_is_of(bytes_of(cases[i].text), 101) != cases[i].is)
                        fail_msg("%s", cases[i].text);
}

/* lxc-info's answer is old: the number is another process's, of another container, of none */
static void test_forged_pid(void **state) {
        struct inside_answer answer;

        if (!host)
                skip();
        assert_true(container_is(getpid(), ""));
        assert_int_equal(enter(&(struct look){ 0 }, 60000, &answer), INSIDE_E_OTHER);
        assert_null(answer.result);
        assert_non_null(strstr(answer.why, "not in its control group"));
        assert_true(container_is(0x7fffffff, ""));
        assert_int_equal(enter(&(struct look){ 0 }, 60000, &answer), INSIDE_E_STOPPED);
        if (!container_is(init_pid, "0::/lxc/102/ns\n"))
                skip();
        assert_int_equal(enter(&(struct look){ 0 }, 60000, &answer), INSIDE_E_OTHER);
        /* it ends while it is looked at */
        assert_true(container_is(init_pid, "0::/lxc/101/ns\n"));
        assert_int_equal(enter(&(struct look){ .kill_init = true }, 60000, &answer),
                         INSIDE_E_STOPPED);
        assert_null(answer.result);
}

static void test_no_lxc_info(void **state) {
        struct inside_answer answer;

        if (!host || access("/usr/bin/lxc-info", F_OK) == 0)
                skip();
        assert_int_equal(unlink(on_host("usr/sbin/lxc-info")), 0);
        assert_int_equal(enter(&(struct look){ 0 }, 60000, &answer), -ENOENT);
        assert_non_null(strstr(answer.why, "(package lxc-pve)"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_what_it_leaves),  cmocka_unit_test(test_how_it_fails),
                cmocka_unit_test(test_abandoned),       cmocka_unit_test(test_caller_is_killed),
                cmocka_unit_test(test_at_most_one),     cmocka_unit_test(test_killed_just_now),
                cmocka_unit_test(test_what_it_started), cmocka_unit_test(test_busy),
                cmocka_unit_test(test_cgroup),          cmocka_unit_test(test_forged_pid),
                cmocka_unit_test(test_no_lxc_info), /* the last one: init is gone */
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
