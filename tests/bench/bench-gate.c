/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * bench-gate - what the gate costs an open of a device in the container
 *
 *     bench-gate CGROUP ROUNDS
 *
 * The process is in the control group CGROUP. In every round it opens /dev/null many times without
 * a program, then with one that refuses 1, 4, 64, 1024 numbers of other devices, and the program
 * is exchanged once. Prints the medians, and as ratio to the first.
 */
#include "host/live/gate.h"
#include "model/live/gate-program.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>

#define OPENS 2000
#define ROUNDS_MAX 1000

static const size_t sizes[] = { 1, 4, 64, 1024 };

static double now_us(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b) {
        double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

static double median(double *values, size_t n) {
        qsort(values, n, sizeof(*values), compare);
        return values[n / 2];
}

static void die(const char *what, int error) {
        fprintf(stderr, "bench-gate: %s: %s\n", what, strerror(error));
        exit(1);
}

static double open_ns(void) {
        double begin = now_us();

        for (int i = 0; i < OPENS; i++) {
                int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

                if (fd < 0)
                        die("/dev/null", errno);
                close(fd);
        }
        return (now_us() - begin) * 1e3 / OPENS;
}

/* Numbers of a family that is not there: none of them is /dev/null's. Return: us. */
static double exchange(const char *cgroup, size_t n) {
        _cleanup_arena_ struct arena a = { 0 };
        struct devnum *numbers = arena_alloc(&a, n * sizeof(*numbers));
        struct bpf_insn *program;
        double begin;
        size_t len;
        int r;

        for (size_t i = 0; i < n; i++)
                numbers[i] = (struct devnum){ 226, (uint32_t)i };
        len = gate_program(&a, numbers, n, &program);
        begin = now_us();
        r = gate_set(cgroup, program, len);
        if (r < 0)
                die(cgroup, -r);
        return now_us() - begin;
}

int main(int argc, char **argv) {
        static double without[ROUNDS_MAX], with[ELEMENTS(sizes)][ROUNDS_MAX],
                set[ELEMENTS(sizes)][ROUNDS_MAX];
        size_t rounds = argc == 3 ? (size_t)atoi(argv[2]) : 0;
        double base;

        if (rounds == 0 || rounds > ROUNDS_MAX) {
                fprintf(stderr, "usage: bench-gate CGROUP ROUNDS\n");
                return 2;
        }
        for (size_t i = 0; i < rounds; i++) {
                int r = gate_clear(argv[1]);

                if (r < 0)
                        die(argv[1], -r);
                without[i] = open_ns();
                for (size_t k = 0; k < ELEMENTS(sizes); k++) {
                        set[k][i] = exchange(argv[1], sizes[k]);
                        with[k][i] = open_ns();
                }
        }
        (void)gate_clear(argv[1]);
        base = median(without, rounds);
        printf("%-32s %8.0f ns   1.00x\n", "open and close, no gate", base);
        for (size_t k = 0; k < ELEMENTS(sizes); k++) {
                double ns = median(with[k], rounds);

                printf("a gate that refuses %-4zu         %8.0f ns   %.2fx   exchanged in %.0f us\n",
                       sizes[k], ns, ns / base, median(set[k], rounds));
        }
        return 0;
}
