/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * input - what the container's lines say of a node
 */
#include "model/plan/choose/input.h"

#include "model/ways/other-way.h"

enum method input_form(const struct plan_input *in) {
        if (in->policy->method != METHOD_AUTO)
                return in->policy->method;
        if (in->survey->there.n_dev + in->survey->there.n_mount > 0)
                return in->survey->there.n_dev > in->survey->there.n_mount ? METHOD_DEV
                                                                           : METHOD_IDMAP;
        if (in->survey->parked.n_dev + in->survey->parked.n_mount == 0 && in->survey->application)
                return METHOD_DEV;
        return in->survey->parked.n_dev > in->survey->parked.n_mount ? METHOD_DEV : METHOD_IDMAP;
}

static bool line_gives(const struct devline *d, enum devline_type type, const struct node *n) {
        return d->type == type &&
               (d->path.scope == PATH_NUMBER ? devnum_equal(d->number, n->number)
                : d->path.scope == PATH_NODE && bytes_equal(d->path.clean, bytes_of(n->path)));
}

/* A line that binds the folder of @n, such as /dev/nvidia-caps. */
static bool line_gives_folder(const struct devline *d, const struct node *n) {
        return d->type == DEVLINE_MOUNT && d->path.scope == PATH_FOLDER &&
               str_has_prefix(n->path, d->path.clean.data) && n->path[d->path.clean.len] == '/';
}

struct input_forms input_forms(const struct plan_input *in, const struct node *n, bool parked) {
        struct input_forms f = { 0 };

        for (size_t i = 1; i < in->survey->n_lines; i++) {
                if (in->conf->lines[i].parked != parked)
                        continue;
                f.dev |= line_gives(&in->survey->lines[i], DEVLINE_DEV, n);
                f.mount |= line_gives(&in->survey->lines[i], DEVLINE_MOUNT, n);
        }
        return f;
}

bool input_names(const struct plan_input *in, const struct node *n) {
        for (size_t i = 1; i < in->survey->n_lines; i++)
                if (line_gives(&in->survey->lines[i], DEVLINE_DEV, n) ||
                    line_gives(&in->survey->lines[i], DEVLINE_MOUNT, n) ||
                    line_gives_folder(&in->survey->lines[i], n))
                        return true;
        return false;
}

struct line_count input_count(const struct plan_input *in, enum node_kind kind) {
        struct line_count count = { 0 };

        for (size_t i = 1; i < in->survey->n_lines; i++) {
                const struct devline *d = &in->survey->lines[i];

                if ((d->type == DEVLINE_MOUNT || d->type == DEVLINE_DEV) &&
                    (devline_kinds(in->facts, d) & NODE_BIT(kind)))
                        ++*(in->conf->lines[i].parked ? &count.parked : &count.there);
        }
        return count;
}

bool input_is_hooked(const struct plan_input *in, const struct node *n) {
        const struct survey *s = in->survey;

        if (!(s->nvidia_hook.gives && n->kind == NODE_NVIDIA) &&
            !other_ways_make(&s->other_ways, n))
                return false;
        /* a folder that becomes lines gets none for what comes by itself */
        for (size_t i = 1; i < s->n_lines; i++)
                if (line_gives(&s->lines[i], DEVLINE_DEV, n) ||
                    line_gives(&s->lines[i], DEVLINE_MOUNT, n))
                        return false;
        return true;
}

bool input_is_elsewhere(const struct plan_input *in, const struct node *n) {
        return !in->policy->devices_set && (in->survey->ways_only & NODE_BIT(n->kind)) &&
               !other_ways_make(&in->survey->other_ways, n);
}
