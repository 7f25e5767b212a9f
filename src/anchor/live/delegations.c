/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * delegations - a group of the host has another number, and the old one is delegated for good
 *
 * A container without its delegation does not start, so all who may need one are asked: the files
 * of Proxmox, those that LXC reads, and the maps of what runs.
 */
#include "anchor/live/delegations.h"

#include "anchor/anchor.h"
#include "base/file.h"
#include "base/folder.h"
#include "host/delegate.h"
#include "model/finding/reason.h"
#include "pve/guest.h"

#include <errno.h>

#define CONFIG_MAX (1024 * 1024)

struct ending {
        struct anchor host;
        bool all;
        struct findings *f;
};

static const char *file_maps(struct ending *e, const char *path, uint32_t gid) {
        struct arena *a = e->host.pve.arena;
        struct bytes text;
        int r = file_read(a, path, CONFIG_MAX, &text);

        if (r == 0 ? !delegation_in_lines(text, gid) : r == -ENOENT || r == -ENOTDIR)
                return NULL;
        return arena_printf(a, WHY_SUBGID_FILE, path + strlen(e->host.pve.root));
}

/* Return: who maps it, or may do so; NULL. */
static const char *who_maps(struct ending *e, uint32_t gid) {
        struct arena *a = e->host.pve.arena;
        const char *root = e->host.pve.root, *why = NULL;
        const char *lxc = arena_printf(a, "%s/var/lib/lxc", root);
        struct names names = { 0 };
        uint32_t *vmids = NULL;
        size_t n = 0;
        int r;

        if (guest_list(&e->host.pve, &vmids, &n) != 0)
                return arena_printf(a, WHY_SUBGID_FILE, "/etc/pve/lxc");
        for (size_t i = 0; !why && i < n; i++)
                why = file_maps(e, arena_printf(a, "%s/etc/pve/lxc/%u.conf", root, vmids[i]), gid);
        r = folder_names(a, lxc, "", &names);
        if (!why && r < 0 && r != -ENOENT)
                why = arena_printf(a, WHY_SUBGID_FILE, "/var/lib/lxc");
        for (size_t i = 0; !why && i < names.n; i++)
                why = file_maps(e, arena_printf(a, "%s/%s/config", lxc, names.items[i]), gid);
        return !why && delegate_is_used(a, root, gid) ? WHY_SUBGID_PROCESS : why;
}

static void forget(struct ending *e, uint32_t gid) {
        const char *path;

        (void)host_delegations_set(&e->host.pve, gid, false, &path); /* the next look tries again */
}

static void end_one(struct ending *e, uint32_t gid) {
        struct pve *pve = &e->host.pve;
        const char *number = arena_printf(pve->arena, "%u", gid), *why;
        const char *name = facts_gid_text(pve->arena, &e->host.facts, gid);

        if (!delegation_is_alone(&e->host.facts, gid)) {
                forget(e, gid);
                return;
        }
        if (!e->all && delegation_is_current(&e->host.facts, gid))
                return;
        why = who_maps(e, gid);
        if (!why)
                why = delegate_end(pve->arena, pve->root, gid);
        if (!why) {
                forget(e, gid);
                finding_add(e->f,
                            (struct finding){ .code = FINDING_SUBGID_REMOVED,
                                              .old = number,
                                              .name = name });
        } else if (e->all) {
                finding_add(e->f, (struct finding){ .code = FINDING_SUBGID_STAYS,
                                                    .old = number,
                                                    .name = name,
                                                    .what = why });
        }
}

/* The list first: a line that a start adds meanwhile is in both or in neither. */
void delegations_end(const struct pve *pve, bool all, struct findings *f) {
        struct delegations d = host_delegations_load(pve);
        struct ending e = { .host = anchor_open(pve->arena, pve->root), .all = all, .f = f };

        if (d.n == 0 || anchor_facts(&e.host) < 0 || e.host.facts.unread)
                return;
        for (size_t i = 0; i < d.n; i++)
                end_one(&e, d.gids[i]);
}
