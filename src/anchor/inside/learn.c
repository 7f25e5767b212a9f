/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * learn - a running container against its record, and what it teaches
 *
 * The root file system is not mounted yet when the hook runs before a start, so
 * the container's own gids are read once it is up.
 */
#include "anchor/inside/learn.h"

#include "anchor/apply.h"
#include "base/file.h"
#include "host/inside/root-files.h"
#include "model/finding/reason.h"
#include "model/guest/accounts.h"
#include "model/plan/gids.h"
#include "model/policy/memory.h"
#include "pve/record.h"

#include <errno.h>

#define GROUP_FILE_MAX (1024 * 1024)
#define LEARN_MS (10 * 1000)

static void compare_nodes(struct arena *a, const struct record *r, int root_fd,
                          struct findings *f) {
        for (size_t i = 0; i < r->n_nodes; i++) {
                const struct record_node *n = &r->nodes[i];
                struct inside_node in = inside_look(root_fd, n->path);

                if (in.is_char && devnum_equal(in.number, n->number))
                        continue;
                finding_add(f, (struct finding){ .code = in.present ? FINDING_INSIDE_WRONG
                                                                    : FINDING_INSIDE_MISSING,
                                                 .what = n->path,
                                                 .new = devnum_text(a, n->number),
                                                 .old = in.is_char ? devnum_text(a, in.number)
                                                                   : WHY_NOT_A_DEVICE });
        }
}

static bool recorded(const struct record *r, struct inside_node in) {
        for (size_t i = 0; i < r->n_nodes; i++)
                if (devnum_equal(r->nodes[i].number, in.number))
                        return true;
        return false;
}

static void find_extra_nodes(const struct inside *in, const struct record *r, struct findings *f) {
        struct inside_drm *nodes = NULL;
        size_t n = inside_drm_nodes(in, &nodes);

        for (size_t i = 0; i < n; i++) {
                struct inside_node node = nodes[i].node;

                if (!recorded(r, node))
                        finding_add(f,
                                    (struct finding){ .code = FINDING_INSIDE_EXTRA,
                                                      .what = nodes[i].path,
                                                      .old = devnum_text(in->arena, node.number) });
        }
}

/** struct lesson - what a container says of its groups, and who it is */
struct lesson {
        struct anchor *an;
        uint32_t vmid;
        struct bytes groups;
        struct findings *f;
};

/* Its root can write any number there: one that is a group of the host already is not learned. */
static bool is_taken(const struct lesson *l, const char *name, uint32_t gid) {
        struct arena *a = l->an->pve.arena;
        struct guest g;

        if (guest_load(&l->an->pve, l->vmid, &g) != 0 || !gids_lines_take(a, &g.lines, gid))
                return false;
        finding_add(l->f, (struct finding){ .code = FINDING_GID_NOT_LEARNED,
                                            .what = name,
                                            .old = arena_printf(a, "%u", gid) });
        return true;
}

static void learn_gid(const struct lesson *l, const char *name, struct policy_gid *gid) {
        struct account g;

        if (gid->set >= 0 || gid->known >= 0 || gid->learned >= 0 ||
            !account_find(l->groups, name, &g) || g.id == 0)
                return;
        if (gid->guessed == g.id) { /* the hole is there, and it was made for this group */
                gid->known = g.id;
                return;
        }
        if (is_taken(l, name, g.id))
                return;
        gid->learned = g.id;
        if (gid->guessed >= 0)
                finding_add(l->f, (struct finding){ .code = FINDING_GID_LEARNED,
                                                    .what = name,
                                                    .new = arena_printf(l->f->arena, "%u", g.id),
                                                    .old = arena_printf(l->f->arena, "%lld",
                                                                        (long long)gid->guessed) });
}

static int learn_gids(const struct lesson *l) {
        struct settings own;
        struct policy *p = &own.policy;
        struct bytes next;

        anchor_policy(l->an, l->vmid, NULL, &own);
        if (p->broken)
                return 0;
        for (int i = 0; i < GID_GROUPS; i++)
                learn_gid(l, gid_group_name(i), &p->gid[i]);
        next = policy_remember(l->an->pve.arena, p->file, NULL, p);
        return bytes_equal(next, p->file) ? 0
                                          : anchor_store_policy(l->an, l->vmid, p->file, next);
}

struct learned *anchor_learn_look(const struct anchor *an, const struct inside *in) {
        struct learned *l = arena_alloc(in->arena, sizeof(*l));
        struct pve pve = an->pve;
        struct record record = { 0 };

        pve.arena = l->findings.arena = in->arena;
        if (record_read(&pve, in->vmid, &record) == 0) {
                compare_nodes(in->arena, &record, in->root_fd, &l->findings);
                find_extra_nodes(in, &record, &l->findings);
        }
        /* a container without a group file has nothing to teach */
        l->has_groups = inside_read(in, "/etc/group", GROUP_FILE_MAX, &l->groups) == 0;
        return l;
}

void anchor_learn_keep(struct anchor *an, uint32_t vmid, const struct learned *l,
                       struct findings *f) {
        struct lesson lesson = { an, vmid, l->groups, f };
        int r;

        for (size_t i = 0; i < l->findings.n; i++)
                finding_add(f, l->findings.items[i]);
        r = l->has_groups ? learn_gids(&lesson) : 0;
        if (r == GUEST_E_CHANGED) /* once more with what is there now, else at the next start */
                r = learn_gids(&lesson);
        if (r < 0)
                anchor_tell_write_failed(f, settings_name(an->pve.arena, vmid), r);
}

void anchor_tell_unreached(struct findings *f, int problem, const struct inside_answer *answer) {
        if (problem != INSIDE_E_STOPPED)
                finding_add(f, (struct finding){ .code = FINDING_GUEST_STEP_FAILED,
                                                 .what = WHY_STEP_READ,
                                                 .old = answer->why });
}

static void look(struct inside *in, void *user) {
        inside_keep(in, anchor_learn_look(user, in));
}

bool anchor_learn(struct anchor *an, uint32_t vmid, struct findings *f) {
        struct inside_job job = { "", vmid, LEARN_MS, look, an };
        struct inside_answer answer;
        int r;

        if (*an->pve.root)
                return false;
        r = inside_call(an->pve.arena, &job, &answer);
        if (r == 0)
                anchor_learn_keep(an, vmid, answer.result, f);
        else
                anchor_tell_unreached(f, r, &answer);
        return r == 0;
}
