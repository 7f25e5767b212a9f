/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * silent-fs FOLDER [ROOT] - a FUSE file system over FOLDER whose server answers nothing but the
 * greeting, and has the root folder ROOT
 *
 * Prints a line once it is mounted. Whoever asks it for anything hangs in the kernel, SIGKILL
 * or not, until this process ends. Exit status 77 where there can be no such mount.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

static char request[256 * 1024]; /* as large as the kernel may want */

int main(int argc, char **argv) {
        struct {
                struct fuse_out_header header;
                struct fuse_init_out init;
        } answer = { { .len = sizeof(answer) },
                     { .major = FUSE_KERNEL_VERSION, .minor = 31, .max_write = 4096 } };
        struct fuse_in_header asked;
        char options[128];
        int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

        snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", fd);
        if (argc < 2 || fd < 0 || mount("silent", argv[1], "fuse", MS_NOSUID | MS_NODEV, options) < 0 ||
            (argc > 2 && chroot(argv[2]) < 0)) {
                fprintf(stderr, "silent-fs: %s\n", strerror(errno));
                return 77;
        }
        while (read(fd, request, sizeof(request)) > 0) {
                memcpy(&asked, request, sizeof(asked));
                if (asked.opcode != FUSE_INIT)
                        continue;
                answer.header.unique = asked.unique;
                if (write(fd, &answer, sizeof(answer)) != sizeof(answer))
                        return 1;
                puts("ready");
                fflush(stdout);
        }
        return 1;
}
