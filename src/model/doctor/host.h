/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * host - verdicts about the host itself
 */
#include "model/doctor/doctor.h"
#include "model/doctor/foreign-lines.h"
#include "model/gpu/facts.h"
#include "model/guest/driver-library.h"

struct doctor_host {
        const struct facts *facts;
        const struct findings *problems; /* of its nodes, see render/inventory.h */
        const bool *module_loaded;       /* one per GPU: that of doctor_module() */
        bool cgroups_v1, cgroups_v2; /* neither: not known */
        bool no_pve; /* /etc/pve is not mounted */
        const struct subid_range *subuids;
        size_t n_subuids;
        const char **strays; /* paths below /dev that are no devices, and look like GPU nodes */
        size_t n_strays;
        const struct driver_library *libraries; /* of NVIDIA's driver, where it is loaded */
        const struct doctor_line *rules; /* local udev rules of which doctor_rule_opens() holds */
        size_t n_rules;
};

/** doctor_check_host() - all checks of the group HOST */
void doctor_check_host(struct doctor_report *r, const struct doctor_host *h);

/** doctor_module() - the kernel module that would drive @g, NULL when it is not known */
const char *doctor_module(const struct gpu *g);

/** doctor_is_base() - whether the range is one that every unprivileged container is given */
bool doctor_is_base(uint32_t start, uint32_t count);
