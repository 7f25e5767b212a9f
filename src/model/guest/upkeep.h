/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * upkeep - what has to be done inside a running container
 *
 * From the policy and from what the container's files say now to steps, and from
 * steps to one script that the container's own shell runs: nothing on the host
 * follows a path of the container, and one attach is all that it costs. In a
 * container that is right there is no step and no attach.
 */
#include "model/plan/plan.h"

#define UPKEEP_UNIT_DIR "/etc/systemd/system"
#define UPKEEP_DROPIN "50-gpuanchor.conf"

/** struct upkeep_dropin - UNIT.d/50-gpuanchor.conf as it is in the container */
struct upkeep_dropin {
        const char *unit;
        struct bytes text;
};

struct upkeep_input {
        const struct policy *policy;
        const struct plan_gid *gids; /* GID_GROUPS of them */
        struct bytes groups, users;  /* the container's /etc/group and /etc/passwd */
        const char *const *nodes;    /* paths of the GPU's nodes in it */
        size_t n_nodes;
        bool systemd; /* it has one */
        bool changed; /* its nodes have changed while it runs: its services have to open them again */
        const struct upkeep_dropin *dropins;
        size_t n_dropins;
};

enum upkeep_kind {
        UPKEEP_GROUP,   /* create group @name with @gid */
        UPKEEP_MEMBER,  /* add user @name to @group */
        UPKEEP_WRITE,   /* the drop-in of unit @name becomes @text */
        UPKEEP_REMOVE,  /* the drop-in of unit @name goes */
        UPKEEP_RELOAD,  /* the container's systemd reads its units again */
        UPKEEP_RESTART, /* unit @name, if it runs */
};

struct upkeep_step {
        enum upkeep_kind kind;
        const char *name, *group;
        uint32_t gid;
        struct bytes text;
};

struct upkeep {
        struct upkeep_step *steps;
        size_t n;
};

/**
 * upkeep_plan() - what has to be done
 * @a:   arena of the steps
 * @in:  policy, and what is there
 * @f:   gets what is wanted and will not be done: a group that has another gid, a
 *       gid that is another group's, a user that does not exist, no systemd
 * @ret: steps, in the order in which they have to be done
 */
void upkeep_plan(struct arena *a, const struct upkeep_input *in, struct findings *f,
                 struct upkeep *ret);

/** upkeep_removal() - steps that remove all drop-ins of gpuanchor, for a container that is disabled
 */
void upkeep_removal(struct arena *a, const struct upkeep_dropin *dropins, size_t n,
                    struct upkeep *ret);

/** upkeep_is_own() - whether a drop-in was written by gpuanchor */
bool upkeep_is_own(struct bytes text);

/** upkeep_unit_of() - the unit of a folder's name: "ollama.service.d"; NULL when it is no such
 * folder
 */
const char *upkeep_unit_of(struct arena *a, const char *folder);

/** upkeep_path() - where the drop-in of @unit is, in the container */
const char *upkeep_path(struct arena *a, const char *unit);
