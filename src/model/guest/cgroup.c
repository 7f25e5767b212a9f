/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* cgroup - whose process this is */
#include "model/guest/cgroup.h"

#include "base/number.h"

/*
 * The name of the container in the path of a line such as
 *
 *     0::/lxc/101/ns/init.scope
 *     5:devices:/lxc.payload.101-1
 *
 * At its beginning: a user of the host makes folders of any name below user.slice.
 */
static bool container_of(struct bytes line, struct bytes *ret) {
        struct bytes part;

        bytes_cut(&line, ':'); /* number of the hierarchy */
        bytes_cut(&line, ':'); /* its controllers */
        bytes_cut(&line, '/');
        part = bytes_cut(&line, '/');
        if (bytes_take_prefix(&part, "lxc.payload.")) {
                *ret = bytes_cut(&part, '-');
                return true;
        }
        *ret = bytes_cut(&line, '/');
        return bytes_equal(part, BYTES("lxc"));
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
