/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * manager - the event loop of an observer
 *
 * Any event means "look again": after a quiet moment everything is looked at once.
 */
#include "daemon/observer.h"

#include <systemd/sd-event.h>

struct manager;

/**
 * manager_new() - read what was kept, change nothing
 * @root:   path prefix, "" for this machine; must live as long as the manager
 * @folder: where to keep the state, of systemd's $STATE_DIRECTORY; NULL: its usual place
 * @teller: gets the news
 * @ret:    free with manager_free()
 *
 * Return: 0 or negative errno.
 */
int manager_new(const char *root, const char *folder, struct teller teller, struct manager **ret);
void manager_free(struct manager *m);

/**
 * manager_attach() - put descriptors and timers on an event loop; manager_free() takes them off
 *
 * Return: 0 or negative errno.
 */
int manager_attach(struct manager *m, sd_event *e);

/**
 * manager_check() - look at everything now
 * @now: microseconds of CLOCK_MONOTONIC
 *
 * Return: 0; negative errno when the host cannot be read, which was reported then.
 */
int manager_check(struct manager *m, uint64_t now);

/** manager_reload() - forget the GPUs that are gone and that no policy names, then look */
int manager_reload(struct manager *m, uint64_t now);

/** manager_checks() - how often it has looked */
uint64_t manager_checks(const struct manager *m);

/** manager_summary() - "2 GPUs, 3 managed containers; nothing is open"; valid until the next look
 */
const char *manager_summary(const struct manager *m);
