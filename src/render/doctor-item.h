/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/doctor/doctor.h"

/**
 * doctor_evidence() - what was seen, and what to do where no command does it
 * @a:    arena for the result
 * @vmid: container that the report is about, 0 for the host alone
 *
 * One line, safe for a terminal.
 */
const char *doctor_evidence(struct arena *a, const struct doctor_item *i, uint32_t vmid);

/** doctor_command() - the command that corrects it, NULL when there is none; escaped, too */
const char *doctor_command(struct arena *a, const struct doctor_item *i, uint32_t vmid);
