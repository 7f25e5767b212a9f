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
#include "host/udev.h"

#include <time.h>

#define STEP_MS 50
#define DEFERRED_MS (10 * 1000) /* between two tries of what has to wait */
#define STARTING_MS 100         /* between two looks at a container that starts */
#define MOST_MS (60 * 1000)     /* then the timer tries on */
#define UDEV_MS (3 * 1000)      /* what udev has to do for other devices is not waited for longer */
#define LINGER_MS (3 * 1000)    /* events come in bursts, and to start takes longer than to look */
#define BURST_MS (10 * 1000)    /* passes follow one another; then half of the time is free */

/** struct looking - a run of the verb: passes until nothing is asked for */
struct looking {
        struct cli *c;
        struct look last;     /* what came of the pass before */
        uint64_t end;         /* when the timer tries on instead */
        uint64_t linger;      /* until then it is ready for what is asked for next */
        uint64_t udev_until;  /* until then udev is waited for; 0: it is not */
        uint64_t paid;        /* until then the passes would have lasted with as much time between them */
        bool udev_busy;
        bool asked; /* a pass is due: it was asked for since the last one began */
};

static uint64_t now_ms(void) {
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void tell(struct cli *c, const struct findings *f) {
        for (size_t i = 0; i < f->n; i++) {
                uint32_t vmid = f->items[i].vmid;
                struct findings one = { &c->arena, &f->items[i], 1 };

                c->prefix = vmid ? arena_printf(&c->arena, "%u: ", vmid) : "";
                out_findings(c, &one, vmid, EDITS_TELL);
        }
        c->prefix = "";
        fflush(stdout);
}

/* Whether a burst of device events is under way: half a card is no reason to change files. */
static bool has_to_wait_for_udev(struct looking *l) {
        uint64_t now = now_ms();

        l->udev_busy = !*l->c->root && udev_is_busy(l->c->root);
        if (l->udev_busy && l->udev_until == 0)
                l->udev_until = now + UDEV_MS;
        else if (!l->udev_busy)
                l->udev_until = 0;
        l->udev_busy = l->udev_busy && now < l->udev_until;
        return l->udev_busy;
}

static int look_at_all(struct looking *l, bool asked) {
        struct cli *c = l->c;
        int r;

        l->last.starting_only = !asked && l->last.n_starting > 0 && l->last.n_soon == 0;
        cards_renew(&c->arena, c->root, false);
        r = anchor_look(&c->arena, c->root, &l->last);
        if (r != 0)
                return target_problem(c, 0, r);
        tell(c, &l->last.findings);
        l->asked = l->last.asked;
        return EXIT_DONE;
}

/* What comes first, whatever else is being done or waited for. */
static int look_at_gates(struct looking *l) {
        struct cli *c = l->c;
        struct findings gates;
        int r;

        if (ask_take(c->root))
                l->asked = true;
        arena_reset(&c->arena);
        r = anchor_look_at_gates(&c->arena, c->root, &gates);
        if (r != 0)
                return target_problem(c, 0, r);
        tell(c, &gates);
        return EXIT_DONE;
}

static int pass(struct looking *l) {
        bool asked;
        int r = look_at_gates(l);

        if (r != EXIT_DONE)
                return r;
        asked = l->asked || l->udev_busy;
        if (asked)
                l->linger = now_ms() + LINGER_MS;
        l->asked = false;
        return has_to_wait_for_udev(l) ? EXIT_DONE : look_at_all(l, asked);
}

static unsigned pause_of(const struct looking *l) {
        const struct look *last = &l->last;

        return l->udev_busy ? STEP_MS
               : last->n_starting + last->n_soon > 0 ? STARTING_MS
               : last->n_deferred > 0 ? DEFERRED_MS
                                      : 0;
}

static void nap(uint64_t ms) {
        nanosleep(&(struct timespec){ (time_t)(ms / 1000), (long)(ms % 1000) * 1000 * 1000 }, NULL);
}

/* While passes have to wait; what is wrong is reported by the next one. */
static void look_at_gates_meanwhile(struct looking *l) {
        uint64_t begin = now_ms();

        (void)look_at_gates(l);
        nap(now_ms() - begin);
}

/*
 * Until it is time for another pass. Return: false when there is nothing to wait for. Passes follow
 * one another for a burst of events; whoever asks without end gets no more than half of a processor
 * for them.
 */
static bool wait_for_next(struct looking *l) {
        uint64_t begin = now_ms(), pause = pause_of(l);

        for (;;) {
                uint64_t now;

                nap(STEP_MS);
                now = now_ms();
                if (now >= l->end)
                        return false;
                if (now + BURST_MS < l->paid) {
                        if (ask_is_wanted(l->c->root))
                                look_at_gates_meanwhile(l);
                        continue;
                }
                if (l->asked || ask_is_wanted(l->c->root) || (pause > 0 && now >= begin + pause))
                        return true;
                if (pause == 0 && now >= l->linger)
                        return false;
        }
}

static int paid_pass(struct looking *l) {
        uint64_t begin = now_ms();
        int r = pass(l);

        l->paid = (l->paid > begin ? l->paid : begin) + 2 * (now_ms() - begin);
        return r;
}

static int run(struct cli *c) {
        struct looking l = { .c = c, .end = now_ms() + MOST_MS };
        int r;

        if (!target_is_root(c, MSG_WRITES_MEMORY))
                return EXIT_TROUBLE;
        do
                r = paid_pass(&l);
        while (r == EXIT_DONE && !*c->root && wait_for_next(&l));
        if (l.asked || l.udev_busy)
                ask_look(c->root); /* what was taken is not done yet */
        return r == EXIT_DONE && l.last.n_deferred > 0 ? EXIT_ATTENTION : r;
}

const struct verb verb_look = {
        .name = "look",
        .args = "",
        .summary = "for gpuanchor-look.service: look at what runs",
        .example = "gpuanchor look",
        .about = "Keeps each managed container that runs from the GPUs that are not its own, and\n"
                 "brings its device nodes in line; renews what this host remembers of its cards,\n"
                 "and corrects container files whose next start would fail. Tries again for a\n"
                 "minute what has to wait for a lock.\n",
        .exits = { "done", "something has to wait; the timer tries again",
                   "the host cannot be read" },
        .run = run,
};
