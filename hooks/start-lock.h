/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * start-lock - whose is the configuration lock while a container starts
 */
#include "base/process.h"
#include "pve/guest.h"

enum start_lock_state {
        START_LOCK_OTHER, /* another task has it: the container file must not be written */
        START_LOCK_OWN,   /* taken here, by nobody else */
        START_LOCK_START, /* of the start that we are part of */
};

#define START_LOCK_SAID 64 /* what is beyond is said twice */

struct start_lock {
        enum start_lock_state state;
        int fd;                /* the lock, taken or shared, until it is closed; below 0: none */
        struct process holder; /* START_LOCK_START */
        unsigned waited_ms;    /* what the pre-start of this start has waited for a GPU */
        bool usermod_late;     /* this start has waited for usermod in vain */
        uint64_t said[START_LOCK_SAID]; /* digests of what this start has said */
        size_t n_said;
};

/**
 * start_lock_pre() - the lock in pre-start
 *
 * It is the start's if one of our ancestors holds it: Proxmox waits for its hookscript. Else - a
 * hookscript that runs us in the background, a start that takes no lock - it is taken here, within
 * ten seconds like Proxmox.
 */
void start_lock_pre(const struct pve *pve, uint32_t vmid, struct start_lock *ret);

/**
 * start_lock_unit() - the lock in the drop-in
 *
 * Systemd runs it, so no ancestor tells. It is the start's if the process in the note of
 * start_lock_note() still lives, still holds the lock, and the container file is what it left.
 */
void start_lock_unit(const struct pve *pve, uint32_t vmid, struct start_lock *ret);

/** start_lock_said() - whether this start has said @text; from now on it has */
bool start_lock_said(struct start_lock *l, const char *text);

/**
 * start_lock_note() - for the drop-in of the same start: whose lock it is
 * @l: with waited_ms and usermod_late; nothing is noted unless it is START_LOCK_START
 *
 * Written when all other files are. A start without a note is one whose lock is another task's.
 */
void start_lock_note(const struct pve *pve, uint32_t vmid, const struct start_lock *l);

/** start_lock_forget() - the start is through; no error when there is no note */
void start_lock_forget(const struct pve *pve, uint32_t vmid);
