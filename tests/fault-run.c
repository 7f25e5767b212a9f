/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * fault-run - starts with one system call that fails, is short, is slow, or is the last one
 *
 *     fault-run HOOK HOSTS SEED COUNT [STORY POINT FAULT]
 *     fault-run HOOK HOSTS SEED FAULT        that fault at each call of each story: killed, EIO, ...
 *
 * HOSTS has a folder for each story, as scenarios.sh --hosts makes them. A run takes one at random,
 * one of the calls that touch a file, a process or a clock, and one fault. What is left is judged
 * by the files and not by what the hook says:
 *
 *  - container file, generated configuration, policy and subgid are as before or as after a start
 *    without a fault, byte for byte; the device lines that a start took out are remembered;
 *  - exit status 0: what this boot reads names no device that the undisturbed start would not give;
 *    1: it does, or the policy asks for a refusal;
 *  - after SIGKILL the next start ends as the undisturbed one did;
 *  - no process and no temporary file is left, and all ended within LIMIT seconds.
 *
 * The calls are counted by ptrace(2), children included, from the first one that names the host:
 * what the loader does before is not the hook's.
 */
#include "fault-judge.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef __x86_64__
int main(void) {
        puts("knows the registers of x86_64 only");
        return 77;
}
#else

#define MOST_STORIES 512
#define LIMIT 20

static const char *hook, *hosts;
static unsigned long long seed;

static const struct {
        int error;
        const char *name;
} errors[] = { { EIO, "EIO" },       { ENOMEM, "ENOMEM" }, { EMFILE, "EMFILE" },
               { ENOSPC, "ENOSPC" }, { EINTR, "EINTR" },   { EACCES, "EACCES" },
               { EROFS, "EROFS" },   { ESTALE, "ESTALE" } };
#define ERRORS (int)(sizeof(errors) / sizeof(*errors))

static unsigned long long roll(void) { /* splitmix64 */
        unsigned long long z = seed += 0x9e3779b97f4a7c15;

        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
}

/* ---- one start ---- */

static bool is_point(long nr) {
        static const long calls[] = {
                SYS_open, SYS_openat, SYS_read, SYS_pread64, SYS_write, SYS_pwrite64, SYS_writev, SYS_close,
                SYS_stat, SYS_lstat, SYS_fstat, SYS_newfstatat, SYS_statx, SYS_access, SYS_faccessat, 439,
                SYS_readlink, SYS_readlinkat, SYS_getdents64, SYS_rename, SYS_renameat, SYS_renameat2,
                SYS_unlink, SYS_unlinkat, SYS_mkdir, SYS_mkdirat, SYS_rmdir, SYS_link, SYS_linkat,
                SYS_symlink, SYS_fchmod, SYS_chmod, SYS_fchown, SYS_ftruncate, SYS_fsync, SYS_fdatasync,
                SYS_flock, SYS_fcntl, SYS_clone, 435, SYS_vfork, SYS_fork, SYS_execve, SYS_wait4, SYS_waitid,
                SYS_pipe2, SYS_dup, SYS_dup2, SYS_dup3, SYS_poll, SYS_ppoll, SYS_nanosleep,
                SYS_clock_nanosleep, SYS_clock_gettime, SYS_kill, 434, SYS_getrandom, SYS_umask, SYS_utimensat,
                437, SYS_socket, SYS_sendmsg, SYS_connect,
        };

        for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
                if (calls[i] == nr)
                        return true;
        return false;
}

static bool is_write(long nr) {
        return nr == SYS_write || nr == SYS_pwrite64 || nr == SYS_read || nr == SYS_getdents64;
}

/* Whether an argument of the call is a path of the host. */
static bool names_host(pid_t pid, const struct user_regs_struct *r) {
        const unsigned long long args[] = { r->rdi, r->rsi };
        size_t len = strlen(host);

        for (int i = 0; i < 2; i++) {
                char text[64] = "";

                for (size_t at = 0; at < sizeof(text); at += sizeof(long)) {
                        long word;

                        errno = 0;
                        word = ptrace(PTRACE_PEEKDATA, pid, args[i] + at, NULL);
                        if (errno)
                                break;
                        memcpy(text + at, &word, sizeof(word));
                }
                if (memcmp(text, host, len < sizeof(text) ? len : sizeof(text)) == 0)
                        return true;
        }
        return false;
}

static void disturb(struct run *run, pid_t pid, struct user_regs_struct *r) {
        run->nr = (long)r->orig_rax;
        run->applied = true;
        if (run->fault == FAULT_KILL) {
                kill(pid, SIGKILL);
        } else if (run->fault == FAULT_SHORT && is_write(run->nr) && r->rdx > 1) {
                r->rdx = run->nr == SYS_getdents64 ? r->rdx : r->rdx / 2;
                ptrace(PTRACE_SETREGS, pid, NULL, r);
        } else if (run->fault == FAULT_SLOW) {
                nanosleep(&(struct timespec){ .tv_nsec = 3000000 }, NULL);
        } else if (run->fault >= FAULT_ERRNO && run->nr != SYS_close) {
                r->orig_rax = (unsigned long long)-1;
                ptrace(PTRACE_SETREGS, pid, NULL, r);
        }
}

static pid_t begin(const struct story *s) {
        pid_t pid = fork();

        if (pid == 0) {
                int null = open("/dev/null", O_RDWR), out = getenv("FAULT_SHOW") ? 1 : null;

                ptrace(PTRACE_TRACEME, 0, NULL, NULL);
                dup2(null, 0);
                dup2(out, 1);
                dup2(out, 2);
                raise(SIGSTOP);
                execl(hook, hook, "101", s->phase, (char *)NULL);
                _exit(126);
        }
        return pid;
}

static void interrupt(int signal) { /* waitpid(2), which shall not wait longer than the limit */
        (void)signal;
}

static double now(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Which process is between entry and exit of a call. */
static struct {
        pid_t pid;
        bool inside, pending;
} known[64];
static size_t n_known;

static size_t slot(pid_t pid) {
        for (size_t i = 0; i < n_known; i++)
                if (known[i].pid == pid)
                        return i;
        if (n_known == 64)
                n_known = 0;
        known[n_known].pid = pid;
        known[n_known].inside = known[n_known].pending = false;
        return n_known++;
}

static void at_call(struct run *run, pid_t pid, bool *begun) {
        size_t k = slot(pid);
        struct user_regs_struct r;

        if (ptrace(PTRACE_GETREGS, pid, NULL, &r) < 0)
                return;
        known[k].inside = !known[k].inside;
        if (!known[k].inside) {
                if (known[k].pending) {
                        r.rax = (unsigned long long)-errors[run->fault - FAULT_ERRNO].error;
                        ptrace(PTRACE_SETREGS, pid, NULL, &r);
                        known[k].pending = false;
                }
                return;
        }
        if (!*begun)
                *begun = names_host(pid, &r);
        if (!*begun || !is_point((long)r.orig_rax))
                return;
        if (run->points++ == run->point) {
                disturb(run, pid, &r);
                known[k].pending = run->fault >= FAULT_ERRNO && run->nr != SYS_close;
        }
}

static void start(const struct story *s, struct run *run) {
        const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                             PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
        double limit = now() + LIMIT;
        bool begun = false, ended = false;
        pid_t main_pid = begin(s);
        int status;

        n_known = 0;
        run->status = -1;
        setitimer(ITIMER_REAL, &(struct itimerval){ { 1, 0 }, { LIMIT, 100000 } }, NULL);
        waitpid(main_pid, &status, 0);
        ptrace(PTRACE_SETOPTIONS, main_pid, NULL, options);
        ptrace(PTRACE_SYSCALL, main_pid, NULL, NULL);
        while (!ended) {
                bool watch = run->point < 0 || !run->applied || known[0].pending;
                pid_t pid = waitpid(-1, &status, __WALL);
                int signal = 0;

                if (pid < 0 && errno == EINTR) {
                        kill(main_pid, SIGKILL);
                        continue;
                }
                if (pid < 0)
                        break;
                if (WIFEXITED(status) || WIFSIGNALED(status)) {
                        ended = pid == main_pid;
                        if (ended)
                                run->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
                        continue;
                }
                if (WSTOPSIG(status) == (SIGTRAP | 0x80))
                        at_call(run, pid, &begun);
                else if (WSTOPSIG(status) != SIGTRAP && WSTOPSIG(status) != SIGSTOP)
                        signal = WSTOPSIG(status);
                watch = watch || run->point < 0 || !run->applied;
                for (size_t i = 0; i < n_known; i++)
                        watch |= known[i].pending;
                ptrace(watch ? PTRACE_SYSCALL : PTRACE_CONT, pid, NULL, (long)signal);
        }
        setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
        run->late = now() > limit;
        /* children that it has left: one that was killed with it ends by itself */
        for (double until = now() + (run->status < 0 ? 5 : 0.2);;) {
                pid_t pid = waitpid(-1, &status, __WALL | WNOHANG);

                if (pid < 0)
                        return;
                if (pid > 0 && WIFSTOPPED(status))
                        ptrace(PTRACE_CONT, pid, NULL, 0L);
                if (pid == 0 && now() > until)
                        break;
                if (pid == 0)
                        nanosleep(&(struct timespec){ .tv_nsec = 500000 }, NULL);
        }
        run->left = true;
}

static const char *fault_name(int fault) {
        static const char *const names[] = { "killed", "short", "slow" };

        return fault < FAULT_ERRNO ? names[fault] : errors[fault - FAULT_ERRNO].name;
}

static int fault_of(const char *name) { /* -1: none of them */
        for (int f = 0; f < FAULT_ERRNO + ERRORS; f++)
                if (strcmp(fault_name(f), name) == 0)
                        return f;
        return -1;
}

static void show_files(const struct story *s, const struct files *now_) {
        for (size_t i = 0; getenv("FAULT_SHOW") && i < 4; i++) {
                const struct file *f = files_find(now_, judged[i]);

                if (!files_same(f, files_find(&s->after, judged[i])))
                        printf("--- %s\n%s", judged[i], f ? f->data : "(not there)\n");
        }
}

/* Return: whether all is right. */
static bool try_fault(struct story *s, long point, int fault) {
        struct run run = { .point = point, .fault = fault };
        static struct files left;
        const char *why;

        snprintf(host, sizeof(host), "%s/%s", hosts, s->name);
        setenv("GPUANCHOR_ROOT", host, 1);
        files_restore(&s->before);
        start(s, &run);
        files_snapshot(&left);
        why = judge(s, &run, &left);
        if (why)
                show_files(s, &left);
        if (!why && run.status < 0 && run.fault == FAULT_KILL) {
                const struct file *f = files_find(&s->before, judged[1]);
                struct run again = { .point = -1 };

                if (f && !files_find(&left, judged[1]) && !files_find(&left, "var/lib/lxc/101/config.refused"))
                        why = "config is gone";
                start(s, &again);
                files_forget(&left);
                files_snapshot(&left);
                if (again.status != s->status)
                        why = "killed, and the next start ends otherwise";
                for (size_t i = 0; !why && i < 3; i++) /* Proxmox generates the configuration anew */
                        if (!(i == 1 && strcmp(s->phase, "pre-start") == 0) &&
                            !files_same(files_find(&left, judged[i]), files_find(&s->after, judged[i])) &&
                            !(i == 2 && is_between(files_find(&left, judged[i]),
                                                   files_find(&s->before, judged[i]),
                                                   files_find(&s->after, judged[i]))))
                                why = "killed, and the next start leaves other files";
                if (why)
                        show_files(s, &left);
        }
        files_forget(&left);
        files_restore(&s->before);
        if (why)
                printf("%s: call %ld (number %ld) %s, status %d: %s\n", s->name, point, run.nr,
                       fault_name(fault), run.status, why);
        return !why;
}

static bool learn(struct story *s) {
        struct run run = { .point = -1 };
        const struct file *policy;

        snprintf(host, sizeof(host), "%s/%s", hosts, s->name);
        setenv("GPUANCHOR_ROOT", host, 1);
        devices_find(&s->devices);
        files_snapshot(&s->before);
        start(s, &run);
        files_snapshot(&s->after);
        s->status = run.status;
        s->points = run.points;
        files_restore(&s->before);
        policy = files_find(&s->before, judged[2]);
        s->refuses = policy && strstr(policy->data, "refuse");
        if (getenv("FAULT_SHOW"))
                printf("%s %s status %d points %ld late %d\n", s->name, s->phase, run.status,
                       run.points, run.late);
        /* one that has no container, waits long, or whose second boot is another */
        return run.status >= 0 && run.status <= 1 && run.points > 20 && !run.late &&
               files_find(&s->before, judged[0]) && !(policy && strstr(policy->data, "wait:"));
}

static struct story *stories;
static size_t n_stories;

static void find_stories(void) {
        struct dirent **names;
        int n = scandir(hosts, &names, NULL, alphasort);

        stories = calloc(MOST_STORIES, sizeof(*stories));
        for (int i = 0; i < n && n_stories < MOST_STORIES; i++) {
                struct story *s = &stories[n_stories];

                if (names[i]->d_name[0] == '.')
                        continue;
                snprintf(s->name, sizeof(s->name), "%.120s", names[i]->d_name);
                snprintf(s->phase, sizeof(s->phase), "%s", roll() % 4 ? "pre-start" : "unit-start");
                if (learn(s))
                        n_stories++;
        }
}

int main(int argc, char **argv) {
        long count, failed = 0;
        int each;

        if (argc != 5 && argc != 8)
                return 2;
        hook = argv[1];
        hosts = argv[2];
        seed = strtoull(argv[3], NULL, 0);
        count = atol(argv[4]);
        each = fault_of(argv[4]);
        sigaction(SIGALRM, &(struct sigaction){ .sa_handler = interrupt }, NULL);
        prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
        setvbuf(stdout, NULL, _IOLBF, 0);
        printf("seed %s, %s runs\n", argv[3], argv[4]);
        find_stories();
        if (n_stories == 0) {
                puts("no story can be used");
                return 1;
        }
        if (argc == 8) {
                for (size_t i = 0; i < n_stories; i++)
                        if (strcmp(stories[i].name, argv[5]) == 0 && fault_of(argv[7]) >= 0)
                                return !try_fault(&stories[i], atol(argv[6]), fault_of(argv[7]));
                return 2;
        }
        for (size_t i = 0; i < n_stories && each >= 0; i++)
                for (long point = 0; point < stories[i].points; point++, count++)
                        failed += !try_fault(&stories[i], point, each);
        for (long i = 0; i < count && each < 0; i++) {
                struct story *s = &stories[roll() % n_stories];
                long point = (long)(roll() % (unsigned long long)s->points);
                int fault = (int)(roll() % (unsigned long long)(FAULT_ERRNO + ERRORS));

                failed += !try_fault(s, point, fault);
        }
        printf("%ld runs on %zu stories, %ld failed\n", count, n_stories, failed);
        return failed > 0;
}
#endif
