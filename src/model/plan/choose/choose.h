/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * choose - which GPUs a container shall have on this cluster node
 *
 * Selectors of a policy, or for `gpu = auto` the pin; see "Pins" in
 * gpuanchor.conf(5). Never guesses between two.
 */
#include "model/plan/choose/chooser.h"

/**
 * choose_gpus() - decide
 * @a:   arena of the result
 * @in:  facts, policy with its mappings resolved, name of this cluster node, and the survey of the
 *       container's lines, which count only before there is a pin
 * @f:   gets what the operator should know
 * @ret: the choice
 */
void choose_gpus(struct arena *a, const struct plan_input *in, struct findings *f,
                 struct choice *ret);
