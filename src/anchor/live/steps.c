/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* steps - what became of each of them */
#include "anchor/live/steps.h"

#include "base/spawn.h"
#include "model/finding/reason.h"

#define ALLOW_MS (5 * 1000)

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

bool steps_tell(struct check *c, const struct follow *f) {
        bool any = false;

        for (size_t i = 0; i < f->n; i++) {
                const struct follow_step *s = &f->steps[i];

                if (!s->done)
                        continue;
                if (s->kind == FOLLOW_GIVE)
                        allow(c, s);
                tell_step(c, s);
                any = true;
        }
        return any;
}

const char *steps_undone(struct arena *a, const struct follow *f) {
        struct strbuf b = { .arena = a };

        for (size_t i = 0; i < f->n; i++)
                if (f->steps[i].why)
                        strbuf_printf(&b, "%s%s: %s", b.len ? ", " : "", f->steps[i].path,
                                      f->steps[i].why);
        return b.len ? strbuf_str(&b) : NULL;
}
