/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/finding/finding.h"

/** struct daemon_settings - section [daemon] of the host's settings files */
struct daemon_settings {
        uint32_t interval; /* seconds between looks that no event asks for */
        uint32_t quiet;    /* seconds without an event before a look */
        uint32_t messages; /* at most so many a minute */
};

/**
 * settings_load_daemon() - what the daemon is told by gpuanchor.conf
 * @a:    arena
 * @root: path prefix, "" for this machine
 * @ret:  settings; what is not set or wrong is at its default
 * @f:    gets a policy-key finding per wrong line
 *
 * Reads the files that settings_load() reads for the host, and of them only
 * the section [daemon].
 */
void settings_load_daemon(struct arena *a, const char *root, struct daemon_settings *ret,
                          struct findings *f);
