/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* holders - who is told of for what was refused or taken out */
#include "anchor/live/holders.h"

#include "model/finding/reason.h"

static bool has_number(const struct devnum *numbers, size_t n, struct devnum number) {
        for (size_t i = 0; i < n; i++)
                if (devnum_equal(numbers[i], number))
                        return true;
        return false;
}

size_t holders_numbers(struct arena *a, const struct held *held, const struct follow *f,
                       struct devnum **ret) {
        struct devnum *numbers = NULL;
        size_t n = 0;

        for (size_t i = 0; i < held->n_refused; i++)
                if (!has_number(held->asked, held->n_asked, held->refused[i]))
                        *ARENA_PUSH(a, numbers, n) = held->refused[i];
        for (size_t i = 0; i < f->n; i++)
                if (f->steps[i].done && f->steps[i].kind == FOLLOW_REVOKE &&
                    !has_number(numbers, n, f->steps[i].number))
                        *ARENA_PUSH(a, numbers, n) = f->steps[i].number;
        *ret = numbers;
        return n;
}

static const char *restart_of(const struct check *c, const struct holder *h) {
        struct bytes unit = bytes_of(h->unit ? h->unit : "");

        if (bytes_has_prefix(unit, "docker-") && bytes_take_suffix(&unit, ".scope"))
                return arena_printf(c->arena, WHY_RESTART_DOCKER, c->guest.vmid,
                                    h->unit + strlen("docker-"));
        return bytes_take_suffix(&unit, ".service")
                       ? arena_printf(c->arena, WHY_RESTART_UNIT, c->guest.vmid, h->unit)
                       : WHY_RESTART_PROGRAM;
}

static bool is_restarted(const struct policy *p, const struct holder *h) {
        for (size_t i = 0; h->unit && i < p->n_guest_services; i++)
                if (streq(p->guest_services[i], h->unit))
                        return true;
        return false;
}

static const char *path_of(const struct holder *h, const struct held *before) {
        for (size_t i = 0; h->open && i < before->n_nodes; i++)
                if (devnum_equal(before->nodes[i].number, h->number))
                        return before->nodes[i].path;
        return h->path;
}

void holders_tell(struct check *c, const struct holders *h, const struct held *before,
                  bool restarts) {
        for (size_t i = 0; i < h->n; i++) {
                const struct holder *one = &h->items[i];

                if (restarts && is_restarted(&c->policy, one))
                        continue;
                finding_add(&c->findings,
                            (struct finding){ .code = one->open ? FINDING_CONTAINER_NODE_OPEN
                                                                : FINDING_CONTAINER_NODE_COPY,
                                              .what = arena_printf(c->arena, WHY_HOLDER, one->name,
                                                                   one->pid),
                                              .where = path_of(one, before),
                                              .old = devnum_text(c->arena, one->number),
                                              .new = restart_of(c, one) });
        }
}
