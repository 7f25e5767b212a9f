/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * look - container by container, each in an arena of its own
 *
 * What goes wrong with one of them is no reason to leave the next one out.
 */
#include "anchor/live/look.h"

#include "anchor/apply.h"
#include "anchor/cluster.h"
#include "anchor/exclusive.h"
#include "anchor/live/delegations.h"
#include "anchor/live/gates.h"
#include "anchor/live/running.h"
#include "anchor/status.h"
#include "anchor/inside/upkeep.h"
#include "base/meanwhile.h"
#include "host/live/ask.h"

#define MAX_TRIES 3

struct pass {
        struct look *look;
        struct anchor host;
        struct arena scratch; /* of one container */
        uint32_t *starting, *unfinished; /* containers that start; where more is to be done */
        size_t n_starting, n_unfinished;
        bool stale; /* what the host remembers was written since @host was read */
};

static int open_host(struct pass *p) {
        int r;

        p->host = anchor_open(p->host.pve.arena, p->host.pve.root);
        r = anchor_majors(&p->host);
        if (r == 0)
                r = anchor_memory(&p->host);
        if (r == 0)
                anchor_driver(&p->host);
        p->stale = r != 0;
        return r;
}

static void tell(struct pass *p, uint32_t vmid, const struct findings *f) {
        for (size_t i = 0; i < f->n; i++) {
                struct finding item = f->items[i];

                item.vmid = vmid;
                finding_add(&p->look->findings, item);
        }
}

/* ---- the container's file ---- */

/* What an apply of it changes, once it is written; all else is told by doctor and the daemon. */
static void tell_edits(struct pass *p, const struct check *c) {
        struct findings edits = { .arena = c->arena };

        for (size_t i = 0; i < c->findings.n; i++)
                if (finding_is_edit(c->findings.items[i].code))
                        finding_add(&edits, c->findings.items[i]);
        tell(p, c->guest.vmid, &edits);
}

static int correct_locked(struct pass *p, struct anchor *an, uint32_t vmid, bool any) {
        struct findings refusals = { .arena = an->pve.arena };
        struct check c;
        int r = GUEST_E_CHANGED;

        for (int i = 0; i < MAX_TRIES && r == GUEST_E_CHANGED; i++) {
                if (i > 0)
                        *an = anchor_open(an->pve.arena, an->pve.root);
                r = anchor_check(an, vmid, NULL, &c);
                if (r != 0 || c.refuse || c.left_alone ||
                    !(any ? anchor_would_change(&c) : check_missing_dev(&c) != NULL))
                        return 0;
                if (anchor_refuses(&c.guest, &refusals))
                        return GUEST_E_BUSY;
                c.running = anchor_runs(an, vmid);
                p->stale = true;
                r = anchor_apply(&c);
        }
        if (r == 0)
                tell_edits(p, &c);
        return r;
}

/*
 * Proxmox ends a start with a missing devN path before any hook runs, and a reboot inside with
 * the container down. So such a line must not be in the file when a start comes. @any: also
 * other lines that are not right now, as where a start could only correct what LXC reads.
 * Return: false where it has to wait.
 */
static bool correct_file(struct pass *p, struct anchor *an, const struct check *c, bool any) {
        _cleanup_(cleanup_close) int lock = -1;

        if (!(any || check_missing_dev(c)) || c->refuse || c->left_alone)
                return true;
        if (p->look->asked)
                return false; /* devices are changing: no file by half of them; another look is due */
        if (guest_lock(&an->pve, c->guest.vmid, 0, &lock) != 0 ||
            correct_locked(p, an, c->guest.vmid, any) != 0) {
                p->look->n_deferred++;
                return false;
        }
        if (any)
                record_owe(&an->pve, c->guest.vmid, false);
        return true;
}

/* Of version 0.1, which knew no ports: it counts as long as the addresses are as they were. */
static bool has_old_pin(const struct check *c) {
        const struct pin *pin = policy_pin(&c->policy, c->anchor->pve.node);
        bool old = false;

        for (size_t i = 0; pin && i < pin->n_gpus; i++)
                old |= !pin->gpus[i].port;
        return old && !c->refuse && !c->left_alone && c->plan.choice.repin &&
               choice_is_settled(&c->plan.choice);
}

/* Before the next change of the host, and without a start. */
static void complete_pin(const struct check *c) {
        _cleanup_(cleanup_close) int lock = -1;
        struct findings refusals = { .arena = c->arena };
        struct check now;

        if (has_old_pin(c) && guest_lock(&c->anchor->pve, c->guest.vmid, 0, &lock) == 0 &&
            anchor_check(c->anchor, c->guest.vmid, NULL, &now) == 0 && has_old_pin(&now) &&
            !anchor_refuses(&now.guest, &refusals))
                (void)anchor_store_pin(&now); /* the next look tries again */
}

/* ---- one container, all containers ---- */

/* What is done with each managed container. */
typedef void round_fn(struct pass *p, struct check *c);

static void set_gate(struct pass *p, struct check *c) {
        struct findings all = c->findings;

        if (*c->anchor->pve.root || !anchor_runs(c->anchor, c->guest.vmid))
                return;
        c->findings = (struct findings){ .arena = c->arena };
        gates_set(c);
        tell(p, c->guest.vmid, &c->findings);
        c->findings = all;
}

static bool has_vmid(const uint32_t *list, size_t n, uint32_t vmid) {
        for (size_t i = 0; i < n; i++)
                if (list[i] == vmid)
                        return true;
        return false;
}

static void look_at_running(struct pass *p, struct check *c) {
        struct findings all = c->findings;
        struct running_look r;

        if (*c->anchor->pve.root || !anchor_runs(c->anchor, c->guest.vmid))
                return;
        c->findings = (struct findings){ .arena = c->arena };
        check_given(c);
        running_look(c, &r);
        exclusive_keep(c);
        tell(p, c->guest.vmid, &c->findings);
        c->findings = all;
        p->look->n_deferred += r.deferred;
        p->look->n_soon += r.soon;
        if (r.seen)
                ask_started("", c->guest.vmid);
        if (r.added)
                set_gate(p, c);
        if (r.unfinished)
                *ARENA_PUSH(p->host.pve.arena, p->unfinished, p->n_unfinished) = c->guest.vmid;
}

static void look_at_container(struct pass *p, struct check *c) {
        set_gate(p, c);
        if (p->look->starting_only && !has_vmid(p->starting, p->n_starting, c->guest.vmid))
                return;
        look_at_running(p, c);
        (void)correct_file(p, c->anchor, c, record_is_owed(&c->anchor->pve, c->guest.vmid));
        complete_pin(c);
}

/* Nodes that have changed bring the file in line, too, and what its policy asks for inside. */
static void finish(struct pass *p, struct check *c) {
        struct findings upkeep = { .arena = c->arena };
        struct held held;
        bool file;

        if (held_load(&c->anchor->pve, c->guest.vmid, &held) != 0) /* it has stopped */
                return;
        file = correct_file(p, c->anchor, c, true);
        if (held.unfinished == UNFINISHED_ALL)
                anchor_upkeep_changed(c->anchor, c->guest.vmid, &upkeep);
        running_finished(&c->anchor->pve, c->guest.vmid, file);
        tell(p, c->guest.vmid, &upkeep);
}

/* gpuanchor has left it while it ran. */
static void forget(const struct pve *pve, uint32_t vmid) {
        struct held held;

        if (*pve->root || held_load(pve, vmid, &held) != 0)
                return;
        gates_clear(pve, vmid);
        record_clear(pve, vmid);
}

static void one_container(struct pass *p, uint32_t vmid, round_fn *round) {
        struct anchor one;
        struct check c;

        arena_reset(&p->scratch);
        if (p->stale && open_host(p) < 0)
                return; /* the next look tries again */
        one = anchor_for_one(&p->host, &p->scratch);
        if (!guest_is_managed(&one.pve, vmid))
                forget(&one.pve, vmid);
        else if (anchor_check(&one, vmid, NULL, &c) == 0 && !guest_is_template(&c.guest))
                round(p, &c);
}

/*
 * Devices have changed since the host was read. No gate waits until all the containers before it
 * have been looked at, however long one of them holds its helper, and none that follows is looked
 * at by what is no longer so.
 */
static void catch_up(void *user) {
        struct pass *p = user;
        const struct pve *pve = &p->host.pve;

        if (*pve->root || !ask_take(pve->root))
                return;
        p->look->asked = true;
        if (open_host(p) == 0)
                gates_renew(&p->host, &p->look->findings);
}

/* Gates that were shut are renewed before a pass; the others come first, whoever needs a helper. */
static bool needs_gate(struct pass *p, uint32_t vmid) {
        struct anchor one;
        struct held held;

        arena_reset(&p->scratch);
        one = anchor_for_one(&p->host, &p->scratch);
        return anchor_runs(&one, vmid) &&
               (held_load(&one.pve, vmid, &held) != 0 || held.gate != GATE_CLOSED);
}

/* Policies have their pins renewed by starts. */
static void keep_memory(struct anchor *host) {
        const char *path;

        (void)anchor_sight(host, &path); /* the next look tries again */
}

/*
 * First of all, and by /run and the devices alone: neither /etc/pve nor a card that wakes while its
 * serial number is read may hold it up.
 */
int anchor_look_at_gates(struct arena *a, const char *root, struct findings *ret) {
        struct anchor host = { .pve = { .arena = a, .root = root } };
        int r = anchor_majors(&host);

        *ret = (struct findings){ .arena = a };
        if (r == 0)
                gates_renew(&host, ret);
        return r;
}

int anchor_look(struct arena *a, const char *root, struct look *ret) {
        struct pass p = { .look = ret, .host = anchor_open(a, root) };
        uint32_t *vmids = NULL;
        size_t n = 0;
        int r;

        *ret = (struct look){ .starting_only = ret->starting_only, .findings = { .arena = a } };
        p.n_starting = ask_starting(a, root, &p.starting);
        anchor_sweep_own(&p.host.pve);
        backup_sweep(a, root);
        r = open_host(&p);
        if (r == 0)
                r = guest_list(&p.host.pve, &vmids, &n);
        meanwhile_set(catch_up, &p);
        for (size_t i = 0; r == 0 && i < n; i++)
                if (needs_gate(&p, vmids[i]))
                        one_container(&p, vmids[i], set_gate);
        for (size_t i = 0; r == 0 && i < n; i++) {
                catch_up(&p);
                one_container(&p, vmids[i], look_at_container);
        }
        for (size_t i = 0; i < p.n_unfinished; i++)
                one_container(&p, p.unfinished[i], finish);
        meanwhile_set(NULL, NULL);
        arena_done(&p.scratch);
        if (r == 0 && p.stale)
                r = open_host(&p);
        if (r == 0) {
                keep_memory(&p.host);
                (void)anchor_publish(&p.host);
                delegations_end(&p.host.pve, false, &ret->findings);
                held_looked(&p.host.pve);
        }
        facts_name(&p.host.facts, &ret->findings);
        ret->n_starting = ask_starting(a, root, &p.starting);
        return r;
}
