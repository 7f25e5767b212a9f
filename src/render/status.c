/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * status - a table for a person, fields for a script, metrics for Prometheus
 */
#include "render/status.h"

#include "model/finding/reason.h"
#include "model/gpu/gpu-list.h"
#include "render/text.h"

#include <errno.h>
#include <libsmartcols.h>

enum {
        COLUMN_VMID,
        COLUMN_CONTAINER,
        COLUMN_STATE,
        COLUMN_GPU,
        COLUMN_HOLDS,
        COLUMN_GATE,
        COLUMN_FINDINGS,
        COLUMNS
};

static bool uses(const struct usage *u, uint32_t vmid, const char *address) {
        for (size_t i = 0; i < u->n; i++)
                if (u->users[i].vmid == vmid && streq(u->users[i].gpu->address, address))
                        return true;
        return false;
}

bool status_shows(const struct status_view *v, const struct finding *f) {
        if (v->only == 0 || f->vmid == v->only)
                return true;
        return f->vmid == 0 && (!f->gpu || uses(v->usage, v->only, f->gpu));
}

bool status_is_open(const struct finding *f) {
        return !finding_is_event(f->code) && f->code != FINDING_SNAPSHOT_STALE &&
               finding_severity(f) <= SEV_NOTICE;
}

const char *status_codes(struct arena *a, const struct status_view *v, uint32_t vmid,
                         const char *gpu) {
        struct strbuf b = { .arena = a };
        const struct findings *list = &v->st->findings;

        for (size_t i = 0; i < list->n; i++) {
                const struct finding *f = &list->items[i];
                const char *code = finding_kinds[f->code].code;

                if (gpu ? f->vmid != 0 || !f->gpu || !streq(f->gpu, gpu) : f->vmid != vmid)
                        continue;
                /* each once: a container has one such word for all of its nodes */
                if (!b.len || !strstr(strbuf_str(&b), code))
                        strbuf_printf(&b, "%s%s", b.len > 0 ? "," : "", code);
        }
        return strbuf_str(&b);
}

static const char *gpus_of(struct arena *a, const struct container_status *c) {
        struct strbuf b = { .arena = a };

        for (size_t i = 0; i < c->n_gpus; i++)
                strbuf_printf(&b, "%s%s", i ? " " : "", c->gpus[i]);
        return b.len ? strbuf_str(&b) : "-";
}

/* The same for a person. */
static const char *gpus_by_name(struct arena *a, const struct status_view *v,
                                const struct container_status *c) {
        struct strbuf b = { .arena = a };

        for (size_t i = 0; i < c->n_gpus; i++) {
                const struct gpu *g = facts_find_gpu(&v->st->facts, c->gpus[i]);

                strbuf_printf(&b, "%s%s", i == 0 ? "" : g && g->name ? "; " : " ",
                              gpu_label(a, g ? g->name : NULL, c->gpus[i]));
        }
        if (b.len && c->exclusive)
                strbuf_adds(&b, " (exclusive)");
        return b.len ? strbuf_str(&b) : "-";
}

static const char *nodes_held(struct arena *a, const struct container_status *c) {
        struct strbuf b = { .arena = a };

        for (size_t i = 0; c->running && i < c->held.n_nodes; i++) {
                const char *path = c->held.nodes[i].path;

                strbuf_printf(&b, "%s%s", i ? " " : "", strrchr(path, '/') + 1);
        }
        return b.len ? strbuf_str(&b) : "-";
}

static const char *gate_of(const struct container_status *c) {
        return c->running && c->held.gate != GATE_UNKNOWN ? gate_name(c->held.gate) : "-";
}

size_t status_open(const struct status_view *v, uint32_t vmid) {
        size_t n = 0;

        for (size_t i = 0; i < v->st->findings.n; i++)
                n += v->st->findings.items[i].vmid == vmid &&
                     status_is_open(&v->st->findings.items[i]);
        return n;
}

static bool is_shown(const struct status_view *v, const struct container_status *c) {
        return v->only == 0 || v->only == c->vmid;
}

static int worst_of(const struct status_view *v, uint32_t vmid) {
        int worst = SEV_INFO + 1;

        for (size_t i = 0; i < v->st->findings.n; i++) {
                const struct finding *f = &v->st->findings.items[i];

                if (f->vmid == vmid && (int)finding_severity(f) < worst)
                        worst = (int)finding_severity(f);
        }
        return worst;
}

/* ---- table ---- */

static const char *state_of(const struct container_status *c) {
        return c->running ? "running" : c->refuse ? WHY_WILL_NOT_START : "stopped";
}

static int add_row(struct arena *a, const struct status_view *v, struct libscols_table *t,
                   const struct container_status *c) {
        struct libscols_line *line = scols_table_new_line(t, NULL);
        int worst = worst_of(v, c->vmid), r = 0;
        const char *const cells[COLUMNS] = {
                [COLUMN_VMID] = arena_printf(a, "%u", c->vmid),
                [COLUMN_CONTAINER] = c->name,
                [COLUMN_STATE] = state_of(c),
                [COLUMN_GPU] = gpus_by_name(a, v, c),
                [COLUMN_HOLDS] = nodes_held(a, c),
                [COLUMN_GATE] = gate_of(c),
                [COLUMN_FINDINGS] = arena_printf(a, "%zu", status_open(v, c->vmid)),
        };

        if (!line)
                return -ENOMEM;
        for (size_t i = 0; i < COLUMNS && r == 0; i++)
                r = scols_line_set_data(line, i, text_escape(a, cells[i]));
        if (r == 0 && worst <= SEV_WARNING)
                r = scols_line_set_color(line, worst <= SEV_ERROR ? "red" : "yellow");
        return r;
}

static int fill_table(struct arena *a, const struct status_view *v, struct libscols_table *t,
                      bool color) {
        static const char *const names[COLUMNS] = { "VMID",  "CONTAINER", "STATE",   "GPU",
                                                    "HOLDS", "GATE",      "FINDINGS" };
        int r = 0;

        for (size_t i = 0; i < COLUMNS; i++)
                if (!scols_table_new_column(t, names[i], 0,
                                            i == COLUMN_VMID || i == COLUMN_FINDINGS
                                                    ? SCOLS_FL_RIGHT
                                                    : 0))
                        return -ENOMEM;
        r = scols_table_enable_colors(t, color);
        for (size_t i = 0; r == 0 && i < v->st->n_containers; i++)
                if (is_shown(v, &v->st->containers[i]))
                        r = add_row(a, v, t, &v->st->containers[i]);
        return r;
}

int status_table(struct arena *a, const struct status_view *v, bool color) {
        struct libscols_table *t = scols_new_table();
        int r;

        if (!t)
                return -ENOMEM;
        r = fill_table(a, v, t, color);
        fflush(stdout);
        if (r == 0)
                r = scols_print_table(t);
        scols_unref_table(t);
        return r;
}

/* ---- fields ---- */

static const char *ids_of(struct arena *a, const struct known_gpu *g) {
        return pci_ids_known(&g->ids) ? pci_ids_model(a, &g->ids) : "";
}

static const char *nodes_of(struct arena *a, const struct known_gpu *g) {
        struct strbuf b = { .arena = a };

        for (size_t i = 0; i < g->n_nodes && !g->idle && !g->gone; i++)
                strbuf_printf(&b, "%s%s", b.len ? " " : "", g->nodes[i].path);
        return strbuf_str(&b);
}

static void plain_finding(struct arena *a, const struct finding *f) {
        const char *const fields[] = { "finding",
                                       severity_name(finding_severity(f)),
                                       finding_kinds[f->code].code,
                                       f->vmid ? arena_printf(a, "%u", f->vmid) : NULL,
                                       finding_text(a, f, f->vmid),
                                       finding_remedy(a, f, f->vmid),
                                       status_is_open(f) ? "open" : NULL };

        puts(text_fields(a, fields, ELEMENTS(fields)));
}

static void plain_node(struct arena *a, const struct container_status *c,
                       const struct held_node *n) {
        const char *const fields[] = { "held", arena_printf(a, "%u", c->vmid), n->path,
                                       devnum_text(a, n->number), n->gpu };

        puts(text_fields(a, fields, ELEMENTS(fields)));
}

void status_plain(struct arena *a, const struct status_view *v) {
        const struct host_status *st = v->st;
        const char *const node[] = { "node", st->node,
                                     v->watched ? "watched" : "unwatched" };

        puts(text_fields(a, node, ELEMENTS(node)));
        for (size_t i = 0; i < st->next.n_gpus; i++) {
                const struct known_gpu *g = &st->next.gpus[i];
                const char *const fields[] = { "gpu",          g->address,
                                               ids_of(a, g),   g->driver,
                                               nodes_of(a, g), status_codes(a, v, 0, g->address),
                                               g->name };

                puts(text_fields(a, fields, ELEMENTS(fields)));
        }
        for (size_t i = 0; i < st->n_containers; i++) {
                const struct container_status *c = &st->containers[i];
                const char *const fields[] = { "container",   arena_printf(a, "%u", c->vmid),
                                               c->name,       state_of(c),
                                               gpus_of(a, c), status_codes(a, v, c->vmid, NULL),
                                               gate_of(c) };

                if (!is_shown(v, c))
                        continue;
                puts(text_fields(a, fields, ELEMENTS(fields)));
                for (size_t j = 0; c->running && j < c->held.n_nodes; j++)
                        plain_node(a, c, &c->held.nodes[j]);
        }
        for (size_t i = 0; i < st->findings.n; i++)
                if (status_shows(v, &st->findings.items[i]))
                        plain_finding(a, &st->findings.items[i]);
}
