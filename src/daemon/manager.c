/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * manager - the look itself, and what is told of it
 *
 * Between two looks nothing is kept but the text of the state file: each look
 * parses it anew and throws everything away at its end. What could leak or go
 * stale does not exist, and a restart continues where the last look ended.
 *
 * News are told before the state is written. Who is killed in between tells
 * them twice; the other way round nobody would hear of them.
 */
#include "daemon/manager-internal.h"

#include "base/file.h"
#include "model/watch/state.h"

#include <errno.h>

#define GRACE (10 * PACE_SECOND)

static const char *state_folder(struct arena *a, const char *root, const char *folder) {
        return folder && *folder ? folder : arena_printf(a, "%s" WATCH_STATE_FOLDER, root);
}

int manager_new(const char *root, const char *folder, tell_fn tell, void *user,
                struct manager **ret) {
        _cleanup_arena_ struct arena a = { 0 };
        struct manager *m = calloc(1, sizeof(*m));
        struct bytes text = { 0 };
        int r;

        if (!m)
                return -ENOMEM;
        *m = (struct manager){ .root = root, .tell = tell, .user = user };
        m->folder = arena_strdup(&m->arena, state_folder(&a, root, folder));
        m->path = arena_printf(&m->arena, "%s/" WATCH_STATE_FILE, m->folder);
        r = watch_open(&m->watch);
        if (r < 0) {
                manager_free(m);
                return r;
        }
        r = file_read(&a, m->path, WATCH_STATE_MAX, &text);
        m->state = strndup(r == 0 && text.len ? text.data : "", text.len);
        m->damaged = r != -ENOENT;
        if (!m->state) {
                manager_free(m);
                return -ENOMEM;
        }
        *ret = m;
        return 0;
}

void manager_free(struct manager *m) {
        if (!m)
                return;
        manager_detach(m);
        watch_close(m->watch);
        arena_done(&m->arena);
        free(m->state);
        free(m->summary);
        free(m);
}

static void tell_one(struct manager *m, const struct finding *f, bool resolved, uint64_t now) {
        if (pace_allow(&m->limit, now, m->settings.messages))
                m->tell(m->user, f, resolved);
}

static void tell_news(struct manager *m, struct arena *a, const struct ledger_news *news,
                      uint64_t now) {
        uint32_t held;

        for (size_t i = 0; i < news->fresh.n; i++)
                tell_one(m, &news->fresh.items[i], false, now);
        for (size_t i = 0; i < news->resolved.n; i++)
                tell_one(m, &news->resolved.items[i], true, now);
        held = pace_summary(&m->limit, now);
        if (held > 0)
                m->tell(m->user,
                        &(struct finding){ .code = FINDING_TOO_MANY,
                                           .what = arena_printf(a, "%u", held) },
                        false);
}

static void keep_state(struct manager *m, struct arena *a, const struct watch_state *s) {
        struct bytes text = watch_state_write(a, s);
        char *copy;
        int r;

        if (bytes_equal(text, bytes_of(m->state)) && !m->unwritten)
                return;
        copy = strndup(text.data, text.len);
        if (copy) {
                free(m->state);
                m->state = copy;
        }
        r = mkdir_parents(m->folder, 0755);
        if (r == 0)
                r = file_replace(m->path, text, 0644, FILE_SYNC);
        if (r < 0 && !m->unwritten)
                m->tell(m->user,
                        &(struct finding){ .code = FINDING_WRITE_FAILED,
                                           .where = m->path,
                                           .what = strerror(-r),
                                           .new = "see df -h and dmesg; until then a restart tells "
                                                  "all that is open again" },
                        false);
        m->unwritten = r < 0;
}

/*
 * pmxcfs restarts within seconds when it is upgraded; that is no news at three in
 * the morning. Return: whether @st is to be looked at again before it is told.
 */
static bool within_grace(struct manager *m, struct host_status *st, const struct ledger *before,
                         uint64_t now) {
        size_t n = 0;

        if (st->node) {
                m->unmounted_since = 0;
                return false;
        }
        m->unmounted_since = m->unmounted_since ? m->unmounted_since : now;
        if (now - m->unmounted_since >= GRACE)
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

static void add_new_baseline(struct manager *m, struct arena *a, struct host_status *st) {
        const char *gpus =
                arena_printf(a, "%zu GPU%s", st->facts.n_gpus, st->facts.n_gpus == 1 ? "" : "s");

        finding_add(&st->findings,
                    (struct finding){
                            .code = FINDING_BASELINE_NEW,
                            .what = m->damaged ? arena_printf(a,
                                                              "%s; what was remembered before "
                                                              "cannot be read",
                                                              gpus)
                                               : gpus,
                            .where = m->path });
        m->damaged = false;
}

static void summarize(struct manager *m, const struct host_status *st, const struct ledger *open) {
        char *text = NULL;
        int r;

        if (open->n_open == 0)
                r = asprintf(&text, "%zu GPU%s, %zu managed container%s; nothing is open",
                             st->facts.n_gpus, st->facts.n_gpus == 1 ? "" : "s", st->n_containers,
                             st->n_containers == 1 ? "" : "s");
        else
                r = asprintf(&text,
                             "%zu GPU%s, %zu managed container%s%s; %zu open, see gpuanchor status",
                             st->facts.n_gpus, st->facts.n_gpus == 1 ? "" : "s", st->n_containers,
                             st->n_containers == 1 ? "" : "s",
                             st->node ? "" : " (/etc/pve is not mounted)", open->n_open);
        free(m->summary);
        m->summary = r < 0 ? NULL : text;
}

static int tell_unreadable(struct manager *m, int error) {
        if (!m->failing)
                m->tell(m->user,
                        &(struct finding){ .code = FINDING_READ_FAILED,
                                           .where = "/sys /proc /etc/group",
                                           .what = strerror(-error) },
                        false);
        m->failing = true;
        return error;
}

int manager_check(struct manager *m, uint64_t now) {
        _cleanup_arena_ struct arena a = { 0 };
        struct watch_state state = { 0 }, next;
        struct findings in_settings = { .arena = &a };
        struct ledger_news news;
        struct host_status st;
        bool known;
        int r;

        pace_looked(&m->pace);
        m->checks++;
        manager_watch_folders(m, &a);
        settings_load_daemon(&a, m->root, &m->settings, &in_settings);
        known = watch_state_read(&a, bytes_of(m->state), &state);
        r = anchor_status(&a, m->root, known ? &state.baseline : NULL, &st);
        if (r < 0)
                return tell_unreadable(m, r);
        m->failing = false;
        for (size_t i = 0; i < in_settings.n; i++)
                finding_add(&st.findings, in_settings.items[i]);
        if (!known)
                add_new_baseline(m, &a, &st);
        if (within_grace(m, &st, &state.ledger, now))
                pace_event(&m->pace, now, GRACE, GRACE);
        if (m->forget && !st.blind)
                baseline_forget(&st.next, st.named, st.n_named);
        next.baseline = st.next;
        ledger_compare(&a, &state.ledger, &st.findings, st.blind, &news, &next.ledger);
        tell_news(m, &a, &news, now);
        keep_state(m, &a, &next);
        summarize(m, &st, &next.ledger);
        return 0;
}

int manager_reload(struct manager *m, uint64_t now) {
        int r;

        m->forget = true;
        r = manager_check(m, now);
        m->forget = false;
        /* the look before still saw what is forgotten now */
        return r < 0 ? r : manager_check(m, now);
}

uint64_t manager_checks(const struct manager *m) {
        return m->checks;
}

const char *manager_summary(const struct manager *m) {
        return m->summary ? m->summary : "";
}
