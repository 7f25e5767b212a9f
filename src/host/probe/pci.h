/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "host/probe/entries.h"

#include <dirent.h>

/** probe_pci() - the display devices of @dir, /sys/bus/pci/devices, that have no entry yet */
int probe_pci(struct probe *p, DIR *dir);
