/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * status - one look at everything: the host, and every container of the node
 *
 * The daemon and `gpuanchor status` both call it, so they cannot disagree. It
 * changes nothing and needs no privilege but to read /etc/pve.
 */
#include "anchor/check.h"
#include "model/doctor/container.h"
#include "model/watch/status.h"

/* the control group of the units that hold containers */
#define PVE_SLICE "/sys/fs/cgroup/system.slice/system-pve\\x2dcontainer.slice"

/**
 * anchor_status() - look at everything once
 * @an:     host; its arena holds the result
 * @before: the host as it was at the last look, NULL before the first look
 * @ret:    what there is; findings about a container have its vmid
 *
 * A container whose file goes away meanwhile is left out. Where /etc/pve is not
 * mounted there is a finding for that, and none about containers.
 *
 * Return: 0, or negative errno when the host itself cannot be read.
 */
int anchor_status(struct anchor *an, const struct baseline *before, struct host_status *ret);

/** status_no_start() - adds to @f that the next start ends at a missing devN path; Return: whether it does */
bool status_no_start(const struct check *c, struct findings *f);

/**
 * anchor_status_running() - what of a running container is not as it shall be
 * @f: gets container-wrong-gpu, inside-missing, inside-unusable, node-leaves,
 *     container-driver-mismatch
 */
void anchor_status_running(struct check *c, struct findings *f);

/**
 * anchor_runs() - whether container @vmid runs
 *
 * On this machine Proxmox's control group tells; a host in a folder has none, and the
 * record of what the container was given stands for it.
 */
bool anchor_runs(const struct anchor *an, uint32_t vmid);

/** anchor_look_is_old() - whether what root's last look found is too old to go by; @ret_age as held_look_age() */
bool anchor_look_is_old(const struct anchor *an, int64_t *ret_age);

/** anchor_hook_problem() - what is wrong with a snippet */
enum hook_problem anchor_hook_problem(struct anchor *an, const char *volume);
