/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * observer - the look itself, and what is reported of it
 *
 * Between two looks nothing is kept but the text of the state file: each look
 * parses it anew and throws everything away at its end. What could leak or go
 * stale does not exist, and a restart continues where the last look ended.
 *
 * News are reported before the state is written. A daemon that is killed in between reports
 * them twice; the other way round they would be lost.
 */
#include "daemon/observer.h"

#include "base/file.h"
#include "model/finding/reason.h"
#include "model/watch/state.h"

#include <errno.h>

int observer_open(struct observer *o) {
        _cleanup_arena_ struct arena a = { 0 };
        struct bytes text = { 0 };
        int r;

        o->folder = o->folder && *o->folder
                            ? arena_strdup(&o->arena, o->folder)
                            : arena_printf(&o->arena, "%s" WATCH_STATE_FOLDER, o->root);
        o->path = arena_printf(&o->arena, "%s/" WATCH_STATE_FILE, o->folder);
        r = file_read(&a, o->path, WATCH_STATE_MAX, &text);
        file_sweep(o->path);
        o->state = strndup(r == 0 && text.len ? text.data : "", text.len);
        o->damaged = r != -ENOENT;
        return o->state ? 0 : -ENOMEM;
}

void observer_close(struct observer *o) {
        arena_done(&o->arena);
        free(o->state);
        free(o->summary);
}

static void tell_one(struct observer *o, const struct finding *f, bool resolved, uint64_t now) {
        if (pace_allow(&o->limit, now, o->settings.messages))
                o->teller.tell(o->teller.user, f, resolved);
}

/* A container that went to another node, or was destroyed: what was wrong with it is not resolved. */
static bool is_here(struct observer *o, struct arena *a, uint32_t vmid) {
        return vmid == 0 ||
               access(arena_printf(a, "%s/etc/pve/lxc/%u.conf", o->root, vmid), F_OK) == 0;
}

static void tell_news(struct observer *o, struct arena *a, const struct ledger_news *news,
                      uint64_t now) {
        uint32_t held;

        for (size_t i = 0; i < news->fresh.n; i++)
                tell_one(o, &news->fresh.items[i], false, now);
        for (size_t i = 0; i < news->resolved.n; i++)
                if (is_here(o, a, news->resolved.items[i].vmid))
                        tell_one(o, &news->resolved.items[i], true, now);
        held = pace_summary(&o->limit, now);
        if (held > 0)
                o->teller.tell(o->teller.user,
                               &(struct finding){ .code = FINDING_TOO_MANY,
                                                  .what = arena_printf(a, "%u", held) },
                               false);
}

static void keep_state(struct observer *o, struct arena *a, const struct watch_state *s) {
        struct bytes text = watch_state_write(a, s);
        char *copy;
        int r;

        if (bytes_equal(text, bytes_of(o->state)) && !o->unwritten)
                return;
        copy = strndup(text.data, text.len);
        if (copy) {
                free(o->state);
                o->state = copy;
        }
        r = mkdir_parents(o->folder, 0755);
        if (r == 0)
                r = file_replace(o->path, text, 0644, FILE_SYNC);
        if (r < 0 && !o->unwritten)
                o->teller.tell(
                        o->teller.user,
                        &(struct finding){ .code = FINDING_STATE_FAILED,
                                           .where = o->path,
                                           .what = strerror(-r) },
                        false);
        o->unwritten = r < 0;
}

/*
 * pmxcfs restarts within seconds when it is upgraded; that is no news at three in
 * the morning. Return: whether @st is to be looked at again before it is reported.
 */
static bool within_grace(struct observer *o, struct host_status *st, const struct ledger *before,
                         uint64_t now) {
        size_t n = 0;

        if (st->node) {
                o->unmounted_since = 0;
                return false;
        }
        o->unmounted_since = o->unmounted_since ? o->unmounted_since : now;
        if (now - o->unmounted_since >= OBSERVER_GRACE)
                return false;
        for (size_t i = 0; i < before->n_open; i++)
                if (before->open[i].code == FINDING_PVE_NOT_MOUNTED)
                        return false;
        for (size_t i = 0; i < st->findings.n; i++)
                if (st->findings.items[i].code != FINDING_PVE_NOT_MOUNTED)
                        st->findings.items[n++] = st->findings.items[i];
        st->findings.n = n;
        return true;
}

static void add_new_baseline(struct observer *o, struct arena *a, struct host_status *st) {
        const char *gpus =
                arena_printf(a, "%zu GPU%s", st->facts.n_gpus, st->facts.n_gpus == 1 ? "" : "s");

        finding_add(&st->findings,
                    (struct finding){
                            .code = FINDING_BASELINE_NEW,
                            .what = o->damaged ? arena_printf(a, WHY_BASELINE_DAMAGED, gpus) : gpus,
                            .where = o->path });
        o->damaged = false;
}

static void summarize(struct observer *o, const struct host_status *st, const struct ledger *open) {
        char *text = NULL;
        int r;

        if (open->n_open == 0)
                r = asprintf(&text, WHY_SUMMARY, st->facts.n_gpus, st->facts.n_gpus == 1 ? "" : "s",
                             st->n_containers, st->n_containers == 1 ? "" : "s");
        else
                r = asprintf(&text, WHY_SUMMARY_OPEN, st->facts.n_gpus,
                             st->facts.n_gpus == 1 ? "" : "s", st->n_containers,
                             st->n_containers == 1 ? "" : "s",
                             st->node ? "" : WHY_SUMMARY_UNMOUNTED, open->n_open);
        free(o->summary);
        o->summary = r < 0 ? NULL : text;
}

static int tell_unreadable(struct observer *o, int error) {
        if (!o->failing)
                o->teller.tell(o->teller.user,
                               &(struct finding){ .code = FINDING_READ_FAILED,
                                                  .where = "/sys /proc /etc/group",
                                                  .what = strerror(-error) },
                               false);
        o->failing = true;
        return error;
}

int observer_look(struct observer *o, uint64_t now, bool forget) {
        _cleanup_arena_ struct arena a = { 0 };
        struct watch_state state = { 0 }, next;
        struct findings in_settings = { .arena = &a };
        struct ledger_news news;
        struct anchor host = anchor_open(&a, o->root);
        struct host_status st;
        bool known, again;
        int r;

        settings_load_daemon(&host.pve, &o->settings, &in_settings);
        known = watch_state_read(&a, bytes_of(o->state), &state);
        r = anchor_status(&host, known ? &state.baseline : NULL, &st);
        if (r < 0)
                return tell_unreadable(o, r);
        o->failing = false;
        for (size_t i = 0; i < in_settings.n; i++)
                finding_add(&st.findings, in_settings.items[i]);
        if (!known)
                add_new_baseline(o, &a, &st);
        again = within_grace(o, &st, &state.ledger, now);
        if (forget && !st.blind)
                baseline_forget(&st.next, st.named, st.n_named);
        next.baseline = st.next;
        ledger_compare(&state.ledger, &st.findings, st.blind, &news);
        next.ledger = news.next;
        facts_name(&st.facts, &news.resolved);
        tell_news(o, &a, &news, now);
        keep_state(o, &a, &next);
        summarize(o, &st, &next.ledger);
        return again ? OBSERVER_AGAIN : 0;
}
