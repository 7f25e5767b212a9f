/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * json - what the host has, what is planned, what is open, what was checked
 */
#include "render/json.h"

#include "render/doctor-item.h"
#include "render/json-object.h"
#include "render/text.h"

static struct json_object *finding_object(struct arena *a, const struct finding *f, uint32_t vmid) {
        const struct finding_kind *kind = &finding_kinds[f->code];
        struct json_object *item = json_object_new_object();

        json_add_word(item, "code", kind->code);
        json_add_word(item, "severity", severity_name(finding_severity(f)));
        json_add_word(item, "message_id", kind->message_id);
        json_add_word(item, "text", finding_text(a, f, vmid));
        json_add_word(item, "remedy", finding_remedy(a, f, vmid));
        json_add_text(a, item, "gpu", f->gpu);
        json_add_text(a, item, "gpu_name", f->gpu ? f->name : NULL);
        json_add_text(a, item, "what", f->what);
        json_add_text(a, item, "where", f->where);
        json_add_text(a, item, "old", f->old);
        json_add_text(a, item, "new", f->new);
        return item;
}

static void add_findings(struct arena *a, struct json_object *o, const struct findings *list,
                         uint32_t vmid) {
        struct json_object *array = json_add_array(o, "findings");

        for (size_t i = 0; i < list->n; i++)
                json_object_array_add(array, finding_object(a, &list->items[i], vmid));
}

static const char *state_name(enum node_state s) {
        static const char *const names[] = {
                [NODE_ABSENT] = "absent",
                [NODE_CHAR] = "ok",
                [NODE_WRONG_NUMBER] = "wrong-number",
                [NODE_FAKE] = "fake",
        };

        return names[s];
}

static struct json_object *node_object(struct arena *a, const struct node *n) {
        struct json_object *o = json_object_new_object();

        json_add_word(o, "kind", node_kind_name(n->kind));
        json_add_text(a, o, "path", n->path);
        json_add_number(o, "major", n->number.major);
        json_add_number(o, "minor", n->number.minor);
        json_add_word(o, "state", state_name(n->state));
        if (n->state != NODE_ABSENT) {
                json_add_number(o, "uid", n->uid);
                json_add_number(o, "gid", n->gid);
                json_add_word(o, "mode", arena_printf(a, "%04o", n->mode));
        }
        return o;
}

/* NULL without ids */
static const char *hex_id(struct arena *a, const struct pci_ids *ids, uint32_t id) {
        return pci_ids_known(ids) ? arena_printf(a, "%04x", id) : NULL;
}

static struct json_object *gpu_object(struct arena *a, const struct gpu *g) {
        struct json_object *o = json_object_new_object();

        json_add_text(a, o, "address", g->address);
        json_add_text(a, o, "selector", gpu_selector(a, g));
        json_add_text(a, o, "name", g->name);
        json_add_word(o, "vendor", hex_id(a, &g->ids, g->ids.vendor));
        json_add_word(o, "device", hex_id(a, &g->ids, g->ids.device));
        json_add_word(o, "subvendor", hex_id(a, &g->ids, g->ids.subvendor));
        json_add_word(o, "subdevice", hex_id(a, &g->ids, g->ids.subdevice));
        json_add_word(o, "class", g->pci ? arena_printf(a, "%06x", g->class) : NULL);
        json_add_text(a, o, "driver", g->driver);
        return o;
}

static void add_users(struct arena *a, struct json_object *o, const struct usage *u,
                      const struct gpu *g) {
        struct json_object *array = json_add_array(o, "users");

        for (size_t i = 0; i < u->n; i++) {
                struct json_object *user;

                if (u->users[i].gpu != g)
                        continue;
                user = json_object_new_object();
                json_add_word(user, "kind", u->users[i].kind == USER_VM ? "vm" : "ct");
                json_add_vmid(user, u->users[i].vmid);
                json_add_text(a, user, "by", u->users[i].by);
                json_add_bool(user, "mediated", u->users[i].mediated);
                json_add_bool(user, "exclusive", u->users[i].exclusive);
                json_add_word(user, "gate", u->users[i].gate);
                json_object_array_add(array, user);
        }
}

/* What tells it from an equal card. */
static void add_identity(struct arena *a, struct json_object *o, const struct gpu *g) {
        struct json_object *array;

        json_add_text(a, o, "port", g->port);
        array = json_add_array(o, "serials");
        for (enum serial_kind kind = 0; kind < SERIAL_KINDS; kind++) {
                struct json_object *serial;

                if (!g->serials[kind])
                        continue;
                serial = json_object_new_object();
                json_add_word(serial, "kind", serial_kind_name(kind));
                json_add_text(a, serial, "value", g->serials[kind]);
                json_object_array_add(array, serial);
        }
}

static struct json_object *inventory_gpu(struct arena *a, const struct inventory *inv, size_t i) {
        const struct gpu *g = &inv->facts->gpus[i];
        struct json_object *o = gpu_object(a, g), *nodes;

        json_add_text(a, o, "physfn", g->physfn);
        add_identity(a, o, g);
        json_add_bool(o, "usable", gpu_is_usable(g));
        nodes = json_add_array(o, "nodes");
        for (size_t j = 0; j < g->n_nodes; j++)
                json_object_array_add(nodes, node_object(a, &g->nodes[j]));
        add_users(a, o, inv->usage, g);
        return o;
}

static void add_group(struct json_object *o, const char *key, const struct host_group *g) {
        json_object_object_add(o, key, g->present ? json_object_new_int64(g->gid) : NULL);
}

const char *json_gpus(struct arena *a, const struct inventory *inv) {
        struct json_object *o = json_object_new_object(), *array;

        json_add_number(o, "schema", JSON_SCHEMA);
        json_add_text(a, o, "node", inv->node);
        json_add_bool(o, "users_complete", !inv->usage->partial);
        array = json_add_array(o, "gpus");
        for (size_t i = 0; i < inv->facts->n_gpus; i++)
                json_object_array_add(array, inventory_gpu(a, inv, i));
        array = json_add_array(o, "shared");
        for (size_t i = 0; i < inv->facts->n_shared; i++)
                json_object_array_add(array, node_object(a, &inv->facts->shared[i]));
        array = json_object_new_object();
        json_object_object_add(o, "groups", array);
        for (int i = 0; i < GID_GROUPS; i++)
                add_group(array, gid_group_name(i), &inv->facts->groups[i]);
        add_findings(a, o, &inv->problems, 0);
        return json_finish(a, o);
}

static void add_chosen(struct arena *a, struct json_object *o, const struct plan *p) {
        struct json_object *gpus = json_add_array(o, "gpus"), *nodes = json_add_array(o, "nodes");

        for (size_t i = 0; p && i < p->choice.gpus.n; i++)
                json_object_array_add(gpus, gpu_object(a, p->choice.gpus.items[i]));
        for (size_t i = 0; p && i < p->n_nodes; i++) {
                const struct plan_node *n = &p->nodes[i];
                struct json_object *node;

                if (!n->required)
                        continue;
                node = node_object(a, n->node);
                json_add_text(a, node, "gpu", n->gpu ? n->gpu->address : NULL);
                json_add_word(node, "method", n->form == METHOD_DEV ? "dev" : "idmap");
                json_object_array_add(nodes, node);
        }
}

static void add_gids(struct json_object *o, const struct plan *p) {
        struct json_object *array = json_add_array(o, "gids");

        for (size_t i = 0; p && i < p->n_pairs; i++) {
                struct json_object *pair = json_object_new_object();

                json_add_number(pair, "container", p->pairs[i].inside);
                json_add_number(pair, "host", p->pairs[i].outside);
                json_object_array_add(array, pair);
        }
}

static void add_files(struct json_object *o, const struct json_plan *p) {
        struct json_object *array = json_add_array(o, "files");

        for (size_t i = 0; i < p->n_files; i++) {
                struct json_object *file = json_object_new_object();

                json_add_word(file, "path", p->files[i].path);
                json_add_bool(file, "changes", p->files[i].changes);
                json_add_word(file, "diff", p->files[i].diff);
                json_object_array_add(array, file);
        }
}

static void add_live(struct arena *a, struct json_object *o, const struct follow *live) {
        struct json_object *array = json_add_array(o, "running");

        for (size_t i = 0; i < live->n; i++) {
                const struct follow_step *s = &live->steps[i];
                struct json_object *step = json_object_new_object();

                json_add_word(step, "change", s->kind == FOLLOW_GIVE ? "give" : "revoke");
                json_add_text(a, step, "path", s->path);
                json_add_number(step, "major", s->number.major);
                json_add_number(step, "minor", s->number.minor);
                json_add_text(a, step, "gpu", s->gpu);
                json_object_array_add(array, step);
        }
}

const char *json_plan(struct arena *a, const struct json_plan *p) {
        struct json_object *o = json_object_new_object(), *array;
        bool changes = p->n_delegate > 0 || p->live->n > 0;

        for (size_t i = 0; i < p->n_files; i++)
                changes |= p->files[i].changes;
        json_add_number(o, "schema", JSON_SCHEMA);
        json_add_vmid(o, p->vmid);
        json_add_text(a, o, "node", p->node);
        json_add_bool(o, "managed", p->managed);
        json_add_bool(o, "changes", changes);
        json_add_bool(o, "left_alone", p->left_alone);
        json_add_text(a, o, "refuse", p->refuse);
        json_add_text(a, o, "missing", p->plan ? p->plan->missing : NULL);
        add_chosen(a, o, p->plan);
        add_gids(o, p->plan);
        array = json_add_array(o, "subgid");
        for (size_t i = 0; i < p->n_delegate; i++)
                json_object_array_add(array, json_object_new_int64(p->delegate[i]));
        add_files(o, p);
        add_live(a, o, p->live);
        add_findings(a, o, p->findings, p->vmid);
        return json_finish(a, o);
}

static struct json_object *known_object(struct arena *a, const struct known_gpu *g) {
        struct json_object *o = json_object_new_object(), *nodes;

        json_add_text(a, o, "address", g->address);
        json_add_text(a, o, "name", g->name);
        json_add_bool(o, "present", !g->gone);
        json_add_word(o, "vendor", hex_id(a, &g->ids, g->ids.vendor));
        json_add_word(o, "device", hex_id(a, &g->ids, g->ids.device));
        json_add_text(a, o, "driver", g->driver);
        nodes = json_add_array(o, "nodes");
        for (size_t i = 0; i < g->n_nodes && !g->idle && !g->gone; i++)
                json_object_array_add(nodes,
                                      json_object_new_string(text_escape(a, g->nodes[i].path)));
        return o;
}

/* What the last look found in it; null where none has looked. */
static struct json_object *gate_object(struct arena *a, const struct held *h) {
        struct json_object *o = json_object_new_object(), *refused;

        json_add_word(o, "state", gate_name(h->gate));
        json_add_text(a, o, "why", h->gate_why);
        refused = json_add_array(o, "refused");
        for (size_t i = 0; i < h->n_refused; i++)
                json_object_array_add(refused,
                                      json_object_new_string(devnum_text(a, h->refused[i])));
        return o;
}

static struct json_object *held_object(struct arena *a, const struct held_node *n) {
        struct json_object *o = json_object_new_object();

        json_add_text(a, o, "path", n->path);
        json_add_number(o, "major", n->number.major);
        json_add_number(o, "minor", n->number.minor);
        json_add_text(a, o, "gpu", n->gpu);
        json_add_word(o, "mode", arena_printf(a, "%04o", n->mode));
        json_add_bool(o, "bound", n->bound);
        return o;
}

static void add_held(struct arena *a, struct json_object *o, const struct container_status *c) {
        struct json_object *holds = json_add_array(o, "holds");

        for (size_t i = 0; c->running && i < c->held.n_nodes; i++)
                json_object_array_add(holds, held_object(a, &c->held.nodes[i]));
        json_object_object_add(o, "gate",
                               c->running && c->held.gate != GATE_UNKNOWN
                                       ? gate_object(a, &c->held)
                                       : NULL);
        json_add_text(a, o, "undone", c->running ? c->held.undone : NULL);
}

static struct json_object *container_object(struct arena *a, const struct container_status *c) {
        struct json_object *o = json_object_new_object(), *gpus;

        json_add_vmid(o, c->vmid);
        json_add_text(a, o, "name", c->name);
        json_add_bool(o, "running", c->running);
        gpus = json_add_array(o, "gpus");
        for (size_t i = 0; i < c->n_gpus; i++)
                json_object_array_add(gpus, json_object_new_string(text_escape(a, c->gpus[i])));
        json_add_bool(o, "exclusive", c->exclusive);
        json_add_text(a, o, "missing", c->missing);
        json_add_text(a, o, "refuse", c->refuse);
        add_held(a, o, c);
        return o;
}

const char *json_status(struct arena *a, const struct status_view *v) {
        struct json_object *o = json_object_new_object(), *gpus, *containers, *open;
        const struct host_status *st = v->st;

        json_add_number(o, "schema", JSON_SCHEMA);
        json_add_text(a, o, "node", st->node);
        json_add_bool(o, "watched", v->watched);
        json_add_age(o, "looked", st->looked_age);
        gpus = json_add_array(o, "gpus");
        for (size_t i = 0; i < st->next.n_gpus; i++)
                json_object_array_add(gpus, known_object(a, &st->next.gpus[i]));
        containers = json_add_array(o, "containers");
        for (size_t i = 0; i < st->n_containers; i++)
                if (v->only == 0 || v->only == st->containers[i].vmid)
                        json_object_array_add(containers, container_object(a, &st->containers[i]));
        json_add_number(o, "unmanaged", (uint32_t)st->n_unmanaged);
        open = json_add_array(o, "findings");
        for (size_t i = 0; i < st->findings.n; i++) {
                const struct finding *f = &st->findings.items[i];
                struct json_object *item;

                if (!status_shows(v, f))
                        continue;
                item = finding_object(a, f, f->vmid);
                json_add_vmid(item, f->vmid);
                json_add_bool(item, "open", status_is_open(f));
                json_object_array_add(open, item);
        }
        return json_finish(a, o);
}

/* "" is null, too */
static const char *filled(const char *s) {
        return s && *s ? s : NULL;
}

static struct json_object *check_object(struct arena *a, const struct doctor_view *v,
                                       const struct doctor_item *i) {
        const struct doctor_check_kind *kind = &doctor_checks[i->check];
        struct json_object *o = json_object_new_object();

        json_add_word(o, "check", kind->name);
        json_add_word(o, "group", doctor_group_name(kind->group));
        json_add_word(o, "title", kind->title);
        json_add_word(o, "verdict", doctor_verdict_name(i->verdict));
        json_add_text(a, o, "subject", filled(i->subject));
        json_add_word(o, "evidence", filled(doctor_evidence(a, i, v->vmid)));
        json_add_word(o, "command", filled(doctor_command(a, i, v->vmid)));
        json_add_word(o, "code", i->finding ? finding_kinds[i->finding->code].code : NULL);
        return o;
}

const char *json_doctor(struct arena *a, const struct doctor_view *v) {
        struct json_object *o = json_object_new_object(), *checks;

        json_add_number(o, "schema", JSON_SCHEMA);
        json_add_text(a, o, "node", filled(v->node));
        json_add_vmid(o, v->vmid);
        json_add_bool(o, "ok", doctor_exit(v->report) == 0);
        json_add_number(o, "left_out", (uint32_t)v->report->left_out);
        checks = json_add_array(o, "checks");
        for (size_t i = 0; i < v->report->n; i++)
                json_object_array_add(checks, check_object(a, v, &v->report->items[i]));
        return json_finish(a, o);
}
