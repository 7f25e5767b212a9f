/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * open-rule - a privileged container whose device rules hold nothing back
 *
 * Its root makes a node of any number and opens it. Such a rule is often there for the one
 * device that a guide is about, so it is never taken out: what would replace it is said.
 */
#include "model/plan/open-rule.h"

#include "model/finding/reason.h"
#include "model/ways/way-file.h"

bool open_rule_is(const struct devline *d) {
        struct bytes rest = d->access, access = bytes_word(&rest);

        return d->type == DEVLINE_ALLOW && d->any_major && !d->broken && !d->legacy &&
               d->device_type != 'b' &&
               (d->device_type == 'a' || bytes_contains_char(access, 'r') ||
                bytes_contains_char(access, 'w'));
}

static void add(struct strbuf *b, const char *text) {
        if (b->len > 0 && bytes_contains(strbuf_bytes(b), text))
                return;
        strbuf_printf(b, "%s%s", b->len > 0 ? ", " : "", text);
}

static bool is_below_dev(const struct source *s) {
        return s->leads_to && str_has_prefix(s->leads_to, "/dev/");
}

struct open_rule_instead open_rule_instead(struct arena *a, const struct pctconf *c,
                                           const struct survey *s, const struct plan *p) {
        struct strbuf b = { .arena = a };
        struct open_rule_instead ret = { 0 };

        for (size_t i = 0; i < p->n_nodes; i++)
                if (p->nodes[i].required && p->nodes[i].form == METHOD_IDMAP)
                        add(&b,
                            arena_printf(a, "%s rwm", devnum_rule(a, p->nodes[i].node->number)));
        for (size_t i = 1; i < s->n_lines; i++) {
                const struct devline *d = &s->lines[i];

                if (d->type == DEVLINE_WHOLE || way_is(&c->lines[i])) {
                        struct bytes value = c->lines[i].value, what = c->lines[i].key;

                        if (d->type == DEVLINE_WHOLE)
                                what = bytes_word(&value);
                        add(&b, arena_printf(a, WHY_OPEN_RULE_THOSE,
                                             bytes_dup(a, bytes_cut(&what, ','))));
                        ret.others = true;
                }
                /* a line that is not ours to judge, but binds something: a mount entry */
                if (d->type != DEVLINE_NONE || !d->at || d->target_path.clean.len == 0)
                        continue;
                if (d->at->kind == SOURCE_DEVICE)
                        add(&b, arena_printf(a, "%s rwm", devnum_rule(a, d->at->number)));
                else if (is_below_dev(d->at)) /* its devices are not known here, or not there now */
                        add(&b, arena_printf(a, WHY_OPEN_RULE_THOSE, d->source));
                else
                        continue;
                ret.others = true;
        }
        ret.text = strbuf_str(&b);
        return ret;
}

size_t open_rule_line(const struct survey *s) {
        for (size_t i = 1; i < s->n_lines && !s->userns; i++)
                if (open_rule_is(&s->lines[i]))
                        return i;
        return 0;
}

void open_rule_report(struct arena *a, const struct plan_input *in, const struct plan *p,
                 struct findings *f) {
        size_t i = open_rule_line(in->survey);
        struct open_rule_instead rules;

        if (i == 0)
                return;
        rules = open_rule_instead(a, in->conf, in->survey, p);
        finding_add(f, (struct finding){ .code = FINDING_OPEN_RULE,
                                         .where = arena_printf(a, "%s:%zu", in->name,
                                                               in->conf->lines[i].number),
                                         .old = bytes_dup(a, in->conf->lines[i].text),
                                         .what = bytes_dup(a, in->conf->lines[i].value),
                                         .new = *rules.text ? rules.text : WHY_OPEN_RULE_NOTHING });
}
