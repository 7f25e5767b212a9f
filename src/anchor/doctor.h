/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * doctor - look at everything between a GPU and a program, and change nothing
 */
#include "anchor/check.h"
#include "model/doctor/doctor.h"

/** struct doctor - one look; everything lives in @anchor's arena */
struct doctor {
        struct anchor *anchor;
        struct arena *arena;
        const char *root;
        uint32_t vmid;      /* 0: the host alone */
        struct check check; /* of the container; what its next start would do */
        struct subid_range *subuids;
        size_t n_subuids;
        bool running;
        bool blind; /* the container could not be looked at without root */
        struct doctor_report report;
};

/**
 * anchor_doctor() - look at the host, and at a container if one is given
 * @an:   host
 * @vmid: container, managed or not; 0 for the host alone
 * @ret:  the report
 *
 * Return: 0; an enum guest_problem or negative errno when host or container cannot be
 *         looked at.
 */
int anchor_doctor(struct anchor *an, uint32_t vmid, struct doctor *ret);

/** anchor_doctor_file() - the same of the container's file alone: what `gpuanchor fix` corrects */
int anchor_doctor_file(struct anchor *an, uint32_t vmid, struct doctor *ret);

/** anchor_doctor_inside() - the groups INSIDE and SERVICE of @d->report, from the running container
 */
void anchor_doctor_inside(struct doctor *d);
