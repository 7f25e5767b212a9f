/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* inside-facts - ids and names as the container sees them */
#include "model/guest/inside-facts.h"

#include "model/guest/accounts.h"

static const char *seen_as(struct arena *a, const struct idmap *map, struct bytes names,
                           const char *nobody, uint32_t host) {
        uint32_t id;

        return idmap_lookup_outside(map, host, &id) ? account_name(a, names, id) : nobody;
}

bool inside_gid(const struct inside_facts *f, uint32_t host, uint32_t *ret) {
        return idmap_lookup_outside(&f->gids, host, ret);
}

/* The kernel shows an id that is not mapped as 65534. */
const char *inside_owner(struct arena *a, const struct inside_facts *f,
                         const struct inside_device *d) {
        return arena_printf(a, "%s:%s", seen_as(a, &f->uids, f->passwd, "nobody", d->uid),
                            seen_as(a, &f->gids, f->group, "nogroup", d->gid));
}
