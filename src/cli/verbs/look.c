/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * look - root's look at the host and its containers, for gpuanchor-look.service
 *
 * Goes on while something is asked for or has to wait, and ends: the path unit starts it again
 * when it is asked for, the timer every minute.
 */
#include "anchor/live/look.h"
#include "cli/hwdb.h"
#include "cli/output.h"
#include "cli/precondition.h"
#include "host/live/ask.h"

#include <time.h>

#define STEP_MS 50
#define DEFERRED_MS (10 * 1000) /* between two tries of what has to wait */
#define STARTING_MS 100         /* between two looks at a container that starts */
#define MOST_MS (60 * 1000)     /* then the timer tries on */

static int pass(struct cli *c, struct look *ret) {
        int r;

        ret->starting_only = !ask_take(c->root) && ret->n_starting > 0 && ret->n_soon == 0;
        arena_reset(&c->arena);
        cards_renew(&c->arena, c->root, false);
        r = anchor_look(&c->arena, c->root, ret);
        if (r != 0)
                return target_problem(c, 0, r);
        for (size_t i = 0; i < ret->findings.n; i++) {
                uint32_t vmid = ret->findings.items[i].vmid;
                struct findings one = { &c->arena, &ret->findings.items[i], 1 };

                c->prefix = vmid ? arena_printf(&c->arena, "%u: ", vmid) : "";
                out_findings(c, &one, vmid, EDITS_TELL);
        }
        c->prefix = "";
        fflush(stdout);
        return EXIT_DONE;
}

static uint64_t now_ms(void) {
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/*
 * Until it is time for another pass. Return: false when there is nothing to wait for. One step is
 * always waited: whoever asks without end gets no more than that many passes.
 */
static bool wait_for_next(const struct cli *c, const struct look *l, uint64_t end) {
        unsigned pause = l->n_starting + l->n_soon > 0 ? STARTING_MS : l->n_deferred > 0 ? DEFERRED_MS : 0;
        uint64_t begin = now_ms();

        do {
                nanosleep(&(struct timespec){ .tv_nsec = STEP_MS * 1000 * 1000 }, NULL);
                if (now_ms() >= end)
                        return false;
                if (ask_is_wanted(c->root))
                        return true;
        } while (now_ms() < begin + pause);
        return pause > 0;
}

static int run(struct cli *c) {
        uint64_t end = now_ms() + MOST_MS;
        struct look look = { 0 };
        int r;

        if (!target_is_root(c, MSG_WRITES_MEMORY))
                return EXIT_TROUBLE;
        do
                r = pass(c, &look);
        while (r == EXIT_DONE && !*c->root && wait_for_next(c, &look, end));
        return r == EXIT_DONE && look.n_deferred > 0 ? EXIT_ATTENTION : r;
}

const struct verb verb_look = {
        .name = "look",
        .args = "",
        .summary = "for gpuanchor-look.service: look at what runs",
        .example = "gpuanchor look",
        .about = "Renews what this host remembers of its cards, corrects container files whose\n"
                 "next start would fail, and writes down what each running container holds.\n"
                 "Tries again for a minute what has to wait for a lock.\n",
        .exits = { "done", "something has to wait; the timer tries again", "the host cannot be read" },
        .run = run,
};
