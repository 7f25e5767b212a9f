/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * foreign-lines - udev rules, scripts and hooks that the administrator wrote; quoting for sh
 */
#include "model/doctor/foreign-lines.h"

#include "model/gpu/family.h"

static bool is_comment(struct bytes line) {
        line = bytes_trim(line);
        return line.len == 0 || line.data[0] == '#';
}

bool doctor_rule_opens(struct bytes line) {
        static const char *const modes[] = { "0666", "\"666\"", "0777", "\"777\"" };
        bool open = false;

        for (size_t i = 0; i < ELEMENTS(modes); i++)
                open |= bytes_contains(line, modes[i]);
        return open && family_is_in_rule(line) && bytes_contains(line, "MODE") && !is_comment(line);
}

bool doctor_line_chmods(struct bytes line) {
        static const char *const tools[] = { "chmod", "chown", "chgrp", "setfacl" };
        bool tool = false;

        for (size_t i = 0; i < ELEMENTS(tools); i++)
                tool |= bytes_contains(line, tools[i]);
        return tool && family_is_mentioned(line) && !is_comment(line);
}

bool doctor_hook_chmods(const struct conf_line *l) {
        return bytes_has_prefix(l->key, "lxc.hook.") && doctor_line_chmods(l->value);
}

const char *doctor_shell_word(struct arena *a, const char *s) {
        struct strbuf b = { .arena = a };

        if (*s && s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                              "0123456789_./:=,@%+-")] == '\0')
                return s;
        strbuf_adds(&b, "'");
        for (; *s; s++)
                if (*s == '\'')
                        strbuf_adds(&b, "'\\''");
                else
                        strbuf_add(&b, s, 1);
        strbuf_adds(&b, "'");
        return strbuf_str(&b);
}

const char *doctor_line_where(struct arena *a, const struct doctor_line *l) {
        return l->last > l->number ? arena_printf(a, "%s:%zu-%zu", l->file, l->number, l->last)
                                   : arena_printf(a, "%s:%zu", l->file, l->number);
}
