/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* test-spawn - programs that are slow, endless or hostile, and what is left of them */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "host/inside/attach.h"

#include "base/file.h"
#include "base/number.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>

static struct arena arena;
static int64_t took_ms;

static int64_t clock_ms(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int run(const char *script, const char *input, unsigned timeout_ms, size_t max_output,
               struct spawn_result *ret) {
        const char *const argv[] = { "sh", "-c", script, NULL };
        struct spawn_job job = { argv, bytes_of(input), timeout_ms, max_output };
        int64_t start = clock_ms();
        int r;

        *ret = (struct spawn_result){ .status = -1 };
        r = spawn_run(&arena, &job, ret);
        took_ms = clock_ms() - start;
        return r;
}

static void assert_output(const struct spawn_result *r, const char *expected) {
        assert_int_equal(r->output.len, strlen(expected));
        if (*expected)
                assert_memory_equal(r->output.data, expected, r->output.len);
}

/* a process that was killed may still be on its way out */
static bool gone(pid_t pid) {
        for (int i = 0; i < 200; i++) {
                char path[64], state = '?';
                FILE *f;

                snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
                f = fopen(path, "re");
                if (!f)
                        return true;
                if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
                        state = '?';
                fclose(f);
                if (state == 'Z' || state == 'X')
                        return true;
                usleep(10 * 1000);
        }
        return false;
}

static pid_t printed_pid(const struct spawn_result *r) {
        struct bytes rest = r->output;
        uint32_t pid;

        assert_true(parse_u32(bytes_word(&rest), &pid));
        return (pid_t)pid;
}

static void test_input_output_status(void **state) {
        struct spawn_result r;

        assert_int_equal(run("cat; echo err >&2; exit 3", "in\n", 20000, 100, &r), 0);
        assert_output(&r, "in\nerr\n");
        assert_int_equal(r.status, 3);
        assert_int_equal(run("kill -TERM $$", "", 20000, 100, &r), 0);
        assert_int_equal(r.status, 128 + SIGTERM);
}

static void test_input_that_nobody_reads(void **state) {
        char *big = arena_alloc(&arena, SPAWN_INPUT_MAX + 2);
        struct spawn_result r;

        memset(big, 'x', SPAWN_INPUT_MAX);
        assert_int_equal(run("exec <&-; echo closed", big, 20000, 100, &r), 0);
        assert_output(&r, "closed\n");
        assert_int_equal(run("wc -c", big, 20000, 100, &r), 0);
        assert_output(&r, "65536\n");
        big[SPAWN_INPUT_MAX] = 'x';
        assert_int_equal(run("cat", big, 20000, 100, &r), -EMSGSIZE);
}

static void test_no_such_program(void **state) {
        const char *const argv[] = { "/nonexistent/program", NULL };
        struct spawn_job job = { .argv = argv, .timeout_ms = 20000, .max_output = 100 };
        struct spawn_result r;

        assert_int_equal(spawn_run(&arena, &job, &r), -ENOENT);
}

static void test_ignores_sigterm(void **state) {
        struct spawn_result r;

        assert_int_equal(run("trap '' TERM INT HUP; echo $$; while :; do sleep 0.05; done", "", 400,
                             100, &r),
                         SPAWN_E_TIMEOUT);
        assert_true(took_ms >= 400 && took_ms < 10000);
        assert_int_equal(r.status, 128 + SIGKILL);
        assert_true(gone(printed_pid(&r)));
}

static void test_closes_output_and_stays(void **state) {
        struct spawn_result r;

        assert_int_equal(run("exec >&- 2>&-; sleep 60", "", 300, 100, &r), SPAWN_E_TIMEOUT);
        assert_true(took_ms < 10000);
}

/* the child has ended, but the pipe stays open: nobody waits for its end */
static void test_grandchild_holds_the_pipe(void **state) {
        struct spawn_result r;

        assert_int_equal(run("sleep 60 & echo $!", "", 20000, 100, &r), 0);
        assert_true(took_ms < 10000);
        assert_int_equal(r.status, 0);
        assert_true(gone(printed_pid(&r)));
}

static void test_grandchild_in_its_own_session(void **state) {
        struct spawn_result r;
        pid_t pid;

        assert_int_equal(
                run("setsid sh -c 'echo $$; exec sleep 60' & sleep 0.3", "", 20000, 100, &r), 0);
        assert_true(took_ms < 10000);
        pid = printed_pid(&r);
        assert_int_equal(kill(pid, SIGKILL), 0); /* out of our reach, and in nobody's way */
}

static void test_prints_endlessly(void **state) {
        struct spawn_result r;

        assert_int_equal(run("exec yes", "", 20000, 5000, &r), SPAWN_E_OUTPUT);
        assert_true(took_ms < 10000);
        assert_int_equal(r.output.len, 5000);
        assert_memory_equal(r.output.data, "y\ny\n", 4);
        assert_int_equal(run("printf 12345", "", 20000, 5, &r), 0);
        assert_output(&r, "12345");
        assert_int_equal(run("printf 123456", "", 20000, 5, &r), SPAWN_E_OUTPUT);
        assert_output(&r, "12345");
}

/* no terminal to reach, no descriptor that leaks, no signal setting of ours */
static void test_surroundings(void **state) {
        int leak = open("/dev/null", O_RDONLY); /* without O_CLOEXEC */
        struct spawn_result r;
        sigset_t set, old;

        assert_true(leak >= 0);
        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        sigprocmask(SIG_BLOCK, &set, &old);
        signal(SIGPIPE, SIG_IGN);
        assert_int_equal(run("ls /proc/self/fd | tr '\\n' ' '; (: </dev/tty) 2>/dev/null && echo tty;"
                             "sed -n 's/^SigBlk:[[:space:]]*//p' /proc/self/status;"
                             "kill -PIPE $$; echo 'SIGPIPE ignored'",
                             "", 20000, 1000, &r),
                         0);
        signal(SIGPIPE, SIG_DFL);
        sigprocmask(SIG_SETMASK, &old, NULL);
        close(leak);
        assert_output(&r, "0 1 2 3 0000000000000000\n"); /* 3 is the folder that ls reads */
        assert_int_equal(r.status, 128 + SIGPIPE);
}

/* A folder that is a host with the program @name, which is a script. */
static const char *host_with(const char *name, const char *script) {
        static char dir[] = "/tmp/gpuanchor-spawn-XXXXXX";
        FILE *f;

        memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
        assert_non_null(mkdtemp(dir));
        assert_int_equal(mkdir_parents(arena_printf(&arena, "%s/usr/sbin", dir), 0755), 0);
        f = fopen(arena_printf(&arena, "%s/usr/sbin/%s", dir, name), "we");
        fprintf(f, "#!/bin/sh\n%s\n", script);
        assert_int_equal(fchmod(fileno(f), 0755), 0);
        fclose(f);
        return dir;
}

static void host_remove(const char *dir, const char *name) {
        assert_int_equal(unlink(arena_printf(&arena, "%s/usr/sbin/%s", dir, name)), 0);
        assert_int_equal(rmdir(arena_printf(&arena, "%s/usr/sbin", dir)), 0);
        assert_int_equal(rmdir(arena_printf(&arena, "%s/usr", dir)), 0);
        assert_int_equal(rmdir(dir), 0);
}

/* what lxc-attach is given, by an lxc-attach that prints it */
static void test_attach_command(void **state) {
        const char *dir = host_with("lxc-attach", "echo \"$*\"\ncat");
        const char *const argv[] = { "groupadd", "-g", "993", "render", NULL };
        struct spawn_job job = { argv, BYTES("text"), 20000, 1000, dir };
        struct spawn_result r;

        assert_int_equal(attach_run(&arena, &(struct attach){ .vmid = 101 }, &job, &r), 0);
        host_remove(dir, "lxc-attach");
        assert_output(&r, "-n 101 --clear-env "
                          "-v PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "
                          "-v LC_ALL=C -- groupadd -g 993 render\ntext");
}

/* PATH of whoever calls us decides nothing; a host that is a folder has programs of its own */
static void test_program_is_found(void **state) {
        const char *dir = host_with("cat", "echo other"), *old = getenv("PATH");
        const char *const cat[] = { "cat", NULL }, *const none[] = { "gpuanchor-none", NULL };
        struct spawn_job job = { cat, BYTES("in"), 20000, 100 };
        struct spawn_result r;

        old = old ? arena_strdup(&arena, old) : "";
        setenv("PATH", arena_printf(&arena, "%s/usr/sbin:%s", dir, old), 1);
        assert_int_equal(spawn_run(&arena, &job, &r), 0);
        assert_output(&r, "in");
        unsetenv("PATH");
        assert_int_equal(spawn_run(&arena, &job, &r), 0);
        assert_output(&r, "in");
        setenv("PATH", old, 1);
        job.root = dir;
        assert_int_equal(spawn_run(&arena, &job, &r), 0);
        assert_output(&r, "other\n");
        host_remove(dir, "cat");
        job.argv = none;
        assert_int_equal(spawn_run(&arena, &job, &r), -ENOENT);
        assert_string_equal(spawn_error(&arena, "usermod", "passwd", -ENOENT),
                            "usermod is not in /usr/sbin, /usr/bin, /sbin or /bin (package passwd)");
}

static int teardown(void **state) {
        arena_done(&arena);
        return 0;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_input_output_status),
                cmocka_unit_test(test_input_that_nobody_reads),
                cmocka_unit_test(test_no_such_program),
                cmocka_unit_test(test_ignores_sigterm),
                cmocka_unit_test(test_closes_output_and_stays),
                cmocka_unit_test(test_grandchild_holds_the_pipe),
                cmocka_unit_test(test_grandchild_in_its_own_session),
                cmocka_unit_test(test_prints_endlessly),
                cmocka_unit_test(test_surroundings),
                cmocka_unit_test(test_attach_command),
                cmocka_unit_test(test_program_is_found),
        };

        return cmocka_run_group_tests(tests, NULL, teardown);
}
