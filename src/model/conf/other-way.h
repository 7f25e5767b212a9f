/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * other-way - nodes that come into the container by other ways than lines for them
 *
 *     lxc.hook.autodev: sh -c "mknod $LXC_ROOTFS_MOUNT/dev/dri/card0 c 226 0"
 *     lxc.hook.mount: /root/gpu.sh
 *     lxc.include: /var/lib/lxc/101/gpu.conf
 *     lxc.mount.fstab: /var/lib/lxc/101/fstab
 *
 * Read is what stands there literally. No shell is understood: what a variable, a pattern or a
 * program does is not seen, so such a line may give more than is listed.
 */
#include "model/conf/devline.h"

/** struct other_way - a device that such a line, or the file that it brings, names */
struct other_way {
        size_t line;      /* of the container's file, an index */
        const char *text; /* as it stands there: "c 226 0", "/dev/dri/card0" */
        const char *file; /* where, "/root/gpu.sh:3"; NULL: in the line itself */
        uint32_t kinds;   /* NODE_BIT()s of what is named */
        bool all;         /* a folder of nodes, every minor of @number */
        bool makes;       /* the node comes into the container; else it is only named */
        bool allows;      /* a rule of the device cgroup, for @number */
        struct devnum number;
        const struct node *node; /* that this host has now; NULL: none, or @all */
        const struct gpu *gpu;   /* of @node, NULL: none, or shared */
};

struct other_ways {
        struct other_way *items;
        size_t n;
};

/** other_way_is() - whether @l may bring nodes by such a way */
bool other_way_is(const struct conf_line *l);

/** other_way_ask() - add the files that @l names to @s, to be read */
void other_way_ask(struct arena *a, const struct conf_line *l, struct sources *s);

/** other_way_is_read() - whether all of them were */
bool other_way_is_read(const struct facts *f, const struct conf_line *l);

/**
 * other_ways_find() - what the lines of @c name
 * @userns: the container has a user namespace, in which no hook can make a node
 */
struct other_ways other_ways_find(struct arena *a, const struct facts *f, const struct pctconf *c,
                                  bool userns);

/** other_ways_make() - whether one of them brings @n into the container */
bool other_ways_make(const struct other_ways *w, const struct node *n);

/** other_ways_allow() - whether a rule of an included file allows @n */
bool other_ways_allow(const struct other_ways *w, const struct node *n);

/** other_ways_kinds() - NODE_BIT()s of what they bring */
uint32_t other_ways_kinds(const struct other_ways *w);
