/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * doctor - a report for a person, for a pipe
 */
#include "model/doctor/doctor.h"

struct doctor_view {
        const struct doctor_report *report;
        const char *node; /* NULL outside of Proxmox */
        uint32_t vmid;    /* 0: the host alone */
        bool quiet;       /* warnings and failures only */
        bool color;
        size_t width; /* of the terminal; commands are never broken */
};

/** doctor_text() - a heading per group, a line or more per item, on stdout */
void doctor_text(struct arena *a, const struct doctor_view *v);

/**
 * doctor_plain() - the same for a pipe, on stdout
 *
 * Six fields with tabs between them, "-" for nothing: group, check, verdict, subject,
 * evidence, command that corrects it.
 */
void doctor_plain(struct arena *a, const struct doctor_view *v);
