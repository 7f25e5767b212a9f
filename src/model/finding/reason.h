/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * reason - parts of sentences, one constant for each entry of reason.def
 *
 * Each is an array that the compiler sees, so arena_printf(a, WHY_..., ...) with arguments of
 * another number or type than its text has is no valid program.
 */
#define REASON(symbol, text) static const char WHY_##symbol[] __attribute__((unused)) = text;
#include "model/finding/reason.def"
#undef REASON
