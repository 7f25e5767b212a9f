/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * refused - named numbers only
 *
 * A mistake here may shut a device that the container needs, so nothing is refused for being
 * unknown: each number is that of another GPU of this host, or was one of a GPU and is no one's.
 */
#include "model/live/refused.h"

#include "model/finding/reason.h"
#include "model/ways/way-file.h"

struct refusing {
        struct arena *a;
        const struct gate_input *in;
        struct devnum *numbers;
        size_t n;
};

static void refuse(struct refusing *r, struct devnum number) {
        *ARENA_PUSH(r->a, r->numbers, r->n) = number;
}

static int compare_numbers(const void *a, const void *b) {
        const struct devnum *x = a, *y = b;

        return x->major != y->major ? (x->major > y->major) - (x->major < y->major)
                                    : (x->minor > y->minor) - (x->minor < y->minor);
}

static size_t sort(struct devnum *numbers, size_t n) {
        size_t kept = 0;

        if (n > 0)
                qsort(numbers, n, sizeof(*numbers), compare_numbers);
        for (size_t i = 0; i < n; i++)
                if (kept == 0 || !devnum_equal(numbers[kept - 1], numbers[i]))
                        numbers[kept++] = numbers[i];
        return kept;
}

static bool was_given(const struct gate_input *in, const char *path) {
        for (size_t i = 0; i < in->n_given; i++)
                if (streq(in->given[i].path, path))
                        return true;
        return false;
}

/* A node that GPUs share is as much the container's as any GPU of that driver is; that of a MIG
 * instance as its card is. */
static bool may_share(const struct gate_input *in, const struct node *n) {
        const char *driver = node_family(n)->driver;

        if (n->card)
                return gpu_list_has(&in->gpus, node_card(in->facts, n));
        if (!driver || was_given(in, n->path))
                return true;
        for (size_t i = 0; i < in->gpus.n; i++)
                if (in->gpus.items[i]->driver && streq(in->gpus.items[i]->driver, driver))
                        return true;
        return false;
}

static void refuse_others(struct refusing *r) {
        const struct facts *f = r->in->facts;

        for (size_t i = 0; i < f->n_gpus; i++)
                for (size_t j = 0; j < f->gpus[i].n_nodes; j++)
                        if (!gpu_list_has(&r->in->gpus, &f->gpus[i]))
                                refuse(r, f->gpus[i].nodes[j].number);
        for (size_t i = 0; i < f->n_shared; i++)
                if (!may_share(r->in, &f->shared[i]))
                        refuse(r, f->shared[i].number);
}

/* A number of a GPU's family that no device has now. */
static void refuse_if_left(struct refusing *r, struct devnum number) {
        const struct gpu *gpu;

        if (!facts_node(r->in->facts, number, &gpu) && facts_family(r->in->facts, number))
                refuse(r, number);
}

size_t gate_refuses(struct arena *a, const struct gate_input *in, struct devnum **ret) {
        struct refusing r = { .a = a, .in = in };

        refuse_others(&r);
        for (size_t i = 0; i < in->n_given; i++)
                refuse_if_left(&r, in->given[i].number);
        for (size_t i = 0; in->held && i < in->held->n_nodes; i++)
                refuse_if_left(&r, in->held->nodes[i].number);
        /* a copy of a node that has left may be in another namespace of the container */
        for (size_t i = 0; in->held && i < in->held->n_refused; i++)
                refuse_if_left(&r, in->held->refused[i]);
        *ret = r.numbers;
        return sort(r.numbers, r.n);
}

/* ---- why it is left open ---- */

static bool is_others(const struct gate_input *in, struct devnum number) {
        const struct gpu *g;
        const struct node *n = facts_node(in->facts, number, &g);

        return n && (g ? !gpu_list_has(&in->gpus, g) : !may_share(in, n));
}

/*
 * A line alone has given it nothing: gpuanchor itself corrects them while it runs, and Proxmox
 * plugs no other than a devN of a new name. Its node tells, as long as it is whose it was.
 */
static bool came_since(struct arena *a, const struct gate_input *in, const struct devline *d) {
        const struct held *h = in->held;
        const char *path;

        if (d->type != DEVLINE_DEV || d->broken || !h)
                return false;
        path = bytes_dup(a, d->path.clean);
        for (size_t i = 0; i < h->n_nodes; i++)
                if (h->nodes[i].added && streq(h->nodes[i].path, path) &&
                    is_others(in, h->nodes[i].number) &&
                    streq(h->nodes[i].added, held_identity(in->facts, h->nodes[i].number)))
                        return true;
        return false;
}

static const char *line_doubt(struct arena *a, const struct gate_input *in, size_t i) {
        const struct conf_line *l = &in->lines->lines[i];
        const struct devline *d = &in->conf->lines[i];
        int len = (int)l->key.len;

        if (way_is(l))
                return arena_printf(a, WHY_GATE_OWN_WAY, len, l->key.data);
        if (d->type == DEVLINE_MENTION || d->type == DEVLINE_WHOLE)
                return arena_printf(a, WHY_GATE_MENTION, len, l->key.data);
        if (came_since(a, in, d))
                return arena_printf(a, WHY_GATE_ADDED, len, l->key.data);
        return NULL;
}

const char *gate_doubt(struct arena *a, const struct gate_input *in) {
        const char *why = NULL;

        for (size_t i = 1; !why && i < in->conf->n_lines; i++)
                why = line_doubt(a, in, i);
        for (size_t i = 1; !why && i < in->config->n_lines; i++) {
                const struct devline *d = &in->config->lines[i];

                if (d->type == DEVLINE_MOUNT && !d->broken && devline_is_wide(in->facts, d))
                        why = arena_printf(a, WHY_GATE_FOLDER, d->source);
        }
        return why;
}
