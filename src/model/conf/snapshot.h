/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * snapshot - what a rollback would bring back
 */
#include "model/finding/finding.h"
#include "model/gpu/gpu-list.h"

/**
 * snapshots_check() - snapshots whose lines name another GPU, or none
 * @a:    arena for scratch
 * @fc:   facts
 * @ours: the GPUs that the container shall have; nothing is found when it has none
 * @tail: the container file from its first section on, pctconf.tail
 * @name: "101.conf", for the findings
 * @f:    gets one snapshot-stale for each such snapshot
 */
void snapshots_check(struct arena *a, const struct facts *fc, const struct gpu_list *ours,
                     struct bytes tail, const char *name, struct findings *f);
