/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * judge - may a container start with files that stay as they are?
 */
#include "anchor/anchor.h"
#include "model/plan/plan.h"
#include "pve/guest.h"

/**
 * judge_files() - the first line that names a GPU which @p does not give
 *
 * Return: "101.conf:12: dev0: /dev/dri/card1", NULL when there is none.
 */
const char *judge_files(const struct anchor *an, const struct plan *p, const struct guest *g);

/**
 * judge_boot() - the same for the boot that is under way, which reads less: the generated
 * configuration, and of the container file the devN lines
 */
const char *judge_boot(const struct anchor *an, const struct plan *p, const struct guest *g);
