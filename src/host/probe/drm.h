/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "host/probe/entries.h"

/** probe_drm() - every GPU that has a card or render node */
int probe_drm(struct probe *p);

/** probe_accel() - every NPU; one on a GPU's own PCI function is a node of that GPU */
int probe_accel(struct probe *p);
