/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * test-process - a lock that is held with another process, whatever becomes of that one
 */
#include "base/file.h"
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char lock_file[PATH_MAX], other_file[PATH_MAX];

/* A process with a descriptor of either file, and a lock on the one of @locked. */
static pid_t holder(const char *locked) {
        int ends[2];
        char byte;
        pid_t pid;

        assert_int_equal(pipe(ends), 0);
        pid = fork();
        if (pid == 0) {
                int a = open(lock_file, O_RDWR), b = open(other_file, O_RDWR);

                if (a < 0 || b < 0 || flock(locked == lock_file ? a : b, LOCK_EX) < 0 ||
                    write(ends[1], "", 1) != 1)
                        _exit(1);
                pause();
        }
        assert_int_equal(read(ends[0], &byte, 1), 1);
        close(ends[0]);
        close(ends[1]);
        return pid;
}

static void end(pid_t pid) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
}

static bool is_free(void) {
        int fd = open(lock_file, O_RDWR);
        int r = file_lock(fd, 0, 1);

        close(fd);
        assert_true(r == 0 || r == -ETIMEDOUT);
        return r == 0;
}

static void it_stays_when_the_holder_ends(void **state) {
        pid_t pid = holder(lock_file);
        int fd = process_share_flock(pid, lock_file);

        end(pid);
        if (fd == PROCESS_LOCK_SEEN) {
                assert_true(is_free());
                skip(); /* here is no right to trace it */
        }
        assert_true(fd >= 0);
        assert_false(is_free());
        close(fd);
        assert_true(is_free());
}

static void another_lock_is_none(void **state) {
        pid_t pid = holder(other_file);

        assert_int_equal(process_share_flock(pid, lock_file), PROCESS_LOCK_NONE);
        end(pid);
}

static void who_has_ended_has_none(void **state) {
        pid_t pid = holder(lock_file);

        end(pid);
        assert_int_equal(process_share_flock(pid, lock_file), PROCESS_LOCK_NONE);
        assert_true(is_free());
}

static void a_note_names_a_process(void **state) {
        struct bytes good = BYTES("4711 8812345 rest"), bad[] = { BYTES(""), BYTES("4711"), BYTES("x 1"),
                                                                  BYTES("4711 x"), BYTES("4294967295 1") };
        struct process p = { .pid = -5 };

        assert_true(process_take(&good, &p));
        assert_int_equal(p.pid, 4711);
        assert_int_equal(p.start, 8812345);
        assert_true(bytes_equal(bytes_word(&good), BYTES("rest")));
        p.pid = -5;
        for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
                size_t len = bad[i].len;

                assert_false(process_take(&bad[i], &p));
                assert_int_equal(bad[i].len, len);
        }
        assert_int_equal(p.pid, -5);
}

static int make_file(char *path) {
        char name[] = "/tmp/gpuanchor-process.XXXXXX";
        int fd = mkstemp(name);

        close(fd);
        return fd < 0 || !realpath(name, path) ? -1 : 0;
}

static int make_files(void **state) {
        return make_file(lock_file) < 0 || make_file(other_file) < 0 ? -1 : 0;
}

static int remove_files(void **state) {
        return unlink(lock_file) | unlink(other_file);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(it_stays_when_the_holder_ends),
                cmocka_unit_test(another_lock_is_none),
                cmocka_unit_test(who_has_ended_has_none),
                cmocka_unit_test(a_note_names_a_process),
        };

        return cmocka_run_group_tests(tests, make_files, remove_files);
}
