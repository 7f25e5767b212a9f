/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * line-class - the kinds of line that give a device
 */
#include "model/plan/edit/settle.h"

extern const struct line_class class_mount, class_dev, class_allow, class_deny;
