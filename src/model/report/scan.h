/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * scan - addresses and passwords in any text
 */
#include "base/bytes.h"

enum address_kind {
        ADDRESS_NONE,
        ADDRESS_MAC,
        ADDRESS_IPV4,
        ADDRESS_IPV6,
};

/**
 * scan_address() - the address that begins at @at
 * @ret_len: its length, when there is one
 *
 * Only whole ones: neither a PCI address (0000:05:00.0) nor a device number, a time or
 * a version with other than four parts is one.
 *
 * Return: what it is, ADDRESS_NONE when there is none.
 */
enum address_kind scan_address(struct bytes text, size_t at, size_t *ret_len);

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
