/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "host/probe/entries.h"

/**
 * probe_classes() - the nodes of all families that have a class in sysfs
 *
 * Every GPU that has a node, and every NPU; an accel node on a GPU's own PCI function
 * is a node of that GPU.
 */
int probe_classes(struct probe *p);
