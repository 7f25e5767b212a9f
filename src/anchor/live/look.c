/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * look - container by container, each in an arena of its own
 *
 * What goes wrong with one of them is no reason to leave the next one out.
 */
#include "anchor/live/look.h"

#include "anchor/apply.h"
#include "anchor/live/gates.h"
#include "anchor/status.h"
#include "host/inside/libraries.h"
#include "host/live/ask.h"
#include "host/live/holdings.h"

#define LOOK_MS (5 * 1000)
#define MAX_TRIES 3

struct pass {
        struct look *look;
        struct anchor host;
        struct arena scratch; /* of one container */
        uint32_t *starting;
        size_t n_starting;
};

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

static int correct_locked(struct pass *p, struct anchor *an, uint32_t vmid) {
        struct findings refusals = { .arena = an->pve.arena };
        struct check c;
        int r = GUEST_E_CHANGED;

        for (int i = 0; i < MAX_TRIES && r == GUEST_E_CHANGED; i++) {
                r = anchor_check(an, vmid, NULL, &c);
                if (r != 0 || c.refuse || c.left_alone || !check_missing_dev(&c))
                        return 0;
                if (anchor_refuses(&c.guest, &refusals))
                        return GUEST_E_BUSY;
                r = anchor_apply(&c);
        }
        if (r == 0)
                tell_edits(p, &c);
        return r;
}

/*
 * Proxmox ends a start with a missing devN path before any hook runs, and a reboot inside with
 * the container down. So such a line must not be in the file when a start comes.
 */
static void correct_file(struct pass *p, struct anchor *an, const struct check *c) {
        _cleanup_(cleanup_close) int lock = -1;

        if (!check_missing_dev(c) || c->refuse || c->left_alone)
                return;
        if (guest_lock(&an->pve, c->guest.vmid, 0, &lock) != 0 ||
            correct_locked(p, an, c->guest.vmid) != 0)
                p->look->n_deferred++;
}

/* ---- a container that runs ---- */

struct inside_look {
        struct holdings_search search;
        const struct driver_library
                *libraries; /* of the host; NULL: NVIDIA's driver is not loaded */
};

static bool holds_nvidia(const struct facts *f, const struct held *h) {
        for (size_t i = 0; i < h->n_nodes; i++) {
                const struct family *family = facts_family(f, h->nodes[i].number);

                if (family && family->kind == NODE_NVIDIA)
                        return true;
        }
        return false;
}

static void look_inside(struct inside *in, void *user) {
        const struct inside_look *l = user;
        struct held *held = arena_alloc(in->arena, sizeof(*held));

        if (inside_is_set_up(in)) {
                holdings_look(in, &l->search, held);
                if (l->libraries && holds_nvidia(l->search.facts, held))
                        libraries_look(in, l->libraries, held->libraries);
                inside_keep(in, held);
        }
}

static const char **recorded_paths(struct check *c, size_t *ret_n) {
        const char **paths = NULL;

        check_given(c);
        *ret_n = 0;
        for (size_t i = 0; i < c->given.n_nodes; i++)
                *ARENA_PUSH(c->arena, paths, *ret_n) = c->given.nodes[i].path;
        return paths;
}

/* The gate's part of the file was written by this pass. */
static void keep_held(const struct check *c, const struct held *found) {
        struct held gated = { 0 }, next = *found;

        (void)held_load(&c->anchor->pve, c->guest.vmid, &gated);
        next.gate = gated.gate;
        next.gate_why = gated.gate_why;
        next.refused = gated.refused;
        next.n_refused = gated.n_refused;
        (void)held_store(&c->anchor->pve, c->guest.vmid, &next); /* the next look tries again */
}

/* Whether it was looked at: not while LXC is still making its /dev. */
static bool look_at_running(struct check *c) {
        struct inside_look l = { .search.facts = &c->anchor->facts,
                                 .libraries = c->anchor->facts.nvidia_version ? c->anchor->libraries
                                                                              : NULL };
        struct inside_job job = { "", c->guest.vmid, LOOK_MS, look_inside, &l };
        struct inside_answer answer;

        l.search.paths = recorded_paths(c, &l.search.n_paths);
        if (inside_call(c->arena, &job, &answer) != 0 || !answer.result)
                return false;
        keep_held(c, answer.result);
        return true;
}

/* ---- one container, all containers ---- */

/* What is done with each managed container: all gates first, because nothing may wait for them. */
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

static bool is_starting(const struct pass *p, uint32_t vmid) {
        for (size_t i = 0; i < p->n_starting; i++)
                if (p->starting[i] == vmid)
                        return true;
        return false;
}

static void look_at_container(struct pass *p, struct check *c) {
        if (p->look->starting_only && !is_starting(p, c->guest.vmid))
                return;
        if (!*c->anchor->pve.root && anchor_runs(c->anchor, c->guest.vmid) && look_at_running(c))
                ask_started("", c->guest.vmid);
        correct_file(p, c->anchor, c);
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
        one = anchor_for_one(&p->host, &p->scratch);
        if (!guest_is_managed(&one.pve, vmid))
                forget(&one.pve, vmid);
        else if (anchor_check(&one, vmid, NULL, &c) == 0 && !guest_is_template(&c.guest))
                round(p, &c);
}

/* Only the cards: pins are renewed by starts. */
static void keep_memory(struct anchor *host) {
        const char *path;

        (void)host_memory_store(&host->pve, &host->memory, &path); /* the next look tries again */
}

int anchor_look(struct arena *a, const char *root, struct look *ret) {
        static round_fn *const rounds[] = { set_gate, look_at_container };
        struct pass p = { .look = ret, .host = anchor_open(a, root) };
        uint32_t *vmids = NULL;
        size_t n = 0;
        int r;

        *ret = (struct look){ .starting_only = ret->starting_only, .findings = { .arena = a } };
        p.n_starting = ask_starting(a, root, &p.starting);
        r = anchor_majors(&p.host);
        if (r == 0)
                r = anchor_memory(&p.host);
        if (r == 0)
                anchor_driver(&p.host);
        if (r == 0)
                r = guest_list(&p.host.pve, &vmids, &n);
        for (size_t k = 0; k < ELEMENTS(rounds); k++)
                for (size_t i = 0; r == 0 && i < n; i++)
                        one_container(&p, vmids[i], rounds[k]);
        arena_done(&p.scratch);
        if (r == 0) {
                keep_memory(&p.host);
                held_looked(&p.host.pve);
        }
        ret->n_starting = ask_starting(a, root, &p.starting);
        return r;
}
