/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * choose-auto - `gpu = auto`
 */
#include "model/plan/choose/chooser.h"

/** choose_auto() - before there is a pin: by the lines, or the only GPU */
void choose_auto(struct chooser *x);
