/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * ask-gpu - which GPU, when a person is there to say
 *
 * Shows what tells two GPUs apart for somebody who has to choose: the maker's
 * name, where it sits, whether a screen hangs on it, and who else has it.
 */
#include "cli/enrol/ask-gpu.h"

#include "anchor/usage.h"
#include "base/number.h"
#include "cli/output.h"
#include "host/probe/display.h"
#include "model/gpu/gpu-list.h"
#include "render/text.h"

bool ask_possible(const struct cli *c) {
        return c->terminal && isatty(STDIN_FILENO);
}

void ask_show_lines(struct cli *c, const struct check *k) {
        for (size_t i = 1; i < k->survey.n_lines; i++) {
                const struct conf_line *l = &k->guest.lines.lines[i];

                if (devline_kinds(&c->host.facts, &k->survey.lines[i]))
                        printf(MSG_ENABLE_LINE, k->guest.conf_name, l->number,
                               text_escape(&c->arena, bytes_dup(&c->arena, l->text)));
        }
}

static void show(struct cli *c, const struct gpu *g, const struct usage *usage) {
        struct display d = display_look(&c->arena, c->root, g);
        const char *users = usage_names(&c->arena, usage, g);

        printf(MSG_ASK_LINE, text_escape(&c->arena, gpu_describe(&c->arena, g)),
               d.attached ? MSG_DISPLAY : MSG_NO_DISPLAY, d.boot ? MSG_BOOT_DISPLAY : "",
               *users ? users : MSG_NOBODY, usage->partial ? MSG_PARTIAL : "");
}

static size_t read_number(struct cli *c, size_t n) {
        _cleanup_(cleanup_free) char *line = NULL;
        size_t size = 0;

        for (;;) {
                ssize_t len;
                struct bytes text;
                uint32_t number;

                printf(MSG_ASK_NUMBER);
                fflush(stdout);
                len = getline(&line, &size, stdin);
                if (len <= 0) {
                        putchar('\n');
                        return 0;
                }
                text = bytes_trim((struct bytes){ line, (size_t)len });
                if (text.len == 0)
                        return 0;
                if (parse_u32(text, &number) && number >= 1 && number <= n)
                        return number;
                printf(MSG_ASK_NO_NUMBER, text_escape(&c->arena, bytes_dup(&c->arena, text)), n);
        }
}

/* The container that is asked about is none of the others. */
static struct usage other_users(struct cli *c, uint32_t vmid) {
        struct usage u;
        size_t n = 0;

        anchor_usage(&c->host, &u);
        for (size_t i = 0; i < u.n; i++)
                if (u.users[i].kind != USER_CONTAINER || u.users[i].vmid != vmid)
                        u.users[n++] = u.users[i];
        u.n = n;
        return u;
}

/* The one that speaks for itself, NULL for none: what the lines name now, or what alone is free. */
static const struct gpu *suggest(struct cli *c, const struct choice *choice, const struct usage *u,
                                 const char **ret_why) {
        const struct gpu_list *list = &choice->ambiguity.gpus;
        const struct gpu *only = NULL;
        size_t n = 0;

        *ret_why = MSG_ASK_NAMED;
        if (choice->gpus.n == 1)
                return gpu_list_has(list, choice->gpus.items[0]) ? choice->gpus.items[0] : NULL;
        *ret_why = MSG_ASK_FREE;
        for (size_t i = 0; i < list->n; i++)
                if (!*usage_names(&c->arena, u, list->items[i])) {
                        only = list->items[i];
                        n++;
                }
        return n == 1 && list->n > 1 && !u->partial && choice->gpus.n == 0 ? only : NULL;
}

static void put_first(struct arena *a, struct gpu_list *l, const struct gpu *first) {
        const struct gpu **items = arena_alloc(a, l->n * sizeof(*items));
        size_t n = 0;

        items[n++] = first;
        for (size_t i = 0; i < l->n; i++)
                if (l->items[i] != first)
                        items[n++] = l->items[i];
        l->items = items;
}

const char *ask_gpu(struct cli *c, uint32_t vmid, const struct choice *choice) {
        const struct ambiguity *choices = &choice->ambiguity;
        struct gpu_list shown = choices->gpus, *list = &shown;
        struct usage usage = other_users(c, vmid);
        const char *why;
        const struct gpu *suggested = suggest(c, choice, &usage, &why);
        size_t number;

        if (suggested)
                put_first(&c->arena, list, suggested);
        printf(MSG_ASK_GPU, vmid, text_escape(&c->arena, choices->why));
        for (size_t i = 0; i < list->n; i++) {
                const struct gpu *g = list->items[i];

                printf("%3zu  %s\n", i + 1,
                       text_escape(&c->arena, gpu_label(&c->arena, g->name, g->address)));
                show(c, g, &usage);
                if (g == suggested)
                        printf(MSG_ASK_SUGGESTED, why);
        }
        if (choices->all)
                printf(MSG_ASK_ALL, list->n + 1);
        number = read_number(c, list->n + choices->all);
        if (number > list->n)
                return "all";
        return number > 0 ? gpu_selector(&c->arena, list->items[number - 1]) : NULL;
}
