/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * memory - what is remembered of a container: whose policy it is, what becomes of another
 * container's, since when its lines are as they are, and what the policy says while files are written
 *
 * A start may be killed between two files. So the policy is written before them, in a form that
 * is right with the old files and with the new ones, and once more when they are there.
 */
#include "anchor/check.h"

#include "model/gpu/majors.h"
#include "model/plan/choose/evidence.h"
#include "model/plan/make.h"
#include "model/plan/open-rule.h"
#include "model/policy/memory.h"

#include <errno.h>

#include <glob.h>

/* The same name on other hardware: what was wanted stays, what was learned of the old one goes. */
static void forget_learned(struct check *c, struct policy *p) {
        for (int i = 0; i < GID_GROUPS; i++)
                p->gid[i] = (struct policy_gid){ p->gid[i].set, GID_AUTO, GID_AUTO, GID_AUTO,
                                                 GID_AUTO };
        p->parked = (struct parked){ 0 };
        p->named_nodes = (struct named_nodes){ 0 };
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

bool check_owner_is_unread(const struct check *c) {
        return c->policy.present && !c->trial && c->whose == OWNER_UNKNOWN &&
               c->anchor->sightings.unread;
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

static bool is_gone(struct anchor *an, uint32_t vmid) {
        struct guest g;

        return guest_load(&an->pve, vmid, &g) == GUEST_E_NONE && !is_on_a_node(&an->pve, vmid);
}

/* A policy that no start has written to may wait for a container that is yet to be made. */
static bool was_used(struct anchor *an, uint32_t vmid) {
        struct settings s;

        anchor_policy(an, vmid, NULL, &s);
        return s.policy.n_pins > 0 || owner_is_known(&s.policy.owner);
}

/* Of those that were seen, and those that were enrolled and destroyed between two looks. */
static void sight_gone(struct anchor *an) {
        const char *policies = arena_printf(an->pve.arena, "%s/etc/pve/gpuanchor", an->pve.root);
        uint32_t *vmids = NULL;
        size_t n = 0;

        (void)vmids_in(an->pve.arena, policies, &vmids, &n);
        for (size_t i = 0; i < n; i++)
                if (is_gone(an, vmids[i]) && was_used(an, vmids[i]))
                        sightings_put(an->pve.arena, &an->sightings,
                                      &(struct sighting){ .vmid = vmids[i] });
        for (size_t i = 0; i < an->sightings.n; i++) {
                struct sighting *s = &an->sightings.items[i];

                if (is_gone(an, s->vmid))
                        *s = (struct sighting){ .vmid = s->vmid };
        }
}

/* The cards that the lines name today, which count only if they name them with one voice. */
static void find_named(struct anchor *an, const struct guest *g, struct sighting *s) {
        struct survey survey = { 0 };

        anchor_sources(an, &g->lines, NULL);
        survey_make(an->pve.arena, &an->facts, &g->lines, &survey);
        s->named = evidence_named(an->pve.arena, &an->facts, &survey);
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
                /* those who have a pin are followed by it */
                if (host_memory_has_pin(&an->memory, vmid)
                            ? now.set - before->set > HISTORY_SETS_MAX / 2
                            : now.set != before->set || !an->memory.same_cards)
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
        anchor_sightings(an);
        if (an->memory.unread)
                return r;
        sight_gone(an);
        for (size_t i = 0; i < n; i++)
                sight_one(an, vmids[i]);
        anchor_follow(an); /* last: what was seen is followed beside the pins of the same time */
        r = host_memory_store(&an->pve, &an->memory, ret_path);
        if (r == 0)
                r = host_sightings_store(&an->pve, &an->sightings, an->memory.history.id, ret_path);
        return r;
}

static bool is_parked(const struct parked *p, const char *line) {
        for (size_t i = 0; i < p->n; i++)
                if (streq(p->lines[i].line, line))
                        return true;
        return false;
}

struct majors check_majors(const struct check *c, const struct pctconf *lines) {
        const struct majors *list = &c->policy.majors;
        const char *digest = NULL;

        for (size_t i = 0; i < list->n && !digest; i++)
                if (list->items[i].only)
                        digest = evidence_digest(c->arena, lines);
        return majors_only(c->arena, list, digest);
}

/* Those of the old rules; the new ones count for the files as they will be. */
static struct majors majors_meanwhile(const struct check *c, const struct majors *next) {
        struct guest new = guest_with(c->arena, &c->guest, c->new_conf, c->new_config);
        const struct pctconf *const files[] = { &new.lines, &new.config_lines };
        struct majors now = { 0 };

        if (bytes_equal(majors_write(c->arena, "", next),
                        majors_write(c->arena, "", &c->policy.majors)))
                return *next;
        for (size_t i = 0; i < c->policy.majors.n; i++)
                *ARENA_PUSH(c->arena, now.items, now.n) = c->policy.majors.items[i];
        for (size_t i = 0; i < ELEMENTS(files); i++)
                majors_add_only(c->arena, &now, next, evidence_digest(c->arena, files[i]));
        return now;
}

/*
 * What the policy file has to say while the container file is still as it was, and if it stays so:
 * lines that come back are remembered until they are there; majors and holes are those of the old
 * lines.
 */
static struct policy memory_meanwhile(struct check *c, const struct policy *next) {
        const struct named_nodes *lists[] = { &next->named_nodes, &c->policy.named_nodes };
        struct policy now = *next;

        now.majors = majors_meanwhile(c, &next->majors);
        now.named_nodes = (struct named_nodes){ 0 };
        for (size_t i = 0; i < ELEMENTS(lists); i++)
                for (size_t j = 0; j < lists[i]->n; j++)
                        named_nodes_add(c->arena, &now.named_nodes, &lists[i]->items[j]);
        for (int i = 0; i < GID_GROUPS; i++) /* the new hole is known by the group's gid of today */
                if (c->policy.gid[i].hole >= 0)
                        now.gid[i].hole = c->policy.gid[i].hole;
        /* what the policy says is the new method, and a start adds lines of it to the old ones */
        if (c->convert != METHOD_AUTO && c->own_method != METHOD_AUTO)
                now.converting = method_name(c->convert);
        now.parked = (struct parked){ 0 };
        for (size_t i = 0; i < next->parked.n; i++)
                *ARENA_PUSH(c->arena, now.parked.lines, now.parked.n) = next->parked.lines[i];
        for (size_t i = 0; i < c->policy.parked.n; i++)
                if (!is_parked(&next->parked, c->policy.parked.lines[i].line))
                        *ARENA_PUSH(c->arena, now.parked.lines, now.parked.n) =
                                c->policy.parked.lines[i];
        c->parks = now.parked.n > c->policy.parked.n;
        return now;
}

void check_remember(struct check *c, const struct edit_memory *memory) {
        struct policy next = c->policy, meanwhile;
        bool repin = c->plan.choice.repin || c->recalled;
        size_t line = open_rule_line(&c->survey);
        const char *node = repin ? c->anchor->pve.node : NULL;

        if (repin)
                policy_set_pin(c->arena, &next, &c->plan.choice.pin);
        next.converting = NULL;
        if (c->plan.narrowed || !c->plan.incomplete)
                next.narrowed = c->plan.narrowed;
        plan_remember_gids(&c->plan, &next);
        if (c->trial) {
                for (int i = 0; i < GID_GROUPS; i++)
                        if (!c->plan.gids[i].asked) /* the start that follows makes the hole */
                                next.gid[i].guessed = c->policy.gid[i].guessed;
        } else {
                next.parked = memory->parked;
                next.majors = memory->majors;
                next.named_nodes = memory->named_nodes;
                next.open_rule =
                        line ? bytes_dup(c->arena, c->guest.lines.lines[line].value) : NULL;
        }
        meanwhile = memory_meanwhile(c, &next);
        c->safe_policy = policy_remember(c->arena, c->new_policy, node, &meanwhile);
        c->new_policy = policy_remember(c->arena, c->new_policy, node, &next);
}
