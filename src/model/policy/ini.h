/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * ini - a settings file as lines, and changing some of them
 *
 * Every byte that is not changed comes back: comments, order, line ends, a byte order mark.
 */
#include "base/bytes.h"

/**
 * The longest line but for a comment, without its end and blanks at both ends, and the largest
 * file.
 *
 * Debian's libinih 55 takes what is beyond 199 bytes with the line end for a line of its own; 59
 * refuses a line that fills its buffer, and skips those behind it.
 */
#define INI_LINE_MAX 197
#define INI_FILE_MAX (64 * 1024)

/** struct ini_entry - KEY = VALUE of a section */
struct ini_entry {
        const char *section; /* NULL before the first one */
        const char *key;     /* NULL: the section's heading */
        const char *value;   /* without blanks at both ends */
        unsigned line;       /* of the file, from 1 */
};

enum ini_kind {
        INI_NONE,    /* blank or a comment */
        INI_HEADING, /* [section], perhaps with a comment behind it */
        INI_ENTRY,   /* anything else */
};

/** struct ini_line - one line of a file */
struct ini_line {
        struct bytes raw; /* with its end, if it has one */
        enum ini_kind kind;
        struct bytes text; /* name of a section, or an entry; without blanks at both ends */
};

/**
 * ini_line() - what kind of line this is
 * @raw: one line, with or without its end
 *
 * One answer for the reader and for what changes a file: they must not disagree on where a section
 * ends.
 */
struct ini_line ini_line(struct bytes raw);

/** struct ini - a whole file; views of the bytes that it was made of, or of @arena */
struct ini {
        struct arena *arena;
        struct bytes mark;    /* byte order mark, or empty */
        const char *line_end; /* that of the first line */
        struct ini_line *lines;
        size_t n;
};

/** ini_take_mark() - cut a byte order mark off; empty when there is none */
struct bytes ini_take_mark(struct bytes *file);

void ini_split(struct arena *a, struct bytes file, struct ini *ret);

/** ini_bytes() - the file as it is now */
struct bytes ini_bytes(const struct ini *f);

/**
 * ini_get() - the last value of @key in @section, NULL when it has none
 *
 * Unlike inih it reads any file, and leaves a comment behind the value in it.
 */
const char *ini_get(const struct ini *f, const char *section, const char *key);

/**
 * ini_set() - put one setting into a section that a person edits
 *
 * A key that is there gets its new value where it is, and further lines of the same key go; a new
 * one comes behind the section's last entry; a file without the section gets one at its end.
 */
void ini_set(struct ini *f, const char *section, const char *key, const char *value);

/** struct ini_section - a section that only gpuanchor writes */
struct ini_section {
        const char *name;     /* "memory"; in the file there may be more blanks between two words */
        struct bytes entries; /* lines, each with its end; empty: the section goes */
};

/**
 * ini_replace() - all entries of some sections
 * @sections: used up
 *
 * The first section of a name gets the entries, further ones go; one that is not there is appended.
 * It consists of its heading, its entries and one blank line before the heading; comments inside it
 * stay behind it. The same entries give the same bytes.
 */
void ini_replace(struct ini *f, struct ini_section *sections, size_t n);

/** ini_escaped_size() - bytes that stand for byte @i of @text: itself, two backslashes, or \xHH */
size_t ini_escaped_size(const char *text, size_t i, size_t len);

/** ini_escape() - @text as a value that comes back whole, if it fits into a line */
void ini_escape(struct strbuf *b, const char *text, size_t len);

/** ini_unescape() - NULL when @text is nothing that ini_escape() writes */
const char *ini_unescape(struct arena *a, const char *text);
