/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/gpu/facts.h"

/**
 * probe_facts() - look at the machine
 * @a:    arena that holds the facts
 * @root: path prefix, "" for this machine; a folder with sys/ proc/ dev/ etc/ is a host too
 * @ret:  facts, untouched on failure
 *
 * Reads <root>/sys/class/drm, /sys/class/accel, /sys/bus/pci/devices, /sys/class/kfd,
 * /proc/devices, /proc/driver/nvidia, stat()s of /dev, /etc/group and /etc/subgid. What is
 * not there is not an error: a host without a GPU has no GPUs. Groups, delegations or majors that
 * cannot be read are no error either, but noted in facts.unread: GPUs are known without them.
 *
 * Return: 0, or negative errno when something that exists cannot be read.
 */
int probe_facts(struct arena *a, const char *root, struct facts *ret);

/**
 * probe_gpus() - probe_facts() without the list of majors
 *
 * /proc/devices costs as much as all the rest, because the kernel looks at each of
 * 512 numbers for it, and is needed only for device lines whose major no GPU has
 * node here. The list is empty, except where NVIDIA's driver is loaded.
 */
int probe_gpus(struct arena *a, const char *root, struct facts *ret);

/** facts_unread() - note that the file @path could not be read, if @r is a negative errno */
void facts_unread(struct facts *f, const char *path, int r);
