/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * scan - addresses and passwords in any text
 *
 * Rather one mask too many than an address too few, but for what looks like one
 * and is a device: 0000:05:00.0, 226:128, 1002:150e.
 */
#include "model/report/scan.h"

#include "base/number.h"

#include <strings.h>

static bool is_hex(char c) {
        return ascii_is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* the character at @i, NUL behind the end and before the beginning */
static char at_(struct bytes t, size_t i) {
        return i < t.len ? t.data[i] : '\0';
}

static size_t run(struct bytes t, size_t at, bool (*is)(char), size_t max) {
        size_t n = 0;

        while (n < max && at + n < t.len && is(t.data[at + n]))
                n++;
        return n;
}

/* ---- addresses ---- */

/* BC:24:11:06:18:78 */
static size_t scan_mac(struct bytes t, size_t at) {
        char separator = at_(t, at + 2), before = at ? t.data[at - 1] : '\0';

        if ((separator != ':' && separator != '-') || ascii_is_alnum(before) || before == separator)
                return 0;
        for (size_t i = 0; i < 6; i++)
                if (run(t, at + 3 * i, is_hex, 3) != 2 ||
                    (i < 5 && at_(t, at + 3 * i + 2) != separator))
                        return 0;
        return ascii_is_alnum(at_(t, at + 17)) || at_(t, at + 17) == separator ? 0 : 17;
}

static size_t scan_ipv4(struct bytes t, size_t at) {
        size_t i = at;

        if (at > 0 && (ascii_is_digit(t.data[at - 1]) ||
                       (t.data[at - 1] == '.' && at > 1 && ascii_is_digit(t.data[at - 2]))))
                return 0;
        for (int part = 0; part < 4; part++) {
                size_t n = run(t, i, ascii_is_digit, 4);
                uint32_t number;

                if (n == 0 || n > 3 || !parse_u32((struct bytes){ t.data + i, n }, &number) ||
                    number > 255)
                        return 0;
                i += n;
                if (part < 3 && at_(t, i++) != '.')
                        return 0;
        }
        return ascii_is_alnum(at_(t, i)) || (at_(t, i) == '.' && ascii_is_digit(at_(t, i + 1)))
                       ? 0
                       : i - at;
}

/* eight groups, or fewer with one "::" among them; not "::" itself */
static size_t scan_ipv6(struct bytes t, size_t at) {
        bool gap = at_(t, at) == ':' && at_(t, at + 1) == ':';
        size_t i = at + (gap ? 2 : 0), groups = 0, n;

        if (at > 0 && (ascii_is_alnum(t.data[at - 1]) || t.data[at - 1] == ':'))
                return 0;
        while ((n = run(t, i, is_hex, 5)) > 0) {
                if (n > 4)
                        return 0;
                groups++;
                i += n;
                if (at_(t, i) != ':')
                        break;
                if (at_(t, i + 1) == ':' && !gap) {
                        gap = true;
                        i += 2;
                } else if (is_hex(at_(t, i + 1))) {
                        i++;
                } else {
                        break;
                }
        }
        if (gap ? groups == 0 || groups > 7 : groups != 8)
                return 0;
        return ascii_is_alnum(at_(t, i)) || (at_(t, i) == '.' && ascii_is_digit(at_(t, i + 1)))
                       ? 0
                       : i - at;
}

enum address_kind scan_address(struct bytes t, size_t at, size_t *ret_len) {
        size_t n;

        if ((n = scan_mac(t, at)) > 0)
                return *ret_len = n, ADDRESS_MAC;
        if ((n = scan_ipv4(t, at)) > 0)
                return *ret_len = n, ADDRESS_IPV4;
        if ((n = scan_ipv6(t, at)) > 0)
                return *ret_len = n, ADDRESS_IPV6;
        return ADDRESS_NONE;
}

/* ---- passwords ---- */

static bool is_name(char c) {
        return ascii_is_alnum(c) || c == '_' || c == '-' || c == '.';
}

static bool has_part(struct bytes name, const char *part, bool anywhere) {
        size_t len = strlen(part);

        for (size_t i = 0; i + len <= name.len; i++)
                if (strncasecmp(name.data + i, part, len) == 0 &&
                    (anywhere || ((i == 0 || !ascii_is_alnum(name.data[i - 1])) &&
                                  (i + len == name.len || !ascii_is_alnum(name.data[i + len])))))
                        return true;
        return false;
}

/* "key: value" and "KEY = VALUE" may be any sentence, "key=value" is an assignment. */
static bool names_secret(struct bytes name, bool assigned) {
        static const char *const anywhere[] = { "passw",      "passphrase", "secret", "token",
                                                "credential", "cookie",     "apikey", "authoriz" };
        static const char *const parts[] = { "pass", "pw", "pwd", "key", "keys", "auth" };

        for (size_t i = 0; i < ELEMENTS(anywhere); i++)
                if (has_part(name, anywhere[i], true))
                        return true;
        for (size_t i = 0; i < ELEMENTS(parts) && assigned; i++)
                if (has_part(name, parts[i], false))
                        return true;
        return false;
}

static bool is_blank(char c) {
        return c == ' ' || c == '\t';
}

static bool is_quote(char c) {
        return c == '"' || c == '\'';
}

static bool is_value(char c) {
        return !is_blank(c) && !is_quote(c) && c != '\n' && c != '\r' && c != ',' && c != ';' &&
               c != '&' && c != '\0';
}

static bool is_userinfo(char c) {
        return is_value(c) && c != '/' && c != '@';
}

static size_t scan_userinfo(struct bytes t, size_t at, size_t *ret_value) {
        size_t n;

        if (at_(t, at) != ':' || at_(t, at + 1) != '/' || at_(t, at + 2) != '/')
                return 0;
        n = run(t, at + 3, is_userinfo, t.len);
        *ret_value = at + 3;
        return at_(t, at + 3 + n) == '@' ? n : 0;
}

size_t scan_secret(struct bytes t, size_t at, size_t *ret_value) {
        size_t n = run(t, at, is_name, t.len), i = at + n, value;

        if (n == 0 || (at > 0 && is_name(t.data[at - 1])))
                return scan_userinfo(t, at, ret_value);
        i += is_quote(at_(t, i));
        i += run(t, i, is_blank, t.len);
        if ((at_(t, i) != '=' && at_(t, i) != ':') ||
            !names_secret((struct bytes){ t.data + at, n },
                          t.data[i] == '=' && i == at + n && !is_blank(at_(t, i + 1))))
                return 0;
        i++;
        i += run(t, i, is_blank, t.len);
        i += is_quote(at_(t, i));
        value = i;
        n = run(t, i, is_value, t.len);
        if (bytes_equal_nocase((struct bytes){ t.data + i, n }, BYTES("bearer")) ||
            bytes_equal_nocase((struct bytes){ t.data + i, n }, BYTES("basic"))) {
                value += n + run(t, i + n, is_blank, t.len);
                n = run(t, value, is_value, t.len);
        }
        *ret_value = value;
        return n;
}
