/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * settle - one class of lines against what they shall give
 *
 * Right lines first, so that no stale one takes their node; then the stale ones,
 * in their place; then what is missing.
 */
#include "model/plan/edit/editor.h"

/** struct line_class - what differs between the kinds of line that give a device */
struct line_class {
        enum devline_type type;
        bool exclusive;  /* two lines for one node make the start fail */
        const char *key; /* of an added line; NULL: the next free devN */
        bool (*fits)(const struct editor *e, size_t i, const struct want *w);
        const char *(*text)(const struct editor *e, const struct devline *d, const struct want *w);
};

/** settle_lines() - the lines of one class against what they shall give */
void settle_lines(const struct editor *e, const struct line_class *k, struct wants *wants);
