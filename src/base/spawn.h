/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/bytes.h"

/**
 * spawn_wait() - run a program and wait for it
 * @argv:       NULL-terminated; argv[0] is looked up in the standard system PATH
 * @ret_status: exit status, 128 + N for signal N
 *
 * The child gets stdin and stdout from /dev/null, our stderr, and no other
 * descriptor: those that leaked in from our own parent stay with us. When this
 * returns the child is gone.
 *
 * Return: 0 when it ran, negative errno when it could not be started.
 */
int spawn_wait(const char *const argv[], int *ret_status);

/**
 * spawn_read() - the same, and what the program printed
 * @a:   arena
 * @ret: at most 64 KiB of its standard output
 */
int spawn_read(struct arena *a, const char *const argv[], int *ret_status, struct bytes *ret);

/** struct spawn_job - a program that may be slow, endless or hostile */
struct spawn_job {
        const char *const *argv; /* as for spawn_wait() */
        struct bytes input;      /* on its stdin, then the end; at most SPAWN_INPUT_MAX */
        unsigned timeout_ms;     /* 0: no time at all */
        size_t max_output;       /* bytes of stdout and stderr together */
};

/** What a pipe holds by default; the input is in it before the program starts. */
#define SPAWN_INPUT_MAX (64 * 1024)

/** Why a program was ended; both are told with the output that there was until then. */
enum spawn_problem {
        SPAWN_E_TIMEOUT = 1, /* it was still running when its time was up */
        SPAWN_E_OUTPUT,      /* it printed more than it may */
};

struct spawn_result {
        int status; /* exit status, 128 + N for signal N; 128 + SIGKILL when it was ended */
        struct bytes output;
};

/**
 * spawn_run() - run a program within limits
 * @a:   arena of the output
 * @job: program and limits
 * @ret: also filled on SPAWN_E_TIMEOUT and SPAWN_E_OUTPUT
 *
 * The child leads a session of its own without a terminal, and gets pipes for
 * all three standard descriptors: nothing in it can reach the terminal or the
 * task log that we write to. When it ends, or has to, its whole process group
 * is killed; what it left behind in a session of its own can hold nobody up,
 * because the end of the child counts and not the end of its output.
 *
 * Return: 0 when it ended by itself, an enum spawn_problem, negative errno when
 *         it could not be started (-EMSGSIZE: the input does not fit).
 */
int spawn_run(struct arena *a, const struct spawn_job *job, struct spawn_result *ret);

/**
 * spawn_call() - call a function of ours that may never return, in a child
 * @call:       what it prints is printed, what it changes in memory is lost; returns 0 .. 127
 * @user:       its argument
 * @timeout_ms: then the child is killed
 * @ret_status: what @call returned, 128 + N for signal N
 *
 * Return: 0 when it ended, SPAWN_E_TIMEOUT, negative errno when there was no child.
 */
int spawn_call(int (*call)(void *user), void *user, unsigned timeout_ms, int *ret_status);
