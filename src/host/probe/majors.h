/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/gpu/facts.h"

/** majors_read() - add the list of majors to @f, unless it is there; 0 or negative errno */
int majors_read(struct arena *a, const char *root, struct facts *f);
