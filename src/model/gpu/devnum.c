/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* devnum - comparing, writing and reading device numbers */
#include "model/gpu/devnum.h"

#include "base/number.h"

bool devnum_equal(struct devnum a, struct devnum b) {
        return a.major == b.major && a.minor == b.minor && a.block == b.block;
}

const char *devnum_text(struct arena *a, struct devnum n) {
        return arena_printf(a, "%u:%u", n.major, n.minor);
}

const char *devnum_rule(struct arena *a, struct devnum n) {
        return arena_printf(a, "%c %u:%u", n.block ? 'b' : 'c', n.major, n.minor);
}

const char *devnum_mknod(struct arena *a, struct devnum n) {
        return arena_printf(a, "%c %u %u", n.block ? 'b' : 'c', n.major, n.minor);
}

bool devnum_parse(struct bytes text, struct devnum *ret) {
        struct bytes major, minor;
        struct devnum n = { 0 };

        if (!bytes_split(text, ':', &major, &minor) || !parse_u32(major, &n.major) ||
            !parse_u32(minor, &n.minor))
                return false;
        *ret = n;
        return true;
}
