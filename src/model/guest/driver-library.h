/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * driver-library - the libraries of NVIDIA's driver that a program in a container loads
 *
 * They have to be of the very version of the kernel's module: it refuses others ("Driver/library
 * version mismatch", error 803 of CUDA). Mesa and ROCm have no such rule.
 */
#include "base/bytes.h"

/** DRIVER_LIBRARIES - what CUDA loads, and what nvidia-smi and monitoring load */
enum { LIBRARY_CUDA, LIBRARY_ML, DRIVER_LIBRARIES };

enum library_state {
        LIBRARY_UNKNOWN,  /* not looked at, or what decides about it could not be read */
        LIBRARY_NONE,     /* nowhere that the loader looks */
        LIBRARY_DANGLING, /* only a link that leads nowhere: @path */
        LIBRARY_FOUND,    /* @path is what is loaded */
};

struct driver_library {
        enum library_state state;
        const char *path;    /* as the loader opens it; printable ASCII without blanks */
        const char *version; /* of the file that it leads to, "550.163.01"; NULL: its name has none */
        const char *others;  /* versions of further files beside it: "535.183.01,550.54"; "": none */
        uint64_t device, inode; /* of the file */
        bool of_host;           /* it is the host's own file, bound into the container */
};

enum library_verdict {
        VERDICT_UNTOLD,     /* nothing can be said */
        VERDICT_SAME,       /* of the version of the module */
        VERDICT_DIFFERS,    /* of another */
        VERDICT_COMPAT,     /* of CUDA's compat package, which is newer than the module by design */
        VERDICT_COMPAT_OLD, /* ... and is not */
        VERDICT_DANGLING,
        VERDICT_NONE,
};

/** driver_library_names - "libcuda.so.1", "libnvidia-ml.so.1" */
extern const char *const driver_library_names[DRIVER_LIBRARIES];

/** library_state_name() - "unknown", "none", "dangling", "found" */
const char *library_state_name(enum library_state s);

/**
 * library_version() - of a file's name: "libcuda.so.550.163.01" of "libcuda.so.1"
 *
 * Return: NULL when it is no such name, or has no more than one number.
 */
const char *library_version(struct arena *a, struct bytes name, const char *soname);

/** driver_version_compare() - number by number; less than, equal to, greater than 0 */
int driver_version_compare(const char *x, const char *y);

/** library_judge() - @l of a container against the version of the loaded module */
enum library_verdict library_judge(const struct driver_library *l, const char *module);
