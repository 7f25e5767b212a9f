/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * ini - where a section and an entry begin, as inih sees it
 */
#include "model/policy/ini.h"

/* isspace() of the C locale, by which inih trims */
static bool is_space(char c) {
        return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct bytes trim(struct bytes s) {
        while (s.len > 0 && is_space(s.data[0])) {
                s.data++;
                s.len--;
        }
        while (s.len > 0 && is_space(s.data[s.len - 1]))
                s.len--;
        return s;
}

enum ini_line ini_line(struct bytes line, struct bytes *ret_text) {
        struct bytes text = trim(line), behind;
        const char *end;

        if (text.len == 0 || text.data[0] == '#' || text.data[0] == ';')
                return INI_LINE_NONE;
        end = text.data[0] == '[' ? memchr(text.data, ']', text.len) : NULL;
        if (end) {
                behind = trim((struct bytes){ end + 1, text.len - (size_t)(end + 1 - text.data) });
                if (behind.len == 0 || behind.data[0] == '#' || behind.data[0] == ';') {
                        *ret_text = trim((struct bytes){ text.data + 1,
                                                         (size_t)(end - text.data - 1) });
                        return INI_LINE_HEADING;
                }
        }
        *ret_text = text;
        return INI_LINE_ENTRY;
}
