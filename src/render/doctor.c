/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * doctor - a report in words
 *
 * The evidence is wrapped to the terminal, the commands are not: a command that is broken
 * over two lines cannot be copied.
 */
#include "render/doctor.h"

#include "model/finding/reason.h"
#include "render/doctor-item.h"
#include "render/text.h"

#define INDENT 10 /* where text begins, behind "  warning " */

static bool is_shown(const struct doctor_view *v, const struct doctor_item *i) {
        return !v->quiet || i->verdict >= DOCTOR_WARNING;
}

static const char *color_of(enum doctor_verdict verdict) {
        static const char *const colors[] = {
                [DOCTOR_OK] = TEXT_GREEN,
                [DOCTOR_SKIPPED] = TEXT_FAINT,
                [DOCTOR_WARNING] = TEXT_YELLOW,
                [DOCTOR_FAILED] = TEXT_RED,
        };

        return colors[verdict];
}

static void print_item(struct arena *a, const struct doctor_view *v, const struct doctor_item *i) {
        const char *evidence = doctor_evidence(a, i, v->vmid);
        const char *command = doctor_command(a, i, v->vmid);
        struct strbuf b = { .arena = a };

        strbuf_adds(&b, doctor_checks[i->check].name);
        if (i->subject)
                strbuf_printf(&b, " %s", text_escape(a, i->subject));
        if (*evidence)
                strbuf_printf(&b, ": %s", evidence);
        printf("  %s%-7s%s ", v->color ? color_of(i->verdict) : "", doctor_verdict_name(i->verdict),
               v->color ? TEXT_RESET : "");
        text_wrap(strbuf_str(&b), INDENT, INDENT, v->width);
        if (command)
                printf("%*s-> %s\n", INDENT, "", command);
}

static void print_summary(const struct doctor_view *v) {
        const struct doctor_item *first = doctor_first(v->report, DOCTOR_FAILED);

        printf(WHY_DOCTOR_SUM, doctor_count(v->report, DOCTOR_OK),
               doctor_count(v->report, DOCTOR_SKIPPED), doctor_count(v->report, DOCTOR_WARNING),
               doctor_count(v->report, DOCTOR_WARNING) == 1 ? "" : "s",
               doctor_count(v->report, DOCTOR_FAILED));
        if (v->report->left_out)
                printf(WHY_DOCTOR_MORE, v->report->left_out);
        if (first)
                printf(WHY_DOCTOR_FIRST, doctor_group_title(doctor_checks[first->check].group),
                       doctor_checks[first->check].name);
}

void doctor_text(struct arena *a, const struct doctor_view *v) {
        enum doctor_group last = DOCTOR_GROUPS;

        for (size_t i = 0; i < v->report->n; i++) {
                const struct doctor_item *item = &v->report->items[i];
                enum doctor_group g = doctor_checks[item->check].group;

                if (!is_shown(v, item))
                        continue;
                if (g != last)
                        printf("%s%s%s\n", v->color ? TEXT_BOLD : "", doctor_group_title(g),
                               v->color ? TEXT_RESET : "");
                last = g;
                print_item(a, v, item);
        }
        if (!v->quiet)
                print_summary(v);
}

void doctor_plain(struct arena *a, const struct doctor_view *v) {
        for (size_t i = 0; i < v->report->n; i++) {
                const struct doctor_item *item = &v->report->items[i];
                const char *const fields[] = {
                        doctor_group_name(doctor_checks[item->check].group),
                        doctor_checks[item->check].name,
                        doctor_verdict_name(item->verdict),
                        item->subject,
                        doctor_evidence(a, item, v->vmid),
                        doctor_command(a, item, v->vmid),
                };

                if (is_shown(v, item))
                        puts(text_fields(a, fields, ELEMENTS(fields)));
        }
}
