/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* learn - a running container against its record, and what it teaches */
#include "anchor/anchor.h"
#include "host/inside/helper.h"
#include "model/finding/finding.h"

/**
 * anchor_learn() - compare a running container with its record, and learn its own gids
 * @an:   with a path prefix nothing is done: the containers that lxc-info knows are those of
 *        this machine
 * @vmid: container
 * @f:    gets what differs, what was learned, and why it could not be looked at
 *
 * In a helper, and no longer than ten seconds. Return: whether it runs and was looked at.
 */
bool anchor_learn(struct anchor *an, uint32_t vmid, struct findings *f);

/** struct learned - what a look showed */
struct learned {
        struct findings findings;
        bool has_groups;
        struct bytes groups; /* its /etc/group */
};

/** anchor_learn_look() - the look, which is made in a helper; all of it lives in @in->arena */
struct learned *anchor_learn_look(const struct anchor *an, const struct inside *in);

/** anchor_learn_keep() - write down what it taught; @f gets what was said in @l and more */
void anchor_learn_keep(struct anchor *an, uint32_t vmid, const struct learned *l,
                       struct findings *f);

/** anchor_tell_unreached() - why inside_call() failed, unless the container just does not run */
void anchor_tell_unreached(struct findings *f, int problem, const struct inside_answer *answer);
