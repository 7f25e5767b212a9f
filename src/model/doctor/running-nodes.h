/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/doctor/doctor.h"
#include "model/guest/inside-facts.h"

/** doctor_inside() - verdicts about a running container: its nodes, groups, what can be opened */
void doctor_inside(struct doctor_report *r, const struct inside_facts *f);

/** doctor_programs() - the same about what its own programs say: Vulkan, VA-API, GPU load */
void doctor_programs(struct doctor_report *r, const struct inside_facts *f);

/** doctor_services() - the same about layer 3: what its services may, and what Ollama says */
void doctor_services(struct doctor_report *r, const struct inside_facts *f);

/** doctor_open_words() - why an open(2) of @d failed, in words that name the layer */
const char *doctor_open_words(struct arena *a, const struct inside_facts *f,
                              const struct inside_device *d);

/** doctor_start_anew() - the command that gives a container its GPU by a new start */
const char *doctor_start_anew(struct arena *a, const struct inside_facts *f);

/**
 * doctor_upkeep() - the command by which gpuanchor itself keeps a service right
 * @unit: "ollama.service"
 *
 * Return: NULL where gpuanchor would not: no preset is made for the service, or the policy
 *         asks for something else inside already, which a preset would take away.
 */
const char *doctor_upkeep(struct arena *a, const struct inside_facts *f, const char *unit);
