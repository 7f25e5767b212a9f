/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * manager-internal - what the look (manager.c) and the loop (manager-loop.c) share
 */
#include "daemon/manager.h"
#include "host/watch.h"
#include "model/watch/pace.h"
#include "pve/daemon-settings.h"

struct manager {
        struct arena arena; /* of the paths */
        const char *root, *folder, *path;
        tell_fn tell;
        void *user;
        struct watch *watch;
        struct daemon_settings settings;

        char *state;             /* text of the state file, as the next look shall see it */
        bool damaged;            /* there was one, and it could not be read */
        bool unwritten, failing; /* told once */
        bool forget;
        uint64_t unmounted_since; /* 0: /etc/pve is there */
        struct pace pace;
        struct pace_limit limit;
        uint64_t checks;
        char *summary;

        sd_event *event;
        sd_event_source *sources[WATCH_SOURCES], *quiet, *slow;
};

/** manager_watch_folders() - watch the folders that a look reads; @a: scratch */
void manager_watch_folders(struct manager *m, struct arena *a);

/** manager_detach() - leave the event loop */
void manager_detach(struct manager *m);
