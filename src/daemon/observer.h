/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * observer - one look at everything, and the news of it
 *
 * What is new, changed or resolved since the last look is told.
 */
#include "anchor/status.h"
#include "model/watch/pace.h"
#include "pve/settings.h"

/** struct teller - who carries the news, worst first */
struct teller {
        /* @f has a vmid when it is about a container; @resolved: it is no longer true */
        void (*tell)(void *user, const struct finding *f, bool resolved);
        void *user;
};

struct observer {
        struct arena arena; /* of the paths */
        const char *root, *folder, *path;
        struct teller teller;
        struct daemon_settings settings; /* as the last look read them */

        char *state;              /* text of the state file, as the next look shall see it */
        bool damaged;             /* there was one, and it could not be read */
        bool unwritten, failing;  /* told once */
        uint64_t unmounted_since; /* 0: /etc/pve is there */
        struct pace_limit limit;
        char *summary; /* "2 GPUs, 3 managed containers; nothing is open"; NULL before a look */
};

/**
 * observer_open() - read what was kept, change nothing
 * @o:      with root, folder (NULL: its usual place) and teller, which must live as long
 *
 * Return: 0 or negative errno; observer_close() in both cases.
 */
int observer_open(struct observer *o);
void observer_close(struct observer *o);

/** Of observer_look(): /etc/pve is not mounted, which is told only after OBSERVER_GRACE. */
#define OBSERVER_AGAIN 1
#define OBSERVER_GRACE (10 * PACE_SECOND)

/**
 * observer_look() - look at everything now, tell the news
 * @now:    microseconds of CLOCK_MONOTONIC
 * @forget: the GPUs that are gone and that no policy names, from the next look on
 *
 * Return: 0, OBSERVER_AGAIN; negative errno when the host cannot be read, which was told then.
 */
int observer_look(struct observer *o, uint64_t now, bool forget);
