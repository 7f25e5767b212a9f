/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * look - root's pass over the host and its containers
 *
 * The daemon has no rights: it asks. The look believes nothing of it, reads the machine, and
 * does what can be done between two starts.
 */
#include "anchor/check.h"

struct look {
        bool starting_only;       /* set by the caller: look only into those that are starting */
        struct findings findings; /* what was done, each with its container's vmid */
        size_t n_soon;            /* things that have to wait for udev */
        size_t n_deferred;        /* things that have to wait: a lock that is taken */
        size_t n_starting;        /* containers that were said to start, and do not run yet */
        bool asked;               /* a look was asked for while this one went on; another is due */
};

/**
 * anchor_look_at_gates() - what a look does first: gates that are closed follow the devices
 * @ret: what has changed, each with its container's vmid
 *
 * Return: 0 or negative errno when the host cannot be read.
 */
int anchor_look_at_gates(struct arena *a, const char *root, struct findings *ret);

/**
 * anchor_look() - one pass
 * @a:    arena of the result
 * @root: path prefix; with one nothing is looked into that runs
 * @ret:  what was done and what has to wait; starting_only is the caller's
 *
 * Renews what this host remembers of its cards. Corrects the container file where Proxmox would
 * end the next start before any hook runs: a devN path that is not there any more. Writes what
 * each running container holds to its held file (pve/record.h). Everything is derived anew;
 * a pass that is killed at any point is made good by the next one.
 *
 * Return: 0, GUEST_E_NOT_MOUNTED, negative errno when the host cannot be read.
 */
int anchor_look(struct arena *a, const char *root, struct look *ret);
