/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* enrol - the commands that are printed, for the state that the container is in */
#include "model/plan/choose/enrol.h"

#include "model/finding/reason.h"
#include "model/plan/choose/chooser.h"

bool enrol_is_plain(const struct enrolment *e) {
        return choice_is_settled(e->choice) && !e->left_alone;
}

const char *enrol_command(struct arena *a, const struct enrolment *e) {
        const struct ambiguity *choices = &e->choice->ambiguity;

        if (enrol_is_plain(e))
                return arena_printf(a, WHY_ENROL, e->vmid);
        if (e->choice->n_followed > 0) /* what it has chosen stays so, here or not */
                return arena_printf(a, WHY_ENROL_AGAIN, e->vmid, e->vmid);
        if (choices->gpus.n > 0)
                return arena_printf(a, WHY_ENROL_GPU, e->vmid,
                                    e->choice->undecided ? WHY_SELECTOR_ANY
                                                         : chooser_beside(a, &e->choice->gpus, WHY_SELECTOR_ANY),
                                    gpu_list_selectors(a, &choices->gpus),
                                    choices->all ? WHY_ENROL_OR_ALL : "");
        if (e->left_alone && !e->choice->undecided)
                return arena_printf(a, WHY_ENROL_REFUSED, e->vmid);
        return arena_printf(a, WHY_ENROL_ANY, e->vmid);
}

const char *enrol_hook_remedy(struct arena *a, const struct enrolment *e, bool wrapper) {
        const char *command = enrol_command(a, e);

        return wrapper ? arena_printf(a, WHY_HOOK_INSTEAD, e->vmid, command) : command;
}
