/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * status - what one look at everything has found
 */
#include "model/live/held.h"
#include "model/watch/baseline.h"

/** struct container_status - a managed container */
struct container_status {
        uint32_t vmid;
        const char *name; /* its hostname, "" when it has none */
        bool running;
        const char **gpus; /* addresses of what it has, or gets at its next start */
        size_t n_gpus;
        const char *missing; /* NULL, or what its policy names and is not there */
        const char *refuse;  /* NULL, or why its next start would be refused */
        bool exclusive;      /* it has them for itself while it runs */
        struct held held;    /* while it runs: what the last look found in it */
};

struct host_status {
        const char *node; /* this cluster node; NULL: /etc/pve is not mounted */
        bool blind;       /* the containers could not be looked at */
        struct facts facts;
        struct baseline next;
        struct container_status *containers; /* the managed ones, by VMID */
        size_t n_containers, n_unmanaged;
        const char **named; /* addresses that policies of this node name */
        size_t n_named;
        const char *looked; /* how old is what is said of running containers; NULL: not known, or none runs */
        int64_t looked_age; /* in seconds; negative: none yet, or not known */
        struct findings findings; /* of host and containers */
};

/** status_age_text() - "12 s ago"; of a negative age, that there was none since the host was booted */
const char *status_age_text(struct arena *a, int64_t seconds);

/**
 * status_look_is_old() - whether what the last look found is too old to go by
 * @age:    seconds since then; negative: none yet
 * @uptime: seconds since the host was booted
 *
 * gpuanchor-look.timer has it look every minute.
 */
bool status_look_is_old(int64_t age, int64_t uptime);

/**
 * status_edits_text() - the edits among findings, in words
 *
 * "4 changes: line 9: c 226:1 rwm -> c 226:0 rwm; ...; and 1 more"
 */
const char *status_edits_text(struct arena *a, const struct findings *f);

/**
 * status_tells() - whether a finding of a check belongs into a status
 *
 * Left out is what the edits or the host's own findings say, and what is only good to know.
 */
bool status_tells(const struct finding *f);
