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
#include "model/conf/survey.h"

/**
 * other_ways_ask() - add the files that the lines of @c name to @s, to be read
 *
 * What is in them names others: to be called again when these were looked up, until it says false.
 */
bool other_ways_ask(struct arena *a, const struct pctconf *c, struct sources *s);

/**
 * other_ways_find() - what the lines of @c name, into their survey @s
 *
 * Kinds of node that come so count among those that are given, and no line for them is missing.
 */
void other_ways_find(struct arena *a, const struct facts *f, const struct pctconf *c,
                     struct survey *s);

/** other_ways_make() - whether one of them brings @n into the container */
bool other_ways_make(const struct other_ways *w, const struct node *n);

/** other_ways_mount() - whether a line for it alone, of another file, binds it into the container
 */
bool other_ways_mount(const struct other_ways *w, const struct node *n);

/** other_ways_allow() - whether a rule of an included file allows @n */
bool other_ways_allow(const struct other_ways *w, const struct node *n);
