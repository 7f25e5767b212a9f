/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* running - one container that runs: what it holds, and its nodes put right */
#include "anchor/check.h"
#include "model/live/follow.h"

struct running_look {
        bool seen;     /* it was looked into; not while LXC is still making its /dev */
        bool changed;  /* nodes left it or came in */
        bool deferred; /* steps wait, or could not be done */
        const char *why_not; /* they wait for a lock or a freezer; or it could not be looked into */
        bool soon;     /* steps wait for udev */
        bool added;    /* a node that Proxmox adds while it runs has come or gone: for its gate */
        enum held_unfinished unfinished; /* of this look, or of one that did not finish */
};

/**
 * running_look() - look into a running container and let it follow its GPUs
 * @c:   check of it, with check_given(); gets container-reanchored, container-node-revoked, container-not-followed
 * @ret: what came of it
 *
 * Writes its held file, and its record where a node has changed. `running =` of its policy says
 * whether nodes are changed. In a helper that is left when it does not answer.
 */
void running_look(struct check *c, struct running_look *ret);

/**
 * running_finished() - what it runs has followed the nodes that a look has changed
 * @file: and its container file
 *
 * Until then its held file says that they have not, for the next look, should this one be killed.
 */
void running_finished(const struct pve *pve, uint32_t vmid, bool file);

/**
 * running_apply() - give a running container now what its next start would give it
 * @c: check of it, after its files were written; gets what running_look() finds
 *
 * Its record says from then on what the plan says, also where it had none. Nothing is done with a
 * path prefix, or when it does not run.
 */
void running_apply(struct check *c, struct running_look *ret);

/**
 * running_preview() - what running_apply() would change; nothing is changed
 * @ret: steps, none of which is done; in @c's arena
 *
 * Return: whether it was looked into.
 */
bool running_preview(struct check *c, struct follow *ret);

/** running_withdraw() - take out of a running container what its record says that it was given */
void running_withdraw(struct check *c, struct running_look *ret);

/** running_preview_withdrawal() - the same, and nothing is changed; as running_preview() */
bool running_preview_withdrawal(struct check *c, struct follow *ret);
