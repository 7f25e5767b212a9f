/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * open-rule - a privileged container whose device rules hold nothing back
 */
#include "model/plan/plan.h"

/** open_rule_is() - whether a line is a rule for every device: "a", "c *:* rwm" */
bool open_rule_is(const struct devline *d);

/** struct open_rule_instead - what would do instead of such a rule */
struct open_rule_instead {
        const char *text; /* "c 226:128 rwm, c 188:0 rwm, those of /dev/snd"; "" when nothing is needed */
        bool others;      /* some of it is for other devices than those of the plan */
};

/** open_rule_instead() - for the nodes of @p and all that other lines of @c bind, or may need */
struct open_rule_instead open_rule_instead(struct arena *a, const struct pctconf *c,
                                           const struct survey *s, const struct plan *p);

/** open_rule_line() - the first such rule of a privileged container; 0: none */
size_t open_rule_line(const struct survey *s);

/** open_rule_report() - say in @f that the container can open every GPU, by a rule in its file */
void open_rule_report(struct arena *a, const struct plan_input *in, const struct plan *p,
                 struct findings *f);
