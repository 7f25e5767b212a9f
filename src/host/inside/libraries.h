/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * libraries - which libraries of NVIDIA's driver a program inside would load
 */
#include "host/inside/root-files.h"
#include "model/guest/driver-library.h"

/**
 * libraries_look() - look them up as the loader would, and run nothing
 * @in:   the container; its init's LD_LIBRARY_PATH counts
 * @host: those of the host, by which its files are known that are bound into the container
 * @ret:  in @in's arena
 *
 * For a helper: mounts are crossed.
 */
void libraries_look(const struct inside *in, const struct driver_library host[DRIVER_LIBRARIES],
                    struct driver_library ret[DRIVER_LIBRARIES]);

/** libraries_of_host() - those that a program of the host at @root would load */
void libraries_of_host(struct arena *a, const char *root,
                       struct driver_library ret[DRIVER_LIBRARIES]);

/** nvidia_version() - of the loaded module, "550.163.01"; NULL: none is, or it does not say */
const char *nvidia_version(struct arena *a, const char *root);
