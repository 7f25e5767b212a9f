/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * anchor-parts - what check, apply and learn share
 */
#include "anchor/check.h"

/**
 * anchor_judge_unwritten() - the files stay as they are on disk: may the container start?
 * @c:   check; @c->refuse says no
 * @why: they were not written
 */
void anchor_judge_unwritten(struct check *c, const char *why);

/**
 * anchor_plan() - plan and edits under the policy that is in @c
 * @c:   guest, facts and policy are in it; gets plan, findings, new contents, delegations
 * @ret: what has to be remembered; untouched when @c is left alone, because its id map
 *       cannot be proved
 *
 * Return: 0 or negative errno.
 */
int anchor_plan(struct check *c, struct drift *ret);

/** anchor_tell_write_failed() - why a write failed, in the words of somebody who has to mend it */
void anchor_tell_write_failed(struct findings *f, const char *where, int error);

/** anchor_store_policy() - replace a container's policy file; 0 or negative errno */
int anchor_store_policy(struct anchor *an, uint32_t vmid, struct bytes content);
