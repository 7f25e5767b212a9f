/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * gpuanchor-hook - the hookscript: gpuanchor-hook VMID PHASE
 *
 * Called by Proxmox in every start of a container it is set for, and with the
 * phase unit-start by a drop-in of pve-container@.service for the starts that
 * bypass hookscripts. stdout is the task log. An exit status other than 0 keeps
 * the container from starting, so it is given for that purpose only.
 */
#include "anchor/apply.h"
#include "anchor/inside/learn.h"
#include "anchor/exclusive.h"
#include "anchor/inside/upkeep.h"
#include "hooks/next-hook.h"
#include "hooks/start-lock.h"

#include "host/inside/helper.h"
#include "host/live/ask.h"
#include "model/finding/reason.h"
#include "pve/record.h"
#include "pve/settings.h"
#include "pve/storage.h"
#include "render/journal.h"
#include "render/text.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>

#define EXIT_REFUSE 1
#define EXIT_USAGE 2
#define READ_TRIES 3
/* systemd gives a start of pve-container@ 90 s; lock and usermod have limits of their own */
#define UNIT_WAIT_MS (30 * 1000)

struct hook {
        struct arena arena;
        const char *root;
        struct anchor host;
        const char *vmid_text, *phase;
        uint32_t vmid;
        struct start_lock lock;
        unsigned wait_most; /* ms that a start waits for a GPU until the end of this phase */
        void (*sigpipe)(int), (*sigxfsz)(int); /* what our parent had, for next-hook */
        bool has_policy;      /* read already */
        struct policy policy;
};

static const struct policy *policy_of(struct hook *h) {
        struct settings own;

        if (!h->has_policy) {
                anchor_policy(&h->host, h->vmid, NULL, &own);
                h->policy = own.policy;
                h->has_policy = true;
        }
        return &h->policy;
}

/* What pre-start has said is not said again by the drop-in of the same start. */
static void say(struct hook *h, const struct finding *f) {
        const char *remedy = finding_remedy(&h->arena, f, h->vmid);

        if (start_lock_said(&h->lock, journal_message(&h->arena, f, h->vmid, false)))
                return;
        printf("gpuanchor: %s%s%s%s\n", severity_label(finding_severity(f)),
               finding_text(&h->arena, f, h->vmid), *remedy ? "; " : "", remedy);
        if (!*h->root)
                (void)journal_send("gpuanchor-hook", f, h->vmid);
}

/* The same rule for every device as at the start before: once is enough. */
static bool was_said(const struct hook *h, const struct finding *f) {
        return f->code == FINDING_OPEN_RULE && h->has_policy && h->policy.open_rule &&
               streq(h->policy.open_rule, f->what);
}

/* One line per thing that changed or is wrong; edits and pins only when they were written. */
static unsigned say_all(struct hook *h, const struct findings *list, bool written,
                        bool remembered) {
        unsigned said = 0;

        for (size_t i = 0; i < list->n; i++) {
                const struct finding *f = &list->items[i];

                if (finding_severity(f) > SEV_NOTICE ||
                    (finding_is_change(f->code) && !written) ||
                    (f->code == FINDING_GPU_PINNED && !remembered) || was_said(h, f))
                        continue;
                say(h, f);
                said++;
        }
        return said;
}

static void say_unchanged(struct hook *h, const struct check *c) {
        printf(WHY_NOTHING_TO_CHANGE,
               text_escape(&h->arena, gpu_list_text(&h->arena, &c->plan.choice.gpus)));
}

/* Milliseconds; only differences count. */
static unsigned clock_ms(void) {
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (unsigned)now.tv_sec * 1000 + (unsigned)(now.tv_nsec / 1000000);
}

/* How long this phase may wait for a GPU, less what this start has waited already. */
static unsigned wait_limit(const struct hook *h, const struct policy *p) {
        unsigned limit = p->missing == MISSING_WAIT ? p->wait_seconds * 1000 : 0;

        limit = limit < h->wait_most ? limit : h->wait_most;
        return limit > h->lock.waited_ms ? limit - h->lock.waited_ms : 0;
}

/* missing = wait:SECONDS - look again until the GPU can be opened or the time is up. */
static int check_and_wait(struct hook *h, struct check *c) {
        struct check_options o = { .called = streq(h->phase, "pre-start") };
        unsigned limit, waited = 0, begin = clock_ms();
        int r = anchor_check(&h->host, h->vmid, &o, c);
        const char *what;

        if (r != 0 || !(what = anchor_awaits(c)) || (limit = wait_limit(h, &c->policy)) == 0)
                return r;
        printf(WHY_WAITING, (limit + 999) / 1000, text_escape(&h->arena, what));
        fflush(stdout);
        while (r == 0 && anchor_awaits(c) && waited < limit) {
                nanosleep(&(struct timespec){ .tv_nsec = 250 * 1000 * 1000 }, NULL);
                arena_done(&h->arena);
                h->host = anchor_open(&h->arena, h->root);
                r = anchor_check(&h->host, h->vmid, &o, c);
                waited = clock_ms() - begin;
        }
        h->lock.waited_ms += waited;
        return r;
}

static int refuse(struct hook *h, const char *why) {
        say(h, &(struct finding){ .code = FINDING_START_REFUSED, .what = why });
        return EXIT_REFUSE;
}

/* Something could not be read: nothing is decided by a call that fails once. */
static bool is_blind(const struct check *c, int r) {
        return r < 0 || r == GUEST_E_NOT_MOUNTED ||
               (r == 0 && (c->unmapped || c->anchor->facts.unread || c->anchor->memory.unread ||
                           c->anchor->vms_unread || sources_failed(&c->anchor->facts.sources)));
}

static int check_patiently(struct hook *h, struct check *c) {
        int r = check_and_wait(h, c);

        /* that of a broken policy may be its file's: once is enough to tell */
        for (int i = 1; i < READ_TRIES && (is_blind(c, r) || (i == 1 && c->policy.broken)); i++) {
                nanosleep(&(struct timespec){ .tv_nsec = 10 * 1000 * 1000 }, NULL);
                h->host = anchor_open(&h->arena, h->root);
                r = check_and_wait(h, c);
        }
        return r;
}

/* Whose end tells that a start has failed before its unit began; none where nothing tells. */
static struct process task_of(const struct hook *h) {
        struct process p = { 0 };

        if (h->lock.state == START_LOCK_START)
                return h->lock.holder;
        if (streq(h->phase, "pre-start") && getppid() > 1)
                (void)process_find(getppid(), &p);
        return p;
}

static void reserve(struct hook *h, struct check *c, bool again) {
        struct process task = task_of(h);

        exclusive_take(c, &task, again);
}

/* Check and write, again if a file was changed in between. */
static int check_and_apply(struct hook *h, struct check *c) {
        int r = GUEST_E_CHANGED;

        for (int i = 0; i < ANCHOR_TRIES && r == GUEST_E_CHANGED; i++) {
                if (i > 0)
                        h->host = anchor_open(&h->arena, h->root);
                r = check_patiently(h, c);
                if (r == 0 && !c->refuse && c->policy.exclusive)
                        reserve(h, c, i > 0);
                if (r != 0 || c->refuse)
                        return r;
                c->config_only = h->lock.state == START_LOCK_OTHER;
                c->usermod_late = h->lock.usermod_late;
                r = anchor_apply(c);
                h->lock.usermod_late = c->usermod_late;
        }
        if (r == GUEST_E_CHANGED)
                anchor_give_up(c);
        else
                anchor_record(c);
        return r;
}

static int start_with(struct hook *h, struct check *c, bool quiet) {
        int r = check_and_apply(h, c);

        h->has_policy = r == 0;
        h->policy = c->policy;
        if (r != 0 && !c->refuse)
                anchor_tell_uncorrected(c);
        facts_name(&h->host.facts, &c->findings);
        if (say_all(h, &c->findings, r == 0 && !c->refuse, c->remembered) == 0 && !quiet &&
            !c->refuse)
                say_unchanged(h, c);
        if (c->refuse)
                return refuse(h, c->refuse);
        if (r == GUEST_E_NONE)
                return EXIT_USAGE;
        return r != 0 && c->policy.refuse_on_error ? refuse(h, WHY_REFUSE_ABOVE) : 0;
}

static int start(struct hook *h, struct check *c, bool quiet) {
        int r = start_with(h, c, quiet);

        if (r == EXIT_REFUSE && c->policy.exclusive)
                exclusive_release(c);
        return r;
}

/* After record and note: another start that reserves our GPU now sees that we start. */
static int heed(struct hook *h, struct check *c) {
        c->findings.n = 0;
        exclusive_heed(c);
        if (!c->refuse)
                return 0;
        record_clear(&h->host.pve, h->vmid);
        (void)say_all(h, &c->findings, true, true);
        return refuse(h, c->refuse);
}

static int pre_start(struct hook *h) {
        struct check c;
        int r;

        start_lock_pre(&h->host.pve, h->vmid, &h->lock);
        h->wait_most = UINT_MAX;
        r = start(h, &c, false);
        start_lock_note(&h->host.pve, h->vmid, &h->lock);
        return r == 0 ? heed(h, &c) : r;
}

/* A start by systemd alone, or the second look of one by Proxmox. */
static int unit_start(struct hook *h) {
        struct check c;
        int r;

        if (!guest_is_managed(&h->host.pve, h->vmid))
                return 0;
        start_lock_unit(&h->host.pve, h->vmid, &h->lock);
        guest_unblock(&h->host.pve, h->vmid);
        h->wait_most = UNIT_WAIT_MS;
        r = start(h, &c, true);
        if (r == 0)
                r = heed(h, &c);
        if (r == EXIT_REFUSE)
                (void)guest_block(&h->host.pve, h->vmid);
        else
                ask_look_at_start(h->root, h->vmid);
        return r;
}

static int post_start(struct hook *h) {
        struct findings learned = { .arena = &h->arena }, done = { .arena = &h->arena };
        bool reached;

        start_lock_forget(&h->host.pve, h->vmid);
        anchor_sweep(&h->host.pve, h->vmid);
        reached = anchor_learn(&h->host, h->vmid, &learned);

        say_all(h, &learned, true, true);
        fflush(stdout); /* what follows takes a moment */
        if (reached)
                anchor_upkeep(&h->host, h->vmid, &done);
        say_all(h, &done, true, true);
        ask_look(h->root); /* what came of the start is to be written down */
        return 0;
}

/* The container's volume cannot be unmounted while a helper has it open. */
static int stop(struct hook *h) {
        pid_t pid = inside_hanging(&h->arena, h->root, h->vmid);

        if (pid > 0)
                say(h, &(struct finding){ .code = FINDING_HELPER_HANGS,
                                          .what = arena_printf(&h->arena, "%d", (int)pid) });
        record_clear(&h->host.pve, h->vmid);
        return 0;
}

static int run_phase(struct hook *h) {
        if (streq(h->phase, "pre-start"))
                return pre_start(h);
        if (streq(h->phase, "unit-start"))
                return unit_start(h);
        if (streq(h->phase, "post-start"))
                return post_start(h);
        if (streq(h->phase, "pre-stop") || streq(h->phase, "post-stop"))
                return stop(h);
        return 0;
}

/* ---- the hookscript that runs after us ---- */

static int chain_failed(struct hook *h, const char *why) {
        const struct policy *p = policy_of(h);

        say(h, &(struct finding){ .code = FINDING_NEXT_HOOK_FAILED,
                                  .what = p->next_hook ? p->next_hook : "",
                                  .old = why,
                                  .where = settings_name(&h->arena, h->vmid) });
        return p->refuse_on_error && streq(h->phase, "pre-start") ? EXIT_REFUSE : 0;
}

/*
 * A container has one hookscript; the one that was there before us is run after
 * us, in our place: same arguments, its exit status is ours, no child is left.
 */
static int chain(struct hook *h) {
        const struct policy *p = policy_of(h);
        const char *path;

        if (!p->next_hook)
                return 0;
        path = storage_snippet_path(&h->host.pve, p->next_hook);
        if (!path)
                return chain_failed(h, WHY_HOOK_NO_SNIPPET);
        if (next_hook_is_us(path) || next_hook_above(&h->host.pve, h->vmid, h->phase))
                return chain_failed(h, WHY_HOOK_AGAIN);
        fflush(NULL);
        close_range(STDERR_FILENO + 1, ~0U, 0);
        signal(SIGPIPE, h->sigpipe);
        signal(SIGXFSZ, h->sigxfsz);
        next_hook_mark(&h->host.pve, h->vmid, h->phase);
        execl(path, path, h->vmid_text, h->phase, (char *)NULL);
        return chain_failed(h, strerror(errno));
}

int main(int argc, char **argv) {
        const char *root = getenv("GPUANCHOR_ROOT");
        struct hook h = { .root = root ? root : "", .lock = { .fd = -1 } };
        bool again;
        int r;

        if (argc != 3) {
                fprintf(stderr, "usage: gpuanchor-hook VMID PHASE, see gpuanchor-hook(8)\n");
                return EXIT_USAGE;
        }
        /* the edits count, not who reads about them: a closed task log must not end us half-way,
         * nor a limit of file sizes: write(2) then fails, which can be said */
        h.sigpipe = signal(SIGPIPE, SIG_IGN);
        h.sigxfsz = signal(SIGXFSZ, SIG_IGN);
        umask(0022);
        h.host = anchor_open(&h.arena, h.root);
        h.vmid_text = argv[1];
        h.phase = argv[2];
        if (!vmid_parse(h.vmid_text, &h.vmid)) {
                fprintf(stderr, "gpuanchor-hook: '%s' is no VMID (100 to 999999999)\n",
                        text_escape(&h.arena, h.vmid_text));
                arena_done(&h.arena);
                return EXIT_USAGE;
        }
        again = next_hook_marked(&h.host.pve, h.vmid, h.phase);
        r = again ? chain_failed(&h, WHY_HOOK_AGAIN) : run_phase(&h);
        if (r == 0 && !again && !streq(h.phase, "unit-start"))
                r = chain(&h);
        fflush(NULL);
        arena_done(&h.arena);
        return r;
}
