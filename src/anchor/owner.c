/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * owner - whose policy it is, what becomes of another container's, and since when the lines of a
 * container are as they are
 */
#include "anchor/check.h"

#include "model/plan/choose/evidence.h"

#include <errno.h>

#include <glob.h>

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

enum owner_match anchor_whose(struct anchor *an, const struct guest *g, const struct owner *then) {
        struct owner now = owner_of(an->pve.arena, &g->lines, g->vmid);
        enum owner_match whose = owner_compare(then, &now);
        const struct sighting *s;

        if (whose != OWNER_UNKNOWN || anchor_memory(an) < 0)
                return whose;
        anchor_sightings(an);
        s = sightings_find(&an->sightings, g->vmid);
        return s && !s->digest ? OWNER_OTHER : whose;
}

int anchor_set_aside(struct anchor *an, const struct guest *g, const char **ret) {
        const char *path;
        int r = backup_set_aside(an->pve.arena, g, settings_path(&an->pve, g->vmid), ret);

        if (r == 0 && anchor_memory(an) == 0) {
                anchor_sightings(an);
                sightings_drop(&an->sightings, g->vmid);
                if (an->sightings.text.len > 0)
                        (void)host_sightings_store(&an->pve, &an->sightings,
                                                   an->memory.history.id, &path);
        }
        return r;
}

void check_owner(struct check *c) {
        struct owner now = owner_of(c->arena, &c->guest.lines, c->guest.vmid);
        struct policy *p = &c->policy;
        struct settings none;

        /* a text that is tried was begun for this container */
        if (p->present && !is_being_made(c) && !(c->trial && !owner_is_known(&p->owner)))
                c->whose = anchor_whose(c->anchor, &c->guest, &p->owner);
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

/* ---- since when the lines are as they are ---- */

static bool is_on_a_node(const struct pve *pve, uint32_t vmid) {
        const char *pattern = arena_printf(pve->arena, "%s/etc/pve/nodes/*/lxc/%u.conf", pve->root,
                                           vmid);
        glob_t g = { 0 };
        bool found = glob(pattern, GLOB_NOSORT, NULL, &g) != GLOB_NOMATCH;

        globfree(&g);
        return found;
}

static void sight_gone(struct anchor *an) {
        for (size_t i = 0; i < an->sightings.n; i++) {
                struct sighting *s = &an->sightings.items[i];
                struct guest g;

                if (guest_load(&an->pve, s->vmid, &g) == GUEST_E_NONE &&
                    !is_on_a_node(&an->pve, s->vmid))
                        *s = (struct sighting){ .vmid = s->vmid };
        }
}

/* The cards that the lines name today, which count only if they name them with one voice. */
static void find_named(struct anchor *an, const struct guest *g, struct sighting *s) {
        struct survey survey = { 0 };
        struct gpu_list named = { 0 }, hooked;
        const char *unknown;

        anchor_sources(an, &g->lines, NULL);
        survey_make(an->pve.arena, &an->facts, &g->lines, &survey);
        named.n = survey_named_gpus(an->pve.arena, &an->facts, &survey, &named.items);
        hooked = nvidia_hook_gpus(an->pve.arena, &an->facts, &survey.nvidia_hook, &unknown);
        for (size_t i = 0; i < hooked.n; i++)
                gpu_list_add(an->pve.arena, &named, hooked.items[i]);
        for (size_t i = 0; i < named.n; i++)
                *ARENA_PUSH(an->pve.arena, s->named.cards, s->named.n) =
                        gpu_card(&an->facts, named.items[i]);
}

static void sight_one(struct anchor *an, uint32_t vmid) {
        struct sighting *before = sightings_find(&an->sightings, vmid);
        struct sighting now = { .vmid = vmid, .set = history_last(&an->memory.history) };
        struct settings own;
        struct guest g;

        if (guest_load(&an->pve, vmid, &g) != 0)
                return;
        now.digest = evidence_digest(an->pve.arena, &g.lines);
        if (before && before->digest && streq(before->digest, now.digest)) {
                if (now.set - before->set > HISTORY_SETS_MAX / 2)
                        sighting_refresh(an->pve.arena, &an->memory, before);
                return;
        }
        /* whether its policy is of the one before is told by the gap, at its next start */
        if (before && !before->digest &&
            (access(settings_path(&an->pve, vmid), F_OK) == 0 || errno != ENOENT))
                return;
        if (guest_is_managed(&an->pve, vmid)) {
                anchor_policy(an, vmid, NULL, &own);
                now.came = !policy_pin(&own.policy, an->pve.node);
        }
        find_named(an, &g, &now);
        sightings_put(an->pve.arena, &an->sightings, &now);
}

int anchor_sight(struct anchor *an, const char **ret_path) {
        uint32_t *vmids = NULL;
        size_t n = 0;
        int r = anchor_majors(an);

        *ret_path = "";
        if (r == 0)
                r = anchor_memory(an);
        if (r < 0 || an->memory.partial || guest_list(&an->pve, &vmids, &n) != 0)
                return r;
        anchor_follow(an);
        anchor_sightings(an);
        sight_gone(an);
        for (size_t i = 0; i < n; i++)
                sight_one(an, vmids[i]);
        r = host_memory_store(&an->pve, &an->memory, ret_path);
        if (r == 0)
                r = host_sightings_store(&an->pve, &an->sightings, an->memory.history.id, ret_path);
        return r;
}
