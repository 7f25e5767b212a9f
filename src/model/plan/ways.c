/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * ways - what the container gets beside the lines that are managed
 *
 * Nothing is edited here: what else of such a line the container needs is its owner's to say.
 */
#include "model/plan/ways.h"

#include "base/number.h"
#include "model/conf/legacy.h"
#include "model/finding/reason.h"

static bool is_unseen(const struct devline *d) {
        return d->type == DEVLINE_NONE && d->at && d->at->kind == SOURCE_UNKNOWN &&
               (d->target_path.scope == PATH_FOLDER || d->target_path.scope == PATH_ALL);
}

/* A rule for GPUs becomes one of cgroup v2 when the plan is carried out, and that is said then. */
static bool will_go(const struct plan_input *in, const struct devline *d, const struct plan *p) {
        return p && d->type == DEVLINE_ALLOW && (devline_kinds(in->facts, d) & p->devices);
}

static const char *legacy_remedy(struct arena *a, const struct plan_input *in,
                                 const struct conf_line *l) {
        struct legacy r = legacy_replacement(a, in->facts, l);

        return r.key ? arena_printf(a, WHY_V1_REPLACE, r.key, r.value) : r.why;
}

/* A device that a line's text names: "c 226 128", "/dev/dri/card0" */
struct literal {
        const char *text;
        const struct node *node; /* NULL: no GPU of this host has it */
        const struct gpu *gpu;
};

static bool is_word(char c) {
        return ascii_is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               strchr("/-_.:", c);
}

/* The next word of a text in which any shell may be: quotes and signs part words as blanks do. */
static struct bytes next_word(struct bytes *text) {
        size_t n = 0;

        while (text->len > 0 && (!is_word(text->data[0]) || text->data[0] == '\0'))
                *text = bytes_from(*text, 1);
        while (n < text->len && text->data[n] != '\0' && is_word(text->data[n]))
                n++;
        *text = bytes_from(*text, n);
        return (struct bytes){ text->data - n, n };
}

static bool read_path(struct arena *a, const struct facts *f, struct bytes word,
                      struct literal *ret) {
        struct devline d = { .type = DEVLINE_MOUNT };

        d.path = gpu_path_parse(a, word);
        if (d.path.scope != PATH_NODE)
                return false;
        ret->text = bytes_dup(a, word);
        ret->node = devline_node(f, &d, &ret->gpu);
        return true;
}

static bool read_number(struct arena *a, const struct facts *f, struct bytes rest,
                        struct literal *ret) {
        struct bytes major = next_word(&rest), minor = next_word(&rest);
        struct devnum number = { 0 };

        if (!parse_u32(major, &number.major) || !parse_u32(minor, &number.minor) ||
            !facts_family(f, number))
                return false;
        ret->text = arena_printf(a, "c %u %u", number.major, number.minor);
        ret->node = facts_node(f, number, &ret->gpu);
        return true;
}

static void report_literal(struct finding item, const struct literal *l, const struct plan *p,
                           struct findings *f) {
        item.what = l->text;
        item.code = FINDING_HOOK_NAMES;
        if (!l->node) {
                item.code = FINDING_HOOK_STALE;
                item.new = WHY_NO_GPU_HAS;
        } else if (p && l->gpu && choice_is_settled(&p->choice) &&
                   !gpu_list_has(&p->choice.gpus, l->gpu)) {
                item.code = FINDING_HOOK_STALE;
                item.new = arena_printf(f->arena, WHY_OTHER_GPU_HAS, l->gpu->address);
        }
        finding_add(f, item);
}

/*
 * What a hook's line says in plain text; no shell is understood. Where it has numbers, as mknod
 * does, names are those in the container and say nothing.
 */
static void report_hook(const struct plan_input *in, const struct plan *p, struct finding item,
                        struct findings *f) {
        struct arena *a = f->arena;
        struct literal one, path = { 0 };
        struct bytes rest = bytes_of(item.old), word;
        bool numbers = false;

        while ((word = next_word(&rest)).len > 0) {
                one = (struct literal){ 0 };
                if (BYTES_IN(word, "c") && read_number(a, in->facts, rest, &one)) {
                        numbers = true;
                        report_literal(item, &one, p, f);
                } else if (!path.text) {
                        read_path(a, in->facts, word, &path);
                }
        }
        if (!numbers && path.text)
                report_literal(item, &path, p, f);
}

const char *ways_report(struct arena *a, const struct plan_input *in, const struct plan *p,
                        struct findings *f) {
        const char *first = NULL;

        for (size_t i = 1; i < in->survey->n_lines; i++) {
                const struct conf_line *l = &in->conf->lines[i];
                const struct devline *d = &in->survey->lines[i];
                struct finding item = { .where = arena_printf(a, "%s:%zu", in->name, l->number),
                                        .old = bytes_dup(a, l->text) };

                if (d->type == DEVLINE_WHOLE) {
                        item.code = d->broken ? FINDING_MOUNT_POINT : FINDING_EVERY_GPU;
                        item.what = d->broken;
                        item.new = bytes_dup(a, l->key);
                        finding_add(f, item);
                        first = first ? first : item.where;
                } else if (legacy_is_key(l->key) && !will_go(in, d, p)) {
                        item.code = in->facts->lxc_is_7 ? FINDING_LEGACY_KEY_ENDS : FINDING_LEGACY_KEY;
                        item.new = legacy_remedy(a, in, l);
                        finding_add(f, item);
                } else if (bytes_has_prefix(l->key, "lxc.hook.")) {
                        report_hook(in, p, item, f);
                } else if (BYTES_IN(l->key, "lxc.include", "lxc.mount.fstab")) {
                        item.code = FINDING_OTHER_FILE;
                        finding_add(f, item);
                } else if (is_unseen(d)) {
                        item.code = FINDING_SOURCE_UNSEEN;
                        item.old = d->source;
                        item.what = d->at->why;
                        finding_add(f, item);
                }
        }
        return first;
}
