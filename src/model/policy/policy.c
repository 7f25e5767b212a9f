/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * policy - a policy before anything is read, and its pins
 */
#include "model/policy/policy.h"

void policy_init(struct arena *a, struct policy *p) {
        *p = (struct policy){
                .gid[GID_VIDEO] = { GID_AUTO, GID_AUTO, GID_AUTO, GID_AUTO, GID_AUTO },
                .gid[GID_RENDER] = { GID_AUTO, GID_AUTO, GID_AUTO, GID_AUTO, GID_AUTO },
                .guest_timeout = GUEST_TIMEOUT_DEFAULT,
        };
        *ARENA_PUSH(a, p->gpus, p->n_gpus) = (struct gpu_sel){ .kind = SEL_AUTO, .text = "auto" };
}

const struct pin *policy_pin(const struct policy *p, const char *node) {
        for (size_t i = 0; i < p->n_pins; i++)
                if (streq(p->pins[i].node, node))
                        return &p->pins[i];
        return NULL;
}

void policy_forget_pin(struct arena *a, struct policy *p, const char *node) {
        struct pin *pins = arena_alloc(a, (p->n_pins + 1) * sizeof(*pins));
        size_t n = 0;

        for (size_t i = 0; i < p->n_pins; i++)
                if (!streq(p->pins[i].node, node))
                        pins[n++] = p->pins[i];
        p->pins = pins;
        p->n_pins = n;
}

void policy_set_pin(struct arena *a, struct policy *p, const struct pin *pin) {
        policy_forget_pin(a, p, pin->node);
        p->pins[p->n_pins++] = *pin;
}

const char *method_name(enum method m) {
        return m == METHOD_DEV ? "dev" : m == METHOD_IDMAP ? "idmap" : "auto";
}
