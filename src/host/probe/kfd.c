/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * probe-kfd - /dev/kfd, the compute interface of all AMD GPUs together
 *
 * One node for the whole host: which GPU it may use is decided by the render
 * nodes that its user can open. Its major is given out dynamically; the driver
 * makes the class together with the number, so /proc/devices need not be asked.
 */
#include "host/probe/kfd.h"

#include "host/probe/sysfs.h"

#include <fcntl.h>

int probe_kfd(struct probe *p) {
        struct node node = { .kind = NODE_KFD, .path = "/dev/kfd" };
        int r;

        r = attr_dev(AT_FDCWD, probe_path(p, "/sys/class/kfd/kfd/dev"), &node.number);
        if (r < 0)
                return is_gone(r) ? 0 : r;
        return probe_shared_node(p, node);
}
