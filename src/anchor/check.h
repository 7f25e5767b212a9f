/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * check - look at a container and plan
 *
 * Hook, CLI and daemon all ask this one function, so they cannot disagree.
 */
#include "anchor/anchor.h"
#include "model/plan/edit/edit.h"
#include "pve/guest.h"

/** struct check - everything that is known about one container at one moment */
struct check {
        struct anchor *anchor;
        struct arena *arena; /* of @anchor */
        struct guest guest;
        struct policy policy;
        struct plan plan;
        struct findings findings;

        bool left_alone;    /* a broken policy or an id map that cannot be proved: no edits */
        const char *refuse; /* NULL: the container may start; else why it must not */
        struct bytes new_conf, new_config, new_policy;
        bool remembered;          /* by anchor_apply(): the policy file holds @new_policy */
        enum method convert, own_method; /* of anchor_check_convert(): asked for; by the policy */
        uint32_t *delegate;       /* host gids that /etc/subgid does not give root yet */
        size_t n_delegate;
};

/**
 * anchor_check() - look at host and container, and plan
 * @an:   host; what is read of the container lives in its arena, too
 * @vmid: container
 * @ret:  the check; changes nothing on disk
 *
 * Return: 0, an enum guest_problem (@ret->findings says it too), negative errno.
 */
int anchor_check(struct anchor *an, uint32_t vmid, struct check *ret);

/**
 * anchor_check_convert() - anchor_check() as if the policy asked for @method
 *
 * What only the other form needed goes too: for devN the holes in the id map that
 * are ours and the rules of the control group. @ret->own_method is what the
 * policy says; the caller makes it say otherwise where it must.
 */
int anchor_check_convert(struct anchor *an, uint32_t vmid, enum method method, struct check *ret);

/** anchor_would_change() - whether anchor_apply() has anything to write for the container's files
 */
bool anchor_would_change(const struct check *c);

/**
 * anchor_apply() - write what a check planned
 * @c: check; gets findings for what could not be written, and @c->refuse when the
 *     files on disk would then give the container another GPU
 *
 * Order: delegations, memory, backup, container file, generated configuration,
 * record. A crash at any point leaves each file old or new, and the next start
 * derives all of it again. The caller holds the lock, or its parent does.
 *
 * Return: 0 when all was written, GUEST_E_CHANGED when a file is not what was
 *         checked any more (check again), 1 << 8 when something failed and is told.
 */
int anchor_apply(struct check *c);

#define ANCHOR_E_FAILED (1 << 8)

/** anchor_apply_now() - anchor_apply() outside of a start: the record of the last one stays */
int anchor_apply_now(struct check *c);

/** anchor_tell_problem() - add the finding for an enum guest_problem or a negative errno */
void anchor_tell_problem(struct findings *f, const struct guest *g, int problem);
