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

/**
 * lxc_is_7() - whether LXC 7 or later is installed; false if that is not known
 *
 * By the link of its library, which costs one system call: liblxc.so.1 -> liblxc.so.1.8.0 in all
 * of LXC 6, liblxc.so.1.9.0 in 7.0.0 (liblxc_version in LXC's meson.build).
 */
bool lxc_is_7(struct arena *a, const char *root);

/** version_at_least() - whether @version begins with numbers of @major.@minor or more */
bool version_at_least(const char *version, uint32_t major, uint32_t minor);
