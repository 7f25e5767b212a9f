/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * test-journal - entries as journald takes them
 *
 * /run is a file system of this test's own, in a mount namespace of its own, with a socket where
 * journald has its.
 */
#include "render/journal.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cmocka.h>

static int listen_there(void **state) {
        struct sockaddr_un at = { .sun_family = AF_UNIX, .sun_path = "/run/systemd/journal/socket" };
        static int fd;

        if (unshare(CLONE_NEWNS) < 0)
                return 0; /* not root: *state stays NULL */
        if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount("tmpfs", "/run", "tmpfs", 0, NULL) < 0)
                return 0;
        (void)mkdir("/run/systemd", 0755);
        (void)mkdir("/run/systemd/journal", 0755);
        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
                return -1;
        *state = &fd;
        return 0;
}

static int server(void **state) {
        if (!*state)
                skip();
        return **(int **)state;
}

/* the next entry, be it a datagram or a file of memory that comes with an empty one */
static struct bytes receive(int fd) {
        static char buffer[1024 * 1024];
        char control[CMSG_SPACE(sizeof(int))] = { 0 };
        struct iovec part = { buffer, sizeof(buffer) };
        struct msghdr m = { .msg_iov = &part,
                            .msg_iovlen = 1,
                            .msg_control = control,
                            .msg_controllen = sizeof(control) };
        ssize_t n = recvmsg(fd, &m, MSG_DONTWAIT);
        struct cmsghdr *c = n == 0 ? CMSG_FIRSTHDR(&m) : NULL;

        if (c) {
                int memory;

                memcpy(&memory, CMSG_DATA(c), sizeof(memory));
                n = pread(memory, buffer, sizeof(buffer), 0);
                assert_int_equal(write(memory, "x", 1), -1); /* sealed, or journald refuses it */
                close(memory);
        }
        assert_true(n > 0);
        return (struct bytes){ buffer, (size_t)n };
}

static const struct finding finding = { .code = FINDING_READ_FAILED,
                                        .where = "/etc/pve/lxc/101.conf",
                                        .what = "Input/output error" };

static void test_fields(void **state) {
        int fd = server(state);
        struct bytes entry;

        assert_int_equal(journal_send("gpuanchor-hook", &finding, 101), 0);
        entry = receive(fd);
        assert_true(bytes_has_prefix(entry, "MESSAGE=container 101: "));
        assert_true(bytes_contains(entry, "\nSYSLOG_IDENTIFIER=gpuanchor-hook\n"));
        assert_true(bytes_contains(entry, "\nGPUANCHOR_VMID=101\nGPUANCHOR_WHAT=Input/output error\n"));
        assert_true(bytes_contains(entry, "\nMESSAGE_ID="));
        assert_false(bytes_contains(entry, "GPUANCHOR_OLD"));
        assert_false(bytes_contains(entry, "GPUANCHOR_RESOLVED"));
        assert_int_equal(entry.data[entry.len - 1], '\n');

        assert_int_equal(journal_send_resolved("gpuanchord", &finding, 0), 0);
        entry = receive(fd);
        assert_true(bytes_has_prefix(entry, "MESSAGE=resolved: "));
        assert_true(bytes_contains(entry, "\nPRIORITY=5\n"));
        assert_true(bytes_contains(entry, "\nGPUANCHOR_RESOLVED=1\n"));
        assert_false(bytes_contains(entry, "GPUANCHOR_REMEDY"));
}

/* A value with a line end must not be able to add a field of its own. */
static void test_lines(void **state) {
        static const char field[] = "\nGPUANCHOR_OLD\n\x0c\0\0\0\0\0\0\0a\nPRIORITY=0\n";
        struct finding f = finding;
        int fd = server(state);
        struct bytes entry;

        f.old = "a\nPRIORITY=0";
        assert_int_equal(journal_send("gpuanchor", &f, 0), 0);
        entry = receive(fd);
        assert_non_null(memmem(entry.data, entry.len, field, sizeof(field) - 1));
}

static void test_large(void **state) {
        _cleanup_arena_ struct arena a = { 0 };
        struct finding f = finding;
        int fd = server(state);
        char *text = arena_alloc(&a, 600001);

        memset(text, 'x', 600000);
        f.new = text;
        assert_int_equal(journal_send("gpuanchor", &f, 0), 0);
        assert_true(receive(fd).len > 600000);
}

static void test_none(void **state) {
        int fd = server(state);

        assert_int_equal(unlink("/run/systemd/journal/socket"), 0);
        assert_int_equal(journal_send("gpuanchor", &finding, 0), -ENOENT);
        assert_int_equal(recv(fd, &fd, sizeof(fd), MSG_DONTWAIT), -1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_fields),
                cmocka_unit_test(test_lines),
                cmocka_unit_test(test_large),
                cmocka_unit_test(test_none),
        };

        return cmocka_run_group_tests(tests, listen_there, NULL);
}
