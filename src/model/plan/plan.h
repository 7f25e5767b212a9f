/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * plan - what a container shall be given at this moment on this host
 *
 * One function from facts, policy and the container's present file to nodes and
 * id map; hook, CLI and daemon all call it. src/model/drift turns it into edits.
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
};

/** struct plan_gid - the container's own gid for one group of nodes */
struct plan_gid {
        const char *name; /* "video", "render" */
        bool host_present;
        uint32_t host;     /* host gid */
        bool known;        /* @inside was told by policy, lines or memory */
        uint32_t inside;   /* container gid; the host's number while not known */
        bool in_map;       /* a hole of this group is in the map now */
        uint32_t map_inside;
};

struct plan {
        struct choice choice;
        uint32_t devices; /* NODE_BIT()s that count for this container */
        bool userns;
        bool failed;      /* cannot be proved: nothing may be written */
        bool incomplete;  /* something wanted is not there now; lines go to memory */
        const char *missing; /* NULL, or what is missing, for a refusal */

        struct plan_node *nodes;
        size_t n_nodes;
        struct plan_gid gids[GID_GROUPS];

        bool map_broken; /* an id map line cannot be parsed */
        bool has_map;    /* the file has id map lines of its own */
        struct idmap map_now, map; /* gid side: as it is, as it shall be; userns only */
        struct id_pair *pairs;
        size_t n_pairs;
};

/**
 * plan_make() - decide what the container shall have
 * @a:   arena of the result
 * @in:  all inputs; must live as long as the plan
 * @f:   gets what the operator should know
 * @ret: the plan
 */
void plan_make(struct arena *a, const struct plan_input *in, struct findings *f, struct plan *ret);

/** plan_node_problem() - what is in the place of a node that is not there to be given */
struct finding plan_node_problem(struct arena *a, const struct node *n);

/** plan_lines_are_right() - whether every mount and devN line names a GPU of the plan; else @ret_line */
bool plan_lines_are_right(const struct plan *p, const struct plan_input *in, size_t *ret_line);
