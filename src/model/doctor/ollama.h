/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/doctor/doctor.h"
#include "model/doctor/service.h"

/** doctor_ollama() - verdicts about Ollama's settings and what its journal says */
void doctor_ollama(struct doctor_report *r, const struct service *s);
