/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * pin - the GPUs that were chosen once, found again
 *
 * An address alone is not enough (a new NVMe drive shifts PCI bus numbers and
 * another card may sit there now), ids alone are not either (two identical
 * cards). A pin has both, and is followed only where one reading is left.
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

/** pin_twins() - remember with a new pin which GPUs of the same ids are here and not meant */
void pin_twins(struct chooser *x);
