/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * bench - whole processes against each other, in one run
 *
 * bench ROUNDS LABEL [-r FROM TO]... -- ARGV... [: LABEL ...]
 *
 * Every round runs every entry once, in turn, so that a busy moment of the
 * machine hits all of them. -r puts a file back before the clock starts.
 * Prints the median wall clock and CPU time of each, as a ratio to the first.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_ENTRIES 32
#define MAX_RESETS 4

struct entry {
        const char *label;
        const char *from[MAX_RESETS], *to[MAX_RESETS];
        int n_resets;
        char **argv;
        double *wall, *cpu; /* microseconds, one per round */
};

extern char **environ;

static void die(const char *what) {
        fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
        exit(1);
}

static void reset(const char *from, const char *to) {
        static char buffer[4 << 20];
        int in = open(from, O_RDONLY), out;
        ssize_t n;

        if (in < 0) { /* a file that is not there before the run */
                unlink(to);
                return;
        }
        n = read(in, buffer, sizeof(buffer));
        out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0644);
        if (n < 0 || out < 0 || write(out, buffer, (size_t)n) != n)
                die(to);
        close(in);
        close(out);
}

static double now(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double microseconds(struct timeval t) {
        return (double)t.tv_sec * 1e6 + (double)t.tv_usec;
}

static void run(struct entry *e, int round, posix_spawn_file_actions_t *quiet) {
        struct rusage usage;
        double start;
        int status, r;
        pid_t pid;

        for (int i = 0; i < e->n_resets; i++)
                reset(e->from[i], e->to[i]);
        start = now();
        r = posix_spawn(&pid, e->argv[0], quiet, NULL, e->argv, environ);
        if (r != 0) {
                errno = r;
                die(e->argv[0]);
        }
        if (wait4(pid, &status, 0, &usage) < 0)
                die("wait4");
        e->wall[round] = now() - start;
        e->cpu[round] = microseconds(usage.ru_utime) + microseconds(usage.ru_stime);
        if (status != 0) {
                fprintf(stderr, "bench: %s: status %d\n", e->label, status);
                exit(1);
        }
}

static int compare(const void *a, const void *b) {
        double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

static double median(double *values, int n) {
        qsort(values, (size_t)n, sizeof(*values), compare);
        return values[n / 2];
}

static int parse(char **argv, struct entry *entries, int rounds) {
        int n = 0;

        while (*argv && n < MAX_ENTRIES) {
                struct entry *e = &entries[n++];

                e->label = *argv++;
                while (*argv && strcmp(*argv, "-r") == 0 && e->n_resets < MAX_RESETS) {
                        e->from[e->n_resets] = argv[1];
                        e->to[e->n_resets++] = argv[2];
                        argv += 3;
                }
                if (!*argv || strcmp(*argv, "--") != 0) {
                        fprintf(stderr, "bench: %s: expected --\n", e->label);
                        exit(2);
                }
                e->argv = ++argv;
                while (*argv && strcmp(*argv, ":") != 0)
                        argv++;
                if (*argv)
                        *argv++ = NULL;
                e->wall = calloc((size_t)rounds, sizeof(double));
                e->cpu = calloc((size_t)rounds, sizeof(double));
        }
        return n;
}

int main(int argc, char **argv) {
        static struct entry entries[MAX_ENTRIES];
        posix_spawn_file_actions_t quiet;
        int rounds = argc > 1 ? atoi(argv[1]) : 0, n;
        double wall0, cpu0;

        if (rounds < 1) {
                fprintf(stderr, "usage: bench ROUNDS LABEL [-r FROM TO]... -- ARGV... [: LABEL ...]\n");
                return 2;
        }
        n = parse(argv + 2, entries, rounds);
        posix_spawn_file_actions_init(&quiet);
        posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
        for (int round = -5; round < rounds; round++) /* five to warm the caches */
                for (int i = 0; i < n; i++)
                        run(&entries[i], round < 0 ? 0 : round, &quiet);

        wall0 = median(entries[0].wall, rounds);
        cpu0 = median(entries[0].cpu, rounds);
        printf("%-44s %9s %7s %9s %7s\n", "", "wall us", "ratio", "cpu us", "ratio");
        for (int i = 0; i < n; i++) {
                double wall = median(entries[i].wall, rounds), cpu = median(entries[i].cpu, rounds);

                printf("%-44s %9.0f %6.2fx %9.0f %6.2fx\n", entries[i].label, wall, wall / wall0, cpu,
                       cpu / cpu0);
        }
        return 0;
}
