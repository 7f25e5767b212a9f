/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * late - lines for what is not there yet
 */
#include "model/plan/edit/editor.h"

/**
 * late_may_stay() - whether line @i does no harm while its node is not there
 *
 * A start without the node must not fail, nor make an empty file of its name on the host, and
 * the line must not open what has the node's old number by now.
 */
bool late_may_stay(const struct editor *e, size_t i);

/**
 * late_settle_rule() - a rule for a driver whose major the kernel chooses
 *
 * Such a rule is about that driver for ever: its major follows, its minor stays, it is correct
 * whether the driver is loaded or not. Return: false for any other line.
 */
bool late_settle_rule(const struct editor *e, const struct line_class *k, size_t i,
                      struct wants *wants);

/** late_text() - line @i as it is to be remembered, with a major that is right now */
const char *late_text(const struct editor *e, size_t i);
