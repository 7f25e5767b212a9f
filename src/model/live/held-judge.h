/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* held-judge - what a running container holds, against what it shall have */
#include "model/finding/finding.h"
#include "model/live/given.h"
#include "model/live/held.h"

struct held_judge {
        const struct facts *facts;
        struct gpu_list gpus;      /* its own: chosen now, or given at its last start */
        const struct record *want; /* the nodes that a start would give now */
        bool userns;               /* else its root is the host's, and opens whatever it has */
        const struct held *held;
};

/** held_is_usable() - whether somebody in the container can open a node by its owner and mode */
bool held_is_usable(const struct held_node *n, bool userns);

/**
 * held_judge() - compare by number and identity, whatever a node is called
 * @f: gets container-wrong-gpu for a node that opens a GPU which is none of its own,
 *     inside-unusable for one of its own that nobody in it can open, inside-missing for a
 *     node that it shall have and that is not in it
 *
 * What the gate refuses, or only root of the host could open, gives no GPU.
 */
void held_judge(const struct held_judge *j, struct findings *f);
