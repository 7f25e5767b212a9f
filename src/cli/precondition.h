/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * precondition - the container that a verb works on
 */
#include "cli/verb.h"
#include "model/finding/finding.h"
#include "model/policy/policy.h"
#include "pve/guest.h"

#define LOCK_TIMEOUT_MS 10000 /* like Proxmox */

/** target_vmid() - the first argument as a VMID; false after telling */
bool target_vmid(struct cli *c, uint32_t *ret);

/** target_is_root() - whether we may write what @what names; false after telling */
bool target_is_root(struct cli *c, const char *what);

/** target_list() - the containers of this node; EXIT_DONE, or EXIT_TROUBLE after telling */
int target_list(struct cli *c, uint32_t **ret, size_t *ret_n);

/** target_enrol() - the command that enrols container @vmid without a question, or shows what is in its way */
const char *target_enrol(struct cli *c, uint32_t vmid);

/**
 * target_elsewhere() - the file of container @vmid on any node, or of the virtual machine @vmid
 *
 * Return: "/etc/pve/nodes/pve2/lxc/101.conf", NULL if there is none.
 */
const char *target_elsewhere(struct cli *c, uint32_t vmid);

/**
 * target_problem() - tell why a container cannot be looked at
 * @problem: enum guest_problem or negative errno of guest_load(), guest_lock(), anchor_check()
 *
 * Says where the container is when it is on another node, and that it is a
 * virtual machine when it is one. Return: EXIT_TROUBLE.
 */
int target_problem(struct cli *c, uint32_t vmid, int problem);

/**
 * target_open() - take the lock of a container and load it for a change
 * @ret_lock: close it to unlock; -1 with --dry-run, which takes none
 *
 * Return: EXIT_DONE, or EXIT_TROUBLE after telling.
 */
int target_open(struct cli *c, uint32_t vmid, struct guest *ret, int *ret_lock);

/**
 * target_store() - keep the container file for undo, and replace it
 * @g: container of target_open()
 *
 * Return: EXIT_DONE, or EXIT_TROUBLE after telling.
 */
int target_store(struct cli *c, const struct guest *g, struct bytes content);
