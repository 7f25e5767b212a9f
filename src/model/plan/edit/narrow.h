/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * narrow - a line for many devices becomes lines for the container's own
 */
#include "model/plan/edit/editor.h"

/**
 * narrow_line() - put the container's nodes in the place of line @i, a folder or "226:*"
 *
 * Those of @wants that no other line gives. The first rule keeps what stood around the wide
 * one's number, the others have its access. Where it stood a comment above it goes on being true.
 */
void narrow_line(const struct editor *e, const struct line_class *k, size_t i,
                 struct wants *wants);
