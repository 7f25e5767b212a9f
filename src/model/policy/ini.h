/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * ini - the lines of a settings file
 */
#include "base/bytes.h"

/** What inih of Debian can hold in a line, and what we read of a file. */
#define INI_LINE_MAX 199
#define INI_FILE_MAX (64 * 1024)

/** struct ini_entry - KEY = VALUE of a section */
struct ini_entry {
        const char *section; /* NULL before the first one */
        const char *key;
        const char *value; /* without blanks at both ends */
};

enum ini_line {
        INI_LINE_NONE,    /* blank or a comment */
        INI_LINE_HEADING, /* [section], perhaps with a comment behind it */
        INI_LINE_ENTRY,   /* anything else */
};

/**
 * ini_line() - what kind of line this is
 * @line:     one line, with or without its end
 * @ret_text: name of a section, or an entry; without blanks at both ends
 *
 * One answer for the reader and for policy_remember(): they must not disagree on where a
 * section ends.
 */
enum ini_line ini_line(struct bytes line, struct bytes *ret_text);
