/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/gpu/facts.h"

/** struct display - what would go dark for a person at this host */
struct display {
        bool attached; /* a connector has a monitor */
        bool boot;     /* the firmware's own screen was on it: boot_vga */
};

/** display_look() - ask sysfs; what cannot be read is not there */
struct display display_look(struct arena *a, const char *root, const struct gpu *g);
