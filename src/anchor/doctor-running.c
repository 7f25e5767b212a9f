/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * doctor-running - the part of doctor that looks into a running container
 *
 * What it should have is what it was given at its last start; where there is no record,
 * what the plan of this moment would give it. Which GPU a node is, is asked by its number now.
 */
#include "anchor/doctor.h"
#include "anchor/status.h"

#include "base/file.h"
#include "base/number.h"
#include "host/inside/gather.h"
#include "host/inside/helper.h"
#include "host/live/gate.h"
#include "model/doctor/running.h"
#include "model/finding/reason.h"
#include "pve/record.h"

/* Services known to use a GPU, by the names that their own packages give them. */
static const char *const known_units[] = {
        "ollama.service",     "jellyfin.service",  "plexmediaserver.service", "frigate.service",
        "immich-web.service", "immich-ml.service", "docker.service",
};

/* Its own GPUs: that its policy means now, or that it was given at its last start. */
static struct gpu_list own_gpus(struct doctor *d) {
        const struct gpu_list *chosen = &d->check.plan.choice.gpus;
        struct gpu_list own = { 0 };

        if (d->check.recorded)
                given_gpus(d->arena, &d->anchor->facts, &d->check.given, &own);
        for (size_t i = 0; i < chosen->n; i++)
                gpu_list_add(d->arena, &own, chosen->items[i]);
        return own;
}

/* What has the number now, if it is of a GPU that is none of @own; else NULL. */
static const char *other_gpu(struct doctor *d, const struct gpu_list *own, struct devnum number) {
        const struct gpu *g;
        const struct node *n = facts_node(&d->anchor->facts, number, &g);

        return n && g && !gpu_list_has(own, g)
                       ? arena_printf(d->arena, WHY_NODE_OF_GPU, n->path, g->address)
                       : NULL;
}

static void add_want(struct doctor *d, struct inside_request *q, struct inside_want want) {
        struct inside_want *wants = (struct inside_want *)q->wants;

        for (size_t i = 0; i < q->n_wants; i++)
                if (streq(wants[i].path, want.path))
                        return;
        *ARENA_PUSH(d->arena, wants, q->n_wants) = want;
        q->wants = wants;
}

/* What it was given; then, whatever it is called, what the last look of root found. */
static void add_wants(struct doctor *d, struct inside_request *q) {
        const struct record *given = &d->check.given;
        struct held held = { 0 };
        struct gpu_list own;

        check_given(&d->check);
        own = own_gpus(d);
        for (size_t i = 0; i < given->n_nodes; i++) {
                const struct record_node *n = &given->nodes[i];
                struct gpu_path p = gpu_path_parse(d->arena, bytes_of(n->path));

                if (p.scope == PATH_NODE)
                        add_want(d, q, (struct inside_want){ n->path, p.kind, n->number,
                                                             !other_gpu(d, &own, n->number) });
        }
        (void)held_load(&d->anchor->pve, d->vmid, &held);
        for (size_t i = 0; i < held.n_nodes; i++) {
                const struct gpu *g;
                const struct node *n = facts_node(&d->anchor->facts, held.nodes[i].number, &g);

                if (n)
                        add_want(d, q, (struct inside_want){ held.nodes[i].path, n->kind,
                                                             n->number, false });
        }
}

static bool is_planned(const struct record *planned, struct devnum number) {
        for (size_t i = 0; i < planned->n_nodes; i++)
                if (devnum_equal(planned->nodes[i].number, number))
                        return true;
        return false;
}

/* devtmpfs leaves a removed node with mode 0; the root of the host opens it all the same. */
static bool is_removed(const struct doctor *d, const struct inside_device *dev) {
        return d->check.survey.userns && (dev->mode & 0777) == 0;
}

/* Which GPU each node inside is now. */
static void identify(struct doctor *d, struct inside_facts *f) {
        const struct facts *facts = &d->anchor->facts;
        struct gpu_list own = own_gpus(d);

        f->stale = anchor_would_change(&d->check);
        f->missing = d->check.plan.missing != NULL;
        f->no_gpu = !f->managed && d->check.survey.given == 0 && d->check.given.n_nodes == 0;
        for (size_t i = 0; i < f->n_devices; i++) {
                struct inside_device *dev = &f->devices[i];
                const struct gpu *g;

                if (!dev->is_char)
                        continue;
                dev->other = other_gpu(d, &own, dev->number);
                dev->dead = is_removed(d, dev) || (node_kind_has_group(dev->kind) &&
                                                   !facts_node(facts, dev->number, &g));
                if (!dev->other && !dev->expected && is_planned(&d->check.planned, dev->number)) {
                        dev->expected = true;
                        dev->want = dev->number;
                }
        }
}

static void add_unit(struct doctor *d, struct inside_request *q, const char *unit) {
        for (size_t i = 0; i < q->n_units; i++)
                if (streq(q->units[i], unit))
                        return;
        *ARENA_PUSH(d->arena, q->units, q->n_units) = unit;
}

/* Those of the policy first: they are reported even when the container does not have them. */
static void add_units(struct doctor *d, struct inside_request *q) {
        const struct policy *p = &d->check.policy;

        for (size_t i = 0; i < p->n_guest_services; i++)
                add_unit(d, q, p->guest_services[i]);
        q->n_named = q->n_units;
        for (size_t i = 0; i < ELEMENTS(known_units); i++)
                add_unit(d, q, known_units[i]);
}

/* Which drivers hold the container's GPUs, and how busy the first one is that says so. */
static void look_at_gpus(struct doctor *d, struct inside_facts *f) {
        const struct gpu_list *gpus = &d->check.plan.choice.gpus;
        struct strbuf drivers = { .arena = d->arena };

        for (size_t i = 0; i < gpus->n; i++) {
                const struct gpu *g = gpus->items[i];
                struct bytes text;
                uint32_t percent;

                if (g->driver)
                        strbuf_printf(&drivers, "%s ", g->driver);
                if (f->busy_percent < 0 && g->pci &&
                    file_read(d->arena,
                              arena_printf(d->arena, "%s/sys/bus/pci/devices/%s/gpu_busy_percent",
                                           d->root, g->address),
                              64, &text) == 0 &&
                    parse_u32(bytes_trim(text), &percent)) {
                        f->busy_percent = percent;
                        f->busy_gpu = g->address;
                }
        }
        f->drivers = strbuf_str(&drivers);
}

static void skip_all(struct doctor *d, enum doctor_outcome outcome, const char *why) {
        const enum doctor_check checks[] = { DOCTOR_INSIDE_NODE, DOCTOR_INSIDE_GROUP,
                                             DOCTOR_INSIDE_OPEN, DOCTOR_SYSTEMD };

        for (size_t i = 0; i < ELEMENTS(checks); i++)
                doctor_add(&d->report, (struct doctor_item){ .check = checks[i],
                                                             .outcome = outcome,
                                                             .what = why });
}

static bool has_nvidia(const struct inside_request *q) {
        for (size_t i = 0; i < q->n_wants; i++)
                if (q->wants[i].kind == NODE_NVIDIA)
                        return true;
        return false;
}

static void look(struct doctor *d) {
        struct inside_request q = { .vmid = d->vmid };
        struct inside_facts f;
        const char *why;
        int r;

        for (int group = 0; group < GID_GROUPS; group++)
                q.expected_gid[group] = d->check.plan.gids[group].inside;
        add_wants(d, &q);
        add_units(d, &q);
        q.application = d->check.survey.application;
        if (has_nvidia(&q)) {
                q.nvidia_version = d->anchor->facts.nvidia_version;
                q.libraries = d->anchor->libraries;
        }
        r = inside_probe_files(d->arena, &q, &f, &why);
        if (r != 0) {
                skip_all(d, r == INSIDE_E_STOPPED ? OUTCOME_GONE : OUTCOME_UNREACHED, why);
                return;
        }
        r = inside_probe_programs(d->arena, &q, &f, &why);
        f.managed = guest_is_managed(&d->anchor->pve, d->vmid);
        f.policy = &d->check.policy;
        look_at_gpus(d, &f);
        identify(d, &f);
        doctor_inside(&d->report, &f);
        doctor_driver(&d->report, &f);
        if (r != 0) {
                doctor_add(&d->report, (struct doctor_item){ .check = DOCTOR_SYSTEMD,
                                                             .outcome = OUTCOME_UNREACHED,
                                                             .what = why });
                return;
        }
        doctor_programs(&d->report, &f);
        doctor_services(&d->report, &f);
}

/* Doctor itself looks now; status, the daemon, and what follows go by the last look of root. */
static void say_running(struct doctor *d) {
        struct doctor_item item = { .outcome = OUTCOME_RUNNING_RUNS };
        int64_t age;
        bool old = anchor_look_is_old(d->anchor, &age);

        if (!d->running)
                item.outcome = OUTCOME_RUNNING_STOPPED;
        else if (guest_is_managed(&d->anchor->pve, d->vmid) && (old || age >= 0))
                item = (struct doctor_item){ .outcome = old ? OUTCOME_RUNNING_UNSEEN
                                                            : OUTCOME_RUNNING_LOOKED,
                                             .old = status_age_text(d->arena, age) };
        doctor_add(&d->report, item);
}

static const char *refused_text(struct arena *a, const struct held *h) {
        struct strbuf b = { .arena = a };

        for (size_t i = 0; i < h->n_refused; i++)
                strbuf_printf(&b, "%s%s", i ? " " : "", devnum_text(a, h->refused[i]));
        return strbuf_str(&b);
}

static bool is_lost(const struct doctor *d, const struct held *h) {
        return !*d->root && geteuid() == 0 && h->n_refused > 0 &&
               gate_is_set(gate_cgroup(d->arena, d->vmid)) == 0;
}

static enum doctor_outcome gate_outcome(const struct doctor *d, const struct held *h) {
        switch (h->gate) {
        case GATE_OFF:
                return OUTCOME_GATE_OFF;
        case GATE_OPEN:
                return OUTCOME_GATE_OPEN;
        case GATE_FAILED:
                return OUTCOME_GATE_FAILED;
        case GATE_CLOSED:
                return is_lost(d, h)     ? OUTCOME_GATE_LOST
                       : h->n_refused > 0 ? OUTCOME_GATE_CLOSED
                                          : OUTCOME_GATE_NO_OTHER;
        case GATE_UNKNOWN:
                break;
        }
        return *d->root ? OUTCOME_NOT_LIVE : OUTCOME_GATE_NOT_SET;
}

/* By what the last look left; the program itself is asked for where it may be. */
static void look_at_gate(struct doctor *d) {
        struct held held = { 0 };
        enum doctor_outcome outcome = OUTCOME_GATE_NO_RECORD;

        check_given(&d->check);
        (void)held_load(&d->anchor->pve, d->vmid, &held);
        if (!guest_is_managed(&d->anchor->pve, d->vmid))
                return;
        if (d->check.recorded)
                outcome = gate_outcome(d, &held);
        doctor_add(&d->report, (struct doctor_item){ .check = DOCTOR_GATE,
                                                     .outcome = outcome,
                                                     .what = held.gate == GATE_CLOSED
                                                                     ? refused_text(d->arena, &held)
                                                                     : held.gate_why });
}

void anchor_doctor_inside(struct doctor *d) {
        say_running(d);
        if (!d->running)
                return;
        look_at_gate(d);
        if (*d->root) {
                skip_all(d, OUTCOME_NOT_LIVE, NULL);
                return;
        }
        if (geteuid() != 0) {
                skip_all(d, OUTCOME_NOT_ROOT, NULL);
                return;
        }
        look(d);
}
