/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* verb - the table of all verbs, in the order of --help */
#include "cli/verb.h"

const struct verb *const verbs[] = {
        &verb_gpus,   &verb_status,  &verb_doctor,  &verb_fix,  &verb_plan,   &verb_apply,
        &verb_enable, &verb_convert, &verb_disable, &verb_undo, &verb_report, &verb_look,
        &verb_help,   &verb_version, NULL,
};
