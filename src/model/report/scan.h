/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/report/mask.h"

/* without the locale, which decides in libc's own */
static inline bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

static inline bool is_alpha(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool is_word(char c) {
        return is_digit(c) || is_alpha(c);
}

/**
 * scan_address() - the address that begins at @at
 * @ret_kind: MASK_MAC, MASK_IPV4 or MASK_IPV6
 *
 * Only whole ones: neither a PCI address (0000:05:00.0) nor a device number, a time or
 * a version with other than four parts is one.
 *
 * Return: its length, 0 when there is none.
 */
size_t scan_address(struct bytes text, size_t at, enum mask_kind *ret_kind);

/**
 * scan_secret() - the password, token or key that is given a value at @at
 * @ret_value: where the value begins
 *
 * "API_TOKEN=x", "password: x", "Authorization: Bearer x", and what stands before the
 * "@" of a URL.
 *
 * Return: length of the value, 0 when there is none.
 */
size_t scan_secret(struct bytes text, size_t at, size_t *ret_value);
