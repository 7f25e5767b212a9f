/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* cluster - two tables, fields, and an object */
#include "cli/cluster.h"

#include "render/json.h"
#include "render/json-object.h"
#include "render/text.h"

#include <errno.h>
#include <libsmartcols.h>

#define CELLS_MAX 5

const char *cluster_age(struct arena *a, int64_t seconds) {
        static const struct {
                int64_t of;
                const char *name;
        } units[] = { { 86400, "day" }, { 3600, "hour" }, { 60, "minute" }, { 1, "second" } };
        size_t i = 0;

        if (seconds < 0)
                return "";
        while (i + 1 < ELEMENTS(units) && seconds < units[i].of)
                i++;
        seconds /= units[i].of;
        return arena_printf(a, "%lld %s%s", (long long)seconds, units[i].name,
                            seconds == 1 ? "" : "s");
}

static const char *addresses(struct arena *a, const struct gpu_list *l, bool names) {
        struct strbuf b = { .arena = a };

        for (size_t i = 0; i < l->n; i++)
                strbuf_printf(&b, "%s%s", i == 0 ? "" : names ? "; " : " ",
                              gpu_label(a, names ? l->items[i]->name : NULL,
                                        l->items[i]->address));
        return b.len ? strbuf_str(&b) : "-";
}

/* ---- tables ---- */

static int add_row(struct arena *a, struct libscols_table *t, const char *const cells[CELLS_MAX]) {
        struct libscols_line *line = scols_table_new_line(t, NULL);
        int r = line ? 0 : -ENOMEM;

        for (size_t i = 0; i < CELLS_MAX && r == 0; i++)
                r = scols_line_set_data(line, i, text_escape(a, cells[i]));
        return r;
}

static struct libscols_table *new_table(const char *const names[CELLS_MAX]) {
        struct libscols_table *t = scols_new_table();

        for (size_t i = 0; t && i < CELLS_MAX; i++)
                if (!scols_table_new_column(t, names[i], 0, 0)) {
                        scols_unref_table(t);
                        return NULL;
                }
        return t;
}

static int print(struct libscols_table *t, int r) {
        fflush(stdout);
        if (r == 0)
                r = scols_print_table(t);
        scols_unref_table(t);
        return r;
}

static int nodes_table(struct arena *a, const struct cluster_view *v) {
        struct libscols_table *t =
                new_table((const char *const[]){ "NODE", "STATE", "AGE", "GPU", "MAPPINGS" });
        int r = t ? 0 : -ENOMEM;

        for (size_t i = 0; i < v->n_nodes && r == 0; i++) {
                const struct cluster_node_row *n = &v->nodes[i];
                bool again = i > 0 && streq(v->nodes[i - 1].node, n->node);

                r = add_row(a, t,
                            (const char *const[]){
                                    again ? "" : n->node, again ? "" : n->state,
                                    again ? "" : cluster_age(a, n->age),
                                    n->gpu       ? addresses(a, &(struct gpu_list){
                                                                &(const struct gpu *){ n->gpu }, 1 },
                                                             true)
                                    : n->problem ? n->problem
                                                 : "-",
                                    n->mappings });
        }
        return r < 0 && !t ? r : print(t, r);
}

static int finds_table(struct arena *a, const struct cluster_view *v) {
        struct libscols_table *t =
                new_table((const char *const[]){ "VMID", "CONTAINER", "NODE", "ON", "FINDS" });
        int r = t ? 0 : -ENOMEM;

        for (size_t i = 0; i < v->n_finds && r == 0; i++) {
                const struct cluster_finding_row *f = &v->finds[i];
                bool again = i > 0 && v->finds[i - 1].vmid == f->vmid;

                r = add_row(a, t,
                            (const char *const[]){
                                    again ? "" : arena_printf(a, "%u", f->vmid),
                                    again ? "" : f->name, again ? "" : f->node, f->on,
                                    streq(f->finds, "gpu") ? addresses(a, &f->gpus, true)
                                                           : f->finds });
        }
        return r < 0 && !t ? r : print(t, r);
}

int cluster_tables(struct arena *a, const struct cluster_view *v) {
        int r = nodes_table(a, v);

        if (r < 0 || v->n_finds == 0)
                return r;
        putchar('\n');
        return finds_table(a, v);
}

/* ---- fields ---- */

void cluster_plain(struct arena *a, const struct cluster_view *v) {
        for (size_t i = 0; i < v->n_nodes; i++) {
                const struct cluster_node_row *n = &v->nodes[i];
                const struct gpu *g = n->gpu;
                const char *const fields[] = {
                        "node",
                        n->node,
                        n->state,
                        n->age < 0 ? NULL : arena_printf(a, "%lld", (long long)n->age),
                        n->problem,
                        g ? g->address : NULL,
                        g && pci_ids_known(&g->ids) ? pci_ids_model(a, &g->ids) : NULL,
                        g ? g->driver : NULL,
                        g ? g->name : NULL,
                        n->mappings,
                };

                puts(text_fields(a, fields, ELEMENTS(fields)));
        }
        for (size_t i = 0; i < v->n_finds; i++) {
                const struct cluster_finding_row *f = &v->finds[i];
                const char *const fields[] = { "container", arena_printf(a, "%u", f->vmid),
                                               f->name,     f->node,
                                               f->on,       f->finds,
                                               addresses(a, &f->gpus, false) };

                puts(text_fields(a, fields, ELEMENTS(fields)));
        }
}

/* ---- JSON ---- */

static struct json_object *gpu_object(struct arena *a, const struct cluster_node_row *n) {
        struct json_object *o = json_object_new_object();
        const struct gpu *g = n->gpu;
        bool known = pci_ids_known(&g->ids);

        json_add_text(a, o, "address", g->address);
        json_add_text(a, o, "name", g->name);
        json_add_word(o, "vendor", known ? arena_printf(a, "%04x", g->ids.vendor) : NULL);
        json_add_word(o, "device", known ? arena_printf(a, "%04x", g->ids.device) : NULL);
        json_add_text(a, o, "driver", g->driver);
        json_add_text(a, o, "mappings", n->mappings);
        return o;
}

static void add_nodes(struct arena *a, struct json_object *array, const struct cluster_view *v) {
        struct json_object *o, *gpus = NULL;

        for (size_t i = 0; i < v->n_nodes; i++) {
                const struct cluster_node_row *n = &v->nodes[i];

                if (i == 0 || !streq(v->nodes[i - 1].node, n->node)) {
                        o = json_object_new_object();
                        json_add_text(a, o, "node", n->node);
                        json_add_word(o, "state", n->state);
                        json_add_age(o, "age", n->age);
                        json_add_word(o, "problem", n->problem);
                        gpus = json_add_array(o, "gpus");
                        json_object_array_add(array, o);
                }
                if (n->gpu)
                        json_object_array_add(gpus, gpu_object(a, n));
        }
}

static void add_finds(struct arena *a, struct json_object *array, const struct cluster_view *v) {
        struct json_object *o, *on = NULL;

        for (size_t i = 0; i < v->n_finds; i++) {
                const struct cluster_finding_row *f = &v->finds[i];
                struct json_object *item = json_object_new_object(), *gpus;

                if (i == 0 || v->finds[i - 1].vmid != f->vmid) {
                        o = json_object_new_object();
                        json_add_vmid(o, f->vmid);
                        json_add_text(a, o, "name", f->name);
                        json_add_text(a, o, "node", f->node);
                        on = json_add_array(o, "on");
                        json_object_array_add(array, o);
                }
                json_add_text(a, item, "node", f->on);
                json_add_word(item, "finds", f->finds);
                gpus = json_add_array(item, "gpus");
                for (size_t j = 0; j < f->gpus.n; j++)
                        json_object_array_add(gpus, json_object_new_string(text_escape(
                                                            a, f->gpus.items[j]->address)));
                json_object_array_add(on, item);
        }
}

const char *cluster_json(struct arena *a, const struct cluster_view *v) {
        struct json_object *o = json_object_new_object();

        json_add_number(o, "schema", JSON_SCHEMA);
        json_add_text(a, o, "node", v->node);
        add_nodes(a, json_add_array(o, "nodes"), v);
        add_finds(a, json_add_array(o, "containers"), v);
        return json_finish(a, o);
}
