/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * pin - the GPUs that were chosen once, found again
 *
 * Judged together with the pins of all containers of the node (model/identity/track.h).
 */
#include "model/plan/choose/chooser.h"

/** pin_choose() - the GPUs of @pin, which this cluster node has chosen */
void pin_choose(struct chooser *x, const struct pin *pin);

/**
 * pin_choose_alike() - the GPUs that are like those of @pin, which another cluster node has chosen
 *
 * Its addresses mean nothing here, its ids do. Return: false, and nothing is taken, when another
 * number of GPUs is alike.
 */
bool pin_choose_alike(struct chooser *x, const struct pin *pin);

/** pin_make() - a new pin of the GPUs that are chosen */
void pin_make(struct chooser *x);
