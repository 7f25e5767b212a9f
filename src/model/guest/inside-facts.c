/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* inside-facts - ids and names as the container sees them */
#include "model/guest/inside-facts.h"

#include "model/guest/accounts.h"

bool inside_gid(const struct inside_facts *f, uint32_t host, uint32_t *ret) {
        return idmap_lookup_outside(&f->gids, host, ret);
}

/* The kernel shows an id that is not mapped as 65534. */
const char *inside_owner(struct arena *a, const struct inside_facts *f,
                         const struct inside_device *d) {
        uint32_t uid, gid;
        const char *user = idmap_lookup_outside(&f->uids, d->uid, &uid)
                                   ? account_name(a, f->passwd, uid)
                                   : "nobody";
        const char *group =
                inside_gid(f, d->gid, &gid) ? account_name(a, f->group, gid) : "nogroup";

        return arena_printf(a, "%s:%s", user, group);
}
