/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* exclusive - reservations, and who else has a GPU */
#include "anchor/exclusive.h"

#include "anchor/usage.h"
#include "host/reservation.h"
#include "model/finding/reason.h"
#include "pve/vm.h"

#include <errno.h>

/** struct slot - a GPU of the container */
struct slot {
        const struct gpu *gpu;
        const char *path;
        int fd; /* -1: not locked */
        struct reservation before;
};

struct slots {
        struct slot *items;
        size_t n;
};

/* In one order for everybody: who waits for one has none that comes later. */
static int compare(const void *a, const void *b) {
        return strcmp(((const struct slot *)a)->path, ((const struct slot *)b)->path);
}

static struct slots slots_of(const struct pve *pve, const struct gpu_list *gpus) {
        struct slots s = { 0 };

        for (size_t i = 0; i < gpus->n; i++)
                *ARENA_PUSH(pve->arena, s.items, s.n) = (struct slot){
                        .gpu = gpus->items[i],
                        .path = reservation_path(pve->arena, pve->root,
                                                 reservation_name(pve->arena, gpus->items[i])),
                        .fd = -1,
                };
        if (s.n > 1)
                qsort(s.items, s.n, sizeof(*s.items), compare);
        return s;
}

static void unlock(struct slots *s) {
        for (size_t i = 0; i < s->n; i++)
                cleanup_close(&s->items[i].fd);
}

/* ---- no ---- */

static void refuse_taken(struct check *c, const struct gpu *g, const char *who, const char *why) {
        finding_add(&c->findings, (struct finding){ .code = FINDING_GPU_TAKEN,
                                                    .gpu = g->address,
                                                    .name = g->name,
                                                    .what = who,
                                                    .old = why });
        c->refuse = arena_printf(c->arena, WHY_REFUSE_TAKEN, who,
                                 gpu_label(c->arena, g->name, g->address), why);
}

static void refuse_failed(struct check *c, const struct slot *s, const char *why) {
        finding_add(&c->findings,
                    (struct finding){ .code = FINDING_GPU_UNRESERVED,
                                      .gpu = s->gpu->address,
                                      .name = s->gpu->name,
                                      .where = s->path + strlen(c->anchor->pve.root),
                                      .what = why });
        c->refuse = arena_printf(c->arena, WHY_REFUSE_UNRESERVED,
                                 gpu_label(c->arena, s->gpu->name, s->gpu->address));
}

/* Whether another container than @vmid has reserved it. */
static bool is_reserved(const struct pve *pve, uint32_t vmid, struct slot *s) {
        reservation_read(pve->arena, s->path, &s->before);
        return reservation_holds(pve->root, &s->before, vmid);
}

static bool heed_one(struct check *c, struct slot *s) {
        if (!is_reserved(&c->anchor->pve, c->guest.vmid, s))
                return true;
        refuse_taken(c, s->gpu, gpu_user_text(c->arena, USER_CONTAINER, s->before.vmid),
                     WHY_TAKEN_ALONE);
        return false;
}

/* ---- who else has a GPU ---- */

/* What it holds, where a look has told; else what its start gave it; else what its file says. */
static void add_running(struct anchor *an, uint32_t vmid, struct usage *u) {
        struct arena *a = an->pve.arena;
        struct gpu_list gpus = { 0 };
        struct record record;
        struct held held;

        if (held_load(&an->pve, vmid, &held) == 0 && held.init.pid != 0) {
                for (size_t i = 0; i < held.n_nodes; i++)
                        usage_add_container(u, vmid, facts_find_gpu(&an->facts, held.nodes[i].gpu),
                                            "held");
                return;
        }
        if (record_read(&an->pve, vmid, &record) != 0) {
                anchor_usage_of(an, vmid, u);
                return;
        }
        given_gpus(a, &an->facts, &record, &gpus);
        for (size_t i = 0; i < gpus.n; i++)
                usage_add_container(u, vmid, gpus.items[i], "record");
        anchor_usage_ways(an, vmid, u);
}

/* All other containers and the virtual machines that run or start; false: not all could be read. */
static bool find_running(struct check *c, struct usage *ret) {
        struct anchor *an = c->anchor;
        uint32_t *vmids = NULL;
        size_t n = 0;

        *ret = (struct usage){ .arena = c->arena, .facts = &an->facts };
        if (guest_list(&an->pve, &vmids, &n) != 0)
                return false;
        for (size_t i = 0; i < n; i++)
                if (vmids[i] != c->guest.vmid && container_lives(an->pve.root, vmids[i]))
                        add_running(an, vmids[i], ret);
        vmids = NULL;
        n = 0;
        if (vm_list(&an->pve, &vmids, &n) < 0)
                return false;
        for (size_t i = 0; i < n; i++)
                if (vm_lives(an->pve.root, vmids[i]))
                        anchor_usage_of_vm(an, vmids[i], ret);
        return !ret->partial;
}

/* Whether nobody else has any of them; what cannot be read may be somebody who has. */
static bool are_unused(struct check *c, const struct slots *s) {
        struct usage u;

        if (!find_running(c, &u)) {
                refuse_failed(c, &s->items[0], WHY_USERS_UNREAD);
                return false;
        }
        for (size_t i = 0; i < s->n; i++) {
                const struct gpu_user *x = usage_of(&u, s->items[i].gpu, c->guest.vmid);

                if (!x)
                        continue;
                refuse_taken(c, s->items[i].gpu, gpu_user_text(c->arena, x->kind, x->vmid),
                             WHY_WANTED_ALONE);
                return false;
        }
        return true;
}

/* ---- a start ---- */

static bool lock_all(struct check *c, struct slots *s) {
        for (size_t i = 0; i < s->n; i++) {
                int r = reservation_lock(c->arena, s->items[i].path, true, &s->items[i].fd);

                if (r < 0) {
                        refuse_failed(c, &s->items[i], strerror(-r));
                        return false;
                }
        }
        return true;
}

static bool write_all(struct check *c, struct slots *s, struct reservation r) {
        for (size_t i = 0; i < s->n; i++) {
                int e = reservation_write(c->arena, s->items[i].path, &r);

                if (e < 0) {
                        refuse_failed(c, &s->items[i], strerror(-e));
                        return false;
                }
        }
        return true;
}

static void restore(struct check *c, struct slots *s) {
        for (size_t i = 0; i < s->n; i++)
                (void)reservation_write(c->arena, s->items[i].path, &s->items[i].before);
}

static bool is_same(const struct reservation *a, const struct reservation *b) {
        return a->vmid == b->vmid && a->holder.pid > 0 && a->holder.pid == b->holder.pid &&
               a->holder.start == b->holder.start;
}

static void take(struct check *c, const struct process *task, const struct gpu_list *gpus,
                 bool again) {
        struct reservation own = { .vmid = c->guest.vmid, .holder = *task };
        struct slots s = slots_of(&c->anchor->pve, gpus);
        bool free = s.n > 0 && lock_all(c, &s), kept = again;

        for (size_t i = 0; i < s.n && free; i++) {
                free = heed_one(c, &s.items[i]);
                kept = kept && is_same(&s.items[i].before, &own);
        }
        if (free && !kept && (!write_all(c, &s, own) || !are_unused(c, &s)))
                restore(c, &s);
        unlock(&s);
}

void exclusive_take(struct check *c, const struct process *task, bool again) {
        take(c, task, &c->plan.choice.gpus, again);
}

/* The locks one by one: nothing is decided by two of them. What is locked ends with its holder, or
 * is released by the next look. */
static void release(struct check *c, const struct gpu_list *gpus) {
        struct slots s = slots_of(&c->anchor->pve, gpus);

        for (size_t i = 0; i < s.n; i++) {
                struct reservation r;

                /* as a rule it is not even there */
                reservation_read(c->arena, s.items[i].path, &r);
                if (r.vmid != c->guest.vmid ||
                    reservation_lock(c->arena, s.items[i].path, false, &s.items[i].fd) < 0)
                        continue;
                reservation_read(c->arena, s.items[i].path, &r);
                if (r.vmid == c->guest.vmid)
                        (void)reservation_write(c->arena, s.items[i].path,
                                                &(struct reservation){ 0 });
        }
        unlock(&s);
}

void exclusive_release(struct check *c) {
        release(c, &c->plan.choice.gpus);
}

/* What its start gives it: what was chosen, what is left alone, what comes by other ways. */
static struct slots slots_of_start(struct check *c) {
        struct usage u = { .arena = c->arena, .facts = &c->anchor->facts };
        struct gpu_list gpus = { 0 };

        for (size_t i = 0; i < c->plan.choice.gpus.n; i++)
                gpu_list_add(c->arena, &gpus, c->plan.choice.gpus.items[i]);
        if (c->left_alone)
                usage_add_lines(&u, c->guest.vmid, &c->survey);
        else
                usage_add_ways(&u, c->guest.vmid, &c->survey);
        for (size_t i = 0; i < u.n; i++)
                gpu_list_add(c->arena, &gpus, u.users[i].gpu);
        return slots_of(&c->anchor->pve, &gpus);
}

/* Without a file, which an ordinary host never has, it is one system call for each GPU. */
void exclusive_heed(struct check *c) {
        struct slots s = slots_of_start(c);

        for (size_t i = 0; i < s.n && !c->refuse && !c->policy.exclusive; i++) {
                int r = access(s.items[i].path, F_OK) < 0
                                ? -ENOENT
                                : reservation_lock(c->arena, s.items[i].path, true,
                                                   &s.items[i].fd);

                if (r == 0)
                        (void)heed_one(c, &s.items[i]);
                else if (r != -ENOENT)
                        refuse_failed(c, &s.items[i], strerror(-r));
                cleanup_close(&s.items[i].fd);
        }
}

void exclusive_judge(struct check *c) {
        struct slots s = slots_of_start(c);
        bool free = !c->refuse && s.n > 0;

        for (size_t i = 0; i < s.n && free; i++)
                free = heed_one(c, &s.items[i]);
        s = slots_of(&c->anchor->pve, &c->plan.choice.gpus);
        if (free && c->policy.exclusive && s.n > 0)
                (void)are_unused(c, &s);
}

/* ---- while it runs ---- */

/* Whether the last look has seen a node of it inside. */
static bool is_held(const struct held *h, const struct gpu *g) {
        for (size_t i = 0; i < h->n_nodes; i++)
                if (streq(h->nodes[i].gpu, g->address))
                        return true;
        return false;
}

void exclusive_leave_out(const struct pve *pve, uint32_t vmid, struct gpu_list *gpus) {
        struct slots s = slots_of(pve, gpus);
        struct gpu_list kept = { 0 };

        for (size_t i = 0; i < s.n; i++)
                if (!is_reserved(pve, vmid, &s.items[i]))
                        gpu_list_add(pve->arena, &kept, s.items[i].gpu);
        *gpus = kept;
}

void exclusive_spare(const struct check *c, const struct held *held, struct gpu_list *gpus,
                     struct exclusive_locks *ret) {
        struct slots s = slots_of(&c->anchor->pve, gpus);
        struct gpu_list kept = { 0 };

        for (size_t i = 0; i < s.n; i++) {
                struct slot *x = &s.items[i];
                int fd;

                /* it comes back: until that is done nobody may reserve it */
                if (held->init.pid != 0 && !is_held(held, x->gpu)) {
                        if (reservation_lock(c->arena, x->path, true, &fd) < 0)
                                continue;
                        *ARENA_PUSH(c->arena, ret->fds, ret->n) = fd;
                }
                if (!is_reserved(&c->anchor->pve, c->guest.vmid, x))
                        gpu_list_add(c->arena, &kept, x->gpu);
        }
        *gpus = kept;
}

void exclusive_unlock(struct exclusive_locks *l) {
        for (size_t i = 0; i < l->n; i++)
                cleanup_close(&l->fds[i]);
}

static bool has_all(struct check *c, const struct gpu_list *gpus) {
        struct slots s = slots_of(&c->anchor->pve, gpus);
        bool all = true;

        for (size_t i = 0; i < s.n && all; i++)
                all = !is_reserved(&c->anchor->pve, c->guest.vmid, &s.items[i]) &&
                      s.items[i].before.vmid == c->guest.vmid;
        return all;
}

void exclusive_keep(struct check *c) {
        struct findings told = c->findings;
        const char *refused = c->refuse;
        struct gpu_list gpus = { 0 };

        given_gpus(c->arena, &c->anchor->facts, &c->given, &gpus);
        if (!c->policy.exclusive) {
                release(c, &gpus);
        } else if (!has_all(c, &gpus)) {
                c->findings = (struct findings){ .arena = c->arena };
                take(c, &(struct process){ 0 }, &gpus, false);
                c->findings = told; /* it runs: who has it, too, hears of it at the next start */
                c->refuse = refused;
        }
}
