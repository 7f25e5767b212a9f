/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * survey - what a container's file gives it today
 *
 * Reads the lines of the current section against the facts: which kinds of
 * node, in which form, and which GPUs they name on this host at this moment.
 */
#include "model/conf/devline.h"
#include "model/conf/nvidia-hook.h"

/** struct forms - mount and devN lines, and the NODE_BIT()s of the kinds that they give */
struct forms {
        uint32_t as_mount, as_dev;
        size_t n_mount, n_dev;
};

/** struct other_way - a device that such a line, or the file that it brings, names */
struct other_way {
        size_t line;      /* of the container's file, an index */
        const char *text; /* as it stands there: "c 226 0", "/dev/dri/card0" */
        const char *file; /* where, "/root/gpu.sh:3"; NULL: in the line itself */
        uint32_t kinds;   /* NODE_BIT()s of what is named */
        bool all;         /* a folder of nodes, every minor of @number */
        bool folder;      /* it is a folder that is bound, or /dev itself: of every GPU */
        bool makes;       /* the node comes into the container; else it is only named */
        bool allows;      /* a rule of the device cgroup, for @number */
        bool changes;     /* owner or mode of the host's node, by chown or the like */
        struct devnum number;
        struct devnum now;       /* what @number was before its driver got another major; else 0 */
        const struct node *node; /* that this host has now; NULL: none, or @all */
        const struct gpu *gpu;   /* of @node, NULL: none, or shared */
};

/** struct unread_way - a file of such a line, or a line in one, of which not all is known */
struct unread_way {
        size_t line;      /* of the container's file, an index */
        const char *path; /* "/root/gpu.sh" */
        const char *why;
        bool ends; /* and for that reason LXC ends the start */
};

struct other_ways {
        struct other_way *items;
        size_t n;
        struct unread_way *unread;
        size_t n_unread;
};

struct survey {
        struct devline *lines; /* one per line of the current section, same index */
        size_t n_lines;
        uint32_t given;   /* NODE_BIT()s of kinds that mount and devN lines give */
        uint32_t allowed; /* NODE_BIT()s of kinds that cgroup lines allow */
        uint32_t nodes;   /* NODE_BIT()s of kinds that a line for a single node gives */
        uint32_t folders; /* NODE_BIT()s of kinds that a line for a whole folder gives */
        bool open; /* of card and render in these only a folder or "226:*" speaks */
        struct forms there, parked; /* @given, by form: in the file, and remembered */
        bool nvidia_named; /* a line names an NVIDIA node */
        bool application;  /* its init is the application: conf_application() */
        bool userns;       /* unprivileged: 1, or id map lines */
        struct nvidia_hook nvidia_hook;
        struct other_ways other_ways; /* filled by src/model/ways, as is the next */
        uint32_t ways_only; /* NODE_BIT()s of kinds that no line gives, but another way */
        bool has_legacy;   /* a line is of cgroup v1 */
        bool needs_majors; /* a line has a number that only facts->majors can explain */
        size_t lost;       /* a line for a link in a GPU's folder that is not there now; 0: none */
};

/** survey_make() - read every line of @c; keeps pointers into it */
void survey_make(struct arena *a, const struct facts *f, const struct pctconf *c,
                 struct survey *ret);

/** devline_kinds() - NODE_BIT()s of what a mount, devN or cgroup line is about; 0: no GPU */
uint32_t devline_kinds(const struct facts *f, const struct devline *d);

/** devline_rule_family() - of the number of a cgroup line; of a wide one, of its first minor */
const struct family *devline_rule_family(const struct facts *f, const struct devline *d);

/** devline_is_wide() - whether it opens more than one device: a folder, "226:*" */
bool devline_is_wide(const struct facts *f, const struct devline *d);

/** devline_covers() - whether a cgroup line allows exactly @n (or the dynamic major that is only its) */
bool devline_covers(const struct devline *d, const struct node *n);

/**
 * devline_node() - the node that a mount, devN or cgroup line names on this host now, NULL if none
 * @ret_gpu: its GPU, NULL when it is shared
 */
const struct node *devline_node(const struct facts *f, const struct devline *d,
                                const struct gpu **ret_gpu);

/** survey_name() - what node @n is called in the container: its own name, or that of a line's owner */
const char *survey_name(struct arena *a, const struct survey *s, const struct node *n);

/** devline_gpu() - the GPU of that node, NULL if none */
const struct gpu *devline_gpu(const struct facts *f, const struct devline *d);

/**
 * survey_named_gpus() - the GPUs that the lines name, if they speak with one voice
 * @ret_gpus: array of all named GPUs, in the arena
 *
 * By-path names and node names count before cgroup numbers. Every named node
 * must exist, and of the GPUs that have card and render node, or DRM and NVIDIA
 * nodes, the lines of both kinds must name the same ones.
 *
 * Return: number of GPUs, 0 when the lines name none or disagree.
 */
size_t survey_named_gpus(struct arena *a, const struct facts *f, const struct survey *s,
                         const struct gpu ***ret_gpus);

/**
 * conf_names_gpu() - whether any line of any section of a container's file is about a GPU
 * @f: facts, with the list of majors
 */
bool conf_names_gpu(struct arena *a, const struct facts *f, struct bytes conf);
