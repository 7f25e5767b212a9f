/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * foreign-lines - udev rules, scripts and hooks that the administrator wrote; quoting for sh
 */
#include "model/conf/pctconf.h"

/** struct doctor_line - a line of a text file: a udev rule, a line of a hook */
struct doctor_line {
        const char *file; /* "/etc/udev/rules.d/99-gpu.rules", without prefix */
        size_t number;    /* from 1 */
        size_t last;      /* of the lines that a backslash makes part of it; @number: none */
        const char *text;
};

/** doctor_rule_opens() - whether a udev rule lets every user open GPU nodes */
bool doctor_rule_opens(struct bytes line);

/** doctor_line_chmods() - whether a script's line changes owner or mode of GPU nodes in /dev */
bool doctor_line_chmods(struct bytes line);

/** doctor_hook_chmods() - whether a line of a container file is such a lxc.hook.* */
bool doctor_hook_chmods(const struct conf_line *l);

/** doctor_shell_word() - @s as one word of a shell command, in quotes where that is needed */
const char *doctor_shell_word(struct arena *a, const char *s);

/** doctor_line_where() - "/etc/udev/rules.d/99-gpu.rules:2", with ":2-3" where it has several */
const char *doctor_line_where(struct arena *a, const struct doctor_line *l);
