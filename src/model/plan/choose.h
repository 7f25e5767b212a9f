/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * choose - which GPUs a container shall have on this cluster node
 *
 * Selectors of a policy, or for `gpu = auto` the pin; see "Pins" in
 * gpuanchor.conf(5). Never guesses between two.
 */
#include "model/finding/finding.h"
#include "model/gpu/gpu-list.h"
#include "model/conf/survey.h"
#include "model/policy/policy.h"

struct choice {
        struct gpu_list gpus;
        const char *missing; /* what was wanted and is not there or not decided; NULL when all is */
        bool repin;          /* @pin is new or has changed and wants to be remembered */
        struct pin pin;
};

/**
 * choose_gpus() - decide
 * @a:     arena of the result
 * @facts: this host
 * @p:     policy, mappings resolved
 * @node:  name of this cluster node
 * @s:     the container's present lines; believed only without any pin
 * @f:     gets what the operator should know
 * @ret:   the choice
 */
void choose_gpus(struct arena *a, const struct facts *facts, const struct policy *p,
                 const char *node, const struct survey *s, struct findings *f, struct choice *ret);
