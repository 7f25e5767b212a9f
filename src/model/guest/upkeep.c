/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * upkeep - groups, members and drop-ins of a container
 *
 * A group that exists is never renumbered: files on the container's disk and
 * running processes have its number, and the host's side follows it anyway, at
 * the next start (anchor-learn). Only what is missing is made.
 */
#include "model/guest/upkeep.h"

#include "model/guest/accounts.h"
#include "model/policy/key.h"

#define HEADER "# Written by gpuanchor on the Proxmox host, at every start that changes it.\n"
#define ADVICE "# Own settings belong in another file of this folder.\n"

static const char *name_of_gid(struct arena *a, struct bytes text, uint32_t gid) {
        struct account g;

        while (account_next(&text, &g))
                if (g.id == gid && g.name.len > 0)
                        return arena_strndup(a, g.name.data, g.name.len);
        return NULL;
}

static bool is_member(const struct account *group, const char *user, uint32_t primary) {
        return account_lists(group, user) || group->id == primary;
}

/* ---- groups and their members ---- */

struct work {
        struct arena *a;
        const struct upkeep_input *in;
        struct findings *f;
        struct upkeep *u;
        bool there[GID_GROUPS]; /* the container has the group once the steps are done */
};

static struct upkeep_step *add_step(struct arena *a, struct upkeep *u, enum upkeep_kind kind,
                                    const char *name) {
        struct upkeep_step *s = ARENA_PUSH(a, u->steps, u->n);

        *s = (struct upkeep_step){ .kind = kind, .name = name };
        return s;
}

static void plan_group(struct work *p, int i) {
        const struct plan_gid *g = &p->in->gids[i];
        const struct policy *policy = p->in->policy;
        const char *number = arena_printf(p->a, "%u", g->inside), *owner;
        struct account now;

        p->there[i] = account_find(p->in->groups, g->name, &now);
        if (!policy->guest_groups)
                return;
        if (p->there[i]) {
                if (now.id != g->inside)
                        finding_add(p->f, (struct finding){ .code = FINDING_GUEST_GROUP_OTHER,
                                                            .what = g->name,
                                                            .old = arena_printf(p->a, "%u", now.id),
                                                            .new = number });
                return;
        }
        if (g->inside == 0)
                return; /* the host has no such group, and the policy has no gid */
        owner = name_of_gid(p->a, p->in->groups, g->inside);
        for (int j = 0; j < i && !owner; j++)
                if (p->there[j] && p->in->gids[j].inside == g->inside)
                        owner = p->in->gids[j].name;
        if (owner) {
                finding_add(p->f, (struct finding){ .code = FINDING_GUEST_GID_TAKEN,
                                                    .what = g->name,
                                                    .old = owner,
                                                    .new = number });
                return;
        }
        add_step(p->a, p->u, UPKEEP_GROUP, g->name)->gid = g->inside;
        p->there[i] = true;
}

static void plan_user(struct work *p, const char *name) {
        uint32_t primary = UINT32_MAX;
        struct account user, group;

        if (!account_find(p->in->users, name, &user)) {
                finding_add(p->f,
                            (struct finding){ .code = FINDING_GUEST_USER_NONE, .what = name });
                return;
        }
        account_primary(&user, &primary);
        for (int i = 0; i < GID_GROUPS; i++) {
                const char *wanted = p->in->gids[i].name;

                if (!p->there[i] || (account_find(p->in->groups, wanted, &group) &&
                                     is_member(&group, name, primary)))
                        continue;
                add_step(p->a, p->u, UPKEEP_MEMBER, name)->group = wanted;
        }
}

/* ---- drop-ins ---- */

/* "OLLAMA_HOST=a\"b%" as a value of Environment=: C-like escapes, and % begins a specifier */
static void add_quoted(struct strbuf *b, const char *s) {
        strbuf_adds(b, "\"");
        for (; *s; s++) {
                if (*s == '"' || *s == '\\')
                        strbuf_adds(b, "\\");
                else if (*s == '%')
                        strbuf_adds(b, "%");
                strbuf_add(b, s, 1);
        }
        strbuf_adds(b, "\"");
}

static struct bytes dropin_text(struct work *p) {
        struct strbuf b = { .arena = p->a };
        const char *before = "SupplementaryGroups=";

        strbuf_adds(&b, HEADER ADVICE "[Service]\n");
        for (int i = 0; i < GID_GROUPS; i++)
                if (p->there[i]) {
                        strbuf_printf(&b, "%s%s", before, p->in->gids[i].name);
                        before = " ";
                }
        if (*before == ' ')
                strbuf_adds(&b, "\n");
        for (size_t i = 0; i < p->in->n_nodes; i++)
                strbuf_printf(&b, "DeviceAllow=%s rw\n", p->in->nodes[i]);
        for (size_t i = 0; i < p->in->policy->n_guest_environment; i++) {
                strbuf_adds(&b, "Environment=");
                add_quoted(&b, p->in->policy->guest_environment[i]);
                strbuf_adds(&b, "\n");
        }
        return strbuf_bytes(&b);
}

static bool is_wanted(const struct policy *p, const char *unit) {
        for (size_t i = 0; i < p->n_guest_services; i++)
                if (streq(p->guest_services[i], unit))
                        return true;
        return false;
}

static const struct upkeep_dropin *dropin_of(const struct upkeep_input *in, const char *unit) {
        for (size_t i = 0; i < in->n_dropins; i++)
                if (streq(in->dropins[i].unit, unit))
                        return &in->dropins[i];
        return NULL;
}

/* Units whose drop-in was written or removed by the steps up to @n: reload, then restart them. */
static void add_restarts(struct arena *a, struct upkeep *u) {
        size_t n = u->n;
        bool reload = false;

        for (size_t i = 0; i < n; i++)
                reload |= u->steps[i].kind == UPKEEP_WRITE || u->steps[i].kind == UPKEEP_REMOVE;
        if (reload)
                add_step(a, u, UPKEEP_RELOAD, "systemctl");
        for (size_t i = 0; i < n; i++)
                if (u->steps[i].kind == UPKEEP_WRITE || u->steps[i].kind == UPKEEP_REMOVE)
                        add_step(a, u, UPKEEP_RESTART, u->steps[i].name);
}

static void plan_services(struct work *p) {
        const struct policy *policy = p->in->policy;
        struct bytes text = dropin_text(p);

        for (size_t i = 0; i < policy->n_guest_services; i++) {
                const char *unit = policy->guest_services[i];
                const struct upkeep_dropin *now = dropin_of(p->in, unit);

                if (!p->in->systemd)
                        finding_add(p->f, (struct finding){ .code = FINDING_GUEST_NO_SYSTEMD,
                                                            .what = unit });
                else if (!now || p->in->changed || !bytes_equal(now->text, text))
                        add_step(p->a, p->u, UPKEEP_WRITE, unit)->text = text;
        }
        for (size_t i = 0; i < p->in->n_dropins; i++)
                if (!is_wanted(policy, p->in->dropins[i].unit))
                        add_step(p->a, p->u, UPKEEP_REMOVE, p->in->dropins[i].unit);
        add_restarts(p->a, p->u);
}

void upkeep_plan(struct arena *a, const struct upkeep_input *in, struct findings *f,
                 struct upkeep *ret) {
        struct work p = { .a = a, .in = in, .f = f, .u = ret };

        *ret = (struct upkeep){ 0 };
        for (int i = 0; i < GID_GROUPS; i++)
                plan_group(&p, i);
        for (size_t i = 0; i < in->policy->n_guest_users; i++)
                plan_user(&p, in->policy->guest_users[i]);
        plan_services(&p);
}

void upkeep_removal(struct arena *a, const struct upkeep_dropin *dropins, size_t n,
                    struct upkeep *ret) {
        *ret = (struct upkeep){ 0 };
        for (size_t i = 0; i < n; i++)
                add_step(a, ret, UPKEEP_REMOVE, dropins[i].unit);
        add_restarts(a, ret);
}

bool upkeep_is_own(struct bytes text) {
        return bytes_has_prefix(text, HEADER);
}

const char *upkeep_unit_of(struct arena *a, const char *folder) {
        struct policy p = { 0 };
        const char *end = strrchr(folder, '.'), *unit;

        if (!end || !streq(end, ".d"))
                return NULL;
        unit = arena_strndup(a, folder, (size_t)(end - folder));
        return !policy_set(a, &p, "guest-service", unit) && p.n_guest_services == 1
                       ? p.guest_services[0]
                       : NULL;
}

const char *upkeep_path(struct arena *a, const char *unit) {
        return arena_printf(a, UPKEEP_UNIT_DIR "/%s.d/" UPKEEP_DROPIN, unit);
}
