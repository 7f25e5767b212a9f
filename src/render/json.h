/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * json - for programs: the objects that gpuanchor(1) describes
 *
 * Each has `schema`, which is counted up when a field goes or changes its
 * meaning, not when one is added. Every string is UTF-8: bytes that are not, and
 * control characters, are \xNN.
 */
#include "model/live/follow.h"
#include "model/report/mask.h"
#include "model/plan/plan.h"
#include "render/doctor.h"
#include "render/inventory.h"
#include "render/status.h"

#define JSON_SCHEMA 1

/** struct json_file - one file that would change */
struct json_file {
        const char *path;
        bool changes;
        const char *diff; /* unified, escaped line by line */
};

/** struct json_plan - all that is known about one container */
struct json_plan {
        uint32_t vmid;
        const char *node; /* NULL when not known */
        bool managed, left_alone;
        const char *refuse;      /* why the next start would be refused, or NULL */
        const struct plan *plan; /* NULL when it could not be looked at */
        const struct findings *findings;
        const uint32_t *delegate; /* host gids that /etc/subgid would get */
        size_t n_delegate;
        const struct json_file *files;
        size_t n_files;
        const struct follow *live; /* what would change in the container that runs */
};

/** json_gpus() - `gpuanchor gpus --json`, ends with a newline; in the arena */
const char *json_gpus(struct arena *a, const struct inventory *inv);

/** json_plan() - `gpuanchor plan VMID --json` */
const char *json_plan(struct arena *a, const struct json_plan *p);

/** json_status() - `gpuanchor status --json` */
const char *json_status(struct arena *a, const struct status_view *v);

/** json_doctor() - `gpuanchor doctor --json` */
const char *json_doctor(struct arena *a, const struct doctor_view *v);

/** json_masked() - an object, mask_text() over all values that are no fixed words; in @m's arena */
const char *json_masked(struct mask *m, const char *json);
