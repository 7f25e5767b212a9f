/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * table - GPUs and their nodes in columns
 *
 * libsmartcols knows how wide a terminal is and whether it can draw a tree.
 * What a program reads gets the same facts as plain fields, because columns of
 * another width each time are no interface.
 */
#include "render/gpu-table.h"

#include "model/finding/reason.h"
#include "model/gpu/gpu-list.h"
#include "render/text.h"

#include <errno.h>
#include <libsmartcols.h>

enum { COLUMN_DEVICE, COLUMN_ID, COLUMN_OWNER, COLUMN_MODE, COLUMN_USERS, COLUMN_NAME, COLUMNS };

struct printer {
        struct arena *a;
        const struct inventory *inv;
        struct libscols_table *table;
        int error; /* of the first call that failed */
};

static const char *ids_of(struct arena *a, const struct gpu *g) {
        return pci_ids_known(&g->ids) ? pci_ids_model(a, &g->ids) : "-";
}

static bool has_owner(const struct node *n) {
        return n->state == NODE_CHAR || n->state == NODE_WRONG_NUMBER;
}

static struct libscols_line *add_line(struct printer *p, struct libscols_line *parent,
                                      const char *const cells[COLUMNS], const char *color) {
        struct libscols_line *line = scols_table_new_line(p->table, parent);

        if (!line) {
                p->error = -ENOMEM;
                return NULL;
        }
        for (size_t i = 0; i < COLUMNS && p->error == 0; i++)
                p->error = scols_line_set_data(line, i, text_escape(p->a, cells[i]));
        if (color && p->error == 0)
                p->error = scols_line_set_color(line, color);
        return line;
}

static void add_node(struct printer *p, struct libscols_line *parent, const struct node *n) {
        const char *codes = inventory_codes(p->a, p->inv, NULL, n);
        bool there = has_owner(n);

        add_line(p, parent,
                 (const char *const[COLUMNS]){ n->path, devnum_text(p->a, n->number),
                                               there ? inventory_owner(p->a, p->inv, n) : "",
                                               there ? arena_printf(p->a, "%04o", n->mode) : "", "",
                                               codes },
                 *codes ? "red" : NULL);
}

/* What tells it from an equal card that is here, too. */
static void add_identity(struct printer *p, struct libscols_line *parent, const struct gpu *g) {
        const struct facts *f = p->inv->facts;
        bool equal = false;

        for (size_t i = 0; i < f->n_gpus; i++)
                equal |= &f->gpus[i] != g && pci_ids_known(&g->ids) &&
                         pci_ids_equal(&f->gpus[i].ids, &g->ids);
        for (enum serial_kind kind = 0; parent && equal && kind < SERIAL_KINDS; kind++)
                if (g->serials[kind])
                        add_line(p, parent,
                                 (const char *const[COLUMNS]){ arena_printf(p->a, "%s=%s",
                                                                            serial_kind_name(kind),
                                                                            g->serials[kind]),
                                                               "", "", "", "", "" },
                                 NULL);
        if (parent && equal && g->port)
                add_line(p, parent, (const char *const[COLUMNS]){ g->port, "", "", "", "", "" },
                         NULL);
}

/* With those that are not kept from other GPUs: "ct/101,vm/200 (ct/101: gate open)". */
static const char *users_of(struct printer *p, const struct gpu *g) {
        const struct usage *u = p->inv->usage;
        struct strbuf b = { .arena = p->a };

        strbuf_adds(&b, inventory_users(p->a, p->inv, g));
        for (size_t i = 0; i < u->n; i++)
                if (u->users[i].gpu == g && u->users[i].gate && !streq(u->users[i].gate, "closed"))
                        strbuf_printf(&b, WHY_USER_GATE, u->users[i].vmid, u->users[i].gate);
        return strbuf_str(&b);
}

static void add_gpu(struct printer *p, const struct gpu *g) {
        const char *codes = inventory_codes(p->a, p->inv, g, NULL), *name = g->name;
        struct libscols_line *line;

        if (!name)
                name = g->class >> 16 == 0x03 || !g->pci ? "" : WHY_NO_DISPLAY;
        line = add_line(p, NULL,
                        (const char *const[COLUMNS]){
                                g->address, ids_of(p->a, g), g->driver ? g->driver : "-", "",
                                users_of(p, g),
                                *codes && *name ? arena_printf(p->a, "%s; %s", codes, name)
                                : *codes        ? codes
                                                : name },
                        *codes ? "yellow" : NULL);
        for (size_t i = 0; line && i < g->n_nodes; i++)
                add_node(p, line, &g->nodes[i]);
        add_identity(p, line, g);
}

static void add_columns(struct printer *p) {
        static const struct {
                const char *name;
                int flags;
        } columns[COLUMNS] = {
                [COLUMN_DEVICE] = { "DEVICE", SCOLS_FL_TREE },
                [COLUMN_ID] = { "ID", 0 },
                [COLUMN_OWNER] = { "DRIVER/OWNER", 0 },
                [COLUMN_MODE] = { "MODE", 0 },
                [COLUMN_USERS] = { "USED BY", 0 },
                [COLUMN_NAME] = { "NAME/PROBLEM", SCOLS_FL_TRUNC },
        };

        for (size_t i = 0; i < COLUMNS; i++)
                if (!scols_table_new_column(p->table, columns[i].name, 0, columns[i].flags))
                        p->error = -ENOMEM;
}

static void add_rows(struct printer *p) {
        const struct facts *f = p->inv->facts;
        struct libscols_line *shared = NULL;

        for (size_t i = 0; i < f->n_gpus && p->error == 0; i++)
                add_gpu(p, &f->gpus[i]);
        if (f->n_shared > 0 && p->error == 0)
                shared = add_line(p, NULL,
                                  (const char *const[COLUMNS]){ "shared", "", "", "", "", "" },
                                  NULL);
        for (size_t i = 0; shared && i < f->n_shared; i++)
                add_node(p, shared, &f->shared[i]);
}

int table_gpus(struct arena *a, const struct inventory *inv, bool color) {
        struct printer p = { .a = a, .inv = inv, .table = scols_new_table() };

        if (!p.table)
                return -ENOMEM;
        add_columns(&p);
        if (p.error == 0)
                p.error = scols_table_enable_colors(p.table, color);
        if (p.error == 0)
                add_rows(&p);
        fflush(stdout);
        if (p.error == 0)
                p.error = scols_print_table(p.table);
        scols_unref_table(p.table);
        return p.error;
}

/* @g: NULL for a node that all share; @n: NULL for a GPU without any */
static void print_plain(struct arena *a, const struct inventory *inv, const struct gpu *g,
                        const struct node *n) {
        bool there = n && has_owner(n);
        const char *const fields[] = {
                g ? gpu_selector(a, g) : NULL,
                g ? ids_of(a, g) : NULL,
                g ? g->driver : NULL,
                n ? n->path : NULL,
                n ? devnum_text(a, n->number) : NULL,
                there ? inventory_owner(a, inv, n) : NULL,
                there ? arena_printf(a, "%04o", n->mode) : NULL,
                inventory_codes(a, inv, g, n),
                g ? g->name : NULL,
                g ? inventory_users(a, inv, g) : NULL,
        };

        puts(text_fields(a, fields, ELEMENTS(fields)));
}

void table_gpus_plain(struct arena *a, const struct inventory *inv) {
        const struct facts *f = inv->facts;

        for (size_t i = 0; i < f->n_gpus; i++) {
                const struct gpu *g = &f->gpus[i];

                if (g->n_nodes == 0)
                        print_plain(a, inv, g, NULL);
                for (size_t j = 0; j < g->n_nodes; j++)
                        print_plain(a, inv, g, &g->nodes[j]);
        }
        for (size_t i = 0; i < f->n_shared; i++)
                print_plain(a, inv, NULL, &f->shared[i]);
}
