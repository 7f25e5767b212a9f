/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * choose-accel - the accelerator beside the GPUs that were chosen
 *
 * An NPU is a device of its own. Where accel nodes are wanted and no GPU that was chosen has one, the
 * one that its lines named when they were first seen is meant, else the host's only one: chosen once, pinned, and followed from then on as GPUs are.
 */
#include "model/plan/choose/chooser.h"

/** accel_is_only_kind() - whether nothing but an NPU is meant, which has no render node */
bool accel_is_only_kind(const struct plan_input *in);

/** accel_is_wanted() - by the policy, else by the container's lines */
bool accel_is_wanted(const struct plan_input *in);

/** accel_list() - the devices of the host that have such a node */
struct gpu_list accel_list(struct arena *a, const struct facts *f);

/** accel_is_among() - whether one of @gpus has such a node */
bool accel_is_among(const struct gpu_list *gpus);

/** accel_is_away() - whether one is pinned so, and not given */
bool accel_is_away(const struct choice *c);

/** accel_is_asked() - when the lines were first seen they named one, or may have: that cannot be read */
bool accel_is_asked(struct chooser *x);

/** choose_accel() - when all selectors have chosen */
void choose_accel(struct chooser *x);
