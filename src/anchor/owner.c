/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* owner - whose policy it is, and what becomes of another container's */
#include "anchor/check.h"

/* The same name on other hardware: what was wanted stays, what was learned of the old one goes. */
static void forget_learned(struct check *c, struct policy *p) {
        for (int i = 0; i < GID_GROUPS; i++)
                p->gid[i] = (struct policy_gid){ p->gid[i].set, GID_AUTO, GID_AUTO, GID_AUTO };
        p->parked = (struct parked){ 0 };
        finding_add(&c->findings, (struct finding){ .code = FINDING_POLICY_ALIKE,
                                                    .where = settings_name(c->arena, c->guest.vmid),
                                                    .old = owner_text(c->arena, &p->owner) });
}

/* A file that restore or clone has not finished yet says nothing of its container. */
static bool is_being_made(const struct check *c) {
        struct bytes lock;

        return pctconf_get(&c->guest.lines, "lock", &lock) && bytes_equal(lock, BYTES("create"));
}

void check_owner(struct check *c) {
        struct owner now = owner_of(c->arena, &c->guest.lines, c->guest.vmid);
        struct policy *p = &c->policy;
        struct settings none;

        if (p->present && !is_being_made(c))
                c->whose = owner_compare(&p->owner, &now);
        /* emptied: nothing of what was remembered is in it any more, not even whose it is */
        if (p->present && !c->trial && !owner_is_known(&p->owner) && p->gpus[0].kind == SEL_AUTO)
                c->recalled = check_recall_pin(c, p);
        if (c->whose == OWNER_OTHER) {
                c->findings.n = 0;
                finding_add(&c->findings,
                            (struct finding){ .code = FINDING_POLICY_EARLIER,
                                              .where = settings_name(c->arena, c->guest.vmid),
                                              .old = owner_text(c->arena, &p->owner),
                                              .new = owner_text(c->arena, &now) });
                anchor_policy(c->anchor, c->guest.vmid, &(struct bytes){ 0 }, &none);
                for (size_t i = 0; i < none.problems.n; i++)
                        finding_add(&c->findings, none.problems.items[i]);
                *p = none.policy;
                p->present = false;
                host_memory_forget(c->arena, &c->anchor->memory, c->guest.vmid);
        } else if (c->whose == OWNER_ALIKE) {
                forget_learned(c, p);
        }
        if (owner_is_known(&now))
                p->owner = now;
}

void check_caller(struct check *c, bool called) {
        const char *hookscript = guest_setting(c->arena, &c->guest, "hookscript");

        if (called)
                c->policy.caller = guest_has_hook(&c->guest) ? NULL : hookscript;
}
