/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * number - strict numbers
 */
#include "base/bytes.h"

/**
 * parse_u32() - a whole decimal number, nothing else
 * @s:   text, need not be NUL-terminated
 * @ret: untouched on failure
 *
 * No sign, no blanks, no empty text, nothing above 4294967295.
 * Return: true if all of @s is one number.
 */
bool parse_u32(struct bytes s, uint32_t *ret);

/** parse_u64() - like parse_u32() up to 18446744073709551615 */
bool parse_u64(struct bytes s, uint64_t *ret);

/** parse_hex() - like parse_u32() for 1 to @digits hexadecimal digits, with or without 0x */
bool parse_hex(struct bytes s, unsigned digits, uint32_t *ret);
