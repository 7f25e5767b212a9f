/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * usage - who claims what
 */
#include "model/plan/choose/usage.h"

#include "model/finding/reason.h"
#include "model/gpu/pci-address.h"

static void add(struct usage *u, struct gpu_user user) {
        for (size_t i = 0; i < u->n; i++)
                if (u->users[i].gpu == user.gpu && u->users[i].vmid == user.vmid)
                        return;
        *ARENA_PUSH(u->arena, u->users, u->n) = user;
}

void usage_add_vm(struct usage *u, uint32_t vmid, const struct hostpci *h) {
        for (size_t i = 0; i < u->facts->n_gpus; i++) {
                const struct gpu *g = &u->facts->gpus[i];

                for (size_t j = 0; j < h->n_paths; j++)
                        if (g->pci && pci_path_has(h->paths[j], g->address))
                                add(u, (struct gpu_user){ .kind = USER_VM,
                                                          .vmid = vmid,
                                                          .gpu = g,
                                                          .by = h->key,
                                                          .mediated = h->mediated });
        }
}

void usage_add_container(struct usage *u, uint32_t vmid, const struct gpu *g, const char *by) {
        if (g)
                add(u, (struct gpu_user){
                               .kind = USER_CONTAINER, .vmid = vmid, .gpu = g, .by = by });
}

/* A folder, or "226:*": every GPU that has such a node. */
static void add_wide(struct usage *u, uint32_t vmid, uint32_t kinds) {
        const struct facts *f = u->facts;

        for (size_t i = 0; i < f->n_gpus; i++)
                for (size_t j = 0; j < f->gpus[i].n_nodes; j++)
                        if (kinds & NODE_BIT(f->gpus[i].nodes[j].kind))
                                usage_add_container(u, vmid, &f->gpus[i], "lines");
}

static void add_seeker(struct usage *u, uint32_t vmid, const struct survey *s) {
        for (size_t i = 1; i < s->n_lines; i++) {
                const struct devline *d = &s->lines[i];

                if ((d->type == DEVLINE_MOUNT || d->type == DEVLINE_DEV) && d->at &&
                    d->at->kind == SOURCE_NOTHING && devline_kinds(u->facts, d)) {
                        *ARENA_PUSH(u->arena, u->seekers, u->n_seekers) =
                                (struct gpu_seeker){ vmid, arena_strdup(u->arena, d->source) };
                        return;
                }
        }
}

void usage_add_lines(struct usage *u, uint32_t vmid, const struct survey *s) {
        const struct facts *f = u->facts;
        size_t before = u->n;
        bool by_number = s->given == 0;
        const char *unknown;
        struct gpu_list hooked = nvidia_hook_gpus(u->arena, f, &s->nvidia_hook, &unknown);

        for (size_t i = 0; i < hooked.n; i++)
                usage_add_container(u, vmid, hooked.items[i], "lines");

        for (size_t i = 1; i < s->n_lines; i++) {
                const struct devline *d = &s->lines[i];

                if (by_number ? d->type != DEVLINE_ALLOW
                              : d->type != DEVLINE_MOUNT && d->type != DEVLINE_DEV)
                        continue;
                if (devline_is_wide(f, d))
                        add_wide(u, vmid, devline_kinds(f, d));
                else
                        usage_add_container(u, vmid, devline_gpu(f, d), "lines");
        }
        usage_add_ways(u, vmid, s);
        if (u->n == before)
                add_seeker(u, vmid, s);
}

void usage_add_ways(struct usage *u, uint32_t vmid, const struct survey *s) {
        for (size_t i = 1; i < s->n_lines; i++)
                if (s->lines[i].type == DEVLINE_WHOLE && !s->lines[i].broken)
                        add_wide(u, vmid, NODE_ANY);
        for (size_t i = 0; i < s->other_ways.n; i++) {
                const struct other_way *w = &s->other_ways.items[i];

                if (w->folder || (w->makes && w->all))
                        add_wide(u, vmid, w->kinds);
                else if (w->makes)
                        usage_add_container(u, vmid, w->gpu, "lines");
        }
}

void usage_add_policy(struct usage *u, uint32_t vmid, const struct policy *p,
                      const struct choice *c) {
        const struct pin *pin = &c->pin;
        const struct facts *f = u->facts;
        size_t before = u->n;

        for (size_t i = 0; i < c->gpus.n; i++)
                usage_add_container(u, vmid, c->gpus.items[i], "policy");
        for (size_t i = 0; i < p->n_gpus && pin->n_gpus == 0; i++)
                if (p->gpus[i].kind == SEL_PCI)
                        usage_add_container(u, vmid, facts_find_gpu(f, p->gpus[i].name), "policy");
        for (size_t i = 0; i < pin->n_gpus; i++) {
                const struct gpu *g = facts_find_gpu(f, pin->gpus[i].address);

                if (g && pci_ids_equal(&g->ids, &pin->gpus[i].ids))
                        usage_add_container(u, vmid, g, "policy");
        }
        for (size_t i = before; i < u->n; i++)
                u->users[i].exclusive = p->exclusive;
}

const struct gpu_user *usage_of(const struct usage *u, const struct gpu *g, uint32_t vmid) {
        for (size_t i = 0; i < u->n; i++) {
                const struct gpu_user *x = &u->users[i];
                bool own = x->kind == USER_CONTAINER && x->vmid == vmid;

                if (!own && (x->gpu == g || (g->physfn && streq(g->physfn, x->gpu->address)) ||
                             (x->gpu->physfn && streq(x->gpu->physfn, g->address))))
                        return x;
        }
        return NULL;
}

const char *gpu_user_text(struct arena *a, enum user_kind kind, uint32_t vmid) {
        return arena_printf(a, kind == USER_VM ? WHY_USER_VM : WHY_USER_CONTAINER, vmid);
}

/* A virtual machine that takes it away is a conflict, exclusive or not. */
static void check_exclusive(const struct usage *u, const struct gpu_user *c,
                            struct findings *findings) {
        const struct gpu_user *other = c->exclusive ? usage_of(u, c->gpu, c->vmid) : NULL;

        if (other && (other->kind == USER_CONTAINER || other->mediated))
                finding_add(findings,
                            (struct finding){ .code = FINDING_GPU_EXCLUSIVE,
                                              .gpu = c->gpu->address,
                                              .what = arena_printf(findings->arena, "%u", c->vmid),
                                              .old = gpu_user_text(findings->arena, other->kind,
                                                                   other->vmid) });
}

const struct gpu_user *usage_taker(const struct usage *u, const struct gpu *g) {
        for (size_t i = 0; i < u->n; i++) {
                const struct gpu_user *vm = &u->users[i];

                if (vm->kind == USER_VM && !vm->mediated &&
                    (vm->gpu == g || (g->physfn && streq(g->physfn, vm->gpu->address))))
                        return vm;
        }
        return NULL;
}

void usage_check(const struct usage *u, struct findings *findings) {
        for (size_t i = 0; i < u->n; i++) {
                const struct gpu_user *c = &u->users[i];
                const struct gpu_user *vm = usage_taker(u, c->gpu);
                bool held = c->gpu->driver && streq(c->gpu->driver, "vfio-pci");
                struct finding item = { .code = FINDING_GPU_CONFLICT, .gpu = c->gpu->address };

                check_exclusive(u, c, findings);
                if (c->kind != USER_CONTAINER || (!vm && !held))
                        continue;
                item.what = arena_printf(findings->arena, "%u", c->vmid);
                item.old =
                        vm ? arena_printf(findings->arena, held ? WHY_HELD_FOR_VM : WHY_TAKEN_BY_VM,
                                          vm->vmid, vm->by)
                           : WHY_HELD_BY_VFIO;
                finding_add(findings, item);
        }
}

const char *usage_names(struct arena *a, const struct usage *u, const struct gpu *g) {
        struct strbuf b = { .arena = a };

        for (size_t i = 0; i < u->n; i++)
                if (u->users[i].gpu == g)
                        strbuf_printf(&b, "%s%s/%u%s", b.len > 0 ? "," : "",
                                      u->users[i].kind == USER_VM ? "vm" : "ct", u->users[i].vmid,
                                      u->users[i].exclusive ? "(exclusive)" : "");
        return b.len > 0 ? strbuf_str(&b) : "";
}
