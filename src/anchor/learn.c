/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * anchor-learn - a running container against its record, and what it teaches
 *
 * The root file system is not mounted yet when the hook runs before a start, so
 * the container's own gids are read once it is up.
 */
#include "anchor/judge.h"

#include "base/file.h"
#include "host/inside/root-files.h"
#include "model/guest/accounts.h"
#include "model/policy/memory.h"
#include "pve/record.h"

#include <errno.h>

#define GROUP_FILE_MAX (1024 * 1024)

static void compare_nodes(struct arena *a, const struct record *r, int root_fd,
                          struct findings *f) {
        for (size_t i = 0; i < r->n_nodes; i++) {
                const struct record_node *n = &r->nodes[i];
                struct inside_node in = inside_look(root_fd, n->path);

                if (in.is_char && devnum_equal(in.number, n->number))
                        continue;
                finding_add(
                        f,
                        (struct finding){
                                .code = in.present ? FINDING_INSIDE_WRONG : FINDING_INSIDE_MISSING,
                                .what = n->path,
                                .new = devnum_text(a, n->number),
                                .old = in.is_char ? devnum_text(a, in.number)
                                                  : "not a device" });
        }
}

static bool recorded(const struct record *r, struct inside_node in) {
        for (size_t i = 0; i < r->n_nodes; i++)
                if (devnum_equal(r->nodes[i].number, in.number))
                        return true;
        return false;
}

static void find_extra_nodes(struct arena *a, const struct record *r, int root_fd,
                             struct findings *f) {
        struct inside_drm *nodes = NULL;
        size_t n = inside_drm_nodes(a, root_fd, &nodes);

        for (size_t i = 0; i < n; i++) {
                struct inside_node in = nodes[i].node;

                if (!recorded(r, in))
                        finding_add(f, (struct finding){ .code = FINDING_INSIDE_EXTRA,
                                                         .what = nodes[i].path,
                                                         .old = devnum_text(a, in.number) });
        }
}

static void learn_gid(struct bytes groups, const char *name, struct policy_gid *gid,
                      struct findings *f) {
        struct account g;

        if (gid->set >= 0 || gid->known >= 0 || !account_find(groups, name, &g) || g.id == 0)
                return;
        gid->known = g.id;
        if (gid->guessed >= 0 && gid->guessed != g.id)
                finding_add(f, (struct finding){ .code = FINDING_GID_LEARNED,
                                                 .what = name,
                                                 .new = arena_printf(f->arena, "%u", g.id),
                                                 .old = arena_printf(f->arena, ", not %lld",
                                                                     (long long)gid->guessed) });
}

static int learn_gids(struct anchor *an, uint32_t vmid, int root_fd, struct findings *f) {
        struct arena *a = an->pve.arena;
        struct bytes groups, next;
        struct settings own;
        struct policy *p = &own.policy;
        int r;

        r = inside_read(a, root_fd, "/etc/group", GROUP_FILE_MAX, &groups);
        if (r < 0)
                return 0; /* a container without a group file has nothing to teach */
        anchor_policy(an, vmid, &own);
        if (p->broken)
                return 0;
        for (int i = 0; i < GID_GROUPS; i++)
                learn_gid(groups, gid_group_name(i), &p->gid[i], f);
        next = policy_remember(a, p->file, NULL, p);
        return bytes_equal(next, p->file) ? 0 : anchor_store_policy(an, vmid, next);
}

int anchor_learn(struct anchor *an, uint32_t vmid, unsigned pid, struct findings *f) {
        _cleanup_(cleanup_close) int root_fd = inside_open(pid);
        struct arena *a = an->pve.arena;
        struct record record = { 0 };
        int r;

        if (root_fd < 0)
                return root_fd;
        r = record_read(&an->pve, vmid, &record);
        if (r == 0) {
                compare_nodes(a, &record, root_fd, f);
                find_extra_nodes(a, &record, root_fd, f);
        }
        r = learn_gids(an, vmid, root_fd, f);
        if (r < 0)
                anchor_tell_write_failed(f, settings_name(a, vmid), r);
        return 0;
}
