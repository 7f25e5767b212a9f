/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* cgroup - whose process this is */
#include "model/guest/cgroup.h"

#include "base/number.h"

/*
 * The name of the container in the path of a line such as
 *
 *     0::/lxc/101/ns/init.scope
 *     5:devices:/lxc.payload.101-1
 */
static bool container_of(struct bytes line, struct bytes *ret) {
        bytes_cut(&line, ':'); /* number of the hierarchy */
        bytes_cut(&line, ':'); /* its controllers */
        while (line.len > 0) {
                struct bytes part = bytes_cut(&line, '/');

                if (bytes_take_prefix(&part, "lxc.payload.")) {
                        *ret = bytes_cut(&part, '-');
                        return true;
                }
                if (bytes_equal(part, BYTES("lxc"))) {
                        *ret = bytes_cut(&line, '/');
                        return true;
                }
        }
        return false;
}

bool cgroup_is_of(struct bytes text, uint32_t vmid) {
        bool found = false;

        while (text.len > 0) {
                struct bytes name;
                uint32_t number;

                if (!container_of(bytes_cut(&text, '\n'), &name))
                        continue;
                if (!parse_u32(name, &number) || number != vmid)
                        return false;
                found = true;
        }
        return found;
}
