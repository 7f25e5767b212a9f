/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * running - the checks of a running container
 */
#include "model/doctor/doctor.h"
#include "model/guest/inside-facts.h"

/** doctor_inside() - its nodes, its groups, and whether the nodes can be opened */
void doctor_inside(struct doctor_report *r, const struct inside_facts *f);

/** doctor_driver() - whether its libraries of NVIDIA's driver are those of the loaded module */
void doctor_driver(struct doctor_report *r, const struct inside_facts *f);

/** doctor_programs() - what its own programs find: Vulkan, VA-API; GPU load */
void doctor_programs(struct doctor_report *r, const struct inside_facts *f);

/** doctor_services() - layer 3: what its services may open, and what Ollama reports */
void doctor_services(struct doctor_report *r, const struct inside_facts *f);

/** doctor_open_reason() - why an open(2) of @d failed, and what the reason's text names */
void doctor_open_reason(struct arena *a, const struct inside_facts *f,
                        const struct inside_device *d, struct doctor_item *item);
