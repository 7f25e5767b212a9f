/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/finding/finding.h"

/* for a terminal, where colours are wanted */
#define TEXT_RED "\033[31m"
#define TEXT_GREEN "\033[32m"
#define TEXT_YELLOW "\033[33m"
#define TEXT_CYAN "\033[36m"
#define TEXT_BOLD "\033[1m"
#define TEXT_FAINT "\033[2m"
#define TEXT_RESET "\033[0m"

/**
 * finding_text() - the sentence of a finding, its places filled in
 * @a:    arena for the result
 * @vmid: container it is about, 0 for none
 *
 * What comes from files and devices is escaped: the result is one line without
 * control characters, safe for a terminal.
 */
const char *finding_text(struct arena *a, const struct finding *f, uint32_t vmid);

/** finding_remedy() - what to do about it, "" when there is nothing to do */
const char *finding_remedy(struct arena *a, const struct finding *f, uint32_t vmid);

/** text_fields() - a line for a program: tabs between the fields, "-" for NULL or "", escaped */
const char *text_fields(struct arena *a, const char *const *fields, size_t n);

/** text_escape() - control characters and bytes that are no UTF-8 as \xNN */
const char *text_escape(struct arena *a, const char *s);

/** struct text_place - what stands for "{name}" in a text; "?" when it is NULL */
struct text_place {
        const char *name, *value;
};

/**
 * text_fill() - a text of a .def table, its places filled in with what is escaped here
 * @places: ends with a name that is NULL; a place of another name stays as it is
 */
const char *text_fill(struct arena *a, const char *template, const struct text_place *places);

/**
 * text_wrap() - print @text on stdout, broken at blanks, with an end of line
 * @at:     the column that stdout is at
 * @indent: where further lines begin
 * @width:  columns of a line; a word that is longer is not broken
 */
void text_wrap(const char *text, size_t at, size_t indent, size_t width);
