/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * settle - one class of lines against what they shall give
 *
 * Right lines first, so that no stale one takes their node; then the stale ones,
 * in their place; then what is missing.
 */
#include "model/plan/edit/editor.h"

/** settle_lines() - the lines of one class against what they shall give */
void settle_lines(const struct editor *e, const struct line_class *k, struct wants *wants);
