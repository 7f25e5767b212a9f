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
#include "anchor/status.h"
#include "base/spawn.h"
#include "host/inside/gather.h"
#include "host/inside/libraries.h"
#include "host/live/change.h"
#include "host/live/holdings.h"
#include "host/udev.h"
#include "model/finding/reason.h"

#define LOOK_MS (10 * 1000)
#define ALLOW_MS (5 * 1000)
#define WITHDRAWN "withdrawn" /* no GPU's address */

/** struct wish - what the helper is asked for */
struct wish {
        struct check *check;
        struct record record;
        bool recorded;
        bool plan, may_change; /* look what would be changed; and do it */
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

                for (size_t k = 0; k < w->record.n_nodes; k++)
                        wanted |= streq(w->record.nodes[k].path, n->path) &&
                                  streq(w->record.nodes[k].gpu, "-");
                for (size_t k = 0; k < c->planned.n_nodes; k++)
                        wanted |= (w->record.kinds & NODE_BIT(n->kind)) &&
                                  streq(c->planned.nodes[k].path, n->path);
                if (wanted)
                        *ARENA_PUSH(c->arena, w->shared, w->n_shared) = n;
        }
}

static bool may_change(const struct check *c, int *ret_lock) {
        struct bytes lock;

        return !pctconf_get(&c->guest.lines, "lock", &lock) && !change_is_frozen(c->guest.vmid) &&
               guest_lock(&c->anchor->pve, c->guest.vmid, 0, ret_lock) == 0;
}

/* ---- after ---- */

static const char *whose_now(struct arena *a, const struct follow_step *s) {
        return streq(s->gpu, "none") ? WHY_NUMBER_OF_NONE
                                     : arena_printf(a, WHY_NUMBER_OF_GPU, s->gpu);
}

static void tell_step(struct check *c, const struct follow_step *s) {
        const char *number = devnum_text(c->arena, s->number);

        if (s->kind == FOLLOW_GIVE)
                finding_add(&c->findings, (struct finding){ .code = FINDING_CONTAINER_REANCHORED,
                                                            .what = s->path,
                                                            .new = number,
                                                            .gpu = s->gpu });
        else
                finding_add(&c->findings, (struct finding){ .code = FINDING_CONTAINER_NODE_REVOKED,
                                                            .what = s->path,
                                                            .old = number,
                                                            .new = whose_now(c->arena, s) });
}

/* A privileged container is under LXC's list of devices, too. */
static void allow(const struct check *c, const struct follow_step *s) {
        const char *const argv[] = { "lxc-cgroup",
                                     "-n",
                                     arena_printf(c->arena, "%u", c->guest.vmid),
                                     "devices.allow",
                                     arena_printf(c->arena, "%s %s",
                                                  devnum_rule(c->arena, s->number), "rw"),
                                     NULL };
        struct spawn_job job = { .argv = argv, .timeout_ms = ALLOW_MS, .max_output = 4096 };
        struct spawn_result result;

        if (!c->plan.userns)
                (void)spawn_run(c->arena, &job, &result); /* an open that fails is seen by doctor */
}

static const char *undone_text(struct check *c, const struct follow *f) {
        struct strbuf b = { .arena = c->arena };

        for (size_t i = 0; i < f->n; i++)
                if (f->steps[i].why)
                        strbuf_printf(&b, "%s%s: %s", b.len ? ", " : "", f->steps[i].path,
                                      f->steps[i].why);
        return b.len ? strbuf_str(&b) : NULL;
}

/* Whether @h has a node that was added while it runs, and @other has not. */
static bool has_other_added(const struct held *other, const struct held *h) {
        for (size_t i = 0; i < h->n_nodes; i++) {
                bool both = !h->nodes[i].added;

                for (size_t k = 0; !both && k < other->n_nodes; k++)
                        both = other->nodes[k].added &&
                               devnum_equal(other->nodes[k].number, h->nodes[i].number) &&
                               streq(other->nodes[k].path, h->nodes[i].path);
                if (!both)
                        return true;
        }
        return false;
}

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

static void keep(struct check *c, const struct wish *w, const struct outcome *found,
                 struct running_look *ret) {
        struct outcome o = *found;

        for (size_t i = 0; i < o.follow.n; i++) {
                const struct follow_step *s = &o.follow.steps[i];

                if (!s->done)
                        continue;
                if (s->kind == FOLLOW_GIVE)
                        allow(c, s);
                tell_step(c, s);
                ret->changed = true;
        }
        o.held.undone = o.moved ? WHY_INIT_MOVED : undone_text(c, &o.follow);
        if (o.held.undone && (!w->before.undone || !streq(w->before.undone, o.held.undone)))
                finding_add(&c->findings, (struct finding){ .code = FINDING_CONTAINER_NOT_FOLLOWED,
                                                            .what = o.held.undone });
        ret->added = has_other_added(&w->before, &o.held) || has_other_added(&o.held, &w->before);
        o.held.unfinished = ret->changed ? UNFINISHED_ALL : w->before.unfinished;
        ret->unfinished = o.held.unfinished;
        ret->deferred = !o.moved && o.follow.n > 0 && (!w->may_change || o.held.undone);
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

/* Into the helper; NULL: it was not looked into. */
static const struct outcome *ask_inside(struct wish *w) {
        const struct check *c = w->check;
        struct inside_job job = { .root = "",
                                  .vmid = c->guest.vmid,
                                  .timeout_ms = LOOK_MS,
                                  .look = look_inside,
                                  .user = w };
        struct inside_answer answer;

        job.init = w->before.init;
        return inside_call(c->arena, &job, &answer) == 0 ? answer.result : NULL;
}

void running_look(struct check *c, struct running_look *ret) {
        _cleanup_(cleanup_close) int lock = -1;
        struct wish w = { .check = c, .recorded = c->recorded, .record = c->given };
        struct exclusive_locks locks = { 0 };
        const struct outcome *found;

        *ret = (struct running_look){ 0 };
        w.plan = c->recorded && c->policy.running != RUNNING_LEAVE;
        w.may_change = w.plan && may_change(c, &lock);
        prepare(&w);
        if (w.may_change)
                exclusive_spare(c, &w.before, &w.gpus, &locks);
        else
                exclusive_leave_out(&c->anchor->pve, c->guest.vmid, &w.gpus);
        found = ask_inside(&w);
        if (found) {
                ret->seen = true;
                keep(c, &w, found, ret);
        }
        exclusive_unlock(&locks);
}

/* What its next start would give it; the nodes that it has are those that its last start gave. */
static struct record wanted_record(struct check *c) {
        struct record r = c->planned;

        check_given(c);
        r.nodes = c->recorded ? c->given.nodes : NULL;
        r.n_nodes = c->recorded ? c->given.n_nodes : 0;
        return r;
}

bool running_preview(struct check *c, struct follow *ret) {
        struct wish w = { .check = c, .plan = true };
        const struct outcome *found;

        *ret = (struct follow){ 0 };
        if (*c->anchor->pve.root || geteuid() != 0 || c->left_alone ||
            c->policy.running == RUNNING_LEAVE || !anchor_runs(c->anchor, c->guest.vmid))
                return false;
        w.record = wanted_record(c);
        prepare(&w);
        exclusive_leave_out(&c->anchor->pve, c->guest.vmid, &w.gpus);
        found = ask_inside(&w);
        for (size_t i = 0; found && i < found->follow.n; i++)
                if (!found->follow.steps[i].done)
                        *ARENA_PUSH(c->arena, ret->steps, ret->n) = found->follow.steps[i];
        return found != NULL;
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
        running_look(c, ret);
}

/* A record of nothing: every node that it was given is another's then. */
void running_withdraw(struct check *c, struct running_look *ret) {
        struct record r = { .kinds = 0 };

        *ret = (struct running_look){ 0 };
        check_given(c);
        if (*c->anchor->pve.root || !c->recorded || !anchor_runs(c->anchor, c->guest.vmid))
                return;
        for (size_t i = 0; i < c->given.n_nodes; i++) {
                c->given.nodes[i].gpu = WITHDRAWN;
                *ARENA_PUSH(c->arena, r.nodes, r.n_nodes) = c->given.nodes[i];
        }
        c->given = r;
        c->planned = r;
        c->policy.running = RUNNING_REVOKE;
        running_look(c, ret);
}
