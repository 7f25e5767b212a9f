/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* doctor-item - the sentences of doctor.def about one item, their places filled in */
#include "render/doctor-item.h"

#include "render/text.h"

static const char *fill_in(struct arena *a, const char *template, const struct doctor_item *i,
                           uint32_t vmid) {
        struct text_place places[] = {
                { "subject", i->subject },
                { "gpu", i->gpu },
                { "old", i->old },
                { "new", i->new },
                { "what", i->what },
                { "where", i->where },
                { "arg", i->arg },
                { "check", doctor_checks[i->check].name },
                { "reason", NULL },
                { "vmid", vmid ? arena_printf(a, "%u", vmid) : "VMID" },
                { NULL, NULL },
        };

        if (i->reason)
                places[8].value = text_fill(a, doctor_reasons[i->reason], places);
        return text_fill(a, template, places);
}

const char *doctor_command(struct arena *a, const struct doctor_item *i, uint32_t vmid) {
        const char *command = i->remedy ? doctor_remedies[i->remedy].command
                                        : doctor_outcomes[i->outcome].command;

        return *command ? fill_in(a, command, i, vmid) : NULL;
}

static const char *advice_of(struct arena *a, const struct doctor_item *i, uint32_t vmid) {
        const struct doctor_outcome_kind *kind = &doctor_outcomes[i->outcome];
        const char *advice = i->remedy ? doctor_remedies[i->remedy].advice : kind->advice;

        if (!*advice && i->finding && !*kind->evidence && !doctor_command(a, i, vmid))
                return finding_remedy(a, i->finding, vmid);
        return fill_in(a, advice, i, vmid);
}

const char *doctor_evidence(struct arena *a, const struct doctor_item *i, uint32_t vmid) {
        const struct doctor_outcome_kind *kind = &doctor_outcomes[i->outcome];
        const char *text = *kind->evidence ? fill_in(a, kind->evidence, i, vmid)
                           : i->finding    ? finding_text(a, i->finding, vmid)
                                           : doctor_checks[i->check].title;
        const char *advice = advice_of(a, i, vmid);

        return *advice ? arena_printf(a, "%s; %s", text, advice) : text;
}
