/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * foreign-lines - lines that other people wrote, and words that a shell reads
 */
#include "base/bytes.h"

/** struct doctor_line - a line of a text file: a udev rule, a line of a hook */
struct doctor_line {
        const char *file; /* "/etc/udev/rules.d/99-gpu.rules", without prefix */
        size_t number;    /* from 1 */
        size_t last;      /* of the lines that a backslash makes part of it; @number: none */
        const char *text;
};

/** doctor_rule_opens() - whether a udev rule gives everybody access to GPU nodes */
bool doctor_rule_opens(struct bytes line);

/** doctor_line_chmods() - whether a script's line changes owner or mode of GPU nodes in /dev */
bool doctor_line_chmods(struct bytes line);

/** doctor_comment_out() - the command that makes comments of such a line */
const char *doctor_comment_out(struct arena *a, const struct doctor_line *l);

/** doctor_shell_word() - @s as one word of a shell command, in quotes where that is needed */
const char *doctor_shell_word(struct arena *a, const char *s);
