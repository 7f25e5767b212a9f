/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * helper - a child process that looks into a running container, and may never come back
 *
 * A path inside leads wherever the container's root has mounted something. A FUSE server that
 * takes a request and never answers holds the process that asks, whatever signal it gets. So
 * everything that looks into a container runs in a helper, which can be abandoned, and there
 * is at most one of them per container: /run/gpuanchor/<vmid>.helper says which.
 */
#include "base/spawn.h"
#include "host/inside/root-files.h"
#include "model/live/held.h"

struct inside_job {
        const char *root; /* path prefix of /run/gpuanchor and of lxc-info */
        uint32_t vmid;
        unsigned timeout_ms;
        void (*look)(struct inside *in, void *user); /* in the helper: see struct spawn_call */
        void *user;
        struct held_init init; /* as it was seen before; while it is, lxc-info is not asked */
};

enum inside_problem {
        INSIDE_E_STOPPED = 1, /* the container does not run, or not any more */
        INSIDE_E_TIMEOUT,     /* the helper was ended */
        INSIDE_E_OTHER,       /* what lxc-info names is a process of somebody else's */
        INSIDE_E_HANGS,       /* this helper or an earlier one cannot be ended */
        INSIDE_E_BUSY,        /* the helper of another gpuanchor process works, and did not end */
};

struct inside_answer {
        const void *result; /* the last one of inside_keep(), NULL: none */
        const char *why;    /* where the return value is not 0: for a person */
        pid_t hangs;        /* on INSIDE_E_HANGS: which process */
};

/**
 * inside_call() - look into a running container
 * @a:   arena of the answer
 * @ret: also filled where something goes wrong: what was found until then counts
 *
 * Waits for the helper of another gpuanchor process, no longer than @job->timeout_ms. Needs root.
 *
 * Return: 0, an enum inside_problem, negative errno.
 */
int inside_call(struct arena *a, const struct inside_job *job, struct inside_answer *ret);

/**
 * inside_keep() - leave a result for the caller of inside_call()
 *
 * Only of that very container: the process that lxc-info named may have ended before it was
 * looked at, and its number may be another container's by then.
 *
 * Return: whether it is kept.
 */
bool inside_keep(struct inside *in, const void *result);

/** inside_hanging() - the abandoned helper of a container, which holds its root folder; 0: none */
pid_t inside_hanging(struct arena *a, const char *root, uint32_t vmid);
