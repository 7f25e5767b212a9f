/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * devnum - the number of a device node, by which the kernel knows the device
 */
#include "base/bytes.h"

/** struct devnum - a character device, as all nodes of GPUs are, or a block device */
struct devnum {
        uint32_t major, minor;
        bool block;
};

bool devnum_equal(struct devnum a, struct devnum b);

/** devnum_text() - "226:128", as sysfs and ls(1) have it */
const char *devnum_text(struct arena *a, struct devnum n);

/** devnum_rule() - "c 226:128", as a device rule of a control group begins */
const char *devnum_rule(struct arena *a, struct devnum n);

/** devnum_mknod() - "c 226 128", the arguments of mknod(1) behind the path */
const char *devnum_mknod(struct arena *a, struct devnum n);

/** devnum_parse() - read "226:128", a character device; @ret is untouched on failure */
bool devnum_parse(struct bytes text, struct devnum *ret);
