/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * probe-kfd - /dev/kfd, the compute interface of all AMD GPUs together
 *
 * One node for the whole host: which GPU it may use is decided by the render
 * nodes that its user can open. Its major is given out dynamically; the driver
 * makes the class together with the number, so /proc/devices need not be asked.
 */
#include "host/probe/internal.h"

#include <fcntl.h>

/** probe_kfd() - the kfd node of the host, if it has one */
int probe_kfd(struct probe *p) {
        uint32_t major, minor;
        int r;

        r = attr_dev(AT_FDCWD, probe_path(p, "/sys/class/kfd/kfd/dev"), &major, &minor);
        if (r < 0)
                return is_gone(r) || r == -EINVAL ? 0 : r;
        return probe_node(p, &p->facts.shared, &p->facts.n_shared, NODE_KFD, "/dev/kfd", major,
                          minor);
}
