/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * ways - what the container gets beside the lines that are managed
 */
#include "model/finding/finding.h"
#include "model/plan/plan.h"

/**
 * ways_report() - say it, whatever else becomes of the container
 * @p: the plan that is carried out; NULL: the container is left alone
 *
 * Return: a line that gives the container GPUs which its owner did not choose, "101.conf:12";
 * NULL when there is none.
 */
const char *ways_report(struct arena *a, const struct plan_input *in, const struct plan *p,
                        struct findings *f);

/**
 * ways_devices() - for --devices: kinds that the container has, and those of its mount points
 * @p: NULL: the container is left alone
 */
const char *ways_devices(struct arena *a, const struct survey *s, const struct plan *p);

/** ways_give_others() - whether @w binds a folder with nodes of GPUs that are not for the container
 */
bool ways_give_others(const struct facts *f, const struct plan *p, const struct other_way *w);
