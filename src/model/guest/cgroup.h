/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* cgroup - whose process this is */
#include "base/bytes.h"

/**
 * cgroup_is_of() - whether a process belongs to container @vmid
 * @text: its /proc/PID/cgroup
 *
 * Proxmox has LXC make lxc/<vmid> (PVE::LXC: lxc.cgroup.dir.container), LXC alone
 * lxc.payload.<name>, with -1 and so on behind it when that was taken. The first of them in a
 * path counts: what is below a container's own group its root can name as it likes.
 */
bool cgroup_is_of(struct bytes text, uint32_t vmid);
