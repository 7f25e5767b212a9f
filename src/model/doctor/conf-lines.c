/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * conf-lines - the container file, line by line, and what hangs on it
 *
 * What the next start would do about a line is not repeated here when a check has named the
 * line already: one fault, one answer.
 */
#include "model/doctor/container.h"

#define MAX_COMPARED 1000 /* of the lines that give a node, for those given twice */

static void ok_if_silent(struct doctor_report *r, enum doctor_check check, const char *evidence) {
        if (!doctor_has(r, check))
                doctor_add(r, (struct doctor_item){
                                      .check = check, .verdict = DOCTOR_OK, .evidence = evidence });
}

static const char *line_text(struct arena *a, const struct doctor_guest *g, size_t line) {
        struct bytes text = g->conf->lines[line].text;

        return arena_strndup(a, text.data, text.len);
}

static bool has_choice(const struct doctor_guest *g) {
        return choice_is_settled(&g->plan->choice);
}

/* ---- policy and choice ---- */

static void check_policy(struct doctor_report *r, const struct doctor_guest *g) {
        for (size_t i = 0; i < g->findings->n; i++) {
                const struct finding *f = &g->findings->items[i];

                if (f->code == FINDING_POLICY_KEY || f->code == FINDING_POLICY_BROKEN)
                        doctor_add(r, (struct doctor_item){ .check = DOCTOR_POLICY,
                                                            .verdict = f->code == FINDING_POLICY_KEY
                                                                               ? DOCTOR_WARNING
                                                                               : DOCTOR_FAILED,
                                                            .finding = f });
        }
        if (!g->managed && !doctor_has(r, DOCTOR_POLICY))
                doctor_add(
                        r,
                        (struct doctor_item){
                                .check = DOCTOR_POLICY,
                                .verdict = DOCTOR_SKIPPED,
                                .evidence = "it is not managed: nobody corrects its lines when "
                                            "the host changes",
                                .advice = arena_printf(r->arena, "gpuanchor enable %u", g->vmid) });
        ok_if_silent(r, DOCTOR_POLICY, NULL);
}

static bool is_about_choice(enum finding_code code) {
        return code == FINDING_GPU_MISSING || code == FINDING_GPU_AMBIGUOUS ||
               code == FINDING_GPU_HELD || code == FINDING_GPU_NO_NODE ||
               code == FINDING_MAPPING_BROKEN;
}

/* A line that names a node which is not there: told by its own check, and why no choice was made.
 */
static bool names_nothing(struct arena *a, const struct doctor_guest *g) {
        struct doctor_given *given;
        size_t n = doctor_given(a, g, &given);

        for (size_t i = 0; i < n; i++)
                if (!given[i].node && given[i].d->path.scope != PATH_FOLDER)
                        return true;
        return false;
}

static void add_choice_problem(struct doctor_report *r, const struct doctor_guest *g,
                               const struct finding *f) {
        struct doctor_item item = { .check = DOCTOR_CHOICE,
                                    .verdict = has_choice(g) ? DOCTOR_WARNING : DOCTOR_FAILED,
                                    .finding = f };

        if (f->code == FINDING_GPU_AMBIGUOUS)
                doctor_mend_lines(r->arena, g, &item);
        item.advice = NULL; /* the finding's own */
        if (item.mend && names_nothing(r->arena, g)) {
                item.verdict = DOCTOR_SKIPPED;
                item.evidence = "its lines do not all name a GPU: see line";
                item.advice = "";
                item.mend = NULL;
        }
        doctor_add(r, item);
}

static void check_choice(struct doctor_report *r, const struct doctor_guest *g) {
        for (size_t i = 0; i < g->findings->n; i++)
                if (is_about_choice(g->findings->items[i].code))
                        add_choice_problem(r, g, &g->findings->items[i]);
        if (has_choice(g))
                ok_if_silent(r, DOCTOR_CHOICE, gpu_list_text(r->arena, &g->plan->choice.gpus));
        else if (!doctor_has(r, DOCTOR_CHOICE))
                doctor_add(r, (struct doctor_item){
                                      .check = DOCTOR_CHOICE,
                                      .verdict = g->left_alone ? DOCTOR_SKIPPED : DOCTOR_FAILED,
                                      .evidence = g->left_alone ? "see policy and idmap"
                                                                : g->plan->choice.missing });
}

/* ---- lines that give a node ---- */

static const char *what_happens(const struct devline *d) {
        if (d->type == DEVLINE_DEV)
                return "Proxmox refuses the start";
        return memmem(d->options.data, d->options.len, "optional", 8)
                       ? "the container gets an empty file or nothing"
                       : "the start fails";
}

static void check_given(struct doctor_report *r, const struct doctor_guest *g,
                        const struct doctor_given *given) {
        const struct devline *d = given->d;
        struct arena *a = r->arena;
        const char *path = arena_strndup(a, d->path.clean.data, d->path.clean.len);
        struct doctor_item item = { .check = DOCTOR_LINE,
                                    .subject = doctor_where(a, g, given->line) };

        if (d->path.scope == PATH_FOLDER)
                return;
        if (!given->node) {
                item.verdict = DOCTOR_FAILED;
                item.evidence =
                        arena_printf(a, "%s is no node of this host: %s", path, what_happens(d));
        } else if (given->node->state != NODE_CHAR) {
                item.verdict = DOCTOR_SKIPPED;
                item.evidence = arena_printf(a, "%s: see node", path);
        } else if (given->gpu && has_choice(g) &&
                   !gpu_list_has(&g->plan->choice.gpus, given->gpu)) {
                item.verdict = DOCTOR_FAILED;
                item.evidence = arena_printf(a, "%s belongs to another GPU, %s (%s)", path,
                                             given->gpu->address, gpu_describe(a, given->gpu));
        } else {
                item.evidence =
                        given->gpu ? arena_printf(a, "%s of %s", path, given->gpu->address) : path;
        }
        if (item.verdict == DOCTOR_FAILED)
                doctor_mend_lines(a, g, &item);
        doctor_add(r, item);
}

static bool is_given(const struct doctor_given *given, size_t n, const struct node *node) {
        for (size_t i = 0; i < n; i++) {
                const struct gpu_path *p = &given[i].d->path;

                if (given[i].node == node ||
                    (p->scope == PATH_FOLDER && str_has_prefix(node->path, p->clean.data)))
                        return true;
        }
        return false;
}

static void check_lines(struct doctor_report *r, const struct doctor_guest *g,
                        const struct doctor_given *given, size_t n) {
        if (n == 0)
                doctor_add_lines(r, g,
                                 (struct doctor_item){
                                         .check = DOCTOR_LINE,
                                         .verdict = DOCTOR_FAILED,
                                         .evidence = "no line of it gives the container a GPU's "
                                                     "node" });
        for (size_t i = 0; i < n; i++)
                check_given(r, g, &given[i]);
        for (size_t i = 0; n > 0 && i < g->plan->n_nodes; i++) {
                const struct plan_node *pn = &g->plan->nodes[i];

                if (pn->required && !is_given(given, n, pn->node))
                        doctor_add_lines(r, g,
                                         (struct doctor_item){
                                                 .check = DOCTOR_LINE,
                                                 .verdict = DOCTOR_FAILED,
                                                 .subject = pn->node->path,
                                                 .evidence = "no line gives it to the container" });
        }
}

static void check_syntax(struct doctor_report *r, const struct doctor_guest *g) {
        for (size_t i = 1; i < g->survey->n_lines; i++) {
                const struct devline *d = &g->survey->lines[i];

                if (d->type == DEVLINE_NONE || !d->broken)
                        continue;
                doctor_add_lines(r, g,
                                 (struct doctor_item){
                                         .check = DOCTOR_SYNTAX,
                                         .verdict = DOCTOR_FAILED,
                                         .subject = doctor_where(r->arena, g, i),
                                         .evidence = arena_printf(r->arena, "%s: %s", d->broken,
                                                                  line_text(r->arena, g, i)) });
        }
        ok_if_silent(r, DOCTOR_SYNTAX, NULL);
}

/* The name that a line's node has in the container. */
static struct bytes name_inside(const struct devline *d) {
        return d->type == DEVLINE_MOUNT ? d->target_path.clean : d->path.clean;
}

static void check_targets(struct doctor_report *r, const struct doctor_guest *g,
                          const struct doctor_given *given, size_t n) {
        for (size_t i = 0; i < n && i < MAX_COMPARED; i++)
                for (size_t j = 0; j < i; j++) {
                        bool dev =
                                given[i].d->type == DEVLINE_DEV || given[j].d->type == DEVLINE_DEV;
                        struct bytes name = name_inside(given[i].d);

                        if (!bytes_equal(name, name_inside(given[j].d)))
                                continue;
                        doctor_add_lines(
                                r, g,
                                (struct doctor_item){
                                        .check = DOCTOR_TARGET,
                                        .verdict = dev ? DOCTOR_FAILED : DOCTOR_WARNING,
                                        .subject = doctor_where(r->arena, g, given[i].line),
                                        .evidence = arena_printf(
                                                r->arena, "%.*s is given by line %zu, too%s",
                                                (int)name.len, name.data,
                                                g->conf->lines[given[j].line].number,
                                                dev ? ": the start fails with EEXIST" : "") });
                        break;
                }
        ok_if_silent(r, DOCTOR_TARGET, NULL);
}

static bool is_mount_point(const struct doctor_guest *g, size_t line) {
        struct bytes key = g->conf->lines[line].key;

        return g->survey->lines[line].type == DEVLINE_MENTION && key.len > 2 &&
               memcmp(key.data, "mp", 2) == 0;
}

static void check_folder(struct doctor_report *r, const struct doctor_guest *g, size_t line) {
        bool mp = is_mount_point(g, line);
        struct doctor_item item = {
                .check = DOCTOR_FOLDER,
                .subject = doctor_where(r->arena, g, line),
                .evidence = arena_printf(r->arena,
                                         "all that is in the host's folder or comes into it, and "
                                         "files made in it are made on the host: %s",
                                         line_text(r->arena, g, line)),
        };

        /* a folder that the plan leaves in place holds nothing but what is wanted */
        if (mp || !has_choice(g) || g->edits)
                item.verdict = DOCTOR_WARNING;
        if (mp)
                item.advice = "take it out and give single nodes: pct set --devN PATH,gid=GID";
        else if (item.verdict != DOCTOR_OK)
                doctor_mend_lines(r->arena, g, &item);
        doctor_add(r, item);
}

static void check_folders(struct doctor_report *r, const struct doctor_guest *g) {
        for (size_t i = 1; i < g->survey->n_lines; i++) {
                const struct devline *d = &g->survey->lines[i];

                if (is_mount_point(g, i) || ((d->type == DEVLINE_MOUNT || d->type == DEVLINE_DEV) &&
                                             d->path.scope == PATH_FOLDER))
                        check_folder(r, g, i);
        }
        ok_if_silent(r, DOCTOR_FOLDER, NULL);
}

static void check_names(struct doctor_report *r, const struct doctor_guest *g,
                        const struct doctor_given *given, size_t n) {
        struct arena *a = r->arena;

        for (size_t i = 0; i < n; i++) {
                struct bytes inside = name_inside(given[i].d);
                const char *real;

                if (given[i].d->path.scope == PATH_FOLDER || given[i].d->broken)
                        continue;
                real = given[i].node ? given[i].node->path
                       : given[i].d->path.scope == PATH_NODE
                               ? arena_strndup(a, given[i].d->path.clean.data,
                                               given[i].d->path.clean.len)
                               : NULL;
                if (!real || bytes_equal(inside, bytes_of(real)))
                        continue;
                doctor_add_lines(
                        r, g,
                        (struct doctor_item){
                                .check = DOCTOR_RENAMED,
                                .verdict = DOCTOR_WARNING,
                                .subject = doctor_where(a, g, given[i].line),
                                .evidence = arena_printf(
                                        a,
                                        "%s is %.*s in the container: libdrm and Mesa look "
                                        "for the kernel's name and fall back to the CPU",
                                        real, (int)inside.len, inside.data) });
        }
        ok_if_silent(r, DOCTOR_RENAMED, NULL);
}

static void check_method(struct doctor_report *r, const struct doctor_guest *g) {
        const struct forms *there = &g->survey->there;
        bool mixed = there->n_dev > 0 && there->n_mount > 0;
        const char *method = there->n_dev >= there->n_mount ? "dev" : "idmap";
        struct doctor_item item = { .check = DOCTOR_METHOD };

        if (mixed) {
                item.verdict = DOCTOR_WARNING;
                item.evidence = arena_printf(r->arena,
                                             "%zu devN and %zu lxc.mount.entry lines: each needs "
                                             "its own care of gids",
                                             there->n_dev, there->n_mount);
                if (has_choice(g) && !g->left_alone)
                        item.mend = arena_printf(r->arena,
                                                 "gpuanchor enable %u --method %s; gpuanchor apply "
                                                 "%u",
                                                 g->vmid, method, g->vmid);
        } else {
                item.evidence = there->n_dev ? "devN" : there->n_mount ? "lxc.mount.entry" : "none";
        }
        doctor_add(r, item);
}

void doctor_check_lines(struct doctor_report *r, const struct doctor_guest *g) {
        struct doctor_given *given;
        size_t n = doctor_given(r->arena, g, &given);

        check_policy(r, g);
        check_choice(r, g);
        check_lines(r, g, given, n);
        check_syntax(r, g);
        check_targets(r, g, given, n);
        check_folders(r, g);
        check_names(r, g, given, n);
        check_method(r, g);
}
