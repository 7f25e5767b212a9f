/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * output - what the command says to a person
 *
 * Results go to stdout, one line each; the reason why nothing could be done
 * goes to stderr, one line. Everything is escaped here.
 */
#include "cli/verb.h"
#include "model/finding/finding.h"

/* arrays that the compiler sees, so that it compares their places with the arguments */
#define MESSAGE(symbol, text) static const char MSG_##symbol[] __attribute__((unused)) = text;
#include "cli/message.def"
#undef MESSAGE

/**
 * cli_fail() - tell why nothing was done
 * @remedy: what to do, "" when there is nothing
 * @format: what is wrong, and where
 *
 * Return: EXIT_TROUBLE.
 */
int cli_fail(struct cli *c, const char *remedy, const char *format, ...) _printf_(3, 4);

/** cli_width() - columns of the terminal, 80 where there is none */
size_t cli_width(void);

/** cli_fail_findings() - the same for the errors and warnings of a list, a line each */
int cli_fail_findings(struct cli *c, const struct findings *f, uint32_t vmid);

/** cli_say() - one line to stdout, after the prefix; not with --quiet or --json */
void cli_say(struct cli *c, const char *format, ...) _printf_(2, 3);

/** enum out_edits - what becomes of the findings that tell of an edit, see finding_is_change() */
enum out_edits {
        EDITS_HIDE, /* not written, or a diff says it */
        EDITS_TELL,
};

/** out_finding() - one finding with its remedy, --quiet or not */
void out_finding(struct cli *c, const struct finding *f, uint32_t vmid);

/**
 * out_findings() - the findings of a container, each with its remedy
 *
 * --quiet leaves warnings and errors, --verbose adds what is good to know. In
 * the services each goes to the journal with its fields instead.
 */
void out_findings(struct cli *c, const struct findings *f, uint32_t vmid, enum out_edits edits);

/** out_diff() - a diff of diff_make(), coloured where that is wanted; not with --quiet */
void out_diff(struct cli *c, const char *diff);
