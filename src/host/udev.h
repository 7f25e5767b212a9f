/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/gpu/facts.h"

/**
 * udev_is_through() - whether udev has run its rules for a node: it has its group then, if ever
 * @root: prefix of the host
 *
 * The kernel makes a node as root:root 0600; udev gives group and mode, then writes its database
 * (/run/udev/data/c226:128). An entry that is older than an untouched node is that of the device
 * which had the number before. Since systemd 257 an entry is marked while rules run. Whatever
 * else udev has in its queue does not matter.
 *
 * Return: true as well on a host without udev.
 */
bool udev_is_through(struct arena *a, const char *root, const struct node *n);

/**
 * udev_is_busy() - whether udev has events in its queue, as libudev's udev_queue_get_queue_is_empty()
 *
 * A node whose rules have not run yet belongs to root alone, and a card that is between two
 * drivers has none.
 */
bool udev_is_busy(const char *root);
