/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* inside-probe - look into a running container */
#include "model/guest/inside-facts.h"

/** struct inside_want - a node that the container should have, or may have */
struct inside_want {
        const char *path;
        enum node_kind kind;
        struct devnum number;
        bool expected; /* it should, with @number */
};

struct inside_request {
        uint32_t vmid;
        const struct inside_want *wants;
        size_t n_wants;
        uint32_t expected_gid[GID_GROUPS];    /* container gids by plan */
        bool application;                       /* its init is the application */
        const char *nvidia_version;           /* NULL: no library of NVIDIA's driver matters */
        const struct driver_library *libraries; /* of the host */
        const char **units;                   /* services to ask about, those of the policy first */
        size_t n_units, n_named;
};

/**
 * inside_probe_files() - what can be known from files and nodes
 * @a:       arena of the result
 * @q:       what to look for
 * @ret:     facts; what could not be found out says so
 * @ret_why: for a person, when it failed
 *
 * Needs root. Takes no longer than 20 seconds. Return: as inside_call().
 */
int inside_probe_files(struct arena *a, const struct inside_request *q, struct inside_facts *ret,
                       const char **ret_why);

/**
 * inside_probe_programs() - what programs of the container print, and its processes hold
 * @f: of inside_probe_files(), is added to
 *
 * Runs vulkaninfo, vainfo, systemctl, journalctl, each with a time limit: at worst, with all of
 * them hanging, it takes a minute and a half. Return: as inside_call(); @f is as before then.
 */
int inside_probe_programs(struct arena *a, const struct inside_request *q, struct inside_facts *f,
                          const char **ret_why);

/** inside_id_map() - "uid_map" or "gid_map" that is in force for process @pid; empty if unreadable */
struct idmap inside_id_map(struct arena *a, unsigned pid, const char *name);
