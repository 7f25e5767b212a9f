/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * held - what a running container has, as the last look found it
 *
 * What it was given at its start stands in its record (pve/record.h). This is what is in it
 * now: in its own /dev, under whatever name, with the owner that it shows there.
 */
#include "model/gpu/facts.h"
#include "model/guest/driver-library.h"

/** enum gate_state - the device program on a container's control group, see model/live/refused.h */
enum gate_state {
        GATE_UNKNOWN, /* not looked at */
        GATE_OFF,     /* by its policy, or it holds nothing that is known */
        GATE_OPEN,    /* it may have devices by ways that cannot be listed; @gate_why */
        GATE_CLOSED,  /* @refused are refused */
        GATE_FAILED,  /* it could not be set; @gate_why */
};

struct held_node {
        const char *path;     /* inside: "/dev/dri/card1"; printable ASCII without blanks */
        struct devnum number; /* a character device */
        uint32_t mode;        /* permission bits */
        int64_t uid, gid;     /* as the container counts them; -1: not in its id map */
        bool bound;           /* the host's own node; else one that was made for the container */
        const char *gpu;      /* address at the look; "-": shared by GPUs; "none": no GPU's any more, or its node was removed */
        const char *added;    /* Proxmox made it after the start (pct set --devN): whose it was then, as @gpu; else NULL */
};

/** struct held_init - which init it was: a container that started anew has another one */
struct held_init {
        uint32_t pid;            /* on the host; 0: not known */
        uint64_t mounts, users;  /* inodes of its mount and user namespace */
};

/** enum held_unfinished - its nodes have changed, and what does not follow them yet */
enum held_unfinished {
        UNFINISHED_NOTHING,
        UNFINISHED_FILE, /* its file: a lock is taken */
        UNFINISHED_ALL,  /* that, and what it runs */
};

struct held {
        struct held_init init;
        struct held_node *nodes;
        size_t n_nodes;
        struct driver_library libraries[DRIVER_LIBRARIES]; /* where it holds NVIDIA's nodes */
        const char *undone; /* what of its nodes could not be put right, and why; NULL: nothing */
        enum held_unfinished unfinished;
        enum gate_state gate;
        const char *gate_why; /* NULL: none */
        struct devnum *refused;
        size_t n_refused;
        struct devnum *asked; /* those of @refused of which it was told who still has them open */
        size_t n_asked;
};

/**
 * held_identity() - whose node @number is on this host now: an address, "-" or "none"
 */
const char *held_identity(const struct facts *f, struct devnum number);

/** gate_name() - "unknown", "off", "open", "closed", "failed" */
const char *gate_name(enum gate_state s);

/** node_owner_text() - "660 0 -": mode, and the owner as the container counts it; -1: not in its map */
const char *node_owner_text(struct arena *a, uint32_t mode, int64_t uid, int64_t gid);

/** node_owner_parse() - read it back; @rest is moved behind it */
bool node_owner_parse(struct bytes *rest, uint32_t *ret_mode, int64_t *ret_uid, int64_t *ret_gid);

/** held_write() - as the text that held_read() reads */
struct bytes held_write(struct arena *a, const struct held *h);

/** held_read() - read the text back; lines that are none are left out */
void held_read(struct arena *a, struct bytes text, struct held *ret);

/** held_init_equal() - whether it is the same process in the same namespaces */
bool held_init_equal(const struct held_init *a, const struct held_init *b);

/**
 * held_keep_added() - whose the nodes were that were added while it runs, when they were first seen
 * @h: looked at just now
 *
 * Return: whether one has come or gone since.
 */
bool held_keep_added(const struct held *before, struct held *h);
