/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * snapshot - what a rollback would bring back
 */
#include "model/finding/finding.h"
#include "model/gpu/gpu-list.h"

struct snapshot_query {
        const struct facts *facts;
        const struct gpu_list *gpus; /* that the container shall have; without any, nothing is found */
        const char *name;            /* "101.conf", for the findings */
};

/**
 * snapshots_check() - snapshots whose lines name another GPU, or none
 * @tail: the container file from its first section on, pctconf.tail
 * @f:    gets one snapshot-stale for each such snapshot
 */
void snapshots_check(const struct snapshot_query *q, struct bytes tail, struct findings *f);
