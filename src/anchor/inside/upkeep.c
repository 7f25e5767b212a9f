/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * upkeep - the container's own side, once it runs
 *
 * What is there is read through the root folder of its init process, which
 * costs no process; what has to be done is done by the container itself. Nothing
 * of it can keep a container from starting: it has started.
 */
#include "anchor/inside/upkeep.h"

#include "anchor/inside/learn.h"
#include "host/inside/attach.h"
#include "host/inside/root-files.h"
#include "model/finding/reason.h"
#include "model/guest/upkeep-script.h"

#include <errno.h>

#define ACCOUNT_FILE_MAX (1024 * 1024)
#define DROPIN_MAX (64 * 1024)
#define OUTPUT_MAX (64 * 1024)

static void find_dropins(const struct inside *box, struct upkeep_dropin **ret, size_t *ret_n) {
        struct arena *a = box->arena;
        const char **folders = NULL;
        size_t n = 0;

        *ret = NULL;
        *ret_n = 0;
        if (inside_list(box, UPKEEP_UNIT_DIR, &folders, &n) < 0)
                return;
        for (size_t i = 0; i < n; i++) {
                const char *unit = upkeep_unit_of(a, folders[i]);
                struct bytes text;

                if (unit && inside_read(box, upkeep_path(a, unit), DROPIN_MAX, &text) == 0 &&
                    upkeep_is_own(text))
                        *ARENA_PUSH(a, *ret, *ret_n) = (struct upkeep_dropin){ unit, text };
        }
}

/* What the container was given, and really is in it. */
static void find_nodes(struct check *c, int root_fd, struct upkeep_input *in) {
        const char **paths = NULL;

        check_given(c);
        for (size_t i = 0; i < c->given.n_nodes; i++) {
                const struct record_node *n = &c->given.nodes[i];
                struct inside_node there = inside_look(root_fd, n->path);

                if (there.is_char && devnum_equal(there.number, n->number))
                        *ARENA_PUSH(c->arena, paths, in->n_nodes) = n->path;
        }
        in->nodes = paths;
}

static const char *why_ended(struct arena *a, int r, const struct spawn_result *result,
                             uint32_t seconds) {
        if (r == SPAWN_E_TIMEOUT)
                return arena_printf(a, WHY_UPKEEP_LATE, seconds);
        if (r == SPAWN_E_OUTPUT)
                return WHY_UPKEEP_OUTPUT;
        if (r == SPAWN_E_ABANDONED)
                return arena_printf(a, WHY_UPKEEP_HANGS, (int)result->abandoned);
        if (r < 0)
                return spawn_error(a, "lxc-attach", "lxc-pve", r);
        return result->status == 0 ? NULL : arena_printf(a, WHY_UPKEEP_STATUS, result->status);
}

static void carry_out(const struct inside *box, const struct upkeep *u, uint32_t seconds,
                      struct findings *f) {
        static const char *const argv[] = { "sh", NULL };
        struct spawn_job job = {
                .argv = argv,
                .input = upkeep_script(box->arena, u, UPKEEP_UNIT_DIR),
                .timeout_ms = seconds * 1000,
                .max_output = OUTPUT_MAX,
        };
        struct spawn_result result = { 0 };
        int r;

        if (u->n == 0)
                return;
        r = attach_run(box->arena, &(struct attach){ .vmid = box->vmid }, &job, &result);
        upkeep_results(u, result.output, why_ended(box->arena, r, &result, seconds), f);
}

/** struct job - for the helper */
struct job {
        struct anchor *anchor;
        const struct policy *policy;
        bool changed; /* its nodes have changed */
};

static void keep_up(struct anchor *an, const struct inside *box, const struct job *job,
                    struct findings *f) {
        const struct policy *p = job->policy;
        struct arena *a = box->arena;
        struct upkeep_dropin *dropins;
        struct upkeep_input in = { 0 };
        struct upkeep todo;
        struct check c;

        find_dropins(box, &dropins, &in.n_dropins);
        if (!p->guest_groups && p->n_guest_users == 0 && p->n_guest_services == 0 &&
            in.n_dropins == 0)
                return;
        /* for the container's gids, as the start that is behind us used them */
        if (anchor_check(an, box->vmid, NULL, &c) != 0 || c.left_alone || c.survey.application)
                return;
        if (inside_read(box, "/etc/group", ACCOUNT_FILE_MAX, &in.groups) < 0 ||
            inside_read(box, "/etc/passwd", ACCOUNT_FILE_MAX, &in.users) < 0)
                return;
        in.policy = p;
        in.changed = job->changed;
        in.gids = c.plan.gids;
        in.dropins = dropins;
        in.systemd = inside_look(box->root_fd, "/usr/lib/systemd/systemd").present ||
                     inside_look(box->root_fd, "/lib/systemd/systemd").present;
        find_nodes(&c, box->root_fd, &in);
        upkeep_plan(a, &in, f, &todo);
        carry_out(box, &todo, p->guest_timeout, f);
}

static void look_and_keep_up(struct inside *in, void *user) {
        const struct job *job = user;
        struct anchor an = anchor_for_one(job->anchor, in->arena);
        struct findings *f = arena_alloc(in->arena, sizeof(*f));

        f->arena = in->arena;
        keep_up(&an, in, job, f);
        inside_keep(in, f);
}

static void look_and_undo(struct inside *in, void *user) {
        const struct job *job = user;
        struct findings *f = arena_alloc(in->arena, sizeof(*f));
        struct upkeep_dropin *dropins;
        struct upkeep todo;
        size_t n;

        f->arena = in->arena;
        find_dropins(in, &dropins, &n);
        upkeep_removal(in->arena, dropins, n, &todo);
        carry_out(in, &todo, job->policy->guest_timeout, f);
        inside_keep(in, f);
}

/* Whether the container runs. */
static bool call(uint32_t vmid, void (*look)(struct inside *in, void *user), struct job *job,
                 struct findings *f) {
        struct inside_job inside = { "", vmid, (10 + job->policy->guest_timeout) * 1000, look,
                                     job };
        const struct findings *done;
        struct inside_answer answer;
        int r = inside_call(f->arena, &inside, &answer);

        done = answer.result;
        for (size_t i = 0; done && i < done->n; i++)
                finding_add(f, done->items[i]);
        if (r != 0)
                anchor_tell_unreached(f, r, &answer);
        return r != INSIDE_E_STOPPED;
}

static void upkeep(struct anchor *an, uint32_t vmid, bool changed, struct findings *f) {
        struct settings own;

        if (*an->pve.root)
                return;
        anchor_policy(an, vmid, NULL, &own);
        if (!own.policy.broken)
                (void)call(vmid, look_and_keep_up, &(struct job){ an, &own.policy, changed }, f);
}

void anchor_upkeep(struct anchor *an, uint32_t vmid, struct findings *f) {
        upkeep(an, vmid, false, f);
}

void anchor_upkeep_changed(struct anchor *an, uint32_t vmid, struct findings *f) {
        upkeep(an, vmid, true, f);
}

bool anchor_upkeep_undo(struct anchor *an, uint32_t vmid, const struct policy *p,
                        struct findings *f) {
        return !*an->pve.root && call(vmid, look_and_undo, &(struct job){ an, p, false }, f);
}
