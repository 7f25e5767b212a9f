/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * number - strict numbers
 *
 * strtoul() accepts signs and blanks, and wraps without an error; a gid that
 * wrapped would be that of another group. So numbers are read here only.
 */
#include "base/number.h"

bool parse_u64(struct bytes s, uint64_t *ret) {
        uint64_t value = 0;

        if (s.len == 0)
                return false;
        for (size_t i = 0; i < s.len; i++) {
                if (!ascii_is_digit(s.data[i]) || __builtin_mul_overflow(value, 10, &value) ||
                    __builtin_add_overflow(value, s.data[i] - '0', &value))
                        return false;
        }
        *ret = value;
        return true;
}

bool parse_u32(struct bytes s, uint32_t *ret) {
        uint64_t value;

        if (!parse_u64(s, &value) || value > UINT32_MAX)
                return false;
        *ret = (uint32_t)value;
        return true;
}

static int hex_digit(char c) {
        if (ascii_is_digit(c))
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -1;
}

bool parse_hex(struct bytes s, unsigned digits, uint32_t *ret) {
        uint32_t value = 0;

        if (s.len > 2 && s.data[0] == '0' && (s.data[1] == 'x' || s.data[1] == 'X')) {
                s.data += 2;
                s.len -= 2;
        }
        if (s.len == 0 || s.len > digits || s.len > 8)
                return false;
        for (size_t i = 0; i < s.len; i++) {
                int d = hex_digit(s.data[i]);

                if (d < 0)
                        return false;
                value = value << 4 | (uint32_t)d;
        }
        *ret = value;
        return true;
}
