/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * running - verdicts about a running container, from the inside
 */
#include "model/doctor/doctor.h"
#include "model/guest/inside-facts.h"

/** doctor_inside() - verdicts about a running container: its nodes, groups, what can be opened */
void doctor_inside(struct doctor_report *r, const struct inside_facts *f);

/** doctor_programs() - the same about what its own programs say: Vulkan, VA-API, GPU load */
void doctor_programs(struct doctor_report *r, const struct inside_facts *f);

/** doctor_services() - the same about layer 3: what its services may, and what Ollama says */
void doctor_services(struct doctor_report *r, const struct inside_facts *f);

/** doctor_open_reason() - why an open(2) of @d failed, and what the reason's text names */
void doctor_open_reason(struct arena *a, const struct inside_facts *f,
                        const struct inside_device *d, struct doctor_item *item);
