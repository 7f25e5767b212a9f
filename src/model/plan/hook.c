/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * hook - the words of NVIDIA_VISIBLE_DEVICES against the GPUs that were chosen
 *
 * An index is a place in the order of PCI addresses, which one card more or less changes; a UUID
 * is the card. So a word that has become wrong is replaced by the UUID of the chosen GPU that no
 * other word names. What is one too many was written by someone, and is kept and reported.
 */
#include "model/plan/hook.h"

#include "model/finding/reason.h"

struct words {
        struct bytes *items;
        const struct gpu **gpus; /* what each names; NULL: none of this host */
        size_t n, n_gpus;
};

static struct words read_words(struct planner *x, struct bytes rest) {
        struct words w = { 0 };

        while (rest.len > 0) {
                struct bytes word = bytes_trim(bytes_cut(&rest, ','));

                if (word.len == 0)
                        continue;
                *ARENA_PUSH(x->a, w.gpus, w.n_gpus) = nvidia_hook_gpu(x->a, x->in->facts, word);
                *ARENA_PUSH(x->a, w.items, w.n) = word;
        }
        return w;
}

static bool is_chosen(const struct planner *x, const struct gpu *g) {
        return g && gpu_list_has(&x->p->choice.gpus, g);
}

/* A chosen GPU with NVIDIA's node that no word names, nor a line; NULL when all are. */
static const struct gpu *unnamed(const struct planner *x, const struct words *w) {
        const struct gpu_list *chosen = &x->p->choice.gpus;

        for (size_t i = 0; i < chosen->n; i++) {
                const struct node *n = gpu_node(chosen->items[i], NODE_NVIDIA);
                bool named = !n || input_names(x->in, n);

                for (size_t j = 0; j < w->n; j++)
                        named |= w->gpus[j] == chosen->items[i];
                if (!named)
                        return chosen->items[i];
        }
        return NULL;
}

static struct finding about(const struct planner *x, enum finding_code code, size_t line) {
        const struct conf_line *l = &x->in->conf->lines[line];

        return (struct finding){ .code = code,
                                 .where = arena_printf(x->a, "%s:%zu", x->in->name, l->number),
                                 .old = bytes_dup(x->a, l->text) };
}

/* @g: the one that the word is to name; NULL: it is one too many */
static void report_other(struct planner *x, const char *what, const struct gpu *g) {
        struct finding item = about(x, FINDING_NVIDIA_HOOK_OTHER, x->in->survey->nvidia_hook.env);

        item.new = what;
        finding_add(x->f, item);
        if (g)
                planner_miss(x, arena_printf(x->a, WHY_HOOK_WORD, g->address));
}

/* One word that names none of the chosen GPUs; whether it was replaced. */
static bool replace(struct planner *x, struct words *w, size_t i) {
        const struct gpu *g = x->p->choice.missing ? NULL : unnamed(x, w);
        const char *uuid = g ? nvidia_hook_uuid(x->a, g) : NULL;

        if (!uuid) {
                report_other(x,
                             w->gpus[i] ? gpu_list_text(x->a, &(struct gpu_list){ &w->gpus[i], 1 })
                                        : WHY_NO_GPU_OF_HOST,
                             g);
                return false;
        }
        w->gpus[i] = g;
        w->items[i] = bytes_of(uuid);
        return true;
}

static void check_words(struct planner *x, struct bytes devices) {
        struct words w = read_words(x, devices);
        struct strbuf value = { .arena = x->a };
        bool changed = false;

        for (size_t i = 0; i < w.n; i++)
                if (!is_chosen(x, w.gpus[i]))
                        changed |= replace(x, &w, i);
        for (size_t i = 0; i < w.n; i++)
                strbuf_printf(&value, "%s%.*s", i > 0 ? "," : "NVIDIA_VISIBLE_DEVICES=",
                              (int)w.items[i].len, w.items[i].data);
        if (changed)
                x->p->hook_value = strbuf_str(&value);
}

void hook_plan(struct planner *x) {
        const struct nvidia_hook *h = &x->in->survey->nvidia_hook;
        const char *unknown;
        struct gpu_list gpus = nvidia_hook_gpus(x->a, x->in->facts, h, &unknown);
        struct finding gives = about(x, FINDING_NVIDIA_HOOK, h->env);

        if (h->runs && !x->p->userns)
                finding_add(x->f, about(x, FINDING_NVIDIA_HOOK_ENDS, h->line));
        if (!h->gives)
                return;
        gives.new = gpu_list_text(x->a, &gpus);
        finding_add(x->f, gives);
        if (!h->all)
                check_words(x, h->devices);
        for (size_t i = 0; h->all && i < gpus.n; i++)
                if (!is_chosen(x, gpus.items[i]))
                        report_other(x,
                                     gpu_list_text(x->a, &(struct gpu_list){ &gpus.items[i], 1 }),
                                     NULL);
}
