/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * test-lookup - what a path leads to, with real nodes, links and mounts
 *
 * A folder is the host; the mounts are made in a mount namespace of this process's own. Among
 * them are file systems whose server never answers. Needs root, skipped without.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "host/lookup.h"
#include "host/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>

static struct arena arena;
static const char *host; /* NULL: not root, or no namespace of our own */

static const char *in(const char *path) {
        return arena_printf(&arena, "%s%s", host, path);
}

static void folder(const char *path) {
        assert_int_equal(mkdir_parents(in(path), 0755), 0);
}

static void device(const char *path, unsigned major_number, unsigned minor_number) {
        assert_int_equal(mknod(in(path), S_IFCHR | 0660, makedev(major_number, minor_number)), 0);
}

static void link_to(const char *path, const char *target) {
        assert_int_equal(symlink(target, in(path)), 0);
}

static const char *text_of(const struct source *s) {
        switch (s->kind) {
        case SOURCE_UNKNOWN:
                return arena_printf(&arena, "unknown %s: %s", s->leads_to, s->why);
        case SOURCE_NOTHING:
                return arena_printf(&arena, "nothing %s", s->leads_to);
        case SOURCE_DEVICE:
                return arena_printf(&arena, "%s %s", devnum_rule(&arena, s->number), s->leads_to);
        case SOURCE_FOLDER:
                return arena_printf(&arena, "folder %s", s->leads_to);
        case SOURCE_FILE:
                return arena_printf(&arena, "file %s", s->leads_to);
        }
        return NULL;
}

static const char *on(const char *root, const char *path) {
        struct sources s = { 0 };

        sources_add(&arena, &s, bytes_of(path));
        assert_int_equal(s.n, 1);
        lookup_sources(&arena, root, &s);
        return text_of(sources_find(&s, bytes_of(path)));
}

#define LEADS(path, expected) assert_string_equal(on(host, path), expected)

static int setup(void **state) {
        char template[] = "/tmp/gpuanchor-lookup-XXXXXX";

        if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0 ||
            mount("", "/", "", MS_REC | MS_PRIVATE, NULL) < 0 || !mkdtemp(template)) {
                print_message("no root, or no mount namespace: skipped\n");
                return 0;
        }
        host = arena_strdup(&arena, template);
        if (mount("host", host, "tmpfs", 0, "mode=755") < 0)
                return -1;
        folder("/dev/dri/by-path");
        folder("/dev/char");
        folder("/etc");
        device("/dev/dri/renderD128", 226, 128);
        device("/dev/dri/renderD129", 226, 129);
        alarm(120); /* a look that hangs is a failure */
        return 0;
}

static int teardown(void **state) {
        if (host) {
                umount2(host, MNT_DETACH);
                rmdir(host);
        }
        arena_done(&arena);
        return 0;
}

#define NEEDS_ROOT()                                                                               \
        if (!host)                                                                                 \
        skip()

/* ---- below /dev ---- */

static void test_dev(void **state) {
        NEEDS_ROOT();
        LEADS("/dev/dri/renderD128", "c 226:128 /dev/dri/renderD128");
        LEADS("/dev/dri//./renderD128/", "c 226:128 /dev/dri/renderD128");
        LEADS("/dev/dri/../dri/renderD128", "c 226:128 /dev/dri/renderD128");
        LEADS("/dev", "folder /dev");
        LEADS("/dev/", "folder /dev");
        LEADS("/dev/dri", "folder /dev/dri");
        LEADS("/dev/dri/by-path", "folder /dev/dri/by-path");
        LEADS("/dev/dri/renderD130", "nothing /dev/dri/renderD130");
        LEADS("/dev/nvidia-caps/nvidia-cap1", "nothing /dev/nvidia-caps/nvidia-cap1");
        LEADS("/dev/nowhere/../dri/./x", "nothing /dev/dri/x");
        LEADS("/dev/dri/renderD128/x", "nothing /dev/dri/renderD128/x");
        LEADS("/device", "nothing /device");
}

static void test_dev_links(void **state) {
        NEEDS_ROOT();
        link_to("/dev/dri/amd-render", "renderD129");
        link_to("/dev/dri/by-path/pci-0000:c1:00.0-render", "../renderD129");
        link_to("/dev/char/226:129", "../dri/renderD129");
        link_to("/dev/gpus", "dri");
        link_to("/dev/absolute", "/dev/gpus/amd-render");
        link_to("/dev/gone", "dri/./renderD140");
        link_to("/dev/above", "../../../../dev/dri/renderD128"); /* no higher than the host */
        LEADS("/dev/dri/amd-render", "c 226:129 /dev/dri/renderD129");
        LEADS("/dev/dri/by-path/pci-0000:c1:00.0-render", "c 226:129 /dev/dri/renderD129");
        LEADS("/dev/char/226:129", "c 226:129 /dev/dri/renderD129");
        LEADS("/dev/gpus/amd-render", "c 226:129 /dev/dri/renderD129");
        LEADS("/dev/gpus/", "folder /dev/dri");
        LEADS("/dev/absolute", "c 226:129 /dev/dri/renderD129");
        LEADS("/dev/gone", "nothing /dev/dri/renderD140");
        LEADS("/dev/gone/x", "nothing /dev/dri/renderD140/x");
        LEADS("/dev/above", "c 226:128 /dev/dri/renderD128");
}

static void test_dev_kinds(void **state) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_(cleanup_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        NEEDS_ROOT();
        snprintf(address.sun_path, sizeof(address.sun_path), "%s/dev/log", host);
        assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(mknod(in("/dev/fake"), S_IFREG, 0), 0);
        assert_int_equal(mknod(in("/dev/sda"), S_IFBLK | 0660, makedev(8, 0)), 0);
        assert_int_equal(mknod(in("/dev/initctl"), S_IFIFO | 0600, 0), 0);
        LEADS("/dev/fake", "file /dev/fake");
        LEADS("/dev/sda", "b 8:0 /dev/sda");
        LEADS("/dev/initctl", "file /dev/initctl"); /* not opened, or this would wait for ever */
        LEADS("/dev/log", "file /dev/log");
}

/* The prefix itself may be reached through a link, and stand below a /dev of its own. */
static void test_prefix(void **state) {
        NEEDS_ROOT();
        link_to("/self", ".");
        assert_string_equal(on(in("/self"), "/dev/dri/renderD129"),
                            "c 226:129 /dev/dri/renderD129");
        assert_string_equal(on(in("/self"), "/self/dev/dri/renderD129"),
                            "c 226:129 /dev/dri/renderD129");
        assert_string_equal(on(in("/dev/dri"), "/renderD129"), "c 226:129 /renderD129");
        assert_string_equal(on(in("/nowhere"), "/dev/dri/renderD129"),
                            "unknown /dev/dri/renderD129: No such file or directory");
        assert_string_equal(on("", "/dev/null"), "c 1:3 /dev/null");
        assert_string_equal(on("", in("/dev/dri/renderD128")),
                            arena_printf(&arena, "c 226:128 %s", in("/dev/dri/renderD128")));
}

/* ---- elsewhere ---- */

static void test_elsewhere(void **state) {
        NEEDS_ROOT();
        folder("/lxc/101/devices");
        device("/lxc/101/devices/nvidia0", 195, 0);
        link_to("/lxc/gpu", "../dev/dri/amd-render");
        link_to("/lxc/alias", "/dev/dri/renderD128");
        link_to("/lxc/here", "101/.//devices/");
        link_to("/lxc/up", "../../../../../..");
        link_to("/lxc/gone", "/lxc/x/../y");
        LEADS("/", "folder /");
        LEADS("//", "folder /");
        LEADS("/..", "folder /");
        LEADS("/lxc/101/devices/nvidia0", "c 195:0 /lxc/101/devices/nvidia0");
        LEADS("/lxc//101/./devices/../devices/nvidia0", "c 195:0 /lxc/101/devices/nvidia0");
        LEADS("/lxc/here/nvidia0", "c 195:0 /lxc/101/devices/nvidia0");
        LEADS("/lxc/here/../devices", "folder /lxc/101/devices");
        LEADS("/lxc/gpu", "c 226:129 /dev/dri/renderD129");
        LEADS("/lxc/alias", "c 226:128 /dev/dri/renderD128");
        LEADS("/lxc/up/dev/dri", "folder /dev/dri");
        LEADS("/lxc/gone", "nothing /lxc/y");
        LEADS("/lxc/101/none/nvidia0", "nothing /lxc/101/none/nvidia0");
        LEADS("/lxc/alias/x", "nothing /dev/dri/renderD128/x");
        LEADS("/lxc/101/devices/nvidia0/..", "nothing /lxc/101/devices");
}

/* As LXC mounts it: without its first component, from "/" on, past no link. */
static void test_relative(void **state) {
        NEEDS_ROOT();
        LEADS("dev/dri/renderD128", "nothing /dri/renderD128");
        LEADS("./dev/dri/renderD128", "c 226:128 /dev/dri/renderD128");
        LEADS("x/dev/dri/renderD128", "c 226:128 /dev/dri/renderD128");
        LEADS("./dev/dri/amd-render", "nothing /dev/dri/amd-render");
        LEADS("./dev/gpus/renderD128", "nothing /dev/gpus/renderD128");
        LEADS("none", "folder /");
}

static void test_not_ours(void **state) {
        NEEDS_ROOT();
        folder("/secret/deep");
        assert_int_equal(chmod(in("/secret"), 0700), 0);
        assert_int_equal(seteuid(65534), 0);
        LEADS("/secret/deep/../x", "unknown /secret/x: Permission denied");
        LEADS("/lxc/alias", "c 226:128 /dev/dri/renderD128");
        assert_int_equal(seteuid(0), 0);
}

/* ---- limits ---- */

static const char *repeat(const char *s, unsigned n) {
        struct strbuf b = { .arena = &arena };

        while (n-- > 0)
                strbuf_adds(&b, s);
        return strbuf_str(&b);
}

static void test_chains(void **state) {
        NEEDS_ROOT();
        link_to("/dev/round", "round");
        link_to("/etc/one", "two");
        link_to("/etc/two", "/etc/one");
        link_to("/etc/chain0", "/dev/dri/renderD128");
        for (unsigned i = 1; i <= 40; i++)
                link_to(arena_printf(&arena, "/etc/chain%u", i),
                        arena_printf(&arena, "chain%u", i - 1));
        LEADS("/dev/round", "nothing /dev/round");
        LEADS("/etc/one", "nothing /etc/one");
        LEADS("/etc/chain39", "c 226:128 /dev/dri/renderD128"); /* 40 links, as the kernel */
        LEADS("/etc/chain40", "nothing /etc/chain0");
        assert_int_equal(open(in("/etc/chain40"), O_PATH | O_CLOEXEC), -1);
        assert_int_equal(errno, ELOOP);
}

/* Folders deeper than any path is long: what is mounted down there could not be named. */
static void test_deep(void **state) {
        const char *ten = repeat(arena_printf(&arena, "/%s", repeat("d", 255)), 10);
        int dir;

        NEEDS_ROOT();
        folder(arena_printf(&arena, "/deep%s", ten));
        dir = open(in(arena_printf(&arena, "/deep%s", ten)), O_PATH | O_CLOEXEC);
        for (unsigned i = 0; i < 10; i++) {
                int next;

                assert_int_equal(mkdirat(dir, repeat("d", 255), 0755), 0);
                next = openat(dir, repeat("d", 255), O_PATH | O_CLOEXEC);
                close(dir);
                dir = next;
        }
        close(dir);
        link_to("/etc/deep", arena_printf(&arena, "/deep%s", ten));
        assert_true(str_has_prefix(on(host, "/etc/deep"), "folder /deep/ddd"));
        assert_true(str_has_prefix(on(host, arena_printf(&arena, "/etc/deep%s", ten)),
                                   "unknown /deep/ddd"));
}

static void test_long(void **state) {
        const char *longest = repeat("x", 255), *answer;

        NEEDS_ROOT();
        LEADS(arena_printf(&arena, "/etc/%sx", longest),
              arena_printf(&arena, "nothing /etc/%sx", longest));
        LEADS(arena_printf(&arena, "/etc/%s/x", longest),
              arena_printf(&arena, "nothing /etc/%s/x", longest));
        answer = on(host, repeat("/etc/..", 585)); /* 4095 bytes are a path, 4096 are none */
        assert_string_equal(answer, "folder /");
        answer = on(host, repeat("/dev/dri", 512));
        assert_true(str_has_prefix(answer, "nothing /dev/dri/dev/dri/"));
        answer = on(host, repeat("/etc/dri", 512));
        assert_true(str_has_prefix(answer, "nothing /etc/dri/etc/dri/"));
        /* each link leaves 4000 bytes more behind it */
        link_to("/etc/maze", arena_printf(&arena, "maze%s", repeat("/x", 2000)));
        assert_true(str_has_prefix(on(host, "/etc/maze"), "unknown /etc/maze/x/x/x"));
}

/* A file that names as much as it can: an end is in sight, and it is said what was not done. */
static void test_many(void **state) {
        struct sources s = { 0 };
        size_t unknown = 0;

        NEEDS_ROOT();
        for (unsigned i = 0; i < SOURCES_MAX + 10; i++)
                sources_add(&arena, &s,
                            bytes_of(arena_printf(&arena, "%s/%u", repeat("/etc/..", 500), i)));
        assert_int_equal(s.n, SOURCES_MAX);
        lookup_sources(&arena, host, &s);
        for (size_t i = 0; i < s.n; i++)
                unknown += s.items[i].kind == SOURCE_UNKNOWN;
        assert_int_equal(s.items[0].kind, SOURCE_NOTHING);
        assert_true(unknown > 1000 && unknown < SOURCES_MAX);
        assert_string_equal(s.items[SOURCES_MAX - 1].leads_to, "/1023");
}

/* ---- mounts ---- */

/* Whether stat() of @path waits for somebody who does not come. */
static bool hangs(const char *path) {
        struct itimerval soon = { .it_value.tv_usec = 300000 };
        pid_t pid = fork();
        struct stat st;
        int status;

        if (pid == 0) {
                setitimer(ITIMER_REAL, &soon, NULL);
                (void)!stat(path, &st);
                _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        return WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM;
}

static void test_mounts(void **state) {
        NEEDS_ROOT();
        folder("/mnt/a b\\c/dri");
        folder("/mnt/bound");
        folder("/mnt/devtmpfs");
        folder("/mnt/overlay");
        assert_int_equal(mknod(in("/mnt/node"), S_IFREG, 0), 0);
        assert_int_equal(mount("x", in("/mnt/a b\\c"), "tmpfs", 0, NULL), 0);
        device("/mnt/a b\\c/card1", 226, 1);
        assert_int_equal(mount(in("/dev/dri/renderD129"), in("/mnt/node"), "", MS_BIND, NULL), 0);
        assert_int_equal(mount(in("/dev/dri"), in("/mnt/bound"), "", MS_BIND, NULL), 0);
        LEADS("/mnt/a b\\c/card1", "c 226:1 /mnt/a b\\c/card1");
        LEADS("/mnt/a b\\c/../node", "c 226:129 /mnt/node");
        LEADS("/mnt/bound/renderD128", "c 226:128 /mnt/bound/renderD128");
        LEADS("/mnt/bound/amd-render", "c 226:129 /mnt/bound/renderD129");
        /* what is on it lies elsewhere */
        if (mount("x", in("/mnt/overlay"), "overlay", MS_RDONLY,
                  arena_printf(&arena, "lowerdir=%s:%s", in("/dev"), in("/etc"))) == 0)
                LEADS("/mnt/overlay/dri", "unknown /mnt/overlay/dri: it is on /mnt/overlay "
                                          "(overlay), which may not answer");
        /* one devtmpfs, whatever it is called here */
        if (mount("x", in("/mnt/devtmpfs"), "devtmpfs", 0, NULL) < 0)
                skip();
        LEADS("/mnt/devtmpfs/null", "c 1:3 /dev/null");
        LEADS("/mnt/devtmpfs", "folder /dev");
        assert_int_equal(umount2(in("/mnt/bound"), MNT_DETACH), 0);
        if (mount(in("/mnt/devtmpfs/pts"), in("/mnt/bound"), "", MS_BIND, NULL) == 0)
                LEADS("/mnt/bound", "folder /dev/pts");
}

static void test_fuse(void **state) {
        int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

        NEEDS_ROOT();
        folder("/mnt/fuse");
        folder("/mnt/hide/fuse");
        if (fd < 0 ||
            mount("nas", in("/mnt/fuse"), "fuse", MS_NODEV,
                  arena_printf(&arena, "fd=%d,rootmode=40000,user_id=0,group_id=0", fd)) < 0) {
                print_message("no FUSE: skipped\n");
                skip();
        }
        assert_true(hangs(in("/mnt/fuse/x")));
        link_to("/etc/nas", "../mnt/fuse/gpu");
        LEADS("/mnt/fuse/a/../x",
              "unknown /mnt/fuse/x: it is on /mnt/fuse (fuse), which may not answer");
        LEADS("/mnt/fuse", "unknown /mnt/fuse: it is on /mnt/fuse (fuse), which may not answer");
        LEADS("/mnt/../mnt/./fuse/",
              "unknown /mnt/fuse: it is on /mnt/fuse (fuse), which may not answer");
        LEADS("/etc/nas", "unknown /mnt/fuse/gpu: it is on /mnt/fuse (fuse), which may not answer");
        /* below /dev, where the kernel walks, and bound to another place */
        folder("/dev/nas");
        assert_int_equal(mount(in("/mnt/fuse"), in("/dev/nas"), "", MS_BIND, NULL), 0);
        LEADS("/dev/nas/x", "unknown /dev/nas/x: it is on /dev/nas (fuse), which may not answer");
        LEADS("/dev/dri/../nas",
              "unknown /dev/nas: it is on /dev/nas (fuse), which may not answer");
        /* the same path, when a file system that answers hides that folder */
        assert_int_equal(mount(in("/mnt/fuse"), in("/mnt/hide/fuse"), "", MS_BIND, NULL), 0);
        LEADS("/mnt/hide/fuse/x",
              "unknown /mnt/hide/fuse/x: it is on /mnt/hide/fuse (fuse), which may not answer");
        assert_int_equal(mount("x", in("/mnt/hide"), "tmpfs", 0, NULL), 0);
        folder("/mnt/hide/fuse");
        LEADS("/mnt/hide/fuse", "folder /mnt/hide/fuse");
        close(fd);
}

static void test_autofs(void **state) {
        int fds[2];

        NEEDS_ROOT();
        folder("/mnt/auto");
        assert_int_equal(pipe(fds), 0);
        if (mount("x", in("/mnt/auto"), "autofs", 0,
                  arena_printf(&arena, "fd=%d,pgrp=1,minproto=5,maxproto=5,indirect", fds[1])) <
            0) {
                print_message("no autofs: skipped\n");
                skip();
        }
        assert_true(hangs(in("/mnt/auto/nas")));
        LEADS("/mnt/auto/nas/x",
              "unknown /mnt/auto/nas/x: it is on /mnt/auto (autofs), which may not answer");
        /* as systemd leaves it: what was asked for is mounted upon it */
        assert_int_equal(mount("x", in("/mnt/auto"), "tmpfs", 0, NULL), 0);
        LEADS("/mnt/auto/x",
              "unknown /mnt/auto/x: it is on /mnt/auto (autofs), which may not answer");
        close(fds[0]);
        close(fds[1]);
}

static void test_barrier(void **state) {
        static const char text[] =
                "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
                "30 22 0:50 / /mnt/my\\040nas rw shared:2 master:9 - nfs4 server:/export rw\n"
                "31 22 0:51 / /mnt/nas rw - autofs systemd-1 rw,fd=57\n"
                "32 31 0:52 / /mnt/nas rw - nfs4 server:/export rw\n"
                "33 22 0:6 /dri /srv/dri rw - devtmpfs udev rw\n"
                "34 22 0:53 / /mnt/sshfs rw - fuse.sshfs host: rw\n"
                "35 22 8:17 / /mnt/ntfs rw - fuseblk /dev/sdb1 rw\n"
                "36 33 0:54 / /srv/dri/x rw - tmpfs x rw\n"
                "37 36 0:55 / /srv/dri/x rw - cifs //nas/x rw\n"
                "rubbish\n38 22 0:56 / /cut rw - ";
        struct mounts m;

        mounts_parse(&arena, bytes_of(text), &m);
        assert_int_equal(m.n, 9);
        assert_string_equal(mounts_find(&m, 30)->point, "/mnt/my nas");
        assert_string_equal(mounts_find(&m, 33)->root, "/dri");
        assert_null(mounts_find(&m, 38));
        assert_string_equal(mounts_barrier(&m, 22, "/mnt/my nas")->type, "nfs4");
        assert_string_equal(mounts_barrier(&m, 22, "/mnt/nas")->type, "autofs");
        assert_string_equal(mounts_barrier(&m, 22, "/mnt/sshfs")->type, "fuse.sshfs");
        assert_string_equal(mounts_barrier(&m, 22, "/mnt/ntfs")->type, "fuseblk");
        assert_string_equal(mounts_barrier(&m, 33, "/srv/dri/x")->type, "cifs");
        assert_null(mounts_barrier(&m, 22, "/srv/dri"));
        assert_null(mounts_barrier(&m, 22, "/srv/dri/x")); /* hidden */
        assert_null(mounts_barrier(&m, 22, "/mnt"));
        assert_null(mounts_barrier(&m, 22, "/"));
}

/* ---- procfs ---- */

/* A process in this mount namespace, or in one of its own. */
static pid_t other_process(bool own_namespace) {
        pid_t pid;
        int ready[2];
        char byte;

        assert_int_equal(pipe(ready), 0);
        pid = fork();
        if (pid == 0) {
                if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ||
                    (own_namespace && unshare(CLONE_NEWNS) < 0))
                        _exit(1);
                if (write(ready[1], "x", 1) != 1)
                        _exit(1);
                for (;;)
                        pause();
        }
        close(ready[1]);
        assert_int_equal(read(ready[0], &byte, 1), 1);
        close(ready[0]);
        return pid;
}

static const char *of_process(pid_t pid, const char *path) {
        return arena_printf(&arena, "/proc/%d/%s", (int)pid, path);
}

static void test_proc(void **state) {
        pid_t near, far;

        NEEDS_ROOT();
        near = other_process(false);
        far = other_process(true);
        assert_string_equal(on("", "/proc/1/root/dev/null"), "c 1:3 /dev/null");
        assert_string_equal(on("", "/proc/1/root"), "folder /");
        assert_string_equal(on("", "/proc/1/root/dev/nowhere"), "nothing /dev/nowhere");
        assert_string_equal(on("", "/proc/self/root/dev/null"), "c 1:3 /dev/null");
        assert_string_equal(on("", "/proc/thread-self/root/dev/null"), "c 1:3 /dev/null");
        assert_string_equal(on("", of_process(near, "root/dev/null")), "c 1:3 /dev/null");
        assert_string_equal(on("", of_process(far, "root/dev/null")),
                            arena_printf(&arena, "unknown %s: it is in another mount namespace",
                                         of_process(far, "root/dev/null")));
        assert_string_equal(on("", of_process(near, "cwd")),
                            arena_printf(&arena, "unknown %s: it differs from process to process",
                                         of_process(near, "cwd")));
        assert_true(str_has_prefix(on("", "/proc/self/fd/0"), "unknown /proc/"));
        assert_true(str_has_prefix(on("", "/proc/mounts"), "file /proc/"));
        kill(near, SIGKILL);
        kill(far, SIGKILL);
        waitpid(near, NULL, 0);
        waitpid(far, NULL, 0);
        /* in a folder that is a host, they are what it says */
        folder("/proc/1");
        link_to("/proc/1/root", "/");
        LEADS("/proc/1/root/dev/dri/amd-render", "c 226:129 /dev/dri/renderD129");
}

/* ---- */

static void test_sources(void **state) {
        struct sources s = { 0 };

        sources_add(&arena, &s, BYTES("/dev/dri/card0"));
        sources_add(&arena, &s, BYTES(""));
        sources_add(&arena, &s, BYTES("/dev/dri\0/card0"));
        sources_add(&arena, &s, BYTES("/dev/dri/card1"));
        sources_add(&arena, &s, BYTES("/dev/dri/card0"));
        assert_int_equal(s.n, 2);
        assert_ptr_equal(sources_find(&s, BYTES("/dev/dri/card1")), &s.items[1]);
        assert_null(sources_find(&s, BYTES("/dev/dri/card")));
        assert_null(s.items[0].leads_to);
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
                cmocka_unit_test(test_dev),       cmocka_unit_test(test_dev_links),
                cmocka_unit_test(test_dev_kinds), cmocka_unit_test(test_prefix),
                cmocka_unit_test(test_elsewhere), cmocka_unit_test(test_relative),
                cmocka_unit_test(test_not_ours),  cmocka_unit_test(test_chains),
                cmocka_unit_test(test_long),      cmocka_unit_test(test_deep),
                cmocka_unit_test(test_many),      cmocka_unit_test(test_mounts),
                cmocka_unit_test(test_fuse),      cmocka_unit_test(test_autofs),
                cmocka_unit_test(test_barrier),   cmocka_unit_test(test_proc),
                cmocka_unit_test(test_sources),
        };
        int failed = cmocka_run_group_tests_name("lookup", tests, setup, teardown);

        if (forget_openat2())
                failed += cmocka_run_group_tests_name("lookup, by walking", tests, setup, teardown);
        return failed;
}
