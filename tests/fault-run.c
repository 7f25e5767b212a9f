/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * fault-run - starts with one system call that fails, is short, is slow, or is the last one
 *
 *     fault-run HOOK HOSTS SEED COUNT [STORY POINT FAULT]
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
#include <dirent.h>
#include <elf.h>
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

#define MOST_FILES 512
#define MOST_STORIES 512
#define LIMIT 20

struct file {
        char path[256]; /* below the host */
        mode_t mode;
        size_t len;
        char *data;
};

struct files {
        struct file items[MOST_FILES];
        size_t n;
};

struct story {
        char name[128], phase[32];
        struct files before, after;
        int status;
        bool refuses;
        long points; /* calls of the undisturbed start that may be disturbed */
};

enum fault { FAULT_NONE = -1, FAULT_KILL, FAULT_SHORT, FAULT_SLOW, FAULT_ERRNO };

struct run {
        long point; /* of which call; -1: none */
        int fault;  /* enum fault, or FAULT_ERRNO + an index of errors[] */
        long points, nr;
        int status; /* -1: killed */
        bool applied, late, left;
};

static const char *hook, *hosts;
static char host[512];
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

static void die(const char *what) {
        perror(what);
        exit(2);
}

/* ---- the files that a start may change ---- */

static const char *const places[] = { "etc/pve/lxc",  "etc/pve/gpuanchor",  "etc/subgid",
                                      "etc/subgid-",  "var/lib/lxc",        "var/lib/gpuanchor",
                                      "run/gpuanchor", "run/lock",          "run/gpuanchor-look" };

static void collect(struct files *f, const char *path, bool remove) {
        char full[1024];
        struct stat st;

        snprintf(full, sizeof(full), "%s/%s", host, path);
        if (stat(full, &st) < 0) /* /etc/pve/lxc is a link */
                return;
        if (S_ISDIR(st.st_mode)) {
                DIR *dir = opendir(full);

                for (struct dirent *d; dir && (d = readdir(dir));) {
                        char below[512];

                        if (d->d_name[0] == '.' && (!d->d_name[1] || d->d_name[1] == '.'))
                                continue;
                        snprintf(below, sizeof(below), "%s/%s", path, d->d_name);
                        collect(f, below, remove);
                }
                closedir(dir);
        } else if (remove) {
                unlink(full);
        } else if (S_ISREG(st.st_mode) && f->n < MOST_FILES) {
                struct file *to = &f->items[f->n++];
                int fd = open(full, O_RDONLY | O_CLOEXEC);

                snprintf(to->path, sizeof(to->path), "%s", path);
                to->mode = st.st_mode & 07777;
                to->data = malloc((size_t)st.st_size + 1);
                to->len = (size_t)read(fd, to->data, (size_t)st.st_size);
                to->data[to->len] = '\0';
                close(fd);
        }
}

static void snapshot(struct files *f) {
        f->n = 0;
        for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
                collect(f, places[i], false);
}

static void forget(struct files *f) {
        for (size_t i = 0; i < f->n; i++)
                free(f->items[i].data);
        f->n = 0;
}

static void restore(const struct files *f) {
        for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
                collect(NULL, places[i], true);
        for (size_t i = 0; i < f->n; i++) {
                const struct file *from = &f->items[i];
                char full[1024];
                int fd;

                snprintf(full, sizeof(full), "%s/%s", host, from->path);
                fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, from->mode);
                if (fd < 0 || write(fd, from->data, from->len) != (ssize_t)from->len)
                        die(full);
                close(fd);
        }
}

static const struct file *find(const struct files *f, const char *path) {
        for (size_t i = 0; i < f->n; i++)
                if (strcmp(f->items[i].path, path) == 0)
                        return &f->items[i];
        return NULL;
}

static bool same(const struct file *a, const struct file *b) {
        if (!a || !b)
                return a == b;
        return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
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
        waitpid(main_pid, &status, 0);
        ptrace(PTRACE_SETOPTIONS, main_pid, NULL, options);
        ptrace(PTRACE_SYSCALL, main_pid, NULL, NULL);
        while (!ended) {
                bool watch = run->point < 0 || !run->applied || known[0].pending;
                pid_t pid = waitpid(-1, &status, __WALL | WNOHANG);
                int signal = 0;

                if (pid == 0) {
                        if (now() > limit) {
                                run->late = true;
                                kill(main_pid, SIGKILL);
                                limit += LIMIT;
                        }
                        pid = waitpid(-1, &status, __WALL);
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

/* ---- what is right ---- */

static const char *const judged[] = { "etc/pve/lxc/101.conf", "var/lib/lxc/101/config",
                                      "etc/pve/gpuanchor/101.conf", "etc/subgid" };

struct source {
        const char *at;
        size_t len;
        bool dev; /* of a devN line */
};

/* The next source of a mount entry or devN line of the current section; false: none. */
static bool next_source(const char **rest, struct source *ret) {
        for (const char *line = *rest; *line && line[0] != '['; line = *rest) {
                const char *value = NULL;
                bool dev = strncmp(line, "dev", 3) == 0 && line[3] >= '0' && line[3] <= '9';

                *rest = line + strcspn(line, "\n");
                *rest += **rest == '\n';
                if (dev)
                        value = line + 3 + strspn(line + 3, "0123456789");
                else if (strncmp(line, "lxc.mount.entry", 15) == 0)
                        value = line + 15;
                else
                        continue;
                value += strspn(value, " \t=:");
                if (strncmp(value, "path=", 5) == 0)
                        value += 5;
                *ret = (struct source){ value, strcspn(value, " ,\t\n\r"), dev };
                return true;
        }
        return false;
}

/* The device that a source is on this host; 0: it gives none, or -1: it would be one of many. */
static dev_t device(const struct source *x) {
        char path[1024];
        struct stat st;

        snprintf(path, sizeof(path), "%s%.*s", host, (int)x->len, x->at);
        if (stat(path, &st) == 0)
                return S_ISCHR(st.st_mode) ? st.st_rdev : S_ISDIR(st.st_mode) ? (dev_t)-1 : 0;
        return 0;
}

/* The GPU of a DRM node, as the link in sysfs spells it; "" for another device. */
static void gpu_of(dev_t number, char *gpu, size_t size) {
        const char *kinds[] = { "card", "renderD" };
        ssize_t n = -1;

        for (int i = 0; number && number != (dev_t)-1 && major(number) == 226 && i < 2 && n < 0; i++) {
                char path[1024];

                snprintf(path, sizeof(path), "%s/sys/class/drm/%s%u/device", host, kinds[i],
                         minor(number));
                n = readlink(path, gpu, size - 1);
        }
        gpu[n > 0 ? n : 0] = '\0';
}

/* Whether an undisturbed start gives another node of the same GPU: that one is not wanted, but
 * no other GPU's. Of what is no DRM node that cannot be told. */
static bool is_harmless(const struct story *s, dev_t number) {
        char gpu[256], other[256];

        gpu_of(number, gpu, sizeof(gpu));
        for (int i = 0; *gpu && i < 2; i++) {
                const struct file *good = find(&s->after, judged[i]);
                const char *rest = good ? good->data : "";
                struct source y;

                while (next_source(&rest, &y)) {
                        gpu_of(device(&y), other, sizeof(other));
                        if (strcmp(gpu, other) == 0)
                                return true;
                }
        }
        return !*gpu;
}

/* Whether an undisturbed start gives that device, or has that very source. */
static bool is_given(const struct story *s, const struct source *x, dev_t number) {
        for (int i = 0; i < 2; i++) {
                const struct file *good = find(&s->after, judged[i]);
                const char *rest = good ? good->data : "";
                struct source y;

                while (next_source(&rest, &y))
                        if ((number && device(&y) == number) ||
                            (y.len == x->len && memcmp(x->at, y.at, y.len) == 0))
                                return true;
        }
        return false;
}

/* A source in @f of what an undisturbed start does not give. @surely: of a device that is there. */
static const char *foreign(const struct file *f, const struct story *s, bool dev_only, bool surely) {
        const char *rest = f ? f->data : "";
        static char text[256];
        struct source x;

        while (next_source(&rest, &x)) {
                dev_t number = device(&x);
                bool counts = surely ? number && number != (dev_t)-1 : strncmp(x.at, "/dev/", 5) == 0;

                snprintf(text, sizeof(text), "%.*s", (int)x.len, x.at);
                if (counts && surely && is_harmless(s, number))
                        continue;
                if (counts && !is_given(s, &x, number) && (!dev_only || x.dev))
                        return text;
        }
        return NULL;
}

/* A refusal in the drop-in sets it aside, since nobody looks at its exit status. */
static const struct file *find_judged(const struct files *f, int i) {
        const struct file *found = find(f, judged[i]);

        return found || i != 1 ? found : find(f, "var/lib/lxc/101/config.refused");
}

/* What this boot reads: the generated configuration, and devN lines of the container file. */
static const char *boot_gives(const struct files *f, const struct story *s, bool surely) {
        const struct file *config = find_judged(f, 1);
        const char *wrong = foreign(config, s, false, surely);

        return wrong ? wrong : foreign(find(f, judged[0]), s, config != NULL, surely);
}

/* Device rules count where no user namespace is around the container. */
static bool has_other_rules(const struct files *f, const struct story *s) {
        for (int i = 0; i < 2; i++) {
                const struct file *now_ = find_judged(f, i), *good = find(&s->after, judged[i]);
                const char *at = now_ ? now_->data : "";

                while ((at = strstr(at, "devices.allow"))) {
                        char line[256];

                        snprintf(line, sizeof(line), "%.*s", (int)strcspn(at, "\n"), at);
                        if (!good || !strstr(good->data, line))
                                return true;
                        at++;
                }
        }
        return false;
}

/* Lines are only added to it, one call of usermod for each. */
static bool has_lines(const struct file *all, const struct file *some) {
        for (const char *line = some ? some->data : ""; *line;) {
                size_t len = strcspn(line, "\n");
                const char *at = all ? all->data : "";

                while (*at && (strncmp(at, line, len) != 0 || (at[len] && at[len] != '\n')))
                        at += strcspn(at, "\n") + (at[strcspn(at, "\n")] != '\0');
                if (!*at && len > 0)
                        return false;
                line += len + (line[len] != '\0');
        }
        return true;
}

/* A policy that was set aside whole, whatever became of the new one. */
static bool is_kept(const struct files *f, const struct file *policy) {
        for (size_t i = 0; i < f->n; i++)
                if (strstr(f->items[i].path, "/earlier/") && same(&f->items[i], policy))
                        return true;
        return false;
}

static const char *judge(const struct story *s, const struct run *run, const struct files *now_) {
        static char why[512];
        const char *wrong;

        if (run->late)
                return "took too long";
        if (run->left)
                return "a process is left";
        for (size_t i = 0; i < sizeof(judged) / sizeof(*judged); i++) {
                const struct file *f = find(now_, judged[i]);

                if (same(f, find(&s->before, judged[i])) || same(f, find(&s->after, judged[i])))
                        continue;
                if (i == 3 && has_lines(f, find(&s->before, judged[i])) &&
                    has_lines(find(&s->after, judged[i]), f))
                        continue;
                if (i == 2 && !f && is_kept(now_, find(&s->before, judged[i])))
                        continue;
                if (i == 1 && !f && find(now_, "var/lib/lxc/101/config.refused"))
                        continue;
                snprintf(why, sizeof(why), "%s is neither old nor new", judged[i]);
                return why;
        }
        if (run->status < 0)
                return NULL;
        wrong = boot_gives(now_, s, true);
        if (run->status == 0 && wrong) {
                snprintf(why, sizeof(why), "started with %s", wrong);
                return why;
        }
        if (run->status == 1 && !boot_gives(now_, s, false) && !has_other_rules(now_, s) &&
            !s->refuses && s->status == 0)
                return "refused although nothing is wrong";
        if (run->status > 1 && s->status <= 1)
                return "another exit status";
        for (size_t i = 0; i < now_->n; i++)
                if (strstr(now_->items[i].path, ".tmp.") && run->fault != FAULT_KILL &&
                    !(run->nr == SYS_unlink || run->nr == SYS_unlinkat))
                        return "a temporary file is left";
        return NULL;
}

static const char *fault_name(int fault) {
        static const char *const names[] = { "killed", "short", "slow" };

        return fault < FAULT_ERRNO ? names[fault] : errors[fault - FAULT_ERRNO].name;
}

static void show_files(const struct story *s, const struct files *now_) {
        for (size_t i = 0; getenv("FAULT_SHOW") && i < 4; i++) {
                const struct file *f = find(now_, judged[i]);

                if (!same(f, find(&s->after, judged[i])))
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
        restore(&s->before);
        start(s, &run);
        snapshot(&left);
        why = judge(s, &run, &left);
        if (why)
                show_files(s, &left);
        if (!why && run.status < 0 && run.fault == FAULT_KILL) {
                const struct file *f = find(&s->before, judged[1]);
                struct run again = { .point = -1 };

                if (f && !find(&left, judged[1]) && !find(&left, "var/lib/lxc/101/config.refused"))
                        why = "config is gone";
                start(s, &again);
                forget(&left);
                snapshot(&left);
                if (again.status != s->status)
                        why = "killed, and the next start ends otherwise";
                for (size_t i = 0; !why && i < 3; i++)
                        if (!same(find(&left, judged[i]), find(&s->after, judged[i])))
                                why = "killed, and the next start leaves other files";
        }
        forget(&left);
        restore(&s->before);
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
        snapshot(&s->before);
        start(s, &run);
        snapshot(&s->after);
        s->status = run.status;
        s->points = run.points;
        restore(&s->before);
        policy = find(&s->before, judged[2]);
        s->refuses = policy && strstr(policy->data, "refuse");
        if (getenv("FAULT_SHOW")) printf("%s %s status %d points %ld late %d\n", s->name, s->phase, run.status, run.points, run.late);
        /* one that has no container, waits long, or whose second boot is another */
        return run.status >= 0 && run.status <= 1 && run.points > 20 && !run.late &&
               find(&s->before, judged[0]) && !(policy && strstr(policy->data, "wait:"));
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

        if (argc != 5 && argc != 8)
                return 2;
        hook = argv[1];
        hosts = argv[2];
        seed = strtoull(argv[3], NULL, 0);
        count = atol(argv[4]);
        prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
        setvbuf(stdout, NULL, _IOLBF, 0);
        printf("seed %s, %ld runs\n", argv[3], count);
        find_stories();
        if (n_stories == 0) {
                puts("no story can be used");
                return 1;
        }
        if (argc == 8) {
                for (size_t i = 0; i < n_stories; i++)
                        if (strcmp(stories[i].name, argv[5]) == 0)
                                for (int f = 0; f < FAULT_ERRNO + ERRORS; f++)
                                        if (strcmp(fault_name(f), argv[7]) == 0)
                                                return !try_fault(&stories[i], atol(argv[6]), f);
                return 2;
        }
        for (long i = 0; i < count; i++) {
                struct story *s = &stories[roll() % n_stories];
                long point = (long)(roll() % (unsigned long long)s->points);
                int fault = (int)(roll() % (unsigned long long)(FAULT_ERRNO + ERRORS));

                failed += !try_fault(s, point, fault);
        }
        printf("%ld runs on %zu stories, %ld failed\n", count, n_stories, failed);
        return failed > 0;
}
#endif
