/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * sysfs - names, attributes and links of devices
 *
 * Functions return 0 or negative errno. What is missing, or goes away meanwhile,
 * is_gone() tells from a failure.
 */
#include "base/folder.h"
#include "model/gpu/devnum.h"

#include <errno.h>

enum { SYSFS_ATTR_SIZE = 128 }; /* no attribute that we read is longer */

/* base classes (PCI Code and ID Assignment Specification) */
enum { CLASS_DISPLAY = 0x03, CLASS_ACCELERATOR = 0x12 };

/** is_gone() - whether error @r only says that a device left, or never had that attribute */
static inline bool is_gone(int r) {
        return r == -ENOENT || r == -ENOTDIR || r == -EISDIR || r == -ELOOP || r == -ENODEV ||
               r == -ENXIO;
}

/** is_pci_address() - 0000:c1:00.0, or with a longer domain behind Intel VMD: 10000:e1:00.0 */
bool is_pci_address(const char *name);

/**
 * attr_read() - read an attribute
 * @dir:      open directory
 * @name:     attribute, relative to @dir
 * @buf:      gets the content
 * @ret_text: the content in @buf without blanks around it
 */
int attr_read(int dir, const char *name, char buf[SYSFS_ATTR_SIZE], struct bytes *ret_text);

/** attr_hex() - read a number in hex, "0x030000"; -ENXIO when it is none */
int attr_hex(int dir, const char *name, uint32_t *ret_number);

/** attr_dev() - read a device number: "226:128"; -ENXIO when it is none */
int attr_dev(int dir, const char *name, struct devnum *ret);

/** attr_link() - last component of a link's target, such as the name of the bound driver */
int attr_link(struct arena *a, int dir, const char *name, const char **ret_target);
