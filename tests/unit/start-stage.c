/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "start-stage.h"

#include "model/conf/recognise.h"
#include "model/plan/choose/evidence.h"
#include "model/plan/choose/pin.h"
#include "model/plan/edit/edit.h"
#include "model/plan/make.h"
#include "model/policy/memory.h"
#include "pve/settings.h"

#include <stdio.h>
#include <stdlib.h>

static void must(bool good, const char *what) {
        if (good)
                return;
        printf("# not understood: %s\n", what);
        abort();
}

static struct policy read_policy(struct arena *a, const struct stage_container *c) {
        struct settings own = { .problems.arena = a };

        policy_init(a, &own.policy);
        must(settings_parse(&own, SETTINGS_CONTAINER, "policy", c->policy) && own.problems.n == 0,
             "a policy that was written");
        return own.policy;
}

static void collect_pins(struct arena *a, struct stage *s, struct host_memory *m) {
        for (size_t i = 0; i < s->n_containers; i++) {
                struct policy p = read_policy(a, s->containers[i]);
                const struct pin *pin = policy_pin(&p, STAGE_NODE);

                for (size_t j = 0; pin && j < pin->n_gpus; j++) {
                        struct pinned pinned = pin_by_itself(a, &s->facts, pin, j);

                        pinned.owner = s->containers[i]->vmid;
                        *ARENA_PUSH(a, m->pins, m->n_pins) =
                                (struct kept_pin){ pin->gpus[j], pinned };
                }
        }
}

static struct host_memory read_memory(struct arena *a, struct stage *s) {
        struct host_memory m = { .history = { .id = s->id } };
        struct card_set now = facts_cards(a, &s->facts);

        if (s->cards.len > 0) {
                must(history_read(a, s->cards, &m.history), "a history that was written");
                must(pins_read(a, s->pins, &m), "pins that were written");
        } else {
                collect_pins(a, s, &m);
        }
        host_memory_know_pins(a, &m, &now);
        history_advance(a, &m.history, &now);
        return m;
}

static void write_memory(struct arena *a, struct stage *s, const struct host_memory *m) {
        s->cards = history_write(a, &m->history);
        s->pins = pins_write(a, m);
}

static struct sightings read_sightings(struct arena *a, const struct stage *s,
                                       const struct host_memory *m) {
        struct sightings list = { 0 };

        if (s->sightings.len > 0)
                must(sightings_read(a, s->sightings, m->history.id, &list),
                     "sightings that were written");
        return list;
}

/* Of containers without a pin, as src/anchor/memory.c does. */
static void refresh_sightings(struct arena *a, struct stage *s, const struct host_memory *m) {
        struct sightings list = read_sightings(a, s, m);

        sightings_refresh(a, m, &list);
        if (list.n > 0)
                s->sightings = sightings_write(a, &list, m->history.id);
}

void stage_look(struct arena *a, struct stage *s, bool forget) {
        struct host_memory m = read_memory(a, s);
        struct pinned *pins = arena_alloc(a, (m.n_pins + 1) * sizeof(*pins));
        struct track *tracks = arena_alloc(a, (m.n_pins + 1) * sizeof(*tracks));

        refresh_sightings(a, s, &m);
        for (size_t i = 0; i < m.n_pins; i++)
                pins[i] = m.pins[i].pinned;
        track_pins(
                &(struct tracking){
                        .arena = a, .history = &m.history, .pins = pins, .n_pins = m.n_pins },
                tracks);
        for (size_t i = 0; i < m.n_pins; i++)
                m.pins[i].pinned = tracks[i].next;
        if (forget) {
                m.history.first += (uint32_t)m.history.n - 1;
                m.history.sets += m.history.n - 1;
                m.history.n = 1;
        }
        write_memory(a, s, &m);
}

/* Sources that a file names: nodes of the facts, and nothing else is there. */
static void look_up(struct arena *a, struct facts *f, const struct pctconf *conf) {
        f->sources = (struct sources){ 0 };
        recognise_ask(a, conf, &f->sources);
        for (size_t i = 0; i < f->sources.n; i++) {
                struct source *s = &f->sources.items[i];

                s->kind = SOURCE_NOTHING;
                s->leads_to = s->path;
                for (size_t j = 0; j < f->n_gpus; j++)
                        for (size_t k = 0; k < f->gpus[j].n_nodes; k++)
                                if (streq(f->gpus[j].nodes[k].path, s->path))
                                        *s = (struct source){ s->path, SOURCE_DEVICE,
                                                              f->gpus[j].nodes[k].number, s->path };
        }
}

/* What became of the pin of @c; a replaced card and a conflict are only said. */
static enum track_result result_of(const struct stage_container *c, const struct choice *choice) {
        enum track_result result = TRACK_HERE;

        for (size_t i = 0; i < choice->n_kept; i++)
                if (choice->kept[i].pinned.owner == c->vmid)
                        result = choice->kept[i].pinned.state;
        for (size_t i = 0; i < c->said.n; i++) {
                const struct finding *f = &c->said.items[i];

                if (f->code == FINDING_GPU_REPLACED)
                        result = TRACK_REPLACED;
                if (f->code == FINDING_GPU_AMBIGUOUS && strstr(f->what, "lead to the card"))
                        result = TRACK_CONFLICT;
        }
        return result;
}

void stage_see(struct arena *a, struct stage *s, struct stage_container *c) {
        struct host_memory m = read_memory(a, s);
        struct sightings list = read_sightings(a, s, &m);
        struct pctconf conf;
        struct survey survey;
        struct sighting now = { .vmid = c->vmid, .set = history_last(&m.history) };

        s->facts.then = (struct majors){ 0 };
        pctconf_parse(a, PCTCONF_PVE, c->conf, &conf);
        look_up(a, &s->facts, &conf);
        survey_make(a, &s->facts, &conf, &survey);
        now.digest = evidence_digest(a, &conf);
        now.named = evidence_named(a, &s->facts, &survey);
        sightings_put(a, &list, &now);
        s->sightings = sightings_write(a, &list, m.history.id);
        write_memory(a, s, &m);
}

void stage_start(struct arena *a, struct stage *s, struct stage_container *c) {
        struct host_memory memory = read_memory(a, s);
        struct sightings sightings = read_sightings(a, s, &memory);
        struct policy policy = read_policy(a, c), next = policy;
        struct pctconf conf;
        struct survey survey;
        struct plan plan;
        struct plan_input in = { .facts = &s->facts,
                                 .memory = &memory,
                                 .sightings = s->sightings.len > 0 ? &sightings : NULL,
                                 .policy = &policy,
                                 .node = STAGE_NODE,
                                 .vmid = c->vmid,
                                 .name = "this.conf",
                                 .conf = &conf,
                                 .survey = &survey };
        struct edit edit = { .in = &in, .plan = &plan, .conf = &conf };
        struct edit_memory lines = { 0 };

        s->facts.then = policy.majors;
        c->said = (struct findings){ .arena = a };
        pctconf_parse(a, PCTCONF_PVE, c->conf, &conf);
        for (size_t i = 0; i < policy.parked.n; i++)
                pctconf_park(&conf, &policy.parked.lines[i]);
        look_up(a, &s->facts, &conf);
        survey_make(a, &s->facts, &conf, &survey);
        plan_make(a, &in, &c->said, &plan);
        must(!plan.failed && !plan.choice.undecided, "a plan");
        edit_apply(a, &edit, &c->said, &lines);
        c->conf = pctconf_write(&conf);
        if (plan.choice.repin)
                policy_set_pin(a, &next, &plan.choice.pin);
        next.parked = lines.parked;
        next.majors = lines.majors;
        c->policy = policy_remember(a, c->policy, plan.choice.repin ? STAGE_NODE : NULL, &next);
        c->result = result_of(c, &plan.choice);
        refresh_sightings(a, s, &memory);
        memory.pins = plan.choice.kept;
        memory.n_pins = plan.choice.n_kept;
        write_memory(a, s, &memory);
}

void stage_disable(struct arena *a, struct stage *s, struct stage_container *c) {
        struct host_memory memory = { 0 };

        c->policy = (struct bytes){ 0 };
        if (s->pins.len == 0)
                return;
        must(pins_read(a, s->pins, &memory), "pins that were written");
        host_memory_forget(a, &memory, c->vmid);
        s->pins = pins_write(a, &memory);
}
