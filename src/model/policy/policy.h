/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * policy - what the owner of a container wants, and what gpuanchor remembers
 *
 * Keys, values and defaults are those of gpuanchor.conf(5). Read by
 * src/pve/settings with inih; here are the values and their meaning.
 */
#include "model/conf/pctconf.h"
#include "model/gpu/facts.h"
#include "model/identity/named-node.h"
#include "model/policy/owner.h"
#include "model/policy/selector.h"

enum method { METHOD_AUTO, METHOD_IDMAP, METHOD_DEV };
enum gate_wish { GATE_WISH_AUTO, GATE_WISH_YES, GATE_WISH_NO };
enum running { RUNNING_FOLLOW, RUNNING_REVOKE, RUNNING_LEAVE };
enum missing { MISSING_START, MISSING_REFUSE, MISSING_WAIT };

#define GID_AUTO (-1)
#define GUEST_TIMEOUT_DEFAULT 10

/** struct policy_gid - a container gid of one group; each GID_AUTO when there is none */
struct policy_gid {
        int64_t set;     /* by video-gid, render-gid */
        int64_t known;   /* remembered: of its lines, or a hole that was made for it */
        int64_t guessed; /* remembered: a hole was made for it without knowing better */
        int64_t learned; /* remembered: what the container's group file said; no hole is made yet */
        int64_t hole;    /* remembered: host gid of its hole, where no number tells whose that is */
};

/** struct parked - lines that were taken out while their GPU is away, as they stood in the file */
struct parked {
        struct parked_line *lines;
        size_t n;
        struct parked_line next; /* while it is read: the place of the lines that follow */
};

/** struct pin - the choice of one cluster node */
struct pin {
        const char *node;
        struct card *gpus;
        size_t n_gpus;
        /* the equal cards that were there and were not meant */
        struct card *twins;
        size_t n_twins;
};

struct policy {
        bool present;      /* the container has a policy file */
        struct bytes file; /* its bytes; empty when there is none, or it cannot be read */
        bool broken;       /* what was read cannot be believed: leave the container alone */
        /* FILE:LINE of a host default for gpu that could not be taken; NULL when there is none
         * or a later gpu was good. settings_load_own() makes it @broken. */
        const char *doubt;

        struct gpu_sel *gpus; /* never empty: SEL_AUTO by default */
        size_t n_gpus;
        bool devices_set; /* false: what the container has today */
        uint32_t devices; /* NODE_BIT()s when set */
        enum method method;
        struct policy_gid gid[GID_GROUPS];
        enum missing missing;
        uint32_t wait_seconds;
        bool exclusive; /* no other container or virtual machine may use its GPUs meanwhile */
        bool refuse_on_error;
        const char *next_hook; /* NULL when none */
        enum gate_wish gate;
        enum running running;

        /* the container's own side, carried out once it runs; see model/upkeep.h */
        bool guest_groups; /* create video and render when they are missing */
        const char **guest_users;
        size_t n_guest_users;
        const char **guest_services;
        size_t n_guest_services;
        const char **guest_environment; /* NAME=VALUE */
        size_t n_guest_environment;
        uint32_t guest_timeout; /* seconds */
        bool follow_environment; /* values of lxc.environment that are a node's path follow it */

        struct owner owner; /* remembered: the container that it was written for */
        const char *caller; /* remembered: a hookscript that calls ours, a wrapper; NULL when none */
        struct pin *pins; /* one per cluster node that has chosen */
        size_t n_pins;
        struct parked parked; /* remembered, [memory] */
        const char *open_rule; /* the same: a rule for every device that a start has warned of */
        uint32_t narrowed; /* the same: NODE_BIT()s of which a start made lines, but no hole */
        const char *converting; /* the same: the method that files get which `convert` was writing */
        struct named_nodes named_nodes; /* the same: whose the nodes in its variables are */
        struct majors majors; /* the same: dynamic majors when the rules were last right */
};

/** policy_init() - every key at its default */
void policy_init(struct arena *a, struct policy *p);

/** method_name() - as the key "method" has it */
const char *method_name(enum method m);

/** policy_pin() - the pin of cluster node @node, NULL when it has not chosen */
const struct pin *policy_pin(const struct policy *p, const char *node);

/** policy_forget_pin() - cluster node @node has not chosen */
void policy_forget_pin(struct arena *a, struct policy *p, const char *node);

/** policy_set_pin() - @pin is the pin of its node from now on */
void policy_set_pin(struct arena *a, struct policy *p, const struct pin *pin);
