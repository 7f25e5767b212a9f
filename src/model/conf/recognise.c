/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * recognise - whether a line is about a GPU's node, and which
 *
 * What is at a path is known by its number. A name counts where nothing is: of the path itself,
 * of where its links lead, at last of the target, which is what programs in the container look
 * for. What cannot be looked up is taken by name, too. What is neither a GPU's device nor named
 * like one is not touched.
 */
#include "model/conf/recognise.h"

#include "model/conf/whole.h"
#include "model/gpu/majors.h"
#include "model/finding/reason.h"

void recognise_ask(struct arena *a, const struct pctconf *c, struct sources *s) {
        for (size_t i = 1; i < c->n_lines; i++) {
                struct devline d = devline_parse(a, &c->lines[i]);

                if (d.source)
                        sources_add(a, s, bytes_of(d.source));
                whole_ask(a, &c->lines[i], &d, s);
        }
}

static bool names_nodes(const struct gpu_path *p) {
        return p->scope == PATH_NODE || p->scope == PATH_ADDRESS || p->scope == PATH_FOLDER;
}

/* By its names; the first of them that a node has. */
static bool take_name(struct arena *a, struct devline *d) {
        struct gpu_path leads = { 0 }, absolute = { 0 };

        if (names_nodes(&d->path))
                return true;
        if (d->at)
                leads = gpu_path_parse(a, bytes_of(d->at->leads_to));
        if (d->source)
                absolute = gpu_path_parse(a, bytes_of(arena_printf(a, "/%s", d->source)));
        if (names_nodes(&leads))
                d->path = leads;
        else if (names_nodes(&absolute))
                d->path = absolute;
        else if (d->target_path.scope == PATH_NODE)
                d->path = d->target_path;
        else
                return false;
        return true;
}

/* Whether the kernel has a node of that name on this host, whatever is in /dev. */
static bool is_known_name(const struct facts *f, const struct gpu_path *p) {
        for (size_t i = 0; i < f->n_gpus; i++)
                for (size_t j = 0; j < f->gpus[i].n_nodes; j++)
                        if (bytes_equal(p->clean, bytes_of(f->gpus[i].nodes[j].path)))
                                return true;
        for (size_t i = 0; i < f->n_shared; i++)
                if (bytes_equal(p->clean, bytes_of(f->shared[i].path)))
                        return true;
        return false;
}

/* A line of the container's binds another device that has this number now. */
static bool is_bound(const struct facts *f, const struct devline *d) {
        for (size_t i = 0; i < f->n_bound; i++)
                if (f->bound[i].major == d->number.major &&
                    (d->any_minor || f->bound[i].minor == d->number.minor))
                        return true;
        return false;
}

void recognise_bound(struct arena *a, struct facts *f, const struct pctconf *c) {
        f->bound = NULL;
        f->n_bound = 0;
        for (size_t i = 1; i < c->n_lines && f->n_majors > 0; i++) {
                struct devline d = devline_parse(a, &c->lines[i]);
                const struct source *at =
                        d.source && (d.type == DEVLINE_MOUNT || d.type == DEVLINE_DEV)
                                ? sources_find(&f->sources, bytes_of(d.source))
                                : NULL;

                /* one with the name of a GPU's node is that, with an old number */
                if (at && at->kind == SOURCE_DEVICE && !at->number.block &&
                    d.path.scope != PATH_NODE && d.target_path.scope != PATH_NODE &&
                    !facts_family(f, at->number))
                        *ARENA_PUSH(a, f->bound, f->n_bound) = at->number;
        }
}

/* A dynamic major moves with its driver; a line is about the driver that it was written for. */
static void take_major(const struct facts *f, const char *driver, struct devline *d) {
        uint32_t written = d->number.major;
        bool sure = true;

        if (d->device_type != 'c' || d->any_major || f->n_majors == 0 || is_bound(f, d))
                return;
        d->written = written;
        d->driver = driver ? driver : majors_then(f, written, &sure);
        if (!d->driver)
                return;
        d->late = !facts_major_of(f, d->driver, &d->number.major);
        d->doubtful = !sure;
        if (!d->late && d->number.major == written)
                d->driver = NULL;
}

/* A node from before a dynamic major changed: its number is no driver's, or was that of its name's. */
static bool take_old(struct arena *a, const struct facts *f, struct devline *d) {
        struct devnum number = d->at->number;
        struct devline named = *d;
        const char *then;
        bool sure;

        if (number.block || !take_name(a, &named) || !named.path.family ||
            named.path.family->major != 0)
                return false;
        then = majors_then(f, number.major, &sure);
        if (then ? !streq(then, named.path.family->owner)
                 : facts_major_name(f, number.major) != NULL)
                return false;
        *d = named;
        return true;
}

/* By the number of the device that is there. */
static bool take_number(struct arena *a, const struct facts *f, struct devline *d) {
        struct devnum number = d->at->number;
        const struct family *family = facts_family(f, number);
        const struct gpu *gpu;

        (void)facts_node(f, number, &gpu);
        /* a node of that very name, right or not: what is wrong with it is the node's matter */
        if (d->path.scope == PATH_NODE && is_known_name(f, &d->path))
                return true;
        if (d->path.scope == PATH_ADDRESS && gpu &&
            bytes_equal(d->path.address, bytes_of(gpu->address)))
                return true;
        if (take_old(a, f, d))
                return true;
        if (!family)
                return false;
        d->path.scope = PATH_NUMBER;
        d->path.family = family;
        d->path.kind = family->kind;
        d->number = number;
        return true;
}

static bool take(struct arena *a, const struct facts *f, struct devline *d) {
        if (!f)
                return d->path.scope != PATH_OTHER;
        d->at = d->source ? sources_find(&f->sources, bytes_of(d->source)) : NULL;
        if (d->at && d->at->kind == SOURCE_DEVICE)
                return take_number(a, f, d);
        if (d->at && (d->at->kind == SOURCE_FOLDER || d->at->kind == SOURCE_FILE)) {
                struct gpu_path p = gpu_path_parse(a, bytes_of(d->at->leads_to));

                /* an empty file that LXC left where a node should be is that node, missing */
                if (p.scope != (d->at->kind == SOURCE_FOLDER ? PATH_FOLDER : PATH_NODE))
                        return false;
                d->path = p;
                return true;
        }
        return take_name(a, d);
}

/* A rule that names a node: its number, if the node is there. */
static void follow_rule(const struct facts *f, struct devline *d) {
        d->at = f ? sources_find(&f->sources, bytes_of(d->source)) : NULL;
        if (!d->at || d->at->kind == SOURCE_UNKNOWN || d->broken)
                return;
        if (d->at->kind != SOURCE_DEVICE)
                d->broken = WHY_RULE_NO_DEVICE;
        d->number = d->at->number;
        d->device_type = d->number.block ? 'b' : 'c';
}

struct devline recognise_line(struct arena *a, const struct facts *f, const struct conf_line *l) {
        struct devline d = devline_parse(a, l);

        if (whole_recognise(a, f, l, &d))
                return d;
        if (f && !d.by_path && (d.type == DEVLINE_ALLOW || d.type == DEVLINE_DENY))
                take_major(f, l->driver, &d);
        if ((d.type == DEVLINE_MOUNT || d.type == DEVLINE_DEV) && !take(a, f, &d))
                d = (struct devline){ .rest = "",
                                      .path = d.path,
                                      .source = d.source,
                                      .at = d.at,
                                      .target_path = d.target_path };
        if (d.by_path)
                follow_rule(f, &d);
        if (d.type == DEVLINE_DEV && d.path.scope == PATH_FOLDER)
                d.broken = WHY_LINE_FOLDER;
        if (d.type == DEVLINE_NONE && !d.at && family_is_mentioned(l->value) &&
            !bytes_equal(l->key, BYTES("description")))
                d.type = DEVLINE_MENTION;
        return d;
}

bool recognise_leads_to(const struct devline *d, const struct node *n) {
        if (d->at && d->at->kind != SOURCE_UNKNOWN)
                return d->at->kind == SOURCE_DEVICE && devnum_equal(d->at->number, n->number);
        return d->path.scope == PATH_NODE && bytes_equal(d->path.clean, bytes_of(n->path));
}

bool recognise_alias(const struct devline *d, const struct node *n) {
        return (d->path.scope == PATH_NUMBER || d->path.scope == PATH_ADDRESS) &&
               recognise_leads_to(d, n);
}

struct bytes recognise_inside(const struct devline *d) {
        return d->type == DEVLINE_MOUNT ? d->target_path.clean : d->path.clean;
}

bool recognise_own_name(const struct devline *d, const struct node *n) {
        return recognise_alias(d, n) &&
               (d->type == DEVLINE_MOUNT ? d->target_path.scope != PATH_NODE
                                         : d->path.scope == PATH_NUMBER);
}
