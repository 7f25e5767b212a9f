/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "host/probe/entries.h"

/** probe_nvidia() - nodes of each NVIDIA GPU and those that they share */
int probe_nvidia(struct probe *p);
