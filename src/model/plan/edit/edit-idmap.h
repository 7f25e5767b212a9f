/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * edit-idmap - the lxc.idmap lines
 */
#include "model/plan/edit/editor.h"

/** edit_idmap() - the lxc.idmap lines against the plan's map */
void edit_idmap(struct editor *e);
