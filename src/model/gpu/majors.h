/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * majors - whose a dynamic major is now, and whose it was
 *
 * A driver whose major the kernel chooses has another one after another boot, and none while
 * it is not loaded. A number in a container's file then says nothing by itself: it is a GPU
 * driver's only if that driver was seen under it. One list is the host's (who had which major
 * at any time), one the container's (when its rules were last right).
 */
#include "model/gpu/facts.h"

#define MAJORS_MAX 64 /* of a list that is remembered */

/**
 * majors_then() - the GPU driver that had @major when a rule with it was written
 * @ret_sure: whether it is certain; else another driver has that major now, which may be meant
 *
 * Return: its name in /proc/devices; NULL when it has @major now, or never had.
 */
const char *majors_then(const struct facts *f, uint32_t major, bool *ret_sure);

/** majors_is_dynamic() - whether the kernel chooses the major of @owner, a GPU driver's name */
bool majors_is_dynamic(const char *owner);

/** majors_learn() - put what @f has now before what @seen has; the oldest of many go */
struct majors majors_learn(struct arena *a, const struct facts *f, const struct majors *seen);

/** majors_add() - @owner has @major, unless that is in the list */
void majors_add(struct arena *a, struct majors *list, uint32_t major, const char *owner);

/** majors_add_only() - each of @others, for the lines with this digest only */
void majors_add_only(struct arena *a, struct majors *list, const struct majors *others,
                     const char *digest);

/** majors_only() - those for the lines with @digest; the others where none is */
struct majors majors_only(struct arena *a, const struct majors *list, const char *digest);

/** majors_write() - "511 nvidia-uvm", a line each, @key before and a digest behind it */
struct bytes majors_write(struct arena *a, const char *key, const struct majors *list);

/** majors_parse() - take one such line in; false when it is none */
bool majors_parse(struct arena *a, struct bytes line, struct majors *list);
