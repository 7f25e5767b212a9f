/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * whole - lines that bring every GPU of the host at once
 *
 * All of /dev, the host's root, its devtmpfs, an overlay of one of them, a mount point of a
 * folder of nodes. Nothing smaller can be put in their place without knowing what else of it
 * the container needs, so they are reported and left as they are.
 */
#include "model/conf/devline.h"

/** whole_ask() - add the paths that @l, parsed as @d, brings, if it is of that kind, to @s */
void whole_ask(struct arena *a, const struct conf_line *l, const struct devline *d,
               struct sources *s);

/**
 * whole_recognise() - whether @l is such a line
 * @f: the host; NULL: by the names of the paths alone
 * @d: what devline_parse() says of @l; becomes a DEVLINE_WHOLE, broken if Proxmox refuses it
 */
bool whole_recognise(struct arena *a, const struct facts *f, const struct conf_line *l,
                     struct devline *d);
