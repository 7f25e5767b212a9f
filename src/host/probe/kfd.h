/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "host/probe/entries.h"

/** probe_kfd() - the kfd node of the host, if it has one */
int probe_kfd(struct probe *p);
