/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * status - the whole node at a glance
 */
#include "model/plan/choose/usage.h"
#include "model/watch/status.h"

struct status_view {
        const struct host_status *st;
        const struct usage *usage; /* who uses which GPU, managed or not */
        bool watched;  /* the daemon runs */
        uint32_t only; /* this container and the host; 0: all */
        const char *version;
};

/**
 * status_shows() - whether a finding belongs into this view
 *
 * With @only: those about the container, about the host, and about a GPU that the container uses.
 */
bool status_shows(const struct status_view *v, const struct finding *f);

/**
 * status_is_open() - whether somebody has to do something about it
 *
 * Events are over. A stale snapshot does no harm before a rollback, and
 * the start after it corrects it: monitoring must not be red for years.
 */
bool status_is_open(const struct finding *f);

/** status_open() - how many findings about this container are open */
size_t status_open(const struct status_view *v, uint32_t vmid);

/** status_table() - containers as a table on stdout; 0 or negative errno */
int status_table(struct arena *a, const struct status_view *v, bool color);

/**
 * status_plain() - the same for a pipe, on stdout
 *
 * Fields with tabs between them, "-" for nothing; the first says what the line
 * is: "node" NAME watched|unwatched, "gpu" ADDRESS ID DRIVER NODES CODES NAME, "container" VMID
 * NAME STATE GPUS CODES GATE, "held" VMID PATH NUMBER GPU, "finding" SEVERITY CODE VMID TEXT REMEDY and "open"
 * where something is to be done.
 */
void status_plain(struct arena *a, const struct status_view *v);

/** status_prometheus() - metrics in Prometheus' text format; in the arena */
const char *status_prometheus(struct arena *a, const struct status_view *v);

/** status_codes() - codes of the findings about one container, or about GPU @gpu; "" when none */
const char *status_codes(struct arena *a, const struct status_view *v, uint32_t vmid,
                         const char *gpu);
