/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * fault-judge - what the files say that a start has left, whatever it said itself
 */
#include <stdbool.h>
#include <sys/types.h>

#define MOST_FILES 512
#define MOST_DEVICES 128
#define MOST_GPUS 64

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

/* The device nodes of GPUs that a host has, and whose they are; found apart from the program. */
struct devices {
        struct {
                char path[512]; /* below the host, "" where /dev has no such node */
                dev_t number;
                int gpu; /* index of gpus[] */
        } items[MOST_DEVICES];
        size_t n;
        struct {
                char name[64]; /* a device of sysfs, or "all of DRIVER" for nodes that its GPUs share */
                char driver[32];
        } gpus[MOST_GPUS];
        size_t n_gpus;
};

struct story {
        char name[128], phase[32];
        struct files before, after;
        struct devices devices;
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

extern char host[512];

/** files_snapshot() - all that a start may change, read; files_forget() gives it back */
void files_snapshot(struct files *f);
void files_forget(struct files *f);

/** files_restore() - the host again as it was at the snapshot */
void files_restore(const struct files *f);

const struct file *files_find(const struct files *f, const char *path);
bool files_same(const struct file *a, const struct file *b);

/** devices_find() - the GPUs of the host, from its sysfs, /proc and /dev */
void devices_find(struct devices *d);

#define JUDGED 4
extern const char *const judged[JUDGED]; /* container file, configuration, policy, subgid */

/** is_between() - a policy that remembers for the old container file and for the new one */
bool is_between(const struct file *f, const struct file *before, const struct file *after);

/** judge() - what is wrong with what a start has left; NULL: nothing */
const char *judge(const struct story *s, const struct run *run, const struct files *left);
