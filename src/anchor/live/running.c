/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * running - what a container holds against its record
 *
 * Looking, planning and changing happen in one helper: what is planned is planned for what was seen
 * a moment ago. Whether anything may be changed is settled before.
 */
#include "anchor/live/running.h"

#include "anchor/exclusive.h"
#include "anchor/live/gates.h"
#include "anchor/live/holders.h"
#include "anchor/live/steps.h"
#include "anchor/status.h"
#include "base/spawn.h"
#include "host/inside/gather.h"
#include "host/inside/libraries.h"
#include "host/live/change.h"
#include "host/live/holdings.h"
#include "host/udev.h"
#include "model/finding/reason.h"

#define LOOK_MS (10 * 1000)
#define PERSON_LOCK_MS (10 * 1000) /* who asks waits as long as pct does */
#define WITHDRAWN "withdrawn" /* no GPU's address */

/** struct wish - what the helper is asked for */
struct wish {
        struct check *check;
        struct record record;
        bool recorded;
        bool plan, may_change; /* look what would be changed; and do it */
        const char *waits;     /* why it may not be changed now; NULL: no reason */
        struct held before;
        struct gpu_list gpus;
        const struct node **shared;
        size_t n_shared;
};

/** struct outcome - what it leaves */
struct outcome {
        struct held held;
        struct record record;
        bool learned, moved;
        struct follow follow;
        struct holders holders;
};

/* ---- in the helper ---- */

static bool holds_nvidia(const struct facts *f, const struct held *h) {
        for (size_t i = 0; i < h->n_nodes; i++) {
                const struct family *family = facts_family(f, h->nodes[i].number);

                if (family && family->kind == NODE_NVIDIA)
                        return true;
        }
        return false;
}

static bool is_ready(void *user, const struct node *n) {
        return !node_kind_has_group(n->kind) || udev_is_through(user, "", n);
}

static void look_at(const struct inside *in, const struct wish *w, struct held *ret) {
        struct holdings_search search = { .facts = &w->check->anchor->facts };
        const struct survey *conf = &w->check->survey;
        const char **paths = NULL;

        for (size_t i = 0; i < w->record.n_nodes; i++)
                *ARENA_PUSH(in->arena, paths, search.n_paths) = w->record.nodes[i].path;
        for (size_t i = 1; i < conf->n_lines; i++) /* those that came since, in whatever folder */
                if (conf->lines[i].type == DEVLINE_DEV)
                        *ARENA_PUSH(in->arena, paths, search.n_paths) =
                                bytes_dup(in->arena, conf->lines[i].path.clean);
        search.paths = paths;
        holdings_look(in, &search, ret);
        holdings_find_added(in, ret);
}

/* An init that has gone to another mount namespace shows another /dev than the programs see. */
static bool has_moved(const struct wish *w, const struct held *now) {
        return w->before.init.pid == now->init.pid && !held_init_equal(&w->before.init, &now->init);
}

static void follow(const struct inside *in, const struct wish *w, struct outcome *o) {
        struct idmap uids = inside_id_map(in->arena, in->pid, "uid_map");
        struct idmap gids = inside_id_map(in->arena, in->pid, "gid_map");
        struct change_place at = { o->held.init, &uids, &gids };
        struct follow_input input = { .facts = &w->check->anchor->facts,
                                      .record = &o->record,
                                      .held = &o->held,
                                      .gpus = w->gpus,
                                      .shared = w->shared,
                                      .n_shared = w->n_shared,
                                      .gids = &gids,
                                      .is_ready = is_ready,
                                      .user = in->arena,
                                      .revoke_only = w->check->policy.running == RUNNING_REVOKE };

        follow_plan(in->arena, &input, &o->follow);
        if (o->follow.n == 0 || !w->may_change)
                return;
        change_nodes(in->arena, &at, &o->follow);
        o->record = follow_record(in->arena, &input, &o->follow);
        look_at(in, w, &o->held);
}

/* What takes long comes last: all else is kept by then. */
static void find_holders(const struct inside *in, const struct wish *w, struct outcome *o) {
        struct holders_search search = { .nodes = { .facts = &w->check->anchor->facts } };

        search.n_numbers = holders_numbers(in->arena, &w->before, &o->follow, &search.numbers);
        holders_find(in, &search, &o->holders);
}

static void look_inside(struct inside *in, void *user) {
        const struct wish *w = user;
        struct outcome *o = arena_alloc(in->arena, sizeof(*o));

        if (!inside_is_set_up(in))
                return;
        o->record = w->record;
        o->record.nodes = NULL; /* a copy that our caller has, too */
        o->record.n_nodes = 0;
        for (size_t i = 0; i < w->record.n_nodes; i++)
                *ARENA_PUSH(in->arena, o->record.nodes, o->record.n_nodes) = w->record.nodes[i];
        look_at(in, w, &o->held);
        o->moved = has_moved(w, &o->held);
        if (o->moved)
                o->held.init = w->before.init; /* it stays so until the container starts anew */
        else
                o->learned = w->recorded && follow_learn(&o->held, &o->record);
        if (w->plan && !o->moved)
                follow(in, w, o);
        if (w->check->anchor->facts.nvidia_version &&
            holds_nvidia(&w->check->anchor->facts, &o->held))
                libraries_look(in, w->check->anchor->libraries, o->held.libraries);
        if (inside_keep(in, o) && w->recorded)
                find_holders(in, w, o);
}

/* ---- before ---- */

/* Those that it was given, and those that its driver made since: nvidia-uvm, kfd. */
static void find_shared(struct wish *w) {
        const struct check *c = w->check;

        for (size_t i = 0; i < c->anchor->facts.n_shared; i++) {
                const struct node *n = &c->anchor->facts.shared[i];
                bool wanted = false;

                if (n->card && !gpu_list_has(&w->gpus, node_card(&c->anchor->facts, n)))
                        continue; /* that name is of another card's instance by now */
                for (size_t k = 0; k < w->record.n_nodes; k++)
                        wanted |= streq(w->record.nodes[k].path, n->path);
                for (size_t k = 0; k < c->planned.n_nodes; k++)
                        wanted |= (w->record.kinds & NODE_BIT(n->kind)) &&
                                  streq(c->planned.nodes[k].path, n->path);
                if (wanted)
                        *ARENA_PUSH(c->arena, w->shared, w->n_shared) = n;
        }
}

/* What its nodes have to wait for; NULL: nothing, and its lock is taken. */
static const char *waits_for(const struct check *c, int lock_ms, int *ret_lock) {
        struct bytes lock;

        if (pctconf_get(&c->guest.lines, "lock", &lock))
                return arena_printf(c->arena, WHY_WAITS_FILE, (int)lock.len, lock.data);
        if (change_is_frozen(c->guest.vmid))
                return WHY_WAITS_FROZEN;
        return guest_lock(&c->anchor->pve, c->guest.vmid, lock_ms, ret_lock) == 0 ? NULL
                                                                                 : WHY_WAITS_LOCK;
}

/* ---- after ---- */

/* The gate's part of the file is written by others, also while the helper looks. */
static void keep_held(const struct check *c, const struct wish *w, struct held next) {
        struct held now = w->before;

        (void)held_load(&c->anchor->pve, c->guest.vmid, &now);
        next.gate = now.gate;
        next.gate_why = now.gate_why;
        next.refused = now.refused;
        next.n_refused = now.n_refused;
        next.asked = w->before.refused;
        next.n_asked = w->before.n_refused;
        (void)held_store(&c->anchor->pve, c->guest.vmid, &next); /* the next look tries again */
}

static void tell_undone(struct check *c, const struct wish *w, const char *undone) {
        if (undone && (!w->before.undone || !streq(w->before.undone, undone)))
                finding_add(&c->findings, (struct finding){ .code = FINDING_CONTAINER_NOT_FOLLOWED,
                                                            .what = undone });
}

static void keep(struct check *c, const struct wish *w, const struct outcome *found,
                 struct running_look *ret) {
        struct outcome o = *found;

        ret->changed = steps_tell(c, &o.follow);
        o.held.undone = o.moved ? WHY_INIT_MOVED : steps_undone(c->arena, &o.follow);
        tell_undone(c, w, o.held.undone);
        if (!o.held.undone && o.follow.n > 0)
                o.held.undone = ret->why_not = w->waits;
        ret->added = held_keep_added(&w->before, &o.held);
        o.held.unfinished = ret->changed ? UNFINISHED_ALL : w->before.unfinished;
        ret->unfinished = o.held.unfinished;
        ret->deferred = !o.moved && o.follow.n > 0 && o.held.undone;
        ret->soon = o.follow.wait;
        holders_tell(c, &o.holders, &w->before, o.held.unfinished == UNFINISHED_ALL);
        keep_held(c, w, o.held);
        if (o.learned || ret->changed)
                (void)record_write(&c->anchor->pve, c->guest.vmid, &o.record);
}

/* What the record that @w has says, on this host. */
static void prepare(struct wish *w) {
        const struct check *c = w->check;

        (void)held_load(&c->anchor->pve, c->guest.vmid, &w->before);
        given_gpus(c->arena, &c->anchor->facts, &w->record, &w->gpus);
        find_shared(w);
}

/*
 * Into the helper; NULL: it was not looked into, and why. What it has left before it went wrong
 * counts: its nodes may have changed by then, and who holds old ones is looked for at the end.
 */
static const struct outcome *ask_inside(struct wish *w, const char **ret_why) {
        const struct check *c = w->check;
        struct inside_job job = { .root = "",
                                  .vmid = c->guest.vmid,
                                  .timeout_ms = LOOK_MS,
                                  .look = look_inside,
                                  .user = w };
        struct inside_answer answer;

        job.init = w->before.init;
        if (inside_call(c->arena, &job, &answer) != 0 && !answer.result)
                *ret_why = answer.why;
        return answer.result;
}

/* Whether what it was given is not so any more. */
static bool has_to_follow(const struct wish *w) {
        for (size_t i = 0; w->plan && i < w->record.n_nodes; i++) {
                const struct record_node *n = &w->record.nodes[i];
                const char *now = held_identity(&w->check->anchor->facts, n->number);

                if (streq(n->gpu, "-") ? streq(now, "none") : !streq(now, n->gpu))
                        return true;
        }
        return false;
}

/* It cannot be looked into, and nothing is known of its nodes but that they are to change. */
static void keep_unseen(struct check *c, const struct wish *w, const char *why) {
        struct held held = w->before;

        if (!has_to_follow(w) || held_load(&c->anchor->pve, c->guest.vmid, &held) != 0)
                return;
        held.undone = arena_printf(c->arena, WHY_NOT_SEEN, why);
        tell_undone(c, w, held.undone);
        (void)held_store(&c->anchor->pve, c->guest.vmid, &held);
}

static void look_and_follow(struct check *c, int lock_ms, struct running_look *ret) {
        _cleanup_(cleanup_close) int lock = -1;
        struct wish w = { .check = c, .recorded = c->recorded, .record = c->given };
        struct exclusive_locks locks = { 0 };
        const struct outcome *found;

        *ret = (struct running_look){ 0 };
        w.plan = c->recorded && c->policy.running != RUNNING_LEAVE;
        if (w.plan)
                w.waits = waits_for(c, lock_ms, &lock);
        w.may_change = w.plan && !w.waits;
        prepare(&w);
        if (w.may_change)
                exclusive_spare(c, &w.before, &w.gpus, &locks);
        else
                exclusive_leave_out(&c->anchor->pve, c->guest.vmid, &w.gpus);
        found = ask_inside(&w, &ret->why_not);
        if (found) {
                ret->seen = true;
                keep(c, &w, found, ret);
        } else if (ret->why_not) {
                keep_unseen(c, &w, ret->why_not);
        }
        exclusive_unlock(&locks);
}

void running_look(struct check *c, struct running_look *ret) {
        look_and_follow(c, 0, ret);
}

/* What its next start would give it; the nodes that it has are those that its last start gave. */
static struct record wanted_record(struct check *c) {
        struct record r = c->planned;

        check_given(c);
        r.nodes = c->recorded ? c->given.nodes : NULL;
        r.n_nodes = c->recorded ? c->given.n_nodes : 0;
        return r;
}

static bool preview(struct wish *w, struct follow *ret) {
        const struct check *c = w->check;
        const struct outcome *found;
        const char *why;

        prepare(w);
        exclusive_leave_out(&c->anchor->pve, c->guest.vmid, &w->gpus);
        found = ask_inside(w, &why);
        for (size_t i = 0; found && i < found->follow.n; i++)
                if (!found->follow.steps[i].done)
                        *ARENA_PUSH(c->arena, ret->steps, ret->n) = found->follow.steps[i];
        return found != NULL;
}

bool running_preview(struct check *c, struct follow *ret) {
        struct wish w = { .check = c, .plan = true };

        *ret = (struct follow){ 0 };
        if (*c->anchor->pve.root || geteuid() != 0 || c->left_alone ||
            c->policy.running == RUNNING_LEAVE || !anchor_runs(c->anchor, c->guest.vmid))
                return false;
        w.record = wanted_record(c);
        return preview(&w, ret);
}

void running_finished(const struct pve *pve, uint32_t vmid, bool file) {
        struct held held;

        if (held_load(pve, vmid, &held) != 0)
                return;
        held.unfinished = file ? UNFINISHED_NOTHING : UNFINISHED_FILE;
        (void)held_store(pve, vmid, &held);
}

void running_apply(struct check *c, struct running_look *ret) {
        const struct pve *pve = &c->anchor->pve;
        struct record r;

        *ret = (struct running_look){ 0 };
        if (*pve->root || c->left_alone || !anchor_runs(c->anchor, c->guest.vmid))
                return;
        r = wanted_record(c);
        if (record_write(pve, c->guest.vmid, &r) < 0)
                return;
        gates_set(c);
        check_given(c);
        look_and_follow(c, PERSON_LOCK_MS, ret);
}

/*
 * A record of nothing: every node that it was given is another's then. Return: whether it runs and
 * has a record.
 */
static bool withdraw_all(struct check *c) {
        struct record r = { .kinds = 0 };

        check_given(c);
        if (*c->anchor->pve.root || !c->recorded || !anchor_runs(c->anchor, c->guest.vmid))
                return false;
        for (size_t i = 0; i < c->given.n_nodes; i++) {
                c->given.nodes[i].gpu = WITHDRAWN;
                *ARENA_PUSH(c->arena, r.nodes, r.n_nodes) = c->given.nodes[i];
        }
        c->given = r;
        c->planned = r;
        c->policy.running = RUNNING_REVOKE;
        return true;
}

void running_withdraw(struct check *c, struct running_look *ret) {
        *ret = (struct running_look){ 0 };
        if (withdraw_all(c))
                look_and_follow(c, PERSON_LOCK_MS, ret);
}

bool running_preview_withdrawal(struct check *c, struct follow *ret) {
        struct wish w = { .check = c, .plan = true };

        *ret = (struct follow){ 0 };
        if (geteuid() != 0 || !withdraw_all(c))
                return false;
        w.record = c->given;
        return preview(&w, ret);
}
