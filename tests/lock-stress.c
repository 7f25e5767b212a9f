/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * lock-stress - writers of a container's files against the hook
 *
 *     lock-stress conf|policy HOOK COUNT
 *
 * GPUANCHOR_ROOT is a host with container 101 whose lines name renderD128 and whose GPU has
 * renderD129. conf: as `pct set` does it, the lock is taken, memory: is counted up, the old lines
 * come back. policy: an editor counts up a comment and takes what the hook remembers away, without a lock. After
 * each change the hook runs in four ways, at random: as a start does it under the lock, drop-in
 * included; the drop-in alone; pre-start by somebody who has no lock; that in the background of a
 * start which has one. Fails when the next reader does not find the last number, and when the
 * hook has corrected nothing. What the editor writes between the hook's comparison and its rename is
 * put back at once, so a reader without a lock looks again before a change counts as lost.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define HOOKS 3

static const char *root, *hook;

static const char *path(const char *name) {
        static char text[3][4096];
        static int i;

        i = (i + 1) % 3;
        snprintf(text[i], sizeof(text[i]), "%s/%s", root, name);
        return text[i];
}

static void die(const char *what) {
        perror(what);
        exit(2);
}

static void nap(unsigned most_us) {
        nanosleep(&(struct timespec){ .tv_nsec = 1000L * (rand() % (int)most_us) }, NULL);
}

static int lock(void) {
        int fd = open(path("run/lock/lxc/pve-config-101.lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0644);

        if (fd < 0 || flock(fd, LOCK_EX) < 0)
                die("lock");
        return fd;
}

static void slurp(const char *name, char *text, size_t size) {
        int fd = open(path(name), O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

        if (n < 0)
                die(name);
        text[n] = '\0';
        close(fd);
}

static void spill(const char *name, const char *text) {
        char temp[4096];
        int fd;

        snprintf(temp, sizeof(temp), "%s.tmp.%d", path(name), (int)getpid());
        fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
        if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || close(fd) < 0 ||
            rename(temp, path(name)) < 0)
                die(temp);
}

static pid_t run(const char *phase) {
        pid_t pid = fork();

        if (pid == 0) {
                int null = open("/dev/null", O_RDWR);

                dup2(null, 1);
                dup2(null, 2);
                execl(hook, hook, "101", phase, (char *)NULL);
                _exit(127);
        }
        return pid;
}

static void await(pid_t pid) {
        int status;

        if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) > 1)
                die("hook");
}

/* by systemd: no child of who has the lock */
static void run_apart(const char *phase) {
        int ends[2];
        char none;

        if (pipe2(ends, O_CLOEXEC) < 0)
                die("pipe");
        if (fork() == 0) {
                if (fork() == 0) {
                        await(run(phase));
                        _exit(0);
                }
                _exit(0);
        }
        close(ends[1]);
        wait(NULL);
        while (read(ends[0], &none, 1) < 0 && errno == EINTR)
                ;
        close(ends[0]);
}

static void hooks_run(void) {
        for (;;) {
                int fd;

                switch (rand() % 4) {
                case 0:
                        fd = lock();
                        await(run("pre-start"));
                        run_apart("unit-start");
                        close(fd);
                        break;
                case 1:
                        run_apart("unit-start");
                        break;
                case 2:
                        await(run("pre-start"));
                        break;
                case 3:
                        fd = lock();
                        if (fork() == 0) {
                                close(fd);
                                await(run("pre-start"));
                                _exit(0);
                        }
                        nap(3000);
                        close(fd);
                        wait(NULL);
                }
                nap(3000);
        }
}

struct result {
        unsigned lost, corrected;
};

static void change_conf(unsigned n, struct result *r) {
        static char text[65536], line[65536], out[131072];
        unsigned found = 0, late = 0;
        int fd = lock();

        slurp("etc/pve/lxc/101.conf", text, sizeof(text));
        out[0] = '\0';
        for (char *l = strtok(text, "\n"); l; l = strtok(NULL, "\n")) {
                char *number;

                snprintf(line, sizeof(line), "%s\n", l);
                if (sscanf(l, "memory: %u", &found) == 1)
                        snprintf(line, sizeof(line), "memory: %u\n", n);
                number = strstr(line, "dev/dri/renderD129 ");
                for (; number; number = strstr(number + 1, "dev/dri/renderD129 ")) {
                        number[strlen("dev/dri/renderD12")] = '8';
                        late = 1;
                }
                strcat(out, line);
        }
        r->lost += n > 1 && found != n - 1;
        r->corrected += late;
        nap(300);
        spill("etc/pve/lxc/101.conf", out);
        close(fd);
}

static void change_policy(unsigned n, struct result *r) {
        static char text[65536];
        unsigned found = 0;

        for (int i = 0; i < 20 && found != n - 1; i++) {
                nap(i > 0 ? 20000 : 1);
                slurp("etc/pve/gpuanchor/101.conf", text, sizeof(text));
                found = 0;
                (void)!sscanf(text, "# %u", &found);
        }
        if (n == 1)
                slurp("etc/pve/gpuanchor/101.conf", text, sizeof(text));
        r->lost += n > 1 && found != n - 1;
        r->corrected += strstr(text, "[memory]") != NULL;
        snprintf(text, sizeof(text), "# %u\n[container]\ngpu = pci:0000:c1:00.0\n", n);
        spill("etc/pve/gpuanchor/101.conf", text);
}

/* No ancestor of the hooks: an ancestor's lock is taken for that of the start which they are part of. */
static int change(const char *what, unsigned count) {
        bool conf = strcmp(what, "conf") == 0;
        struct result r = { 0 };

        for (unsigned n = 1; n <= count; n++) {
                if (conf)
                        change_conf(n, &r);
                else
                        change_policy(n, &r);
                nap(6000);
        }
        printf("%u of %u changes lost, %u seen corrected by the hook\n", r.lost, count,
               r.corrected);
        return r.lost > 0 || r.corrected == 0;
}

int main(int argc, char **argv) {
        pid_t hooks[HOOKS], changer;
        int status;

        root = getenv("GPUANCHOR_ROOT");
        if (argc != 4 || !root)
                return 2;
        hook = argv[2];
        for (int i = 0; i < HOOKS; i++) {
                hooks[i] = fork();
                if (hooks[i] == 0) {
                        setpgid(0, 0);
                        srand((unsigned)getpid());
                        hooks_run();
                }
        }
        changer = fork();
        if (changer == 0)
                exit(change(argv[1], (unsigned)atoi(argv[3])));
        waitpid(changer, &status, 0);
        for (int i = 0; i < HOOKS; i++)
                kill(-hooks[i], SIGKILL);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}
