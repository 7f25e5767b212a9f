/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * ledger - what was reported already
 *
 * A watcher that repeats itself is not read. What is open is remembered, also
 * across a restart: a finding is reported when it is new or says something else
 * than before, and once more when it is no longer true.
 */
#include "model/finding/finding.h"

struct ledger {
        struct finding *open; /* what is true and was reported */
        size_t n_open;
};

/** struct ledger_news - what a check has found out since the last one, the worst first */
struct ledger_news {
        struct findings fresh;    /* to be reported: new, or changed; events too */
        struct findings resolved; /* was open, is no longer true */
        struct ledger next;       /* what is open from now on */
};

/**
 * ledger_compare() - what is to be reported, and what is open from now on
 * @before: what was open
 * @now:    all that the check has found; its arena gets the results, whose strings are those of
 *          @before and @now
 * @blind:  the containers could not be looked at: what was open about them still is
 * @ret:    news
 *
 * The same goes for a single container of which @now says that it cannot be read.
 */
void ledger_compare(const struct ledger *before, const struct findings *now, bool blind,
                    struct ledger_news *ret);

/** ledger_write() - as text, one finding a line; the same ledger gives the same bytes */
struct bytes ledger_write(struct arena *a, const struct ledger *l);

/**
 * ledger_read() - the ledger in @text
 *
 * An entry with a code that this version does not have is left out: it came
 * from a newer one. Return: false when @text is no whole ledger; @ret is
 * untouched then.
 */
bool ledger_read(struct arena *a, struct bytes text, struct ledger *ret);
