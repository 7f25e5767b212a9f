/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * recognise - whether a line is about a GPU's node, and which
 */
#include "model/conf/devline.h"

/**
 * recognise_bound() - the numbers of other devices that the lines of @c bind, into @f
 *
 * A rule for one of them is that device's, whoever had the number when it was written.
 */
void recognise_bound(struct arena *a, struct facts *f, const struct pctconf *c);

/** recognise_ask() - add the paths that the lines of @c name to @s, to be looked up */
void recognise_ask(struct arena *a, const struct pctconf *c, struct sources *s);

/**
 * recognise_line() - what line @l is on a host
 * @f: the host; NULL: by the name of the path alone
 *
 * ALLOW and DENY lines come back whatever their number is, MOUNT and DEV only when they give a
 * GPU's node, or would if it were there. All else is NONE, or a MENTION.
 */
struct devline recognise_line(struct arena *a, const struct facts *f, const struct conf_line *l);

/** recognise_leads_to() - whether a MOUNT or DEV line gives exactly @n as it stands */
bool recognise_leads_to(const struct devline *d, const struct node *n);

/**
 * recognise_alias() - the same for a line with another path than the node's own
 *
 * Such as a link of a udev rule, or a node that mknod made. It stays as long as it leads to @n.
 */
bool recognise_alias(const struct devline *d, const struct node *n);

/** recognise_inside() - what a MOUNT or DEV line calls its node in the container, with its slash */
struct bytes recognise_inside(const struct devline *d);

/** recognise_own_name() - whether an alias of @n has a name in the container that is no node's */
bool recognise_own_name(const struct devline *d, const struct node *n);
