/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* gates - from a check and a record to a program on a control group */
#include "anchor/live/gates.h"

#include "anchor/exclusive.h"

#include "host/live/gate.h"
#include "model/live/gate-program.h"
#include "model/live/refused.h"

#include <errno.h>

static const char *numbers_text(struct arena *a, const struct held *h) {
        struct strbuf b = { .arena = a };

        for (size_t i = 0; i < h->n_refused; i++)
                strbuf_printf(&b, "%s%s", i ? " " : "", devnum_text(a, h->refused[i]));
        return h->n_refused ? strbuf_str(&b) : "none";
}

/* What is wanted; @ret has the numbers where it is to be closed. */
static void decide(const struct check *c, const struct gate_input *in, struct held *ret) {
        ret->gate = GATE_CLOSED;
        ret->gate_why = NULL;
        ret->n_refused = 0;
        if (c->policy.gate == GATE_WISH_NO)
                ret->gate = GATE_OFF;
        else if (c->policy.gate == GATE_WISH_AUTO)
                ret->gate_why = gate_doubt(c->arena, in);
        if (ret->gate_why)
                ret->gate = GATE_OPEN;
        if (ret->gate == GATE_CLOSED)
                ret->n_refused = gate_refuses(c->arena, in, &ret->refused);
}

static int carry_out(struct arena *a, uint32_t vmid, const struct held *h) {
        const char *cgroup = gate_cgroup(a, vmid);
        struct bpf_insn *program;
        size_t n;

        if (h->n_refused == 0)
                return gate_clear(cgroup);
        if (h->n_refused > GATE_MAX)
                return -E2BIG;
        n = gate_program(a, h->refused, h->n_refused, &program);
        return gate_set(cgroup, program, n);
}

static void tell(struct findings *f, const struct held *before, const struct held *now,
                 bool changed) {
        bool same_why = before->gate == now->gate && before->gate_why && now->gate_why &&
                        streq(before->gate_why, now->gate_why);

        if (now->gate == GATE_CLOSED && changed)
                finding_add(f, (struct finding){ .code = FINDING_CONTAINER_GATED,
                                                 .what = numbers_text(f->arena, now) });
        else if (now->gate == GATE_OPEN && !same_why)
                finding_add(f, (struct finding){ .code = FINDING_CONTAINER_GATE_OPEN,
                                                 .what = now->gate_why });
        else if (now->gate == GATE_FAILED && !same_why)
                finding_add(f, (struct finding){ .code = FINDING_CONTAINER_GATE_FAILED,
                                                 .what = now->gate_why });
}

struct change {
        struct held before, now;
};

/* The next look tries again what could not be set, or written down. */
static void set(const struct pve *pve, uint32_t vmid, struct change *c, struct findings *f) {
        int r = carry_out(f->arena, vmid, &c->now);

        if (r == -ENOENT) /* it has stopped */
                return;
        if (r < 0) {
                c->now.gate = GATE_FAILED;
                c->now.gate_why = strerror(-r);
        }
        tell(f, &c->before, &c->now, r > 0);
        (void)held_store(pve, vmid, &c->now);
}

void gates_set(struct check *c) {
        struct gate_input in = { .facts = &c->anchor->facts,
                                 .lines = &c->guest.lines,
                                 .conf = &c->survey,
                                 .config = &c->config_survey };
        struct change change = { 0 };

        check_given(c);
        if (!c->recorded) /* started without gpuanchor: what it may have is not known */
                return;
        (void)held_load(&c->anchor->pve, c->guest.vmid, &change.before);
        given_gpus(c->arena, in.facts, &c->given, &in.gpus);
        exclusive_leave_out(&c->anchor->pve, c->guest.vmid, &in.gpus);
        in.given = c->given.nodes;
        in.n_given = c->given.n_nodes;
        in.held = &change.before;
        change.now = change.before;
        decide(c, &in, &change.now);
        set(&c->anchor->pve, c->guest.vmid, &change, &c->findings);
}

static void renew(const struct anchor *an, uint32_t vmid, struct findings *f) {
        struct gate_input in = { .facts = &an->facts };
        struct change change;
        struct record given;
        struct findings own = { .arena = f->arena };

        if (held_load(&an->pve, vmid, &change.before) != 0 || change.before.gate != GATE_CLOSED ||
            record_read(&an->pve, vmid, &given) != 0)
                return;
        given_gpus(f->arena, in.facts, &given, &in.gpus);
        exclusive_leave_out(&an->pve, vmid, &in.gpus);
        in.given = given.nodes;
        in.n_given = given.n_nodes;
        in.held = &change.before;
        change.now = change.before;
        change.now.n_refused = gate_refuses(f->arena, &in, &change.now.refused);
        set(&an->pve, vmid, &change, &own);
        for (size_t i = 0; i < own.n; i++) {
                own.items[i].vmid = vmid;
                finding_add(f, own.items[i]);
        }
}

void gates_renew(const struct anchor *an, struct findings *f) {
        uint32_t *vmids = NULL;
        size_t n = 0;

        if (*an->pve.root || held_list(&an->pve, &vmids, &n) < 0)
                return;
        for (size_t i = 0; i < n; i++)
                renew(an, vmids[i], f);
}

void gates_clear(const struct pve *pve, uint32_t vmid) {
        struct held held;

        if (*pve->root)
                return;
        (void)gate_clear(gate_cgroup(pve->arena, vmid)); /* else it goes with the container */
        if (held_load(pve, vmid, &held) != 0)
                return;
        held.gate = GATE_OFF;
        held.n_refused = 0;
        (void)held_store(pve, vmid, &held);
}
