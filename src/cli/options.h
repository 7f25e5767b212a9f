/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/verb.h"

/**
 * options_parse() - read the command line
 * @c:    gets verb, options and arguments
 * @argv: of main(); reordered
 *
 * Options may stand before and behind the verb; those before it are of the kind
 * that every verb has. What is not understood is reported on stderr, with the
 * nearest thing that would be.
 *
 * Return: true, or false after telling.
 */
bool options_parse(struct cli *c, int argc, char **argv);

/** options_verb() - the verb of this name; NULL after a complaint with the nearest one */
const struct verb *options_verb(struct cli *c, const char *word);

/** version_print() - what --version prints */
void version_print(void);

/** help_print() - --help of the command; @c->verb chooses that of a verb */
void help_print(const struct cli *c);
