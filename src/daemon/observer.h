/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * observer - one look at everything, and the news of it
 *
 * Reports what is new, changed or resolved since the last look.
 */
#include "anchor/status.h"
#include "model/watch/pace.h"
#include "pve/settings.h"

/** struct teller - what reports the news, worst first */
struct teller {
        /* @f has a vmid when it is about a container; @resolved: it is no longer so */
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
        bool unwritten, failing;  /* reported once */
        uint64_t unmounted_since; /* 0: /etc/pve is there */
        struct pace_limit limit;
        char *summary; /* "2 GPUs, 3 managed containers; nothing is open"; NULL before a look */
};

/**
 * observer_open() - read the state file, change nothing
 * @o:      with root, folder (NULL: its usual place) and teller, which must live as long
 *
 * Return: 0 or negative errno; observer_close() in both cases.
 */
int observer_open(struct observer *o);
void observer_close(struct observer *o);

/** Of observer_look(): /etc/pve is not mounted, which is reported after OBSERVER_GRACE. */
#define OBSERVER_AGAIN 1
#define OBSERVER_GRACE (10 * PACE_SECOND)

/**
 * observer_look() - look at everything now, report the news
 * @now:    microseconds of CLOCK_MONOTONIC
 * @forget: the GPUs that are gone and that no policy names, from the next look on
 *
 * Return: 0, OBSERVER_AGAIN; negative errno when the host cannot be read, after reporting it.
 */
int observer_look(struct observer *o, uint64_t now, bool forget);
