/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * enrol - what to do about a container that no start corrects
 */
#include "model/plan/choose/choice.h"

/** struct enrolment - what `gpuanchor enable` would find of a container */
struct enrolment {
        uint32_t vmid;
        const struct choice *choice;
        bool left_alone; /* its files stay as they are, see struct check */
};

/** enrol_is_plain() - whether `gpuanchor enable VMID` does it without a question */
bool enrol_is_plain(const struct enrolment *e);

/**
 * enrol_command() - the command that enrols the container without a question
 *
 * Where enable would ask or refuse: with what to choose of, or what shows the fault.
 */
const char *enrol_command(struct arena *a, const struct enrolment *e);

/** enrol_hook_remedy() - what to do where its hookscript cannot be run; @wrapper: it only calls the hook */
const char *enrol_hook_remedy(struct arena *a, const struct enrolment *e, bool wrapper);
