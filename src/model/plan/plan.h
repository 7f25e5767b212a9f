/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * plan - what a container shall be given at this moment on this host
 *
 * Made by make.c; edit/ turns it into edits of the files.
 */
#include "model/finding/finding.h"
#include "model/idmap/idmap.h"
#include "model/plan/choose/choice.h"
#include "model/plan/choose/input.h"

/** struct plan_node - a node that the container shall have, or may keep a line for */
struct plan_node {
        const struct node *node;
        const struct gpu *gpu; /* NULL: shared by all GPUs of a driver */
        enum method form;      /* METHOD_IDMAP: bind-mounted; METHOD_DEV: devN */
        bool required;         /* false: a right line stays, none is added */
        bool hooked;           /* a hook gives it, or a file that is included */
        bool rule;             /* hooked, and only a rule for it is missing */
        bool bound;            /* hooked, and the host's group opens it as one of METHOD_IDMAP */
};

/** struct plan_gid - the container's own gid for one group of nodes */
struct plan_gid {
        const char *name; /* "video", "render" */
        bool host_present;
        uint32_t host;   /* host gid */
        bool known;      /* @inside comes from policy, lines or memory */
        uint32_t inside; /* container gid; the host's number while not known */
        bool in_map;     /* a hole of this group is in the map now */
        uint32_t map_inside;
        bool asked; /* it is enrolled with nodes for which a start alone makes no hole */
};

struct plan {
        struct choice choice;
        uint32_t devices; /* NODE_BIT()s that count for this container */
        bool userns;
        bool failed;         /* cannot be proved: nothing may be written */
        bool incomplete;     /* something wanted is not there now; lines go to memory */
        const char *missing; /* NULL, or what is missing, for a refusal */

        struct plan_node *nodes;
        size_t n_nodes;
        bool opened; /* an application that had no lines is given nodes that all in it can open */
        struct plan_node *late; /* lines name them, and their driver makes them later */
        size_t n_late;
        struct plan_gid gids[GID_GROUPS];

        const char
                *hook_value; /* what the line that tells NVIDIA's hook has to say; NULL: as it is */

        uint32_t narrowed; /* NODE_BIT()s that came with a folder or rule, and get no hole */
        bool map_broken;           /* an id map line cannot be parsed */
        bool has_map;              /* the file has id map lines of its own */
        struct idmap map_now, map; /* gid side: as it is, as it shall be; userns only */
        struct id_pair *pairs;
        size_t n_pairs;
};

/** plan_node_problem() - what is in the place of a node that is not there to be given */
struct finding plan_node_problem(struct arena *a, const struct node *n);

/** plan_node_late() - of one that the kernel does not know yet */
struct finding plan_node_late(struct arena *a, const struct node *n);

/** plan_lines_are_right() - whether no line names another GPU than the plan's; else @ret_line */
bool plan_lines_are_right(struct arena *a, const struct plan *p, const struct plan_input *in,
                          size_t *ret_line);

/** plan_has_driver() - whether one of the chosen GPUs has driver @name */
bool plan_has_driver(const struct plan *p, const char *name);

/** plan_has_node() - whether @n is given, or a line for it may stay */
bool plan_has_node(const struct plan *p, const struct node *n);

/** plan_has_kind() - whether a node of this kind is given, or tolerated */
bool plan_has_kind(const struct plan *p, enum node_kind kind);

/** plan_gid_of() - the group whose gid @n has or ought to have */
const struct plan_gid *plan_gid_of(const struct plan *p, const struct node *n);

/** plan_remember_gids() - the container gids that @policy is to remember of a plan */
void plan_remember_gids(const struct plan *p, struct policy *policy);

/* ---- for the steps ---- */

/* a plan while it is made */
struct planner {
        struct arena *a;
        const struct plan_input *in;
        struct findings *f;
        struct plan *p;
};

/** planner_miss() - @what is wanted and is not there now */
void planner_miss(struct planner *x, const char *what);
