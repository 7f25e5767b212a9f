/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/gpu/source.h"

/**
 * lookup_sources() - find out what the paths of @s lead to
 * @a:    arena of the answers
 * @root: path prefix, "" for this machine; links lead nowhere above it
 * @s:    gets an answer for each path that has none
 *
 * Nothing is opened but with O_PATH: no driver is asked, no card wakes up. No network file
 * system, FUSE or autofs is entered, so this ends in bounded time whatever a file names; what
 * could not be looked up says why (SOURCE_UNKNOWN). Never fails.
 *
 * A relative path is a mount entry's as LXC takes it, see lookup.c.
 */
void lookup_sources(struct arena *a, const char *root, struct sources *s);
