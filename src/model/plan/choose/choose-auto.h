/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * choose-auto - `gpu = auto`
 */
#include "model/plan/choose/chooser.h"

/** choose_auto() - by the pin; before there is one by the lines, or the only GPU, and pin it */
void choose_auto(struct chooser *x);
