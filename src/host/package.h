/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/bytes.h"

/**
 * package_version() - the version of an installed Debian package
 * @a:    arena of the version
 * @root: path prefix
 * @name: "pve-manager", whose version is that of Proxmox VE
 *
 * Read from dpkg's status file: pveversion(1) asks the same and takes a second.
 *
 * Return: "8.2.4", NULL when it is not installed or dpkg cannot be read.
 */
const char *package_version(struct arena *a, const char *root, const char *name);

/** version_at_least() - whether @version begins with numbers of @major.@minor or more */
bool version_at_least(const char *version, uint32_t major, uint32_t minor);
