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

const char *ask_gpu(struct cli *c, uint32_t vmid, const struct ambiguity *choices) {
        const struct gpu_list *list = &choices->gpus;
        struct usage usage;
        size_t number;

        anchor_usage(&c->host, &usage);
        printf(MSG_ASK_GPU, vmid, text_escape(&c->arena, choices->why));
        for (size_t i = 0; i < list->n; i++) {
                const struct gpu *g = list->items[i];

                printf("%3zu  %s\n", i + 1,
                       text_escape(&c->arena, gpu_label(&c->arena, g->name, g->address)));
                show(c, g, &usage);
        }
        if (choices->all)
                printf(MSG_ASK_ALL, list->n + 1);
        number = read_number(c, list->n + choices->all);
        if (number > list->n)
                return "all";
        return number > 0 ? gpu_selector(&c->arena, list->items[number - 1]) : NULL;
}
