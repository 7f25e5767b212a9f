/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * refused - which device numbers the gate of a container refuses
 *
 * The GPUs of a container are those that its last start gave it, wherever they are now: its
 * record says which cards. All other GPUs of the host are not its.
 */
#include "model/conf/survey.h"
#include "model/live/given.h"
#include "model/live/held.h"

struct gate_input {
        const struct facts *facts;
        struct gpu_list gpus; /* its own, where they are now */
        const struct record_node *given; /* what its last start gave */
        size_t n_given;
        const struct held *held; /* of the look before; NULL: none */
        const struct pctconf *lines;        /* of the container file */
        const struct survey *conf, *config; /* of the container file, of the generated one */
};

/**
 * gate_refuses() - numbers to refuse
 * @a:   arena of the result
 * @ret: sorted, each once
 *
 * The nodes of each GPU that is not its own; nodes that GPUs share, if none of its own is of that
 * driver and it was given none of them; and those numbers that it was given, holds, or was refused
 * before, which no device has now: the next one to get them may be another's, and then it is refused from
 * its first moment on.
 *
 * Return: how many.
 */
size_t gate_refuses(struct arena *a, const struct gate_input *in, struct devnum **ret);

/**
 * gate_doubt() - why it cannot be listed which GPUs the container may have, for `gate = auto`
 *
 * A hook or an include of its own, a folder of nodes bound whole, a device that its owner added
 * while it runs and that a start has not judged yet. Return: NULL when there is no doubt.
 */
const char *gate_doubt(struct arena *a, const struct gate_input *in);
