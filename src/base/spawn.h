/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/bytes.h"

/** struct spawn_job - a program that may be slow, endless or hostile */
struct spawn_job {
        const char *const *argv; /* NULL-terminated; argv[0] is a name, or a path */
        struct bytes input;      /* on its stdin, then the end; at most SPAWN_INPUT_MAX */
        unsigned timeout_ms;     /* 0: no time at all */
        size_t max_output;       /* bytes of stdout and stderr together */
        const char *root;        /* path prefix of a host that is a folder; NULL, "": here */
};

/** What a pipe holds by default; the input is in it before the program starts. */
#define SPAWN_INPUT_MAX (64 * 1024)

/** Why a program was ended, with the output that there was until then. */
enum spawn_problem {
        SPAWN_E_TIMEOUT = 1, /* it was still running when its time was up */
        SPAWN_E_OUTPUT,      /* it printed more than it may */
        SPAWN_E_ABANDONED,   /* it hangs in the kernel, SIGKILL did not end it in a second */
};

struct spawn_result {
        int status; /* exit status, 128 + N for signal N; 128 + SIGKILL when it was ended */
        struct bytes output;
        pid_t abandoned;    /* on SPAWN_E_ABANDONED: the process that hangs, 0 if unknown */
        const void *result; /* of spawn_call() */
};

/**
 * spawn_run() - run a program within limits
 * @a:   arena of the output
 * @job: program and limits
 * @ret: also filled on an enum spawn_problem
 *
 * A name is looked for in <root>/usr/sbin where there is a root, then in /usr/sbin,
 * /usr/bin, /sbin and /bin, and nowhere else: PATH is our caller's.
 *
 * The child leads a session of its own without a terminal, and gets pipes for
 * all three standard descriptors and no other descriptor: nothing in it can reach
 * the terminal, a lock, or the task log that we write to. When it ends, or has to,
 * its whole process group is killed; what it left behind in a session of its own
 * cannot delay the caller, because the end of the child counts and not the end of its
 * output.
 *
 * Return: 0 when it ended by itself, an enum spawn_problem, negative errno when
 *         it could not be started (-ENOENT: see spawn_error(); -EMSGSIZE: the input
 *         does not fit).
 */
int spawn_run(struct arena *a, const struct spawn_job *job, struct spawn_result *ret);

/** spawn_error() - why @program of Debian's @package could not be started: @error of spawn_run() */
const char *spawn_error(struct arena *a, const char *program, const char *package, int error);

/** spawn_show() - what it printed, on stderr */
void spawn_show(const struct spawn_result *r);

/** struct spawn_call - a function that may never return */
struct spawn_call {
        /*
         * Runs in a child. What it leaves for its caller it builds in @a, and sets @ret whenever
         * a part is whole: if the child has to be ended, the last one counts. All else that it
         * changes in memory is lost; so is what it prints, but for errors of its end.
         */
        void (*call)(struct arena *a, void *user, const void **ret);
        void *user;
        unsigned timeout_ms; /* then the child is killed */
};

/**
 * spawn_call() - call a function that may never return, in a child: a helper
 * @a:   gets the helper's arena
 * @ret: result, NULL when it left none; abandoned on SPAWN_E_ABANDONED: the helper, or what
 *       the helper itself has started and abandoned
 *
 * The helper dies with us. It has none of our descriptors - no task log, no lock -, our memory
 * as it was, and / as its working folder, so that one which is abandoned holds nothing but
 * what it has opened itself.
 *
 * Return: 0 when it ended, an enum spawn_problem, negative errno: there was no helper, or it
 *         crashed (-EIO).
 */
int spawn_call(struct arena *a, const struct spawn_call *call, struct spawn_result *ret);

/**
 * spawn_end() - kill a child and its process group, and wait for it
 * @ret_status: as in struct spawn_result
 *
 * Return: 0, SPAWN_E_ABANDONED, negative errno.
 */
int spawn_end(pid_t pid, int *ret_status);

/** spawn_abandoned() - the child that was abandoned, unless it has ended since; 0: none */
pid_t spawn_abandoned(void);
