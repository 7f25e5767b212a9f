/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * memory - what gpuanchor writes into a policy file: the sections [pin NODE] and [memory]
 */
#include "model/policy/ini.h"
#include "model/policy/policy.h"

/** policy_section_node() - whether section "pin NODE" is well written, and its node */
bool policy_section_node(struct bytes section, struct bytes *ret_node);

/**
 * policy_can_park() - whether [memory] can hold @line of a container file
 *
 * An empty one, or one of more than 4 KiB, cannot be remembered; policy_remember() leaves it
 * out. One that does not fit into INI_LINE_MAX once it is escaped takes several lines.
 */
bool policy_can_park(const char *line);

/**
 * policy_remember() - the bytes of a policy file with this memory in it
 * @a:    arena for the result
 * @file: present content of the container's policy file, empty when there is none
 * @node: cluster node whose [pin NODE] is replaced; NULL to leave pins as they are
 * @p:    policy whose pin for @node, known gids, owner, caller and parked lines are written
 *
 * Sections [pin NODE] and [memory] are replaced as ini_replace() does; one that has nothing to say
 * goes. The same memory gives the same bytes.
 *
 * Left out: parked lines that policy_can_park() refuses or beyond 16 KiB in total, gids
 * that are no container gid, and a pin whose node or address is no plain word.
 */
struct bytes policy_remember(struct arena *a, struct bytes file, const char *node,
                             const struct policy *p);

/**
 * policy_parse_memory() - take one entry of a [pin NODE] or [memory] section back in
 * @e: entry; its section is there
 *
 * In [pin NODE] `gpu = 0000:c1:00.0 1002:150e 1f66:0031` (`-` for absent ids), one per GPU, and
 * `twin = ...` for one like it that is not meant; in [memory] `video-gid = 44`, `render-gid = 110`,
 * `major = 511 nvidia-uvm` (with a digest of the lines for which it counts only), `line = dev0:
 * /dev/dri/...` with `behind = 12 net0: ...` before it, where it stood, `driver = nvidia-uvm`,
 * whose the major in it is, and `more = ` for what does not fit into it; `mac`, `hostname`,
 * `rootfs` of the container that it was written for, `hookscript` of a wrapper, `converting = dev`
 * while `convert` writes, `variable = ` as named_node_write() has it, `narrowed = card render` for
 * nodes that came with a folder. In these a backslash is `\\`; `;`, control bytes and a blank at
 * either end are `\xHH`, because inih would cut there.
 *
 * Return: NULL, or what is wrong, as policy_set().
 */
const char *policy_parse_memory(struct arena *a, struct policy *p, const struct ini_entry *e);
