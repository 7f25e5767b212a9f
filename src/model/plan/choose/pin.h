/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * pin - the GPUs that were chosen once, found again
 *
 * Judged together with the pins of all containers of the node (model/identity/track.h).
 */
#include "model/plan/choose/chooser.h"

/** pin_choose() - the GPUs of @pin, which this cluster node has chosen; @x has its pin then */
void pin_choose(struct chooser *x, const struct pin *pin);

/** pin_by_itself() - GPU @i of @pin as a policy knows it, without the host's history; no owner */
struct pinned pin_by_itself(struct arena *a, const struct facts *f, const struct pin *pin,
                            size_t i);

/**
 * pin_choose_alike() - the GPUs that are like those of @pin, which another cluster node has chosen
 *
 * Its addresses mean nothing here, its ids do. Return: false, and nothing is taken, when another
 * number of GPUs is alike, or a virtual machine has one.
 */
bool pin_choose_alike(struct chooser *x, const struct pin *pin);

#define CHOSEN_BY_ACCEL "accel" /* in the place of a selector, none of which is called so */

/** pin_is_accel() - whether @c was chosen as the only accelerator, see choose-accel.h */
bool pin_is_accel(const struct card *c);

/**
 * pin_choose_sighted() - the accelerators that the lines named when they were first seen
 *
 * Pinned wherever they are now, also one that is missing: what is there instead is not meant.
 */
void pin_choose_sighted(struct chooser *x, const struct sighting *s);

/** pin_add() - @chosen are pinned, too; @by: selector_key(), CHOSEN_BY_ACCEL or NULL */
void pin_add(struct chooser *x, const struct gpu_list *chosen, const char *by);

/**
 * pin_finish() - when all are chosen: whether the pin is to be written
 * @before:     pin of this node in the policy; without GPUs when there is none
 */
void pin_finish(struct chooser *x, const struct pin *before);
